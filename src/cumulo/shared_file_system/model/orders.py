"""What the control plane and a host say to each other about shares.

Three kinds of things have ids of their own on a host: export servers, shares, snapshots.
"""

import msgspec


class Rule(msgspec.Struct, frozen=True):
    """An address or a network that may mount the share."""

    to: str
    level: str
    """`rw` or `ro`"""


class Port(msgspec.Struct, frozen=True, kw_only=True):
    """A place of an export server in a subnet."""

    mac: str
    address: str
    """With prefix"""
    gateway: str | None
    mtu: int
    tap: str
    """The device that network makes for its port"""


class WantedServer(msgspec.Struct, frozen=True, kw_only=True, tag="server"):
    """One that must go is an item that is gone; so are shares and snapshots. Its first place is
    said in the fields of its own, which agents of the release before know."""

    id: str
    mac: str
    address: str
    """With prefix"""
    gateway: str | None
    mtu: int
    tap: str
    """The device that network makes for its port"""
    more: tuple[Port, ...] = ()
    """Its places in other subnets"""

    def ports(self) -> tuple[Port, ...]:
        first = Port(
            mac=self.mac, address=self.address, gateway=self.gateway, mtu=self.mtu, tap=self.tap
        )
        return (first, *self.more)


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
    shrink: bool = False
    """It may become as small as `size_gb`, as far as nothing in it is lost."""
    revert_to: str | None = None
    """The snapshot that its content becomes, once for this generation."""


class WantedSnapshot(msgspec.Struct, frozen=True, kw_only=True, tag="snapshot"):
    id: str
    share_id: str
    made: bool = False
    held: bool = False
    server_id: str | None = None
    """Who serves it, to be read by whom `rules` admit; None: it is not mounted."""
    rules: tuple[Rule, ...] = ()


Wanted = WantedServer | WantedShare | WantedSnapshot


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """`size_gb`: of a share, 0: it is not there; of servers and snapshots 1."""

    size_gb: int
    held: bool = False
    data_loss: bool = False
    """More is in it than it was to become small to."""


class SeenPool(msgspec.Struct, frozen=True, kw_only=True):
    driver: str
    total_gb: int
    free_gb: int
    fault: str | None = None
