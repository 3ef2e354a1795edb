"""Taking floating IPs and their port forwardings from ports: asked for by themselves, or because
the port goes."""

from collections.abc import Iterable

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.network.model.floatingip import FloatingIpRow, floatingip_status
from cumulo.network.model.port import PortRow
from cumulo.network.model.port_forwarding import PortForwardingRow
from cumulo.network.model.router import RouterRow
from cumulo.network.model.standard import changed
from cumulo.network.queries import floatingip as queries
from cumulo.network.queries import port_forwarding as forwarding_queries
from cumulo.network.service.tools import Tools, tell


def disassociate(tx: Tx, tools: Tools, row: FloatingIpRow, who: Principal | None) -> FloatingIpRow:
    if row.port_id is None:
        return row
    tools.onlookers.port(tx, tx.get(PortRow, row.port_id))
    if row.router_id is not None:
        router = tx.get(RouterRow, row.router_id)
        if router is not None:
            tools.hosts.touch_router(tx, router)
    after = changed(
        tx,
        row,
        port_id=None,
        fixed_ip_address=None,
        router_id=None,
        observed=None,
        fault=None,
        status=floatingip_status(leads_to=None, observed=None, fault=None),
    )
    after = tools.names.of_floatingip(tx, after) if after.published else after
    tell(tx, "floatingip", "update", after, who, port_id=None)
    return after


def drop_forwarding(tx: Tx, tools: Tools, row: PortForwardingRow, who: Principal | None) -> None:
    """Without the last one the floating IP is no router's any more."""
    tx.delete(row)
    router = tx.get(RouterRow, row.router_id)
    if router is not None:
        tools.hosts.touch_router(tx, router)
    holder = tx.get(FloatingIpRow, row.floatingip_id)
    if holder is not None and not tx.all(forwarding_queries.OF_FLOATINGIPS, ids=[holder.id]):
        changed(
            tx,
            holder,
            router_id=None,
            observed=None,
            fault=None,
            status=floatingip_status(leads_to=None, observed=None, fault=None),
        )
    tell(tx, "port_forwarding", "delete", row, who, floatingip_id=row.floatingip_id)


def disassociate_port(
    tx: Tx, tools: Tools, port_id: str, who: Principal | None, gone: Iterable[str] | None = None
) -> None:
    """All floating IPs of a port, or only those that lead to addresses that are `gone`."""
    lost = None if gone is None else set(gone)
    for forwarding in tx.all(forwarding_queries.OF_PORT, port_id=port_id):
        if lost is None or forwarding.internal_ip_address in lost:
            drop_forwarding(tx, tools, forwarding, who)
    for row in tx.all(queries.OF_PORTS, ids=[port_id]):
        if lost is None or row.fixed_ip_address in lost:
            disassociate(tx, tools, row, who)
