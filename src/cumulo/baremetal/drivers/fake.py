"""`fake-hardware`: a machine that there is not. Its BMC is a small file, so that it is as it was
after the control plane has died; it takes its time and fails as its driver_info says.

    fake_delay   seconds that power, inspection and each piece of long work take (0 to 60)
    fake_fault   names of what fails: power, management, inspect, clean, deploy, undeploy, network
"""

import asyncio
import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from cumulo.baremetal.model.hardware import (
    NETWORKS,
    POWER_OFF,
    POWER_ON,
    Capabilities,
    Inspected,
    Machine,
    Outlet,
    Rejected,
)
from cumulo.core.work import pools

T = TypeVar("T")

FAULTS = ("power", "management", "inspect", "clean", "deploy", "undeploy", "network")
MOST_DELAY = 60.0
BOOT_DEVICES = ("pxe", "disk", "cdrom", "bios", "safe")


class Bmc(msgspec.Struct):
    """What the simulated machine is."""

    power: Literal["power on", "power off"] = "power off"
    boot_device: str | None = None
    persistent: bool = False
    work: str = ""
    token: str = ""
    until: float = 0.0
    asked: str = ""
    """The token of the last change of power."""
    reboots: int = 0
    led: str = "OFF"
    boot_mode: str = "bios"
    secure_boot: bool = False
    bios: dict[str, str] = {}
    wires: dict[str, str] = {}
    """Card → what it is wired to."""


