"""VIFs: ports of networks that a node's cards are attached to, and where each card's wire shall
end.

noop      kept, and nothing follows
flat      the port has the card's address and is bound to the node: a network that the machine
          is in anyway
neutron   as flat, and a switch leads the card to the port's network while the machine is its
          tenant's, to the provisioning network while a ramdisk is on it, else nowhere
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from cumulo.baremetal.model.hardware import Machine, Outlet
from cumulo.baremetal.model.node import NodeRow
from cumulo.baremetal.model.port import PortRow
from cumulo.baremetal.model.portgroup import PortgroupRow
from cumulo.baremetal.queries import port as queries
from cumulo.baremetal.service.nodes import Nodes
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.ids import new_id
from cumulo.core.work.jobs import Jobs
from cumulo.network.interface import CardPorts

MOST_VIF = 255
WIRE = "baremetal.wire"
Plug = PortRow | PortgroupRow


@dataclass(frozen=True, slots=True)
class Card:
    """A network card and the VIF that it is attached to."""

    mac: str
    vif: str | None
    address: str | None
    """Of what the VIF is attached to, the card or its group: its port has that."""


class Vifs:
    def __init__(self, nodes: Nodes, network: CardPorts, jobs: Jobs) -> None:
        self._nodes = nodes
        self._network = network
        self._jobs = jobs
        self.memo: Any = None
        """Of a job that does nothing but wiring."""

    def of(self, tx: Tx, node: NodeRow) -> list[str]:
        return [each.vif for each in self._plugs(tx, node) if each.vif is not None]

    def _plugs(self, tx: Tx, node: NodeRow) -> list[Plug]:
        """All that a VIF may be attached to: groups first, then cards that boot from the network,
        then others."""
        ports = tx.all(queries.OF_NODE, node_id=node.id)
        ports.sort(key=lambda each: not each.pxe_enabled)
        used = {each.portgroup_id for each in ports}
        groups = tx.all(queries.GROUPS_OF_NODE, node_id=node.id)
        return [*(each for each in groups if each.id in used or each.vif is not None), *ports]

    # --- attached and detached -------------------------------------------------------------------

    def attach(
        self,
        tx: Tx,
        node: NodeRow,
        vif: str,
        who: Principal | None,
        port: str | None = None,
        group: str | None = None,
        wire: bool = True,
    ) -> NodeRow:
        """To the port or group that is named, or to a free one. `wire`: and a machine that its
        tenant has is wired anew. Raises BadRequest, Conflict."""
        self._nodes.refuse_locked(node)
        if not 0 < len(vif) <= MOST_VIF:
            raise BadRequest(f"The id of a VIF has 1 to {MOST_VIF} characters")
        if port is not None and group is not None:
            raise BadRequest("Cannot specify both port_uuid and portgroup_uuid.")
        free = self._plugs(tx, node)
        if any(each.vif == vif for each in free):
            raise Conflict(f"Unable to attach VIF because VIF {vif} is already attached.")
        # What is in a group is one with it.
        free = [each for each in free if getattr(each, "portgroup_id", None) is None]
        if port is not None or group is not None:
            free = [each for each in free if each.id in (port, group)]
        free = [each for each in free if each.vif is None]
        if not free:
            raise BadRequest(
                f"Unable to attach VIF {vif}, not enough free physical ports on node {node.id}."
            )
        if networked(node):
            try:
                self._network.take(tx, who, vif, **_taker(node, free[0].address))
            except NotFound as fault:
                raise BadRequest(f"Unable to attach VIF: {fault.message}") from None
        tx.update(free[0], vif=vif, updated_at=tx.now)
        return self.wire_tenant(tx, node) if wire else node

    def detach(self, tx: Tx, node: NodeRow, vif: str, wire: bool = True) -> NodeRow:
        self._nodes.refuse_locked(node)
        for each in self._plugs(tx, node):
            if each.vif == vif:
                self._let_go(tx, node, each)
                return self.wire_tenant(tx, node) if wire else node
        raise BadRequest(f"Unable to detach VIF {vif} from node {node.id}: it is not attached.")

    def forget(self, tx: Tx, node: NodeRow) -> None:
        """The node is nobody's: it has no VIFs."""
        for each in self._plugs(tx, node):
            if each.vif is not None:
                self._let_go(tx, node, each)

    def _let_go(self, tx: Tx, node: NodeRow, plug: Plug) -> None:
        if networked(node):
            self._network.release(tx, plug.vif or "", **_taker(node, plug.address))
        tx.update(plug, vif=None, updated_at=tx.now)

    def wire_tenant(self, tx: Tx, node: NodeRow) -> NodeRow:
        """A machine that its tenant has is wired anew at once, by a job."""
        if node.provision_state != "active" or not networked(node) or node.job is not None:
            return node
        job = new_id()
        self._jobs.begin(tx, WIRE, node.id, self.memo, id=job, project_id=node.owner)
        return tx.update(node, job=job, last_error=None, updated_at=tx.now)

    # --- where wires end -------------------------------------------------------------------------

    def cards(self, tx: Tx, node: NodeRow) -> list[Card]:
        """All of the node's. A VIF of a group is with the first of its cards."""
        ports = tx.all(queries.OF_NODE, node_id=node.id)
        ports.sort(key=lambda each: not each.pxe_enabled)
        groups = {each.id: each for each in tx.all(queries.GROUPS_OF_NODE, node_id=node.id)}
        found = []
        for each in ports:
            plug: Plug | None = each
            if each.portgroup_id is not None:
                plug = groups.pop(each.portgroup_id, None)
            vif, address = (plug.vif, plug.address) if plug is not None else (None, None)
            found.append(Card(each.address, vif, address))
        return found

    def to_tenant(
        self, tx: Tx, node: NodeRow, hosts: Sequence[str | None]
    ) -> list[tuple[str, Outlet]]:
        """Each VIF is bound, to the host of its card's switch (`hosts`, in the order of `cards`;
        None: of no host's, the node stands for one); the outlet of each card."""
        found = []
        for card, host in zip(self.cards(tx, node), hosts, strict=True):
            port = None
            if card.vif is not None:
                taker = _taker(node, card.address)
                port = self._network.bind(tx, card.vif, host or node.id, **taker)
            outlet = Outlet("nothing")
            if port is not None:
                outlet = Outlet("network", port.tap, port.mtu)
            found.append((card.mac, outlet))
        return found

    def from_tenant(self, tx: Tx, node: NodeRow) -> list[str]:
        """No VIF is bound while a ramdisk is on the machine, or nothing; the cards."""
        cards = self.cards(tx, node)
        for card in cards:
            if card.vif is not None:
                self._network.bind(tx, card.vif, None, **_taker(node, card.address))
        return [card.mac for card in cards]


class Taker(TypedDict):
    """Who has a port, as the network notes it."""

    holder: str
    node: str
    mac: str | None


def _taker(node: NodeRow, address: str | None) -> Taker:
    return {"holder": node.instance_uuid or node.id, "node": node.id, "mac": address}


def networked(node: NodeRow | Machine) -> bool:
    """Whether its VIFs are ports of the cloud's network."""
    return node.interfaces.get("network") in ("flat", "neutron")


def switched(node: NodeRow | Machine) -> bool:
    """Whether its cards are moved from network to network."""
    return node.interfaces.get("network") == "neutron"
