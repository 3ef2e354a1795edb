"""Servers that are whole machines: Nova's `ironic` driver.

A node of bare metal is a provider with one of its resource class (`CUSTOM_…`), and a hypervisor of
its own; a flavor that asks for that (`resources:CUSTOM_…=1`, and nothing of VCPU, MEMORY_MB and
DISK_GB) goes to one. No agent runs there: what its host would do and report for another server, a
reconciler does here with bare metal's own verbs, a step at a time, each in one transaction with
what it makes of the server's row. What is begun is noted in that transaction: it is begun once.
"""

import re
from collections.abc import Callable
from typing import Any

import msgspec

from cumulo.compute.interface import MetalNode, MetalNodes, MetalSeen, MetalServer, MetalWish
from cumulo.compute.model.hypervisor import HostResources, HypervisorRow
from cumulo.compute.model.orders import SeenGuest
from cumulo.compute.model.server import ServerRow
from cumulo.compute.queries import hypervisor as hypervisors
from cumulo.compute.queries import server as queries
from cumulo.compute.service.hosts import METAL, Hosts, provider_id
from cumulo.compute.service.metadata import Metadata, config_drive
from cumulo.compute.service.servers import Servers
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Fault
from cumulo.core.ids import child_id
from cumulo.placement.interface import Inventory, Placement

_UNFIT = re.compile(r"[^A-Z0-9]+")


