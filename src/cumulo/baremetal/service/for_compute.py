"""Nodes for compute: a server may have one whole.

Implements `compute.interface.MetalNodes`: what a server wants of its node becomes the next verb of
the state machine, if one can be begun now; and tells compute of each change of a node.
"""

from collections.abc import Sequence
from typing import Any

from cumulo.baremetal.model.node import NodeRow
from cumulo.baremetal.model.state import move_of
from cumulo.baremetal.service.nodes import Nodes
from cumulo.baremetal.service.vifs import Vifs, networked
from cumulo.baremetal.service.work import NOBODYS, Work
from cumulo.compute.interface import MetalHosts, MetalNode, MetalSeen, MetalServer, MetalWish
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Fault

_POWER: dict[str | None, Any] = {"power on": "on", "power off": "off"}


class ForCompute:
    def __init__(self, nodes: Nodes, vifs: Vifs, work: Work, hosts: MetalHosts) -> None:
        self._nodes = nodes
        self._vifs = vifs
        self._work = work
        self._hosts = hosts
        nodes.told = self.tell
        nodes.left = lambda tx, row: hosts.gone(tx, row.id)

    def tell(self, tx: Tx, row: NodeRow) -> None:
        """What compute has to know of it."""
        nobodys = row.instance_uuid is None and row.provision_state == "available"
        self._hosts.told(
            tx,
            MetalNode(
                id=row.id,
                resource_class=row.resource_class,
                usable=nobodys and not (row.maintenance or row.retired),
                traits=row.traits,
                vcpus=_whole(row.properties.get("cpus")),
                memory_mb=_whole(row.properties.get("memory_mb")),
                disk_gb=_whole(row.properties.get("local_gb")),
            ),
        )

    def tell_all(self, tx: Tx) -> None:
        """Those that were there before compute asked."""
        for row in self._nodes.listing.page(tx, where={}):
            self.tell(tx, row)

    def plug(self, tx: Tx, node_id: str, server: MetalServer, ports: Sequence[str]) -> None:
        row = tx.get(NodeRow, node_id)
        if row is not None and row.instance_uuid is None and server.deploy:
            row = tx.update(
                row,
                instance_uuid=server.id,
                instance_name=server.name[:255],
                updated_at=tx.now,
            )
        if row is None or row.instance_uuid != server.id or not networked(row):
            return
        have = self._vifs.of(tx, row)
        # Of a machine that is on its way, or a ramdisk's, what changes is wired at its end.
        for vif in (each for each in have if each not in ports):
            row = self._vifs.detach(tx, row, vif, wire=False)
        for vif in (each for each in ports if each not in have):
            row = self._vifs.attach(tx, row, vif, None, wire=False)
        if set(have) != set(ports):
            self._vifs.wire_tenant(tx, row)

    def advance(self, tx: Tx, node_id: str, wish: MetalWish) -> MetalSeen:
        row = tx.get(NodeRow, node_id)
        if row is None:
            state: Any = "failed" if wish.present else "gone"
            return MetalSeen(state=state, reason=f"Node {node_id} is not there any more.")
        try:
            if not wish.present:
                return self._absent(tx, row, wish)
            return self._present(tx, row, wish)
        except Fault as fault:
            return MetalSeen(state="failed", power=_power(row, wish), reason=fault.message)

    # --- it shall be there -----------------------------------------------------------------------

    def _present(self, tx: Tx, row: NodeRow, wish: MetalWish) -> MetalSeen:
        if row.instance_uuid != wish.server_id:
            return MetalSeen(state="failed", reason=f"Node {row.id} is not its own any more.")
        power = _power(row, wish)
        working = MetalSeen(state="working", power=power)
        state = row.provision_state
        if wish.deploy and state == "available":
            return self._image(tx, row, wish, "active", "deploy")
        if wish.rebuild and move_of("rebuild", state) and not self._nodes.is_locked(row):
            return self._image(tx, row, wish, "rebuild", "rebuild")
        if self._nodes.is_locked(row) or (row.action is not None and not row.failed):
            return working
        if not wish.rescue and state in ("rescue", "rescue failed", "unrescue failed"):
            self._work.provision(tx, row, "unrescue", {}, _who(wish))
            return MetalSeen(state="working", power=power, begun="unrescue")
        if row.failed or state not in ("active", "rescue"):
            return MetalSeen(
                state="failed", power=power, reason=row.last_error or f"Node {row.id} is {state}."
            )
        if state == "rescue":
            return MetalSeen(state="there", power=power)
        return self._active(tx, row, wish, power)

    def _active(self, tx: Tx, row: NodeRow, wish: MetalWish, power: Any) -> MetalSeen:
        who = _who(wish)
        if wish.rescue:
            self._work.provision(tx, row, "rescue", {"rescue_password": wish.password}, who)
            return MetalSeen(state="working", power=power, begun="rescue")
        if wish.reboot is not None and wish.power == "on":
            target = "rebooting" if wish.reboot == "hard" else "soft rebooting"
            self._work.power(tx, row, target, who)
            return MetalSeen(state="working", power=power, begun="reboot")
        if power != wish.power:
            self._work.power(tx, row, f"power {wish.power}", who)
            return MetalSeen(state="working", power=power, begun="power")
        return MetalSeen(state="there", power=power)

    def _image(self, tx: Tx, row: NodeRow, wish: MetalWish, verb: str, begun: Any) -> MetalSeen:
        row = self._nodes.set_secret(
            tx,
            row,
            image_source=wish.image_id,
            display_name=wish.name,
            nova_host_id=row.id,
        )
        body = {"configdrive": wish.config_drive} if wish.config_drive else {}
        self._work.provision(tx, row, verb, body, _who(wish))
        return MetalSeen(state="working", begun=begun)

    # --- it shall not be there -------------------------------------------------------------------

    def _absent(self, tx: Tx, row: NodeRow, wish: MetalWish) -> MetalSeen:
        if row.instance_uuid != wish.server_id:
            return MetalSeen(state="gone")
        if self._nodes.is_locked(row):
            return MetalSeen(state="working")
        if row.provision_state == "available":
            self._vifs.forget(tx, row)
            row = tx.update(row, **NOBODYS, updated_at=tx.now)
            self.tell(tx, row)
            return MetalSeen(state="gone")
        reason = row.last_error or ""
        again = row.failed and row.action == "undeploy"
        self._work.provision(tx, row, "deleted", {}, _who(wish))
        state: Any = "failed" if again else "working"
        return MetalSeen(state=state, reason=reason, begun="undeploy")


def _power(row: NodeRow, wish: MetalWish) -> Any:
    """Of a machine that has been deployed for this server."""
    there = row.instance_uuid == wish.server_id and row.stage in ("active", "rescue")
    return _POWER.get(row.power_state, "absent") if there else "absent"


def _who(wish: MetalWish) -> Principal:
    return Principal(
        user_id=wish.user_id,
        user_name="",
        user_domain_id="",
        project_id=wish.project_id,
        roles=("member", "reader"),
    )


def _whole(given: Any) -> int:
    text = str(given)
    return int(text) if text.isdecimal() and len(text) < 10 else 0
