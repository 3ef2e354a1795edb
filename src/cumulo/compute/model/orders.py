"""What the control plane and a compute host say to each other about servers."""

from typing import Any, Literal

import msgspec

from cumulo.compute.model.hypervisor import HostResources
from cumulo.compute.model.state import Power, RebootKind, SeenPower


class WantedImage(msgspec.Struct, frozen=True):
    """The image below a root disk: content by hash, and where the host finds the file."""

    id: str
    path: str
    sha512: str
    format: Literal["qcow2", "raw"]


class WantedNic(msgspec.Struct, frozen=True):
    port_id: str
    mac: str
    tap: str
    mtu: int


class WantedDisk(msgspec.Struct, frozen=True):
    """`connection` None: the volume's host has not made it ready yet."""

    volume_id: str
    attachment_id: str
    device: str
    size_gb: int
    read_only: bool
    connection: dict[str, Any] | None


class WantedGuest(msgspec.Struct, frozen=True, kw_only=True):
    """One server as its host has to make it; not `present`: the host has to remove it."""

    id: str
    generation: int
    present: bool = True
    name: str = ""
    vcpus: int = 1
    memory_mb: int = 64
    disk_gb: int = 0
    power: Power = "on"
    image: WantedImage | None = None
    nics: list[WantedNic] = []
    disks: list[WantedDisk] = []
    reboot_nonce: int = 0
    reboot_kind: RebootKind = "soft"
    config_drive: dict[str, bytes] | None = None
    properties: dict[str, str] = {}


class DesiredCompute(msgspec.Struct, frozen=True):
    guests: list[WantedGuest]


class SeenGuest(msgspec.Struct, frozen=True, kw_only=True):
    """One server as its host sees it, after `generation` was asked of it.

    `done`: nothing is left to do for that generation. `failures`: how often making it so failed
    in a row. `disks`: attachments that are plugged in.
    """

    id: str
    generation: int
    power: SeenPower
    done: bool
    step: str | None = None
    fault: str | None = None
    failures: int = 0
    reason: str | None = None
    reboot_done: int = 0
    disks: list[str] = []


class ObservedCompute(msgspec.Struct, frozen=True):
    guests: list[SeenGuest]
    removed: list[str]
    """Servers of which nothing is left on the host."""
    resources: HostResources
