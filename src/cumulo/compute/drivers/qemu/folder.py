"""A guest's folder on the host: its record, its process, its files.

    DATA/guests/ID/state.json   the record; root's alone
    DATA/guests/ID/log          what QEMU said
    DATA/guests/ID/q/           QEMU's working directory, owned by the guests' user:
                                qmp, serial, qga, vnc (sockets), pid, console.log, root.qcow2

The record is written before each effect, so a process that we started and could not note (we
were killed) is found by the pid file, and before that exists by its command line.
"""

import contextlib
import os
import shutil
from pathlib import Path

import msgspec

from cumulo.compute.drivers.driver import check_id
from cumulo.compute.drivers.qemu.command import marker
from cumulo.compute.drivers.record import Record
from cumulo.core.run.daemons import Daemon, process_start

_LOG_TAIL = 4000


class GuestFolder:
    def __init__(self, guests: Path, guest_id: str) -> None:
        self.id = check_id(guest_id)
        self.path = guests / guest_id
        self.run = self.path / "q"
        self.log = self.path / "log"
        self.console = self.run / "console.log"
        self._state = self.path / "state.json"

    def exists(self) -> bool:
        return self.path.is_dir()

    def create(self, uid: int, gid: int) -> None:
        """Repeatable."""
        self.run.mkdir(parents=True, exist_ok=True)
        # Traversable, not listable: QEMU's user passes through to its own part.
        self.path.chmod(0o711)
        os.chown(self.run, uid, gid)
        self.run.chmod(0o700)

    def load(self) -> Record:
        """The record; an empty one when there is none."""
        try:
            return msgspec.json.decode(self._state.read_bytes(), type=Record)
        except FileNotFoundError:
            return Record(id=self.id)

    def save(self, record: Record) -> None:
        """Atomic, and on the disk when it returns."""
        temporary = self.path / "state.new"
        with temporary.open("wb") as file:
            file.write(msgspec.json.encode(record))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._state)

    def remove(self) -> None:
        """Remove everything; the record goes last, so that a removal cut short is seen."""
        if not self.exists():
            return
        shutil.rmtree(self.run, ignore_errors=True)
        self.log.unlink(missing_ok=True)
        shutil.rmtree(self.path)

    def last_words(self) -> str:
        """The end of what QEMU wrote, on one line."""
        try:
            with self.log.open("rb") as log:
                log.seek(max(0, self.log.stat().st_size - _LOG_TAIL))
                lines = log.read().decode(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1].strip()[:500] if lines else ""

    def process(self, record: Record) -> Daemon | None:
        """The guest's live process, whether its pid was noted or not."""
        if record.pid:
            noted = Daemon(record.pid, record.started)
            return noted if noted.alive() else None
        if record.phase not in ("starting", "stopping", "removing"):
            return None
        return self._by_pid_file() or self._by_command_line()

    def _by_pid_file(self) -> Daemon | None:
        try:
            pid = int((self.run / "pid").read_text())
        except (OSError, ValueError):
            return None
        return self._daemon(pid)

    def _by_command_line(self) -> Daemon | None:
        for entry in os.scandir("/proc"):
            if entry.name.isdigit() and (found := self._daemon(int(entry.name))):
                return found
        return None

    def _daemon(self, pid: int) -> Daemon | None:
        """The process when it is this guest's: the right argument and the right folder."""
        try:
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            if marker(self.id).encode() not in arguments:
                return None
            if not Path(f"/proc/{pid}/cwd").samefile(self.run):
                return None
        except OSError:
            return None
        started = process_start(pid)
        return None if started is None else Daemon(pid, started)


def ending(pid: int) -> str:
    """How a process of ours ended, if it was our child: " with status 1", or ""."""
    with contextlib.suppress(ChildProcessError):
        done, status = os.waitpid(pid, os.WNOHANG)
        if done == pid:
            code = os.waitstatus_to_exitcode(status)
            return f" with signal {-code}" if code < 0 else f" with status {code}"
    return ""
