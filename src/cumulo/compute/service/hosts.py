"""Compute hosts: what they have, whether they may be given work, zones and aggregates."""

from collections.abc import Mapping
from typing import Any

from cumulo.compute.model.hypervisor import AggregateRow, HostResources, HypervisorRow
from cumulo.compute.queries import hypervisor as queries
from cumulo.compute.queries import server as servers
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.hosts.model import HostRow
from cumulo.core.hosts.registry import HostRegistry, is_alive
from cumulo.core.ids import child_id, new_id
from cumulo.core.wire.coercions import whole_or_none
from cumulo.placement.interface import Inventory, Placement

DEFAULT_ZONE = "nova"


class Ratios:
    """How much more is promised than there is."""

    def __init__(self, cpu: float, ram: float, disk: float) -> None:
        self.cpu, self.ram, self.disk = cpu, ram, disk


class Hosts:
    listing = queries.HYPERVISORS

    def __init__(self, registry: HostRegistry, placement: Placement, ratios: Ratios) -> None:
        self.registry = registry
        self._placement = placement
        self._ratios = ratios

    def register(self, tx: Tx, host_id: str, resources: HostResources) -> HypervisorRow:
        """Take over what a host has; nothing is written when nothing changed."""
        row = tx.one(queries.ON_HOST, host=host_id)
        if row is None:
            row = HypervisorRow(
                id=0,
                host_id=host_id,
                uuid=provider_id(host_id),
                service_uuid=child_id(host_id, "compute service"),
                resources=resources,
                created_at=tx.now,
                updated_at=tx.now,
            )
            tx.insert(row)
            emit(tx, "compute.host.create", host_id, vcpus=resources.vcpus)
        elif row.resources != resources:
            tx.update(row, resources=resources, updated_at=tx.now)
        else:
            return row
        ratios = self._ratios
        self._placement.ensure_provider(
            tx,
            row.uuid,
            host_id,
            {
                "VCPU": _stock(resources.vcpus, ratios.cpu),
                "MEMORY_MB": _stock(resources.memory_mb, ratios.ram),
                "DISK_GB": _stock(resources.disk_gb, ratios.disk),
            },
        )
        return self.on(tx, host_id)

    def all(self, tx: Tx) -> list[HypervisorRow]:
        return self.listing.page(tx, where={})

    def on(self, tx: Tx, host_id: str) -> HypervisorRow:
        row = tx.one(queries.ON_HOST, host=host_id)
        if row is None:
            raise NotFound(f"Compute host {host_id} could not be found.")
        return row

    def get(self, tx: Tx, id: str) -> HypervisorRow:
        """By number (before API 2.53) or UUID."""
        found = [row for row in self.all(tx) if id in (str(row.id), row.uuid)]
        if not found:
            raise NotFound(f"Hypervisor with ID '{id}' could not be found.")
        return found[0]

    def service(self, tx: Tx, id: str) -> HypervisorRow:
        found = [row for row in self.all(tx) if id in (str(row.id), row.service_uuid)]
        if not found:
            raise NotFound(f"Service {id} could not be found.")
        return found[0]

    def alive(self, tx: Tx) -> dict[str, HostRow]:
        """Hosts whose agent was heard of a short while ago."""
        return {row.id: row for row in self.registry.all(tx) if is_alive(row, tx.now)}

    def schedulable(self, tx: Tx, zone: str | None) -> tuple[list[str], dict[str, str]]:
        """Names of hosts that may be given a server, and why the others may not."""
        alive = self.alive(tx)
        zones = self.zones(tx)
        names, refused = [], {}
        for row in self.all(tx):
            host = row.host_id
            if row.disabled:
                refused[host] = f"disabled: {row.disabled_reason or 'no reason given'}"
            elif row.forced_down:
                refused[host] = "forced down"
            elif host not in alive:
                refused[host] = "its agent is silent"
            elif zone is not None and zones[host] != zone:
                refused[host] = f"is in zone {zones[host]}"
            else:
                names.append(host)
        return names, refused

    def servers_by_host(self, tx: Tx) -> dict[str, int]:
        return {host: int(count) for host, count in tx.tuples(servers.COUNT_BY_HOST)}

    def used(self, tx: Tx) -> dict[str, dict[str, int]]:
        """host → resource class → what servers hold of it, as their flavors say"""
        found: dict[str, dict[str, int]] = {
            row.host_id: {"VCPU": 0, "MEMORY_MB": 0, "DISK_GB": 0} for row in self.all(tx)
        }
        for row in servers.SERVERS.page(tx, where={"existing": True}):
            mine = found.get(row.host_id or "")
            if mine is not None:
                mine["VCPU"] += row.flavor.vcpus
                mine["MEMORY_MB"] += row.flavor.ram
                mine["DISK_GB"] += row.flavor.disk if row.image is not None else 0
        return found

    def set_service(self, tx: Tx, row: HypervisorRow, **changes: Any) -> HypervisorRow:
        """`disabled`, `disabled_reason`, `forced_down`."""
        row = tx.update(row, **changes, updated_at=tx.now)
        emit(tx, "compute.service.update", row.host_id, **changes)
        return row

    # --- zones and aggregates ---------------------------------------------------------------

    def zones(self, tx: Tx) -> dict[str, str]:
        """The availability zone of each host: its aggregate's, or the default one."""
        found = {row.host_id: row.zone for row in self.all(tx)}
        for aggregate in self.aggregates(tx):
            zone = aggregate.metadata.get("availability_zone")
            if zone:
                found.update({host: zone for host in aggregate.hosts if host in found})
        return found

    def aggregates(self, tx: Tx) -> list[AggregateRow]:
        return tx.all(queries.AGGREGATES)

    def aggregate(self, tx: Tx, id: str) -> AggregateRow:
        number = whole_or_none(id)
        row = None if number is None else tx.get(AggregateRow, number)
        if row is None:
            raise NotFound(f"Aggregate {id} could not be found.")
        return row

    def create_aggregate(self, tx: Tx, name: str, zone: str | None) -> AggregateRow:
        self._check_name(tx, name, None)
        uuid = new_id()
        metadata = {"availability_zone": zone} if zone else {}
        tx.insert(
            AggregateRow(
                id=0,
                uuid=uuid,
                name=name,
                hosts=[],
                metadata=metadata,
                created_at=tx.now,
                updated_at=None,
            )
        )
        emit(tx, "compute.aggregate.create", uuid, name=name)
        return next(row for row in self.aggregates(tx) if row.uuid == uuid)

    def update_aggregate(self, tx: Tx, row: AggregateRow, **changes: Any) -> AggregateRow:
        if "name" in changes:
            self._check_name(tx, changes["name"], row.id)
        row = tx.update(row, **changes, updated_at=tx.now)
        emit(tx, "compute.aggregate.update", row.uuid, changed=sorted(changes))
        return row

    def set_metadata(
        self, tx: Tx, row: AggregateRow, values: Mapping[str, str | None]
    ) -> AggregateRow:
        """None removes a key."""
        merged = {**row.metadata, **values}
        kept = {key: value for key, value in merged.items() if value is not None}
        return self.update_aggregate(tx, row, metadata=kept)

    def add_host(self, tx: Tx, row: AggregateRow, host_id: str) -> AggregateRow:
        self.on(tx, host_id)
        if host_id in row.hosts:
            raise Conflict(
                f"Cannot add host {host_id} in aggregate {row.id}: host already in aggregate"
            )
        zone = row.metadata.get("availability_zone")
        for other in self.aggregates(tx):
            theirs = other.metadata.get("availability_zone")
            if zone and theirs and zone != theirs and host_id in other.hosts:
                raise Conflict(
                    f"Cannot add host to aggregate {row.id}. Reason: One or more hosts already in "
                    f"availability zone(s) {theirs}."
                )
        return self.update_aggregate(tx, row, hosts=[*row.hosts, host_id])

    def remove_host(self, tx: Tx, row: AggregateRow, host_id: str) -> AggregateRow:
        if host_id not in row.hosts:
            raise NotFound(
                f"Cannot remove host {host_id} in aggregate {row.id}: host not in aggregate"
            )
        rest = [host for host in row.hosts if host != host_id]
        return self.update_aggregate(tx, row, hosts=rest)

    def delete_aggregate(self, tx: Tx, row: AggregateRow) -> None:
        if row.hosts:
            raise BadRequest(
                f"Cannot remove aggregate {row.id}. Reason: Host aggregate is not empty."
            )
        tx.delete(row)
        emit(tx, "compute.aggregate.delete", row.uuid)

    def _check_name(self, tx: Tx, name: str, own: int | None) -> None:
        if any(row.name == name and row.id != own for row in self.aggregates(tx)):
            raise Conflict(f"Aggregate {name} already exists.")


def provider_id(host_id: str) -> str:
    """The id of a host's provider in placement, and of its hypervisor."""
    return child_id(host_id, "compute node")


def _stock(total: int, ratio: float) -> Inventory:
    return Inventory(total=total, max_unit=max(total, 1), allocation_ratio=ratio)
