"""What the network knows of hosts: how they reach one another, and which lead out."""

from typing import Annotated

from cumulo.core.db.rows import IndexOn, Key, References, Row, table


@table("network_hosts")
class NetworkHostRow(Row, frozen=True):
    """A host's own word."""

    host_id: Annotated[str, Key(), References("hosts.id", on_delete="CASCADE")]
    tunnel: str | None
    """The address of its end of tunnels; None: guests there reach those of other hosts by routers
    only."""
    gateway: bool
    """External networks lead out of it: routers and DHCP servers may be placed there."""


@table("network_changes", IndexOn("pending", where="pending"))
class NetworkChangeRow(Row, frozen=True):
    """How often the ports of a network changed, as its hosts are told; `pending`: not told yet."""

    network_id: Annotated[str, Key(), References("network_networks.id", on_delete="CASCADE")]
    number: int
    pending: bool