class FakeHardware:
    name = "fake-hardware"
    can = Capabilities(
        interfaces={
            "bios": "fake",
            "boot": "fake",
            "console": "fake",
            "deploy": "fake",
            "firmware": "no-firmware",
            "inspect": "fake",
            "management": "fake",
            "network": "noop",
            "power": "fake",
            "raid": "fake",
            "rescue": "fake",
            "storage": "noop",
            "vendor": "fake",
        },
        indicators={"system": {"led": ("ON", "OFF", "BLINKING")}},
        choices={
            "network": NETWORKS,
            **{
                name: ("fake", f"no-{name}")
                for name in ("bios", "console", "inspect", "raid", "rescue", "vendor")
            },
        },
        boot_devices=BOOT_DEVICES,
        works=("inspect", "clean", "deploy", "rescue", "service"),
        settings=True,
        properties={
            "fake_delay": "Seconds that everything takes, 0 to 60. Optional.",
            "fake_fault": f"Names of what fails, with commas: {', '.join(FAULTS)}. Optional.",
        },
    )

    host: str | None = None
    """Its switch carries nothing: no data plane has the other end."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def drives(self, machine: Machine, mac: str) -> bool:
        return True

    async def wire(self, machine: Machine, mac: str, outlet: Outlet) -> bool:
        await self._ready(machine, "network", wait=False)

        def change(bmc: Bmc) -> None:
            bmc.wires[mac] = outlet.tap or outlet.place

        await self._change(machine, change)
        return True

    def lacks(self, info: Mapping[str, Any]) -> Mapping[str, str]:
        delay = info.get("fake_delay", 0)
        if not _is_delay(delay):
            return {"power": f"fake_delay has to be a number of 0 to {MOST_DELAY:.0f}"}
        unknown = sorted(_faults(info) - set(FAULTS))
        if unknown:
            return {"power": f"fake_fault: there is no {', '.join(unknown)[:100]}"}
        return {}

    async def power(self, machine: Machine) -> str:
        await self._ready(machine, "power", wait=False)
        return (await self._look(machine)).power

    async def set_power(self, machine: Machine, target: str, token: str) -> None:
        await self._ready(machine, "power")

        def change(bmc: Bmc) -> None:
            if bmc.asked == token:
                return
            bmc.asked = token
            reboot = target.endswith("rebooting")
            bmc.reboots += reboot and bmc.power == POWER_ON
            bmc.power = "power off" if target.endswith(POWER_OFF) else "power on"
            if not bmc.persistent:
                bmc.boot_device = None

        await self._change(machine, change)

    async def boot_device(self, machine: Machine) -> tuple[str | None, bool]:
        await self._ready(machine, "management", wait=False)
        bmc = await self._look(machine)
        return bmc.boot_device or "disk", bmc.persistent

    async def set_boot_device(self, machine: Machine, device: str, persistent: bool) -> None:
        await self._ready(machine, "management", wait=False)

        def change(bmc: Bmc) -> None:
            bmc.boot_device, bmc.persistent = device, persistent

        await self._change(machine, change)

    async def inspect(self, machine: Machine) -> Inspected:
        await self._ready(machine, "inspect")
        digits = hashlib.sha256(machine.id.encode()).hexdigest()
        mac = ":".join(("52:54:00", digits[:2], digits[2:4], digits[4:6]))
        found = {"cpus": 4, "memory_mb": 8192, "local_gb": 100, "cpu_arch": "x86_64"}
        inventory = {
            "cpu": {"count": 4, "architecture": "x86_64"},
            "memory": {"physical_mb": 8192},
            "disks": [{"name": "/dev/fake", "size": 100 << 30}],
            "interfaces": [{"name": "fake0", "mac_address": mac}],
            "system_vendor": {"manufacturer": "fake", "product_name": "fake-hardware",
                              "serial_number": machine.id},
            "boot": {"current_boot_mode": "bios"},
        }  # fmt: skip
        return Inspected(found, (mac,), inventory)

    async def begin(self, machine: Machine, work: str, token: str) -> None:
        await self._ready(machine, work, wait=False)
        until = time.time() + _delay(machine)

        def change(bmc: Bmc) -> None:
            if (bmc.work, bmc.token) != (work, token):
                bmc.work, bmc.token, bmc.until = work, token, until

        await self._change(machine, change)

    async def finished(self, machine: Machine, work: str, token: str) -> bool:
        await self._ready(machine, work, wait=False)
        bmc = await self._look(machine)
        if (bmc.work, bmc.token) != (work, token):
            raise Rejected(f"the machine knows nothing of its {work}")
        return time.time() >= bmc.until

    async def nmi(self, machine: Machine) -> None:
        await self._ready(machine, "management", wait=False)

    async def set_boot_mode(self, machine: Machine, mode: str) -> None:
        await self._ready(machine, "management", wait=False)

        def change(bmc: Bmc) -> None:
            bmc.boot_mode = mode

        await self._change(machine, change)

    async def set_secure_boot(self, machine: Machine, on: bool) -> None:
        await self._ready(machine, "management", wait=False)
        if on and (await self._look(machine)).boot_mode != "uefi":
            raise Rejected("secure boot needs the boot mode uefi")

        def change(bmc: Bmc) -> None:
            bmc.secure_boot = on

        await self._change(machine, change)

    async def indicator(self, machine: Machine, component: str, light: str) -> str:
        await self._ready(machine, "management", wait=False)
        return (await self._look(machine)).led

    async def set_indicator(self, machine: Machine, component: str, light: str, state: str) -> None:
        await self._ready(machine, "management", wait=False)

        def change(bmc: Bmc) -> None:
            bmc.led = state

        await self._change(machine, change)

    async def bios(self, machine: Machine) -> Sequence[Mapping[str, str]]:
        found = (await self._look(machine)).bios
        return [{"name": name, "value": value} for name, value in found.items()]

    async def set_bios(self, machine: Machine, settings: Mapping[str, str] | None) -> None:
        await self._ready(machine, "management")

        def change(bmc: Bmc) -> None:
            bmc.bios = {} if settings is None else {**bmc.bios, **settings}

        await self._change(machine, change)

    async def insert(self, machine: Machine, url: str) -> None:
        await self._ready(machine, "management")

    async def eject(self, machine: Machine) -> None:
        await self._ready(machine, "management", wait=False)

    def forget(self, machine_id: str) -> None:
        self._path(machine_id).unlink(missing_ok=True)

    async def _ready(self, machine: Machine, what: str, *, wait: bool = True) -> None:
        if what in _faults(machine.info):
            raise Rejected(f"fake_fault: {what} fails, as driver_info says")
        if wait:
            await asyncio.sleep(_delay(machine))

    def _path(self, machine_id: str) -> Path:
        return self._folder / f"{machine_id}.json"

    async def _look(self, machine: Machine) -> Bmc:
        return await pools.DISK(self._read, self._path(machine.id))

    async def _change(self, machine: Machine, change: Callable[[Bmc], None]) -> None:
        await pools.DISK(self._rewrite, self._path(machine.id), change)

    def _read(self, path: Path) -> Bmc:
        try:
            return msgspec.json.decode(path.read_bytes(), type=Bmc)
        except (FileNotFoundError, msgspec.DecodeError):
            return Bmc()

    def _rewrite(self, path: Path, change: Callable[[Bmc], None]) -> None:
        """Whole or not at all: a machine does not lose its mind with the power of the control
        node."""
        self._folder.mkdir(parents=True, exist_ok=True)
        bmc = self._read(path)
        change(bmc)
        new = path.with_suffix(f".{time.monotonic_ns()}")
        new.write_bytes(msgspec.json.encode(bmc))
        new.replace(path)


def _is_delay(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and 0 <= value <= MOST_DELAY


def _delay(machine: Machine) -> float:
    value = machine.info.get("fake_delay", 0)
    return float(value) if _is_delay(value) else 0.0


def _faults(info: Mapping[str, Any]) -> set[str]:
    said = info.get("fake_fault", "")
    parts = said if isinstance(said, list) else str(said).split(",")
    return {str(part).strip() for part in parts} - {""}