class Metal:
    """Implements `compute.interface.MetalHosts`. `nodes`: bare metal, where it is built."""

    def __init__(
        self,
        servers: Servers,
        hosts: Hosts,
        placement: Placement,
        metadata: Metadata,
        nodes: Callable[[], MetalNodes | None],
    ) -> None:
        self._servers = servers
        self._hosts = hosts
        self._placement = placement
        self._metadata = metadata
        self._nodes = nodes
        self.ring: Callable[[], None] = lambda: None
        servers.wake_metal = self._wake
        servers.plug_metal = self.plug

    def _wake(self, tx: Tx) -> None:
        tx.after_commit(lambda: self.ring())

    # --- what bare metal says of its nodes -------------------------------------------------------

    def told(self, tx: Tx, node: MetalNode) -> None:
        """It is there, or has changed."""
        known = tx.one(hypervisors.ON_HOST, host=node.id)
        if node.resource_class is None:
            if known is not None:
                self.gone(tx, node.id)
            return
        have = HostResources(
            vcpus=node.vcpus, memory_mb=node.memory_mb, disk_gb=node.disk_gb, driver="ironic",
            version=1, address="", accelerator="none",
        )  # fmt: skip
        if known is None:
            tx.insert(
                HypervisorRow(
                    id=0,
                    host_id=node.id,
                    uuid=provider_id(node.id),
                    service_uuid=child_id(node.id, "compute service"),
                    resources=have,
                    created_at=tx.now,
                    updated_at=tx.now,
                    metal=True,
                )
            )
        elif known.resources != have:
            tx.update(known, resources=have, updated_at=tx.now)
        self._provide(tx, node)
        for row in tx.all(queries.METAL_ON, host=node.id):
            if not row.look:
                tx.update(row, look=True)
            self._wake(tx)

    def _provide(self, tx: Tx, node: MetalNode) -> None:
        """One of its class; while it is not to be had, that one is reserved."""
        uuid, mine = provider_id(node.id), bool(tx.all(queries.METAL_ON, host=node.id))
        reserved = 0 if node.usable or mine else 1
        stock = Inventory(total=1, reserved=reserved, max_unit=1)
        name = class_of(node.resource_class or "")
        self._placement.ensure_provider(tx, uuid, node.id, {name: stock}, only=True)
        wanted = {METAL, *node.traits}
        have = self._placement.traits_of(tx, [uuid])[uuid]
        for trait in sorted((wanted ^ have) - self._hosts.own_traits):
            self._placement.mark(tx, uuid, trait, trait in wanted)

    def gone(self, tx: Tx, node_id: str) -> None:
        """It is no node any more. Raises Conflict as long as a server has it."""
        self._hosts.forget(tx, node_id)

    # --- what servers want of theirs -------------------------------------------------------------

    def due(self, tx: Tx, most: int) -> list[str]:
        return [str(id) for (id,) in tx.tuples(queries.METAL_DUE, most=most)]

    def plug(self, tx: Tx, row: ServerRow, without: str | None = None) -> None:
        """Its node's cards have its ports, all but `without`. Raises a Fault."""
        nodes = self._nodes()
        if nodes is None or row.host_id is None:
            return
        ports = self._servers.network.ports_of(tx, [row.id]).get(row.id, [])
        server = MetalServer(id=row.id, name=row.name, deploy=row.root_made is None)
        wanted = [port.id for port in ports if port.id != without]
        nodes.plug(tx, row.host_id, server, wanted)

    def step(self, tx: Tx, server_id: str, report: Callable[..., None]) -> None:
        """One step of one server. `report(tx, row, guest, …)` is how any host's report is taken."""
        row, nodes = self._servers.find(tx, server_id), self._nodes()
        if row is None or row.host_id is None or nodes is None:
            return
        if row.look:
            row = tx.update(row, look=False)
        seen = self._advance(tx, nodes, row)
        if not row.present:
            if seen.state == "gone":
                self._servers.gone(tx, row)
            elif seen.state == "failed":
                report(tx, row, None, fault=seen.reason)
            return
        row = self._begun(tx, row, seen)
        guest = SeenGuest(power=seen.power, reboot_done=row.reboot_done)
        if seen.state == "failed":
            report(tx, row, guest, fault=seen.reason)
        else:
            step = "spawning" if seen.state == "working" else None
            report(tx, row, guest, done=seen.state == "there", step=step)

    def _advance(self, tx: Tx, nodes: MetalNodes, row: ServerRow) -> MetalSeen:
        if row.present:
            try:
                # Before the config drive is written: it has the cards' addresses.
                self.plug(tx, row)
            except Fault as fault:
                return MetalSeen(state="failed", reason=fault.message)
        return nodes.advance(tx, row.host_id or "", self._wish(tx, row))

    def _begun(self, tx: Tx, row: ServerRow, seen: MetalSeen) -> ServerRow:
        changes: dict[str, Any] = {}
        if seen.begun in ("deploy", "rebuild"):
            changes["root_made"] = row.root_version
        if seen.begun is not None:
            # Each of them starts the machine anew, or stops it.
            changes["reboot_done"] = max(row.reboot_done, row.reboot_nonce)
        return tx.update(row, **changes) if changes else row

    def _wish(self, tx: Tx, row: ServerRow) -> MetalWish:
        image = row.image
        rescue = row.rescue is not None
        reboot = row.reboot_kind if row.reboot_nonce > row.reboot_done and not rescue else None
        return MetalWish(
            server_id=row.id,
            name=row.name,
            project_id=row.project_id,
            user_id=row.user_id,
            present=row.present,
            image_id=None if image is None else image.id,
            deploy=row.root_made is None,
            rebuild=row.root_made is not None and row.root_made != row.root_version,
            power="off" if row.power == "off" else "on",
            reboot=reboot,
            rescue=rescue,
            password=self._servers.opened(row.admin_password) or "",
            config_drive=self._drive(tx, row),
        )

    def _drive(self, tx: Tx, row: ServerRow) -> dict[str, Any]:
        """The parts that bare metal makes a config drive of."""
        if row.root_made == row.root_version or not row.present:
            return {}
        ports = self._servers.network.ports_of(tx, [row.id])
        told = self._metadata.details(tx, [row], ports)
        mine = ports.get(row.id, [])
        files = config_drive(row, mine, self._metadata.more(row, (), told))
        latest = "openstack/latest/"
        parts: dict[str, Any] = {
            name: msgspec.json.decode(files[f"{latest}{name}.json"])
            for name in ("meta_data", "network_data")
        }
        data = files.get(f"{latest}user_data")
        if data is not None:
            parts["user_data"] = data.decode("utf-8", "replace")
        return parts


def class_of(name: str) -> str:
    """A node's resource class as placement has it: `baremetal-large` is CUSTOM_BAREMETAL_LARGE."""
    upper = _UNFIT.sub("_", name.upper())
    return upper if upper.startswith("CUSTOM_") else f"CUSTOM_{upper}"
