"""Machines with a BMC and an agent, without QEMU: the farm's own BMC in front of machines that are
threads, the ramdisk's own agent in them, on disks that are files.

What is real: Redfish, the medium that the control plane makes, the agent's protocol on both sides,
TLS, the bytes on the disk. `Lies` says where a machine does not behave.
"""

import json
import shutil
import socket
import ssl
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cumulo.baremetal.farm.machine import Board, Made
from cumulo.baremetal.farm.redfish import Bmc
from cumulo.baremetal.farm.serve import bmc_handler
from cumulo.baremetal.ramdisk.agent.calls import Api, CallFailed
from cumulo.baremetal.ramdisk.agent.commands import VERSION, Commands, Server, handler
from cumulo.baremetal.ramdisk.agent.work import Work

USER, PASSWORD = "admin", "bmc-secret"
DISK = 80 << 20


@dataclass
class Lies:
    """What a machine that is not what it says it is does."""

    callback_url: str = ""
    token: str = ""
    silent: bool = False
    """It boots, and nobody calls."""
    front: Callable[[Commands, str], Any] = handler
    """Another commands API."""


class Agent:
    """One boot into the ramdisk, until the machine loses its power."""

    def __init__(self, told: dict[str, Any], machine: "FakeMachine") -> None:
        self.told = told
        self._machine = machine
        self._off = threading.Event()
        self._news = threading.Event()
        self.refused: list[str] = []
        threading.Thread(target=self._run, daemon=True).start()

    def end(self) -> None:
        self._off.set()
        self._news.set()

    def _run(self) -> None:
        lies, api = self._machine.lies, Api(self.told["api"], None)
        if lies.silent:
            return
        node = self._found(api)
        if node is None:
            return
        commands = Commands(
            Work(node, None, lambda kind: None, self._machine.disks), self._news.set
        )
        front = lies.front(commands, self.told["token"])
        server = Server(("127.0.0.1", 0), front, self._tls())
        threading.Thread(target=server.serve_forever, daemon=True).start()
        body = {
            "callback_url": lies.callback_url or f"https://127.0.0.1:{server.server_port}",
            "agent_version": VERSION,
            "agent_token": lies.token or self.told["token"],
            "agent_verify_ca": self.told["certificate"],
        }
        try:
            self._beat(api, node["uuid"], body)
        finally:
            server.shutdown()
            server.server_close()

    def _found(self, api: Api) -> dict[str, Any] | None:
        while not self._off.is_set():
            try:
                found = api.lookup([self._machine.made.mac], self.told["node"])
                node: dict[str, Any] = found["node"]
                assert found["config"]["agent_token"] == "******"
                return node
            except CallFailed:
                time.sleep(0.1)
        return None

    def _beat(self, api: Api, node: str, body: dict[str, Any]) -> None:
        while not self._off.is_set():
            try:
                api.heartbeat(node, body)
            except CallFailed as error:
                self.refused.append(str(error))
            self._news.wait(0.5)
            self._news.clear()

    def _tls(self) -> ssl.SSLContext:
        folder = self._machine.run
        (folder / "crt").write_text(self.told["certificate"])
        (folder / "key").write_text(self.told["key"])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "crt", folder / "key")
        return context


class FakeMachine:
    """What `Bmc` asks of a `farm.machine.Machine`."""

    def __init__(self, folder: Path, number: int) -> None:
        self.made = Made(str(uuid.uuid4()), f"m{number}", number, f"52:54:99:00:00:{number:02x}")
        self.run = folder / self.made.id
        self.run.mkdir(parents=True)
        self.disk = self.run / "disk"
        with self.disk.open("wb") as file:
            file.truncate(DISK)
        self.lock = threading.RLock()
        self.lies = Lies()
        self.agent: Agent | None = None
        self.boots = 0
        self.media = self.run / "media.iso"
        self._board = Board()
        self._on = False

    def disks(self) -> list[dict[str, Any]]:
        return [{"name": str(self.disk), "size": 8 << 30, "serial": self.made.id}]

    def board(self) -> Board:
        return self._board

    def keep(self, board: Board) -> None:
        self._board = board

    def is_on(self) -> bool:
        return self._on

    def power_on(self, tap: int) -> None:
        if self._on:
            return
        self._on = True
        self.boots += 1
        board = self._board
        first = board.target if board.enabled != "Disabled" else "Hdd"
        if board.enabled == "Once":
            board.target, board.enabled = "None", "Disabled"
        if first == "Cd" and self.media.exists():
            raw = self.media.read_bytes()
            at = raw.index(b'{"api":')
            told, _ = json.JSONDecoder().raw_decode(raw[at : at + 65536].decode("latin-1"))
            self.agent = Agent(told, self)

    def power_off(self) -> None:
        self._on = False
        if self.agent is not None:
            self.agent.end()
            self.agent = None

    def press(self) -> None:
        self.power_off()

    def nmi(self) -> None:
        """It is numb."""

    def count_reboot(self) -> None:
        self._board.reboots += 1

    def insert(self, url: str, new: Path) -> None:
        new.replace(self.media)
        self._board.media = url

    def eject(self) -> None:
        self._board.media = ""
        self.media.unlink(missing_ok=True)


class Metal:
    """`with Metal(folder, 3) as metal`: machines behind one BMC on loopback."""

    def __init__(self, folder: Path, count: int = 1) -> None:
        self.folder = folder
        self.machines = [FakeMachine(folder, number) for number in range(count)]
        by_id: Any = {machine.made.id: machine for machine in self.machines}
        self.bmc = Bmc(lambda: by_id, USER, PASSWORD, lambda machine: _nothing())
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), bmc_handler(self.bmc))
        self.server.daemon_threads = True
        # The medium has nothing to boot here: it shall be small.
        for name in ("vmlinuz", "ramdisk.img"):
            (folder / name).write_bytes(b"nothing")

    @property
    def settings(self) -> dict[str, Any]:
        """The table `[baremetal]`."""
        return {
            "bmc_networks": ["127.0.0.0/8"],
            "agent_networks": ["127.0.0.0/8"],
            "deploy_kernel": str(self.folder / "vmlinuz"),
            "deploy_ramdisk": str(self.folder / "ramdisk.img"),
        }

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def node(self, machine: FakeMachine) -> dict[str, Any]:
        """What enrols it."""
        return {
            "driver": "redfish",
            "name": machine.made.name,
            "driver_info": {
                "redfish_address": self.address,
                "redfish_system_id": f"/redfish/v1/Systems/{machine.made.id}",
                "redfish_username": USER,
                "redfish_password": PASSWORD,
            },
        }

    def __enter__(self) -> "Metal":
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for machine in self.machines:
            machine.power_off()
        self.server.shutdown()
        self.server.server_close()
        shutil.rmtree(self.folder, ignore_errors=True)


def _nothing() -> int:
    """A descriptor to close."""
    ours, theirs = socket.socketpair()
    theirs.close()
    return ours.detach()


def small_image() -> bytes:
    """A disk of 2 MiB with one partition: something to find again."""
    raw = bytearray(2 << 20)
    raw[446:462] = b"\0\0\2\0\x83\0\0\0" + (64).to_bytes(4, "little") + (1024).to_bytes(4, "little")
    raw[510:512] = b"\x55\xaa"
    raw[64 * 512 : 64 * 512 + 11] = b"hello, iron"
    return bytes(raw)
