"""What the control plane and a compute host say to each other about servers."""

from typing import Any

import msgspec

from cumulo.compute.model.state import Power, RebootKind, SeenPower
from cumulo.core.blobs.content import Content


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
    shared: bool = False
    throttle: dict[str, int] = msgspec.field(default_factory=dict)


class WantedRoot(msgspec.Struct, frozen=True):
    """Which of the guest's root disks; see `ServerRow`."""

    version: int = 0
    source: int | None = None
    kept: int | None = None
    carried: bool = False
    """It came from another host: it is there, or the guest cannot start. It is not made anew."""


class WantedGuest(msgspec.Struct, frozen=True, kw_only=True):
    """One server as its host has to make it; one that must go is an item that is gone."""

    id: str
    generation: int
    name: str = ""
    vcpus: int = 1
    memory_mb: int = 64
    disk_gb: int = 0
    power: Power = "on"
    image: Content | None = None
    """What is below the root disk."""
    root: WantedRoot = WantedRoot()
    rescue: Content | None = None
    """It runs from this image, with its own root disk beside it."""
    rescue_last: bool = False
    """Its own disks keep their names; the one that it runs from comes after them."""
    ephemeral_gb: int = 0
    """Of one disk: agents of the last release know no more."""
    ephemerals: list[int] = []
    """GiB of each of several."""
    ephemerals_kept: list[int] = []
    """Those that it goes back to when its resize is reverted."""
    swap_mb: int = 0
    cached: bool = False
    """No guest: only its image is to be on the host."""
    launched: bool = False
    """It ran already: if its root disk is missing it is lost, and not made anew."""
    nics: list[WantedNic] = []
    disks: list[WantedDisk] = []
    reboot_nonce: int = 0
    reboot_kind: RebootKind = "soft"
    config_drive: dict[str, bytes] | None = None
    properties: dict[str, str] = {}
    specs: dict[str, str] = {}
    """The flavor's extra specs"""


class SeenGuest(msgspec.Struct, frozen=True, kw_only=True):
    """One server as its host sees it. `disks`: attachments that are plugged in."""

    power: SeenPower
    reason: str | None = None
    """Why it stopped although nobody asked."""
    reboot_done: int = 0
    disks: list[str] = []
    pins: list[int] = []
    """Processors of the host that its own have for themselves, in order."""
