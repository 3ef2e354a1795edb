"""A QMP session with one guest.

The session ends with us, never the guest with the session. What may have happened between two
sessions is asked for, not waited for: every wait here polls a state that stays true.
"""

import asyncio
import contextlib
import os
import socket
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from qemu.qmp import EventListener, ExecuteError, QMPClient, QMPError, Runstate

from cumulo.core.work import pools

CONNECT_SECONDS = 5.0
COMMAND_SECONDS = 20.0
_EVENTS = ("SHUTDOWN", "STOP", "RESUME", "GUEST_PANICKED", "BLOCK_IO_ERROR", "DEVICE_DELETED")
# What a broken, slow or vanished session may raise.
SESSION_ERRORS = (QMPError, OSError, TimeoutError, EOFError)


class MonitorError(Exception):
    """The guest's process did not understand, did not answer, or is gone."""


class Refused(MonitorError):
    """QEMU answered with an error; the message is QEMU's."""


def connect_socket(folder: Path, name: str, seconds: float = CONNECT_SECONDS) -> socket.socket:
    """A connection to one of a guest's Unix sockets, however long the folder's path is.

    The folder is the guest's: a link in it that leads to a socket of somebody else is not followed.
    Raises OSError.
    """
    with contextlib.ExitStack() as opened:
        place = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        opened.callback(os.close, place)
        found = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=place)
        opened.callback(os.close, found)
        facts = os.fstat(found)
        if not stat.S_ISSOCK(facts.st_mode) or facts.st_uid != os.fstat(place).st_uid:
            raise OSError(f"{name} is no socket of the guest")
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(seconds)
            connection.connect(f"/proc/self/fd/{found}")
            connection.setblocking(False)
        except BaseException:
            connection.close()
            raise
    return connection


class Monitor:
    """One guest's QMP session. `on_change` is called, without argument, when something happened."""

    def __init__(self, folder: Path, on_change: Callable[[], None]) -> None:
        self._folder = folder
        self._on_change = on_change
        self._client = QMPClient("guest")
        self._socket: socket.socket | None = None
        self._watch: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        return bool(self._client.runstate == Runstate.RUNNING)

    async def connect(self) -> None:
        """Raises MonitorError."""
        try:
            self._socket = await pools.TOOLS(connect_socket, self._folder, "qmp")
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._client.connect(self._socket)
        except SESSION_ERRORS as error:
            await self.close()
            raise MonitorError(f"no QMP session: {error or type(error).__name__}") from error
        self._watch = asyncio.create_task(self._watch_events())

    async def close(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
            self._watch = None
        with contextlib.suppress(*SESSION_ERRORS):
            async with asyncio.timeout(2):
                await self._client.disconnect()
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    async def execute(self, command: str, /, **arguments: Any) -> Any:
        """Run a QMP command; `_` in argument names stands for `-`. Raises MonitorError."""
        named = {key.replace("_", "-"): value for key, value in arguments.items()}
        return await self.execute_raw(command, named)

    async def execute_raw(self, command: str, arguments: dict[str, Any]) -> Any:
        try:
            async with asyncio.timeout(COMMAND_SECONDS):
                return await self._client.execute(command, arguments or None)
        except ExecuteError as error:
            raise Refused(f"{command}: {error}") from error
        except SESSION_ERRORS as error:
            raise MonitorError(f"{command}: {error or type(error).__name__}") from error

    async def send_descriptor(self, name: str, descriptor: int) -> None:
        """Give QEMU an open file under a name (getfd). Raises MonitorError."""
        if self._socket is None:
            raise MonitorError("no QMP session")
        try:
            # Our own socket object: the event loop's stand-in has no sendmsg under uvloop.
            socket.send_fds(self._socket, [b" "], [descriptor])
        except OSError as error:
            raise MonitorError(f"send a descriptor: {error}") from error
        await self.execute("getfd", fdname=name)

    async def status(self) -> str:
        """QEMU's run state: running, paused, prelaunch, shutdown, io-error, ..."""
        return str((await self.execute("query-status"))["status"])

    async def devices(self) -> set[str]:
        """The ids of all devices that were given one."""
        entries = await self.execute("qom-list", path="/machine/peripheral")
        return {entry["name"] for entry in entries if entry["type"].startswith("child<")}

    async def nodes(self) -> dict[str, int]:
        """Block nodes: name to size in bytes."""
        entries = await self.execute("query-named-block-nodes", flat=True)
        return {entry["node-name"]: entry["image"]["virtual-size"] for entry in entries}

    async def free_ports(self, prefix: str) -> list[str]:
        """Root ports with nothing behind them, in the order of their numbers."""
        free = []
        for bus in await self.execute("query-pci"):
            for device in bus["devices"]:
                name = device.get("qdev_id", "")
                behind = device.get("pci_bridge", {}).get("devices")
                number = name.removeprefix(prefix)
                if name.startswith(prefix) and number.isdigit() and not behind:
                    free.append(name)
        return sorted(free, key=lambda name: int(name.removeprefix(prefix)))

    async def places(self) -> dict[str, str]:
        """Devices that can be unplugged, and the root ports that they are behind."""
        found: dict[str, str] = {}
        for bus in await self.execute("query-pci"):
            for device in bus["devices"]:
                for behind in device.get("pci_bridge", {}).get("devices", ()):
                    if behind.get("qdev_id") and device.get("qdev_id"):
                        found[behind["qdev_id"]] = device["qdev_id"]
        return found

    async def wait_gone(self, device: str, seconds: float) -> bool:
        """True as soon as the device is gone, False after `seconds`."""
        end = time.monotonic() + seconds
        while device in await self.devices():
            if time.monotonic() > end:
                return False
            await asyncio.sleep(0.05)
        return True

    async def _watch_events(self) -> None:
        listener = EventListener(_EVENTS)
        with self._client.listen(listener):
            while self.connected:
                event = asyncio.ensure_future(listener.get())
                change = asyncio.ensure_future(self._client.runstate_changed())
                try:
                    await asyncio.wait({event, change}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    event.cancel()
                    change.cancel()
                self._on_change()
