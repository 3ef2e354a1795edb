"""Share networks: where in a project's networks shares are reached; and what serves them there."""

from typing import Annotated, Literal

import msgspec

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, IndexOn, Key, References, Row, Unique, table


class Plug(msgspec.Struct, frozen=True):
    """An export server's port in one subnet."""

    subnet_entry_id: str
    mac: str
    address: str
    """With prefix"""
    gateway: str | None
    mtu: int
    tap: str
    """The device of its port in the host's data plane"""


@table("share_networks", IndexOn("project_id", "created_at"))
class ShareNetworkRow(Row, frozen=True):
    id: Annotated[str, Key()]
    project_id: str
    user_id: str
    name: str | None
    description: str | None
    declared: str | None
    """A status that an administrator has set."""
    created_at: Annotated[Moment, Index()]
    updated_at: Moment | None


@table("share_network_subnets", IndexOn("share_network_id", "created_at"))
class SubnetRow(Row, frozen=True):
    """One subnet of a share network: what it is called here, and what network calls it."""

    id: Annotated[str, Key()]
    share_network_id: Annotated[str, References("share_networks.id", on_delete="CASCADE")]
    availability_zone: str | None
    """None: the default one, for every zone."""
    network_id: Annotated[str | None, Index()]
    """Network's own id: a client's word until a server is plugged in, then held by its port.
    None: a place that nobody has named yet; nothing is reached there."""
    subnet_id: Annotated[str | None, Index()]
    cidr: str | None
    ip_version: int | None
    gateway: str | None
    mtu: int | None
    by_admin: bool
    """An administrator has named the place: others have no right there of their own."""
    metadata: dict[str, str]
    created_at: Moment
    updated_at: Moment | None


@table("share_servers", Unique("share_network_id", "host_id"))
class ServerRow(Row, frozen=True):
    """An export server: one for each share network on each host that keeps shares of it."""

    id: Annotated[str, Key()]
    share_network_id: str
    project_id: str
    host_id: Annotated[str, Index(), References("hosts.id")]
    wanted: Literal["present", "absent"]
    observed: bool
    fault: str | None
    declared: str | None
    """A status that an administrator has set."""
    plugs: tuple[Plug, ...]
    """Its ports, one in each subnet of its share network, the first one preferred."""
    unmanaged: tuple[str, ...]
    """Shares that it serves and that nobody manages any more (2.49): while there are some it does
    not go with its share network."""
    created_at: Moment
    updated_at: Moment | None


def server_status(row: ServerRow) -> str:
    if row.wanted == "absent":
        return "error" if row.fault else "deleting"
    if row.declared is not None:
        return row.declared
    if row.fault:
        return "error"
    return "active" if row.observed else "creating"
