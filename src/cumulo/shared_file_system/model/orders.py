"""What the control plane and a host say to each other about shares.

Three kinds of things have ids of their own on a host: export servers, shares, snapshots.
"""

import msgspec


class Rule(msgspec.Struct, frozen=True):
    """An address or a network that may mount the share."""

    to: str
    level: str
    """`rw` or `ro`"""


class WantedServer(msgspec.Struct, frozen=True, kw_only=True, tag="server"):
    """One that must go is an item that is gone; so are shares and snapshots."""

    id: str
    mac: str
    address: str
    """With prefix"""
    gateway: str | None
    mtu: int
    tap: str
    """The device that network makes for its port"""


class WantedShare(msgspec.Struct, frozen=True, kw_only=True, tag="share"):
    id: str
    generation: int
    size_gb: int
    server_id: str
    rules: tuple[Rule, ...] = ()
    snapshot_id: str | None = None
    """What its first content is."""
    made: bool = False
    """It was there: if it is missing now it is lost, and not made anew without its content."""
    held: bool = False
    """Leave it as it is: it failed, and nobody has changed what is wanted since."""


class WantedSnapshot(msgspec.Struct, frozen=True, kw_only=True, tag="snapshot"):
    id: str
    share_id: str
    made: bool = False
    held: bool = False


Wanted = WantedServer | WantedShare | WantedSnapshot


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """`size_gb`: of a share, 0: it is not there; of servers and snapshots 1."""

    size_gb: int
    held: bool = False


class SeenPool(msgspec.Struct, frozen=True, kw_only=True):
    driver: str
    total_gb: int
    free_gb: int
    fault: str | None = None
