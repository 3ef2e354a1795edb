"""One machine: a QEMU process without an operating system, and what its board remembers.

    FOLDER/machine.json    what it was made as
    FOLDER/board.json      boot device, virtual media, LED: what a BMC keeps without power
    FOLDER/log             what QEMU said
    FOLDER/q/              QEMU's working directory: qmp, serial, console.log, disk.qcow2, media.iso

Power is on exactly while the process lives. Everything here blocks; the BMC's threads call it under
the machine's lock.
"""

import contextlib
import json
import os
import shutil
import socket
import threading
import time
from pathlib import Path
from typing import Any

import msgspec

from cumulo.core.run.accelerator import remembered
from cumulo.core.run.commands import run_blocking
from cumulo.core.run.daemons import Daemon, process_start, start_daemon

QEMU = "qemu-system-x86_64"
NOBODY = 65534
TARGETS = ("None", "Pxe", "Cd", "Hdd", "BiosSetup")
QMP_SECONDS = 5.0
MOST_CONSOLE = 1024 * 1024


class Busy(Exception):
    """The machine cannot do that now; the text says why."""


class Made(msgspec.Struct, frozen=True):
    """What a machine is made as."""

    id: str
    name: str
    number: int
    mac: str
    cpus: int = 1
    memory_mb: int = 512
    disk_gb: int = 4

    @property
    def tap(self) -> str:
        return f"tf{self.mac.replace(':', '')[-6:]}"


class Board(msgspec.Struct):
    target: str = "None"
    enabled: str = "Disabled"
    """`Once`, `Continuous`, `Disabled`"""
    media: str = ""
    """The URL that the virtual CD came from."""
    led: str = "Off"
    bios: dict[str, str] = {}
    pending: dict[str, str] = {}
    """BIOS attributes from the next start on."""
    reboots: int = 0


