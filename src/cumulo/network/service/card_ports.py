"""Ports that machines of bare metal have (`interface.CardPorts`)."""

from typing import Any

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Conflict, NotFound
from cumulo.network.interface import CardPort
from cumulo.network.model.network import NetworkRow
from cumulo.network.model.port import COMPUTE, METAL, PortRow
from cumulo.network.service.port_wishes import PortWishes
from cumulo.network.service.ports import Ports
from cumulo.network.service.tools import is_admin


class CardPorts:
    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    def take(
        self,
        tx: Tx,
        who: Principal | None,
        port_id: str,
        *,
        holder: str,
        node: str,
        mac: str | None,
    ) -> None:
        port = tx.get(PortRow, port_id)
        mine = who is None or is_admin(who) or (port and port.project_id == who.project_id)
        if port is None or not mine:
            raise NotFound(f"Port {port_id[:255]} could not be found.")
        more: dict[str, Any] = {}
        if port.holder is None and not port.device_id:
            more = {"holder": node, "role": METAL}
        elif not _is_of(port, holder, node):
            raise Conflict(f"Port {port.id} is still in use.")
        wishes = PortWishes() if mac is None else PortWishes(mac_address=mac)
        if more:
            wishes.device_id, wishes.device_owner = holder, METAL
        self._ports.update(tx, port, wishes, None, **more)

    def bind(
        self,
        tx: Tx,
        port_id: str,
        host_id: str | None,
        *,
        holder: str,
        node: str,
        mac: str | None,
    ) -> CardPort | None:
        port = tx.get(PortRow, port_id)
        if port is None or not _is_taken(port, holder, node, mac):
            return None
        if port.host_id != host_id:
            port = self._ports.bind(tx, port, host_id)
        network = tx.get(NetworkRow, port.network_id)
        assert network is not None
        tap = f"tap{port.id[:11]}"
        return CardPort(id=port.id, mac=port.mac_address, mtu=network.mtu, tap=tap)

    def release(self, tx: Tx, port_id: str, *, holder: str, node: str, mac: str | None) -> None:
        port = tx.get(PortRow, port_id)
        if port is None or not _is_taken(port, holder, node, mac):
            return
        wishes = PortWishes(mac_address=self._ports.new_mac(tx, port.network_id), host_id=None)
        more: dict[str, Any] = {}
        if port.role == METAL:
            wishes.device_id = wishes.device_owner = ""
            more = {"holder": None, "role": ""}
        self._ports.update(tx, port, wishes, None, **more)


def _is_of(port: PortRow, holder: str, node: str) -> bool:
    return (port.role, port.holder) in ((COMPUTE, holder), (METAL, node))


def _is_taken(port: PortRow, holder: str, node: str, mac: str | None) -> bool:
    """By `take`, which asks whose it is: a VIF that was kept before is just a text, and a node may
    be said to have anybody's server, whose ports have not the card's address."""
    return _is_of(port, holder, node) and mac in (None, port.mac_address)
