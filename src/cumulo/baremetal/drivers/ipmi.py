"""`ipmi`: machines whose BMC speaks IPMI 2.0, by Debian's ipmitool.

    ipmi_address      name or address of the BMC
    ipmi_port         UDP, 623
    ipmi_username, ipmi_password
    ipmi_cipher_suite number; absent: ipmitool's choice

It has power, a boot device and NMI; media it has none, so that machines boot their ramdisk by iPXE.
The name is looked up once, judged, and ipmitool is given the address; the password goes by the
environment, since argument vectors can be read by others.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from cumulo.baremetal.drivers.places import Places
from cumulo.baremetal.drivers.settling import settled, wanted_of
from cumulo.baremetal.model.hardware import (
    NETWORKS,
    POWER_OFF,
    POWER_ON,
    Capabilities,
    Inspected,
    Machine,
    Rejected,
)
from cumulo.core.run.commands import CommandFailed, run
from cumulo.core.work import pools

TOOL = "ipmitool"
SECONDS = 30.0
DEVICES = {"pxe": "pxe", "disk": "disk", "cdrom": "cdrom", "bios": "bios", "safe": "safe"}
SHOWN = {
    "Force PXE": "pxe",
    "Force Boot from default Hard-Drive": "disk",
    "Force Boot from CD/DVD": "cdrom",
    "Force Boot into BIOS Setup": "bios",
    "Force Boot from default Hard-Drive, request Safe-Mode": "safe",
}
RESETS = {
    "power on": "on",
    "power off": "off",
    "rebooting": "cycle",
    "soft power off": "soft",
    "soft rebooting": "reset",
}
_SELECTOR = re.compile(r"Boot Device Selector\s*:\s*(.+)")


class Ipmi:
    name = "ipmi"
    can = Capabilities(
        interfaces={
            "bios": "no-bios",
            "boot": "ipxe",
            "console": "no-console",
            "deploy": "direct",
            "firmware": "no-firmware",
            "inspect": "agent",
            "management": "ipmitool",
            "network": "noop",
            "power": "ipmitool",
            "raid": "no-raid",
            "rescue": "agent",
            "storage": "noop",
            "vendor": "no-vendor",
        },
        choices={
            "inspect": ("agent", "no-inspect"),
            "network": NETWORKS,
            "rescue": ("agent", "no-rescue"),
        },
        boot_devices=tuple(DEVICES),
        works=("inspect", "clean", "deploy", "rescue", "service"),
        properties={
            "ipmi_address": "Name or address of the BMC. Required.",
            "ipmi_port": "Its UDP port; 623. Optional.",
            "ipmi_username": "Who is known at the BMC. Optional.",
            "ipmi_password": "The password, at most 20 characters. Optional.",
            "ipmi_cipher_suite": "The number of a cipher suite. Optional.",
        },
        ramdisk=True,
    )

    def __init__(self, places: Places) -> None:
        self._places = places

    def lacks(self, info: Mapping[str, Any]) -> Mapping[str, str]:
        reason = _lacking(info)
        return {} if reason is None else dict.fromkeys(("power", "management"), reason)

    async def _tell(self, machine: Machine, *words: str) -> str:
        """Raises Rejected for what the BMC refuses, OSError when it does not answer."""
        info = machine.info
        reason = _lacking(info)
        if reason is not None:
            raise Rejected(reason)
        host, port = str(info["ipmi_address"]), int(info.get("ipmi_port", 623))
        address = await pools.NET(self._places.ipmi_address, host, port)
        argv = [TOOL, "-I", "lanplus", "-H", address, "-p", str(port), "-N", "2", "-R", "3", "-E"]
        argv += ["-U", str(info.get("ipmi_username", ""))]
        if "ipmi_cipher_suite" in info:
            argv += ["-C", str(int(info["ipmi_cipher_suite"]))]
        secret = {"IPMI_PASSWORD": str(info.get("ipmi_password", ""))}
        try:
            said = await run([*argv, *words], env=secret, timeout=SECONDS)
        except CommandFailed as error:
            told = error.stderr.strip().splitlines()[-1:] or ["no answer"]
            if "Unable to establish" in error.stderr or error.status < 0:
                raise OSError(f"the BMC at {host} does not answer: {told[0][:300]}") from None
            raise Rejected(f"the BMC at {host} refuses: {told[0][:300]}") from None
        return said.decode(errors="replace")[:65536]

    async def power(self, machine: Machine) -> str:
        said = (await self._tell(machine, "chassis", "power", "status")).strip().lower()
        if said.endswith("is on"):
            return POWER_ON
        if said.endswith("is off"):
            return POWER_OFF
        raise Rejected("the BMC does not know whether its machine has power")

    async def set_power(self, machine: Machine, target: str, token: str) -> None:
        """A BMC does not know tokens: a reboot that was asked for when the control plane died is
        asked for again."""
        now = await self.power(machine)
        if now == target or (now == POWER_OFF and target == "soft power off"):
            return
        kind = RESETS[target]
        if now == POWER_OFF and wanted_of(target) == POWER_ON:
            kind = "on"
        await self._tell(machine, "chassis", "power", kind)
        await settled(lambda: self.power(machine), target)

    async def boot_device(self, machine: Machine) -> tuple[str | None, bool]:
        said = await self._tell(machine, "chassis", "bootparam", "get", "5")
        found = _SELECTOR.search(said)
        device = None if found is None else SHOWN.get(found[1].strip())
        return device, device is not None and "only next boot" not in said

    async def set_boot_device(self, machine: Machine, device: str, persistent: bool) -> None:
        words = ["options=persistent"] if persistent else []
        await self._tell(machine, "chassis", "bootdev", DEVICES[device], *words)

    async def nmi(self, machine: Machine) -> None:
        await self._tell(machine, "chassis", "power", "diag")

    # --- what IPMI has not ---------------------------------------------------------------------

    async def set_boot_mode(self, machine: Machine, mode: str) -> None:
        raise Rejected("the boot mode is not set by IPMI")

    async def set_secure_boot(self, machine: Machine, on: bool) -> None:
        raise Rejected("secure boot is not set by IPMI")

    async def indicator(self, machine: Machine, component: str, light: str) -> str:
        raise Rejected("there are no indicators by IPMI")

    async def set_indicator(self, machine: Machine, component: str, light: str, state: str) -> None:
        raise Rejected("there are no indicators by IPMI")

    async def bios(self, machine: Machine) -> Sequence[Mapping[str, str]]:
        return ()

    async def set_bios(self, machine: Machine, settings: Mapping[str, str] | None) -> None:
        raise Rejected("IPMI knows no BIOS settings")

    async def insert(self, machine: Machine, url: str) -> None:
        raise Rejected("there are no virtual media by IPMI: its boot interface is ipxe")

    async def eject(self, machine: Machine) -> None:
        """There is nothing in it."""

    async def inspect(self, machine: Machine) -> Inspected:
        raise Rejected("a machine is not inspected by IPMI: its inspect interface is agent")

    async def begin(self, machine: Machine, work: str, token: str) -> None:
        raise Rejected(f"a BMC does no {work}: an agent does")

    async def finished(self, machine: Machine, work: str, token: str) -> bool:
        raise Rejected(f"a BMC does no {work}: an agent does")

    def forget(self, machine_id: str) -> None:
        """Nothing is kept."""


def _lacking(info: Mapping[str, Any]) -> str | None:
    address = info.get("ipmi_address")
    if not isinstance(address, str) or not 0 < len(address) <= 255 or address.startswith("-"):
        return "Missing mandatory IPMI connection information: ipmi_address"
    for name, most in (("ipmi_port", 65535), ("ipmi_cipher_suite", 17)):
        value = str(info.get(name, 1))
        if not value.isascii() or not value.isdecimal() or not 0 <= int(value[:9]) <= most:
            return f"{name} has to be a number up to {most}"
    for name, longest in (("ipmi_username", 16), ("ipmi_password", 20)):
        text = info.get(name, "")
        if not isinstance(text, str) or len(text) > longest or "\0" in text:
            return f"{name} has to be a text of at most {longest} characters"
    return None