class Machine:
    def __init__(self, folder: Path, made: Made, accelerator_cache: Path) -> None:
        self.folder = folder
        self.made = made
        self.run = folder / "q"
        self.lock = threading.RLock()
        self._accelerator_cache = accelerator_cache

    @classmethod
    def load(cls, folder: Path, accelerator_cache: Path) -> "Machine":
        made = msgspec.json.decode((folder / "machine.json").read_bytes(), type=Made)
        return cls(folder, made, accelerator_cache)

    def create(self) -> None:
        """Repeatable: a disk that is there stays."""
        self.run.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o711)
        disk = self.run / "disk.qcow2"
        if not disk.exists():
            new = disk.with_suffix(".new")
            size = f"{self.made.disk_gb}G"
            run_blocking(["qemu-img", "create", "-q", "-f", "qcow2", str(new), size])
            _own(new)
            new.replace(disk)
        _own(self.run)
        self.run.chmod(0o700)
        _write(self.folder / "machine.json", msgspec.json.encode(self.made))

    # --- board ---------------------------------------------------------------------------------

    def board(self) -> Board:
        try:
            return msgspec.json.decode((self.folder / "board.json").read_bytes(), type=Board)
        except (FileNotFoundError, msgspec.MsgspecError):
            return Board()

    def keep(self, board: Board) -> None:
        _write(self.folder / "board.json", msgspec.json.encode(board))

    # --- power ---------------------------------------------------------------------------------

    def process(self) -> Daemon | None:
        """The live QEMU process, whoever started it."""
        try:
            pid = int((self.run / "pid").read_text())
            words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            mine = f"guest=farm-{self.made.id}".encode() in words
            if not mine or not Path(f"/proc/{pid}/cwd").samefile(self.run):
                return None
        except (OSError, ValueError):
            return None
        started = process_start(pid)
        return None if started is None else Daemon(pid, started)

    def is_on(self) -> bool:
        return self.process() is not None

    def power_on(self, tap: int) -> None:
        """`tap`: a descriptor of its network card's other end."""
        if self.is_on():
            return
        board = self.board()
        if board.pending:
            board.bios, board.pending = {**board.bios, **board.pending}, {}
        for old in ("pid", "qmp"):
            (self.run / old).unlink(missing_ok=True)
        self._trim_console()
        found = remembered(QEMU, self._accelerator_cache)
        argv = self._command(board, found.arguments, tap)
        group = NOBODY if found.group is None else found.group
        daemon = start_daemon(
            argv, log=self.folder / "log", pass_fds=(tap,), user=NOBODY, group=group, cwd=self.run
        )
        end = time.monotonic() + 10
        while not self._answers():
            if not daemon.alive() or time.monotonic() > end:
                daemon.stop(grace=1)
                raise Busy(f"it does not start: {self._last_words()}")
            time.sleep(0.02)
        if board.enabled == "Once":
            board.target, board.enabled = "None", "Disabled"
            # The first start has read its order; what restarts itself starts as it always does.
            self._reorder(board)
        self.keep(board)

    def _answers(self) -> bool:
        with contextlib.suppress(Busy):
            return (self.run / "pid").exists() and bool(self.qmp("query-status"))
        return False

    def power_off(self) -> None:
        found = self.process()
        if found is not None:
            with contextlib.suppress(OSError, Busy):
                self.qmp("quit")
            if not found.wait(3.0):
                found.stop(grace=1.0)

    def press(self) -> None:
        """The power button: what runs is asked to end."""
        if self.is_on():
            self.qmp("system_powerdown")

    def nmi(self) -> None:
        if not self.is_on():
            raise Busy("it has no power")
        self.qmp("inject-nmi")

    def count_reboot(self) -> None:
        board = self.board()
        board.reboots += 1
        self.keep(board)

    # --- media ---------------------------------------------------------------------------------

    @property
    def media(self) -> Path:
        return self.run / "media.iso"

    def insert(self, url: str, new: Path) -> None:
        """`new`: the medium, beside its place."""
        _own(new)
        new.replace(self.media)
        board = self.board()
        board.media = url
        self.keep(board)
        if self.is_on():
            arguments = {"id": "cd0", "filename": "media.iso", "format": "raw", "force": True}
            self.qmp("blockdev-change-medium", arguments)

    def eject(self) -> None:
        board = self.board()
        board.media = ""
        self.keep(board)
        if self.is_on():
            self.qmp("eject", {"id": "cd0", "force": True})
        self.media.unlink(missing_ok=True)

    # --- QEMU ----------------------------------------------------------------------------------

    def _order(self, board: Board) -> dict[str, int]:
        """Boot indices: what is asked for comes first."""
        usual = ["disk0", "cd0", "nic0"]
        first = {"Cd": "cd0", "Pxe": "nic0", "Hdd": "disk0"}.get(board.target)
        if first is not None and board.enabled != "Disabled":
            usual = [first, *(each for each in usual if each != first)]
        return {name: place for place, name in enumerate(usual, 1)}

    def _reorder(self, board: Board) -> None:
        for name, place in self._order(board).items():
            # Every place is another device's until the last one is written.
            where = {"path": f"/machine/peripheral/{name}", "property": "bootindex"}
            self.qmp("qom-set", {**where, "value": -1})
            self.qmp("qom-set", {**where, "value": place + 10})

    def _command(self, board: Board, accelerator: list[str], tap: int) -> list[str]:
        order, made = self._order(board), self.made
        disk = {
            "driver": "qcow2", "node-name": "disk", "discard": "unmap", "detect-zeroes": "unmap",
            "file": {"driver": "file", "filename": "disk.qcow2", "discard": "unmap"},
        }  # fmt: skip
        devices: list[dict[str, Any]] = [
            {"driver": "virtio-rng-pci"},
            {"driver": "virtio-blk-pci", "id": "disk0", "drive": "disk", "serial": made.id[:20],
             "bootindex": order["disk0"]},
            {"driver": "virtio-net-pci", "id": "nic0", "netdev": "net0", "mac": made.mac,
             "bootindex": order["nic0"]},
            {"driver": "ide-cd", "id": "cd0", "bus": "ide.0", "bootindex": order["cd0"]},
            {"driver": "VGA"},
        ]  # fmt: skip
        if board.media and self.media.exists():
            devices[3]["drive"] = "media"
        serial = "socket,id=ser0,path=serial,server=on,wait=off,logfile=console.log,logappend=on"
        smbios = f"type=1,manufacturer=Cumulo,product=Farm machine,serial={made.id},uuid={made.id}"
        argv = [QEMU, "-name", f"guest=farm-{made.id}", "-nodefaults", "-no-user-config"]
        argv += ["-machine", "q35", *accelerator, "-m", f"{made.memory_mb}M"]
        argv += ["-smp", str(made.cpus), "-pidfile", "pid", "-uuid", made.id, "-smbios", smbios]
        argv += ["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny"]
        argv += ["-qmp", "unix:qmp,server=on,wait=off", "-chardev", serial]
        argv += ["-serial", "chardev:ser0", "-display", "none", "-blockdev", json.dumps(disk)]
        if "drive" in devices[3]:
            file = {"driver": "file", "filename": "media.iso", "read-only": True}
            medium = {"driver": "raw", "node-name": "media", "read-only": True, "file": file}
            argv += ["-blockdev", json.dumps(medium)]
        argv += ["-netdev", json.dumps({"type": "tap", "id": "net0", "fd": str(tap)})]
        return argv + [part for each in devices for part in ("-device", json.dumps(each))]

    def qmp(self, command: str, arguments: dict[str, Any] | None = None) -> Any:
        """One command in a session of its own. Raises Busy."""
        try:
            with self._connect() as connection:
                stream = connection.makefile("rwb")
                stream.readline(65536)
                for order in ({"execute": "qmp_capabilities"}, _order(command, arguments)):
                    stream.write(json.dumps(order).encode() + b"\n")
                    stream.flush()
                    answer = _answer(stream)
                return answer
        except (OSError, ValueError) as error:
            if command == "quit":
                return None
            raise Busy(f"QEMU does not answer: {error}") from None

    def _connect(self) -> socket.socket:
        descriptor = os.open(self.run, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(QMP_SECONDS)
            connection.connect(f"/proc/self/fd/{descriptor}/qmp")
        except BaseException:
            connection.close()
            raise
        finally:
            os.close(descriptor)
        return connection

    def _trim_console(self) -> None:
        console = self.run / "console.log"
        with contextlib.suppress(FileNotFoundError):
            if console.stat().st_size > MOST_CONSOLE:
                console.unlink()

    def _last_words(self) -> str:
        with contextlib.suppress(OSError):
            lines = (self.folder / "log").read_text(errors="replace").strip().splitlines()
            return lines[-1][:500] if lines else ""
        return ""

    def remove(self) -> None:
        self.power_off()
        shutil.rmtree(self.folder, ignore_errors=True)


def _order(command: str, arguments: dict[str, Any] | None) -> dict[str, Any]:
    return {"execute": command, **({"arguments": arguments} if arguments else {})}


def _answer(stream: Any) -> Any:
    """The next answer, events passed over. Raises Busy, ValueError."""
    for _ in range(1000):
        told = json.loads(stream.readline(1024 * 1024) or b"null")
        if told is None:
            raise ValueError("it went away")
        if "error" in told:
            raise Busy(str(told["error"].get("desc", "refused"))[:300])
        if "return" in told:
            return told["return"]
    raise ValueError("nothing but events")


def _own(path: Path) -> None:
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, and on the disk when it returns."""
    new = path.with_suffix(".new")
    with new.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
