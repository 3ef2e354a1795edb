"""What a guest's machine is made of, by its image's standard properties and its flavor's extra
specs; pure. Where both speak, the flavor has the last word.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from cumulo.compute.drivers.driver import GuestSpec
from cumulo.compute.model.cells import Layout, layout_of

_MACHINE = re.compile(r"(pc-)?q35(-[0-9]+\.[0-9]+)?|pc(-i440fx-[0-9]+\.[0-9]+)?")
_BUSES = {"virtio": "virtio", "scsi": "scsi", "ide": "ide", "sata": "ide"}
_TPMS = ("tpm-tis", "tpm-crb")
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
    "qxl": "qxl-vga",
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


class Tpm(NamedTuple):
    model: str
    version: str


class Hardware(NamedTuple):
    machine: str
    bus: str
    """Of its own disks: `virtio`, `scsi` (a virtio-scsi controller) or `ide` (an AHCI or PIIX
    controller, where nothing can be plugged in while it runs: its volumes are virtio's)."""
    nic: str
    screen: str
    """"": none"""
    processors: str
    watchdog: str | None
    firmware: Firmware | None
    layout: Layout = Layout()
    tpm: Tpm | None = None

    @property
    def scsi(self) -> bool:
        return self.bus == "scsi"

    @property
    def spice(self) -> bool:
        """Its screen speaks SPICE, besides VNC."""
        return self.screen == "qxl-vga"

    @property
    def is_pc(self) -> bool:
        """An i440FX, which has no PCI Express."""
        return "q35" not in self.machine

    def place_of_ide(self, number: int) -> dict[str, Any]:
        """Of its so manieth disk. Raises HardwareFault where the controller has no more."""
        if number >= (4 if self.is_pc else 6):
            raise HardwareFault("hw_disk_bus: the machine has no room for so many IDE disks")
        if self.is_pc:
            return {"bus": f"ide.{number // 2}", "unit": number % 2}
        return {"bus": f"ide.{number}", "unit": 0}


def hardware_of(spec: GuestSpec) -> Hardware:
    """Raises HardwareFault."""
    given, specs = spec.properties, spec.specs
    machine = given.get("hw_machine_type", "q35")
    if not _MACHINE.fullmatch(machine):
        raise HardwareFault(f"hw_machine_type: {machine:.40} is not made here, only q35 and pc")
    firmware = _firmware(given, specs)
    if firmware is not None and firmware.secure and "q35" not in machine:
        raise HardwareFault("secure boot needs hw_machine_type=q35")
    try:
        layout = layout_of(spec.vcpus, spec.memory_mb, specs, given)
    except ValueError as error:
        raise HardwareFault(str(error)) from None
    return Hardware(
        machine=machine,
        bus=_known(_BUSES, given, "hw_disk_bus", "virtio"),
        nic=_known(_NICS, given, "hw_vif_model", "virtio"),
        screen=_known(_SCREENS, given, "hw_video_model", "vga"),
        processors=_processors(spec),
        watchdog=_watchdog(specs.get("hw:watchdog_action") or given.get("hw_watchdog_action")),
        firmware=firmware,
        layout=layout,
        tpm=_tpm(given, specs),
    )


def _tpm(given: Mapping[str, str], specs: Mapping[str, str]) -> Tpm | None:
    version = specs.get("hw:tpm_version") or given.get("hw_tpm_version")
    model = specs.get("hw:tpm_model") or given.get("hw_tpm_model")
    if version is None and model is None:
        return None
    model, version = model or _TPMS[0], version or "2.0"
    if model not in _TPMS:
        raise HardwareFault(f"hw_tpm_model: {model:.40} is not one of {', '.join(_TPMS)}")
    if version not in ("1.2", "2.0") or (version == "1.2" and model == "tpm-crb"):
        raise HardwareFault(f"hw_tpm_version: there is no {version:.40} of {model}")
    return Tpm(model, version)


def memory_arguments(layout: Layout, host_nodes: int) -> list[str]:
    """Memory in cells and pages; none where nobody asked. Of a host that has as many nodes each
    cell is on one of its own."""
    argv: list[str] = []
    for number, cell in enumerate(layout.cells):
        backend: dict[str, Any] = {
            "qom-type": "memory-backend-memfd" if layout.huge else "memory-backend-ram",
            "id": f"ram{number}",
            "size": cell.memory_mb << 20,
        }
        if layout.huge:
            size = (layout.page_kb or 0) << 10
            backend |= {"hugetlb": True, "hugetlbsize": size, "prealloc": True}
        if host_nodes > 1 and len(layout.cells) <= host_nodes:
            backend |= {"host-nodes": [number], "policy": "bind"}
        argv += ["-object", json.dumps(backend, separators=(",", ":"))]
        cpus = "".join(f",cpus={cpu}" for cpu in cell.cpus)
        argv += ["-numa", f"node,nodeid={number}{cpus},memdev=ram{number}"]
    return argv


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
