"""Hosts for the contract tests: one simulated, one with real QEMU processes.

The real one's guest is a 97-byte boot sector instead of an operating system. It says "tiny guest
up" on its serial line, echoes what it is sent, and switches itself off when it is sent a "q" or
its power button is pressed; so a test costs milliseconds of guest time.
"""

import asyncio
import os
import shutil
import signal
import tempfile
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from cumulo.compute.drivers.driver import (
    ComputeDriver,
    DiskSpec,
    GuestSpec,
    GuestState,
    NicSpec,
    RootDisk,
)
from cumulo.compute.drivers.fake import FakeDriver
from cumulo.compute.drivers.qemu.command import marker
from cumulo.compute.drivers.qemu.driver import QemuDriver
from cumulo.core.run.commands import run_blocking
from cumulo.core.run.namespaces import create_namespace, delete_namespace

TINY_GUEST = (
    bytes.fromhex(
        "fa31c08ed88ed0bc007cfcba0206b80001efbe527cac84c07405e82600ebf6bafd03eca801740bbaf803ec3c"
        "71740ce81100ba0006edf6c40174e4ba0406b80020eff450bafd03eca82074f858baf803eec374696e792067"
        "756573742075700d0a"
    ).ljust(510, b"\0")
    + b"\x55\xaa"
)
UP = "tiny guest up"


class Host:
    """What the tests need of a host, whatever runs its guests."""

    driver: ComputeDriver

    def __init__(self) -> None:
        self.data = Path(tempfile.mkdtemp(prefix="cumulo-host."))
        self.data.chmod(0o711)
        self.id = str(uuid.uuid4())
        self.changes: list[str] = []

    def spec(self, generation: int, **changes: Any) -> GuestSpec:
        values: dict[str, Any] = {
            "id": self.id,
            "generation": generation,
            "name": "web-1",
            "vcpus": 1,
            "memory_mb": 64,
            "power": "on",
            "root": RootDisk(str(self.image), "raw", 1),
        }
        return GuestSpec(**(values | changes))

    @property
    def image(self) -> Path:
        return self.data / "tiny.img"

    def disk(self, name: str, device: str = "vdb") -> DiskSpec:
        """A new volume of 1 GiB."""
        path = self.data / f"{name}.raw"
        with path.open("wb") as file:
            file.truncate(1024**3)
        connection = {"driver": "file", "path": str(path), "format": "raw"}
        return DiskSpec(name, device, connection, serial=name[:20])

    def nic(self, name: str) -> NicSpec:
        return NicSpec(name, "52:54:00:12:34:56", f"t-{name}"[:15])

    async def restart(self) -> None:
        """The control plane ends and begins again."""
        await self.driver.close()
        self.driver = self.new_driver()

    async def eventually(self, power: str) -> GuestState:
        """The guest's state as soon as its power is this."""
        return await until(lambda: self.driver.inspect(self.id), lambda state: state.power == power)

    def new_driver(self) -> ComputeDriver:
        raise NotImplementedError

    def make_tap(self, nic: NicSpec) -> None:
        raise NotImplementedError

    async def kill(self) -> None:
        raise NotImplementedError

    async def shut_down(self) -> None:
        """The guest switches itself off."""
        raise NotImplementedError

    def clean_up(self) -> None:
        shutil.rmtree(self.data, ignore_errors=True)


class FakeHost(Host):
    def __init__(self) -> None:
        super().__init__()
        self.missing: set[str] = set()
        self.driver = self.new_driver()

    def new_driver(self) -> FakeDriver:
        return FakeDriver(self.data, missing_taps=self.missing, on_change=self.changes.append)

    @property
    def fake(self) -> FakeDriver:
        assert isinstance(self.driver, FakeDriver)
        return self.driver

    def nic(self, name: str) -> NicSpec:
        nic = super().nic(name)
        self.missing.add(nic.tap)
        self.fake.missing_taps.add(nic.tap)
        return nic

    def make_tap(self, nic: NicSpec) -> None:
        self.missing.discard(nic.tap)
        self.fake.missing_taps.discard(nic.tap)

    async def kill(self) -> None:
        self.fake.kill(self.id)

    async def shut_down(self) -> None:
        self.fake.shut_down(self.id)


class QemuHost(Host):
    def __init__(self) -> None:
        if os.geteuid() != 0:
            pytest.skip("namespaces, taps and the guests' user need root")
        super().__init__()
        self.make_image()
        self.namespace = f"ct-{self.id[:8]}"
        create_namespace(self.namespace)
        self.driver = self.new_driver()

    def make_image(self) -> None:
        self.image.write_bytes(TINY_GUEST.ljust(1024**2, b"\0"))
        self.image.chmod(0o644)

    def new_driver(self) -> QemuDriver:
        return QemuDriver(
            self.data,
            namespace=self.namespace,
            soft_seconds=10,
            unplug_seconds=1,
            on_change=self.changes.append,
        )

    def make_tap(self, nic: NicSpec) -> None:
        run_blocking(["ip", "tuntap", "add", nic.tap, "mode", "tap"], namespace=self.namespace)

    async def kill(self) -> None:
        pid = (await self.driver.inspect(self.id)).pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

    async def shut_down(self) -> None:
        await self.console_says(UP)
        assert isinstance(self.driver, QemuDriver)
        with self.driver.open_console(self.id, "serial") as line:
            await asyncio.get_running_loop().sock_sendall(line, b"q")
            await self.eventually("off")

    async def console_says(self, text: str, seconds: float = 20.0) -> str:
        return await until(
            lambda: self.driver.console_log(self.id), lambda log: text in log, seconds
        )

    def clean_up(self) -> None:
        for pid in processes(self.id):
            os.kill(pid, signal.SIGKILL)
        delete_namespace(self.namespace)
        super().clean_up()


def processes(guest_id: str) -> list[int]:
    """The live processes of a guest, found without the driver's help."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and marker(guest_id).encode() in (
                (entry / "cmdline").read_bytes().split(b"\0")
            ):
                found.append(int(entry.name))
        except OSError:
            continue
    return found


async def until(
    ask: Callable[[], Awaitable[Any]], enough: Callable[[Any], bool], seconds: float = 20.0
) -> Any:
    """Ask until the answer is good enough; the last answer is part of the failure."""
    end = asyncio.get_running_loop().time() + seconds
    while True:
        answer = await ask()
        if enough(answer):
            return answer
        assert asyncio.get_running_loop().time() < end, answer
        await asyncio.sleep(0.05)
