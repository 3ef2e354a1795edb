"""What a guest's machine is made of, by its image's standard properties and its flavor's extra
specs; pure. Where both speak, the flavor has the last word.
"""

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from cumulo.compute.drivers.driver import GuestSpec

_MACHINE = re.compile(r"(pc-)?q35(-[0-9]+\.[0-9]+)?")
_NICS = {
    "virtio": "virtio-net-pci",
    "e1000": "e1000",
    "e1000e": "e1000e",
    "rtl8139": "rtl8139",
    "vmxnet3": "vmxnet3",
}
_SCREENS = {
    "vga": "VGA",
    "virtio": "virtio-vga",
    "bochs": "bochs-display",
    "cirrus": "cirrus-vga",
    "none": "",
}
_WATCHDOGS = ("none", "pause", "poweroff", "reset")
CODE = "/usr/share/OVMF/OVMF_CODE_4M.fd"
SECURE_CODE = "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd"
VARIABLES = "/usr/share/OVMF/OVMF_VARS_4M.fd"
SECURE_VARIABLES = "/usr/share/OVMF/OVMF_VARS_4M.ms.fd"
VARIABLES_FILE = "uefi-vars.fd"


class HardwareFault(Exception):
    """No such machine can be made here; the message says which property asks for it."""


class Firmware(NamedTuple):
    """UEFI: its code, and the file that a guest's own variables begin with."""

    code: str
    variables: str
    secure: bool


class Hardware(NamedTuple):
    machine: str
    scsi: bool
    """Disks are on a virtio-scsi controller, not virtio-blk devices of their own."""
    nic: str
    screen: str
    """"": none"""
    processors: str
    watchdog: str | None
    firmware: Firmware | None


def hardware_of(spec: GuestSpec) -> Hardware:
    """Raises HardwareFault."""
    given, specs = spec.properties, spec.specs
    machine = given.get("hw_machine_type", "q35")
    if not _MACHINE.fullmatch(machine):
        raise HardwareFault(f"hw_machine_type: {machine:.40} is not made here, only q35")
    bus = given.get("hw_disk_bus", "virtio")
    if bus not in ("virtio", "scsi"):
        raise HardwareFault(f"hw_disk_bus: {bus:.40} is neither virtio nor scsi")
    return Hardware(
        machine=machine,
        scsi=bus == "scsi",
        nic=_known(_NICS, given, "hw_vif_model", "virtio"),
        screen=_known(_SCREENS, given, "hw_video_model", "vga"),
        processors=_processors(spec),
        watchdog=_watchdog(specs.get("hw:watchdog_action") or given.get("hw_watchdog_action")),
        firmware=_firmware(given, specs),
    )


def _known(table: Mapping[str, str], given: Mapping[str, str], name: str, usual: str) -> str:
    value = given.get(name, usual)
    if value not in table:
        raise HardwareFault(f"{name}: {value:.40} is not one of {', '.join(table)}")
    return table[value]


def _processors(spec: GuestSpec) -> str:
    """`-smp`: as many as the flavor has; sockets, cores and threads as far as somebody says."""
    asked = {
        noun: _count(spec.specs.get(f"hw:cpu_{noun}") or spec.properties.get(f"hw_cpu_{noun}"))
        for noun in ("sockets", "cores", "threads")
    }
    if not any(asked.values()):
        return str(spec.vcpus)
    cores, threads = asked["cores"] or 1, asked["threads"] or 1
    sockets = asked["sockets"]
    if sockets is None:
        sockets = max(1, spec.vcpus // (cores * threads))
    elif asked["cores"] is None:
        cores = max(1, spec.vcpus // (sockets * threads))
    if sockets * cores * threads != spec.vcpus:
        raise HardwareFault(
            f"{sockets} sockets of {cores} cores of {threads} threads are not {spec.vcpus} "
            "processors"
        )
    return f"{spec.vcpus},sockets={sockets},cores={cores},threads={threads}"


def _count(text: str | None) -> int | None:
    if text is None:
        return None
    if len(text) > 3 or not (text.isdecimal() and 0 < int(text) <= 512):
        raise HardwareFault(f"not a number of processors: {text:.40}")
    return int(text)


def _watchdog(action: str | None) -> str | None:
    if action in (None, "disabled"):
        return None
    if action not in _WATCHDOGS:
        raise HardwareFault(f"watchdog action: {action:.40} is not one of {', '.join(_WATCHDOGS)}")
    return action


def _firmware(given: Mapping[str, str], specs: Mapping[str, str]) -> Firmware | None:
    kind = given.get("hw_firmware_type", "bios")
    secure = (specs.get("os:secure_boot") or given.get("os_secure_boot")) == "required"
    if kind == "bios" and not secure:
        return None
    if kind not in ("bios", "uefi"):
        raise HardwareFault(f"hw_firmware_type: {kind:.40} is neither bios nor uefi")
    if kind == "bios":
        raise HardwareFault("secure boot needs hw_firmware_type=uefi")
    if secure:
        return Firmware(SECURE_CODE, SECURE_VARIABLES, True)
    return Firmware(CODE, VARIABLES, False)


def firmware_arguments(firmware: Firmware) -> tuple[list[dict[str, Any]], str]:
    """Block nodes, and what they add to `-machine`."""
    nodes: list[dict[str, Any]] = [
        _flash("uefi-code", firmware.code, read_only=True),
        _flash("uefi-vars", VARIABLES_FILE, read_only=False),
    ]
    more = ",pflash0=uefi-code,pflash1=uefi-vars"
    return nodes, more + (",smm=on" if firmware.secure else "")


def _flash(node: str, path: str, *, read_only: bool) -> dict[str, Any]:
    file = {"driver": "file", "filename": path, "read-only": read_only}
    return {"driver": "raw", "node-name": node, "read-only": read_only, "file": file}


def throttle_of(specs: Mapping[str, str]) -> dict[str, int]:
    """`quota:disk_…` as the arguments of block_set_io_throttle; empty: without limits."""
    names = {
        "bps": "total_bytes",
        "bps_rd": "read_bytes",
        "bps_wr": "write_bytes",
        "iops": "total_iops",
        "iops_rd": "read_iops",
        "iops_wr": "write_iops",
    }
    found = {key: specs.get(f"quota:disk_{name}_sec", "0") for key, name in names.items()}
    numbers = {key: int(text[:15]) if text.isdecimal() else 0 for key, text in found.items()}
    return numbers if any(numbers.values()) else {}
