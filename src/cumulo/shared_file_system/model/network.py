"""Share networks: where in a project's networks shares are reached; and what serves them there."""

from typing import Annotated, Literal

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, IndexOn, Key, References, Row, Unique, table


@table("share_networks", IndexOn("project_id", "created_at"))
class ShareNetworkRow(Row, frozen=True):
    id: Annotated[str, Key()]
    project_id: str
    user_id: str
    name: str | None
    description: str | None
    network_id: str
    """Network's own id: a client's word until a server is plugged in, then held by its port."""
    subnet_id: str
    subnet_entry_id: str
    """The id of its one subnet as an entry of its own (`share_network_subnets`)."""
    cidr: str
    ip_version: int
    gateway: str | None
    mtu: int
    created_at: Annotated[Moment, Index()]
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
    mac: str
    address: str
    """With prefix"""
    gateway: str | None
    mtu: int
    tap: str
    """The device of its port in the host's data plane"""
    created_at: Moment
    updated_at: Moment | None


def server_status(row: ServerRow) -> str:
    if row.fault:
        return "error"
    if row.wanted == "absent":
        return "deleting"
    return "active" if row.observed else "creating"
