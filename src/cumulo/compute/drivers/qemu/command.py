"""From a guest's specification to QEMU's argument vector; pure.

Everything that comes from outside travels as JSON or is an id, so no value can become an
option. Paths are relative to the guest's folder, QEMU's working directory: that keeps the Unix
sockets' paths below the kernel's 108 bytes wherever the data live.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cumulo.compute.drivers.driver import DiskSpec, GuestSpec, NicSpec
from cumulo.compute.drivers.qemu.disks import (
    CONFIG_FILE,
    RESCUE_FILE,
    ROOT_NODE,
    SWAP_FILE,
    block_device,
    ephemeral_file,
    node_name,
    own_block_device,
    root_file,
)
from cumulo.compute.drivers.qemu.hardware import (
    Hardware,
    firmware_arguments,
    hardware_of,
    memory_arguments,
)
from cumulo.core.run.accelerator import Accelerator

MIN_PORTS = 8
SPARE_PORTS = 6
MAX_PORTS = 26
PC_PORTS = 12
"""Bridges of an i440FX, whose only bus has 32 places for everything."""
# The last port: what sits there is found by the guest after all volumes.
CONFIG_PORT = "rpc"
SCSI_BUS = "scsi0.0"
TPM_SOCKET = "tpm"
_UUID_LENGTH = 36


def marker(guest_id: str) -> str:
    """The argument by which a guest's process is recognised in /proc."""
    return f"guest={guest_id},debug-threads=on"


def disk_device(disk_id: str) -> str:
    return f"disk-{disk_id}"


def nic_device(nic_id: str) -> str:
    return f"nic-{nic_id}"


def ephemeral_node(place: int) -> str:
    return f"ephemeral{place or ''}"


def port_name(index: int) -> str:
    return f"rp{index}"


def port_count(spec: GuestSpec, most: int = MAX_PORTS) -> int:
    """Root ports: one for each device that can be unplugged, and some to plug more in."""
    return min(most, max(MIN_PORTS, len(spec.disks) + len(spec.nics) + SPARE_PORTS))


def disk_arguments(
    disk: DiskSpec, bus: str, *, boot: bool = False, scsi: bool = False
) -> dict[str, Any]:
    """The arguments of device_add for a volume."""
    device: dict[str, Any] = {
        "driver": "scsi-hd" if scsi else "virtio-blk-pci",
        "id": disk_device(disk.id),
        "bus": SCSI_BUS if scsi else bus,
        "drive": node_name(disk.id),
        "serial": (disk.serial or disk.id)[:20],
        # A full disk or a lost connection stops the guest instead of corrupting it.
        "werror": "stop",
        "rerror": "stop",
    }
    if disk.shared and disk.connection.get("format", "raw") == "raw":
        device["share-rw"] = True
    return device | ({"bootindex": 1} if boot else {})


def nic_arguments(nic: NicSpec, bus: str, model: str = "virtio-net-pci") -> dict[str, Any]:
    """The arguments of device_add for a port."""
    device: dict[str, Any] = {
        "driver": model,
        "id": nic_device(nic.id),
        "bus": bus,
        "netdev": f"net-{nic.id}",
        "mac": nic.mac,
        # Without its boot ROM a guest is at its disk sooner.
        "romfile": "",
    }
    if model == "virtio-net-pci":
        device["host_mtu"] = nic.mtu
    return device


def ordered_disks(spec: GuestSpec) -> list[DiskSpec]:
    """Volumes in the order of their device names: vdb, vdc, ..., vdz, vdaa."""
    return sorted(spec.disks, key=lambda disk: (len(disk.device), disk.device))


def build_command(
    spec: GuestSpec,
    *,
    binary: str,
    accelerator: Accelerator,
    tap_fds: Mapping[str, int],
    places: Mapping[str, str] | None = None,
    memory_fd: int | None = None,
    host_nodes: int = 1,
) -> list[str]:
    """The argument vector. `tap_fds`: port id to the descriptor that the process inherits.
    `memory_fd`: of what a suspended guest had in memory, `places`: where its devices were then."""
    place = Places(places or {})
    argv = [binary, "-name", marker(spec.id), "-nodefaults", "-no-user-config", "-S"]
    # A guest that shuts itself down leaves QEMU paused, so that we can see who ended it.
    made = hardware_of(spec)
    nodes, flash = ([], "") if made.firmware is None else firmware_arguments(made.firmware)
    argv += ["-no-shutdown", "-machine", made.machine + flash, *accelerator.arguments]
    for node in nodes:
        argv += ["-blockdev", _json(node)]
    argv += ["-m", f"{spec.memory_mb}M", "-smp", made.processors, "-pidfile", "pid"]
    argv += ["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"]
    # The product name is what cloud-init looks for to find its data source.
    identity = "type=1,manufacturer=OpenStack Foundation,product=OpenStack Nova"
    if len(spec.id) == _UUID_LENGTH:
        argv += ["-uuid", spec.id]
        identity += f",serial={spec.id},uuid={spec.id}"
    argv += ["-smbios", identity]
    argv += _characters()
    argv += memory_arguments(made.layout, host_nodes)
    ports = port_count(spec, PC_PORTS if made.is_pc else MAX_PORTS)
    argv += _devices(_base_devices(ports, pc=made.is_pc))
    if made.scsi:
        argv += _devices([{"driver": "virtio-scsi-pci", "id": "scsi0"}])
    argv += _disk_options(spec, place, made)
    if made.tpm is not None:
        argv += ["-chardev", f"socket,id=tpm,path={TPM_SOCKET}"]
        argv += ["-tpmdev", "emulator,id=tpm0,chardev=tpm"]
        argv += _devices([{"driver": made.tpm.model, "tpmdev": "tpm0"}])
    for index, nic in enumerate(spec.nics):
        argv += ["-netdev", _json(netdev_arguments(nic, str(tap_fds[nic.id])))]
        port = place.of(nic_device(nic.id), port_name(index))
        argv += _devices([nic_arguments(nic, port, made.nic)])
    if memory_fd is not None:
        argv += ["-incoming", f"fd:{memory_fd}"]
    if made.watchdog is not None:
        argv += ["-device", "i6300esb", "-action", f"watchdog={made.watchdog}"]
    argv += ["-vnc", "unix:vnc", "-display", "none"]
    if made.spice:
        argv += ["-spice", "unix=on,addr=spice,disable-ticketing=on"]
        argv += ["-chardev", "spicevmc,id=vdagent,name=vdagent"]
        agent = {"driver": "virtserialport", "bus": "vser0.0", "chardev": "vdagent"}
        argv += _devices([agent | {"name": "com.redhat.spice.0"}])
    return [*argv, "-device", made.screen] if made.screen else argv


