"""What other services may ask of network.

Events emitted: network.{network,subnet,port,router,floatingip,security_group,
security_group_rule}.{create,update,delete}, network.port.status.
"""

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx


class FixedIp(msgspec.Struct, frozen=True):
    subnet_id: str
    ip_address: str


class PortInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A port as compute sees it."""

    id: str
    project_id: str
    network_id: str
    network_name: str
    mac_address: str
    fixed_ips: tuple[FixedIp, ...]
    floating_ips: tuple[str, ...]
    """Addresses of the floating IPs that lead to this port."""
    security_groups: tuple[str, ...]
    """Names, for compute's view of a server."""
    status: str
    """ACTIVE once the host has wired it."""
    mtu: int
    tap: str
    """Name of the tap device on the host."""
    device_id: str
    host_id: str | None
    tag: str | None = None


class NicRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a server's `networks`: a network (with an address or not) or a port."""

    network_id: str | None = None
    port_id: str | None = None
    fixed_ip: str | None = None
    tag: str | None = None


class Network(Protocol):
    def plug_server(
        self,
        tx: Tx,
        principal: Principal,
        *,
        server_id: str,
        hostname: str,
        host_id: str,
        zone: str,
        nics: Sequence[NicRequest] | Literal["auto", "none"],
        security_groups: Sequence[str] = (),
    ) -> list[PortInfo]:
        """Ports for a server on a host, in the asked order: made new on a network, or taken over
        when the request names a port. Without a wish ("auto") the project's only network is
        used, none if it has none. `security_groups` are names or ids for new ports; empty means
        the project's `default`.

        Raises BadRequest (unknown network or port, a port in use elsewhere 409, several networks
        possible 409, no address left), QuotaExceeded, all in compute's words.
        """

    def ports_of(self, tx: Tx, server_ids: Sequence[str]) -> dict[str, list[PortInfo]]:
        """The ports of servers, oldest first; servers without one are absent."""

    def unplug(self, tx: Tx, port_id: str) -> None:
        """Take a port from its server: removed if `plug_server` made it, unbound if it was
        given."""

    def unplug_server(self, tx: Tx, server_id: str) -> None:
        """The same for all ports of a server."""

    def routed_hosts(self, tx: Tx, host_id: str) -> None:
        """The desired network state of this host changed for a reason of compute's own."""