class Places:
    """The ports that devices were plugged into while the guest ran; others go to their own."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._known = known

    def of(self, device: str, port: str) -> str:
        return self._known.get(device, port)


def netdev_arguments(nic: NicSpec, descriptor: str) -> dict[str, Any]:
    """The arguments of netdev_add; `descriptor` is a number or the name given to getfd."""
    return {"type": "tap", "id": f"net-{nic.id}", "fd": descriptor, "vhost": False}


def _characters() -> list[str]:
    serial = "socket,id=ser0,path=serial,server=on,wait=off,logfile=console.log,logappend=on"
    return [
        *("-qmp", "unix:qmp,server=on,wait=off"),
        *("-chardev", serial, "-serial", "chardev:ser0"),
        *("-chardev", "socket,id=qga0,path=qga,server=on,wait=off"),
    ]


def _base_devices(ports: int, *, pc: bool) -> list[dict[str, Any]]:
    agent = {"driver": "virtserialport", "bus": "vser0.0", "chardev": "qga0"}
    devices: list[dict[str, Any]] = [
        {"driver": "virtio-rng-pci"},
        {"driver": "virtio-balloon-pci", "id": "balloon0"},
        {"driver": "virtio-serial-pci", "id": "vser0"},
        agent | {"name": "org.qemu.guest_agent.0"},
    ]
    for index in range(ports):
        devices.append(_root_port(port_name(index), index + 1, pc=pc))
    return devices


def _root_port(name: str, number: int, *, pc: bool) -> dict[str, Any]:
    """A place where one device is plugged in."""
    if pc:
        return {"driver": "pci-bridge", "id": name, "chassis_nr": number, "shpc": False}
    return {"driver": "pcie-root-port", "id": name, "slot": number, "chassis": number}


def _own_disks(spec: GuestSpec) -> list[tuple[str, str, str, dict[str, Any]]]:
    """(node, file, format, more) of each disk that is the guest's own, in order."""
    found: list[tuple[str, str, str, dict[str, Any]]] = []
    first = {"bootindex": 1}
    if spec.root is not None:
        more = {} if spec.rescue is not None else first
        found.append((ROOT_NODE, root_file(spec.root.version), "qcow2", more))
    for number, size in enumerate(spec.ephemerals):
        found.append((ephemeral_node(number), ephemeral_file(number, size), "raw", {}))
    if spec.swap_mb:
        found.append(("swap", SWAP_FILE, "raw", {}))
    if spec.rescue is not None:
        place = len(found) if spec.rescue_last else 0
        found.insert(place, ("rescue", RESCUE_FILE, "qcow2", first))
    return found


def _disk_options(spec: GuestSpec, place: Places, made: Hardware) -> list[str]:
    argv: list[str] = []
    scsi = made.scsi
    for number, (name, file, format, more) in enumerate(_own_disks(spec)):
        if made.bus == "ide":
            more = more | {"driver": "ide-hd", **made.place_of_ide(number)}
        argv += _own_disk(name, file, scsi, format=format, **more)
    for index, disk in enumerate(ordered_disks(spec)):
        boots = spec.root is None and spec.rescue is None and index == 0
        own = (
            ("pci.0" if made.is_pc else "pcie.0")
            if spec.root is None and index == 0
            else port_name(len(spec.nics) + index)
        )
        node = block_device(disk.connection, node_name(disk.id), read_only=disk.read_only)
        bus = place.of(disk_device(disk.id), own)
        argv += [
            "-blockdev",
            _json(node),
            *_devices([disk_arguments(disk, bus, boot=boots, scsi=scsi)]),
        ]
    if spec.config_drive is not None:
        source = {"driver": "file", "path": CONFIG_FILE, "format": "raw"}
        drive = {"driver": "virtio-blk-pci", "id": "config", "bus": CONFIG_PORT, "drive": "config"}
        argv += _devices([_root_port(CONFIG_PORT, MAX_PORTS + 1, pc=made.is_pc)])
        argv += ["-blockdev", _json(block_device(source, "config", read_only=True))]
        argv += _devices([drive])
    return argv


def _own_disk(node: str, file: str, scsi: bool, *, format: str = "qcow2", **more: Any) -> list[str]:
    device: dict[str, Any] = {"driver": "virtio-blk-pci", "id": node, "drive": node, **more}
    if scsi:
        device |= {"driver": "scsi-hd", "bus": SCSI_BUS}
    device |= {"werror": "stop", "rerror": "stop"}
    return ["-blockdev", _json(own_block_device(file, node, format)), *_devices([device])]


def _devices(devices: Sequence[Mapping[str, Any]]) -> list[str]:
    return [part for device in devices for part in ("-device", _json(device))]


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"))
