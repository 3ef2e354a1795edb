"""Compute hosts: what they have, whether they may be given work, zones and aggregates."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from cumulo.compute.model.hypervisor import AggregateRow, HostResources, HypervisorRow
from cumulo.compute.queries import hypervisor as queries
from cumulo.compute.queries import server as servers
from cumulo.core.clock import later
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.hosts.model import HostRow
from cumulo.core.hosts.registry import ALIVE_SECONDS, HostRegistry, is_alive
from cumulo.core.ids import child_id, new_id
from cumulo.core.wire.coercions import whole_or_none
from cumulo.placement.interface import Inventory, Placement, Where

DEFAULT_ZONE = "nova"
DISABLED = "COMPUTE_STATUS_DISABLED"
"""The trait of hosts that are disabled or forced down."""
METAL = "CUSTOM_CUMULO_NODE"
"""The trait of nodes of bare metal: where no agent is, none has to be heard of."""
NOTHING = {"VCPU": 0, "MEMORY_MB": 0, "DISK_GB": 0}


class Ratios:
    """How much more is promised than there is."""

    def __init__(self, cpu: float, ram: float, disk: float) -> None:
        self.cpu, self.ram, self.disk = cpu, ram, disk


class Hosts:
    listing = queries.HYPERVISORS
    own_traits = frozenset((DISABLED,))

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
                "VCPU": _stock(resources.vcpus - len(resources.dedicated), ratios.cpu),
                **({"PCPU": _stock(len(resources.dedicated), 1.0)} if resources.dedicated else {}),
                "MEMORY_MB": _stock(resources.memory_mb, ratios.ram),
                "DISK_GB": _stock(resources.disk_gb, ratios.disk),
            },
        )
        return self.on(tx, host_id)

    def forget(self, tx: Tx, host_id: str) -> None:
        """It is no host any more. Raises Conflict as long as a server takes of it."""
        row = tx.one(queries.ON_HOST, host=host_id)
        if row is not None:
            self._placement.remove_provider(tx, row.uuid)
            tx.delete(row)
            emit(tx, "compute.host.delete", host_id)

    def all(self, tx: Tx) -> list[HypervisorRow]:
        return self.listing.page(tx, where={})

    def on(self, tx: Tx, host_id: str) -> HypervisorRow:
        row = tx.one(queries.ON_HOST, host=host_id)
        if row is None:
            raise NotFound(f"Compute host {host_id} could not be found.")
        return row

    def is_off(self, tx: Tx, host_id: str) -> bool:
        """By an operator's word, who has forced its service down: silence may be a broken link."""
        row = tx.one(queries.ON_HOST, host=host_id)
        return row is not None and row.forced_down

    def count(self, tx: Tx) -> int:
        return int(tx.value(queries.COUNT))

    def first(self, tx: Tx, most: int, *, named: str | None = None) -> list[HypervisorRow]:
        where = {} if named is None else {"host": named}
        return self.listing.page(tx, where=where, limit=most)

    def get(self, tx: Tx, id: str) -> HypervisorRow:
        """By number (before API 2.53) or UUID."""
        return self._found(tx, id, "uuid", f"Hypervisor with ID '{id}' could not be found.")

    def service(self, tx: Tx, id: str) -> HypervisorRow:
        return self._found(tx, id, "service_uuid", f"Service {id} could not be found.")

    def _found(self, tx: Tx, id: str, column: str, refusal: str) -> HypervisorRow:
        number = whole_or_none(id)
        if number is not None and 0 < number < 2**63:
            row = tx.get(HypervisorRow, number)
        else:
            row = next(iter(self.listing.page(tx, where={column: id}, limit=1)), None)
        if row is None:
            raise NotFound(refusal)
        return row

    def alive(self, tx: Tx, host_ids: Sequence[str]) -> dict[str, HostRow]:
        """Those of the hosts whose agent was heard of a short while ago."""
        found = self.registry.some(tx, sorted(set(host_ids)))
        return {id: row for id, row in found.items() if is_alive(row, tx.now)}

    # --- who may be given a server ------------------------------------------------------------

    def may_be_given(
        self,
        tx: Tx,
        zone: str | None,
        only: Sequence[str] | None,
        never: Sequence[str],
        *,
        required: Sequence[str] = (),
        forbidden: Sequence[str] = (),
    ) -> Where:
        """What placement is told of hosts: those that are disabled bear a trait, those of a zone
        are in its aggregates."""
        inside: list[str] | None = None
        outside: list[str] = []
        if zone is not None:
            zones = self._zones_of_aggregates(tx)
            inside = [uuid for uuid, name in zones.items() if name == zone]
            if zone == DEFAULT_ZONE:
                outside = [uuid for uuid, name in zones.items() if name != zone]
                inside = None
        return Where(
            named=None if only is None else list(only),
            not_named=list(never),
            member_of=inside,
            not_member_of=outside,
            required=required,
            forbidden=[DISABLED, *forbidden],
            alive_since=later(tx.now, -ALIVE_SECONDS),
            alive_anyway=[METAL],
        )

    def refused(
        self,
        tx: Tx,
        names: Sequence[str],
        rows: Sequence[HypervisorRow] | None = None,
        zone: str | None = None,
    ) -> dict[str, str]:
        """Which of these hosts may not be given a server, and why."""
        if rows is None:
            rows = self.rows(tx, names)
        alive = self.registry.some(tx, names)
        refused = {name: "there is no such compute host" for name in names}
        for row in rows:
            host = alive.get(row.host_id)
            if row.disabled:
                refused[row.host_id] = f"disabled: {row.disabled_reason or 'no reason given'}"
            elif row.forced_down:
                refused[row.host_id] = "forced down"
            elif not row.metal and (host is None or not is_alive(host, tx.now)):
                refused[row.host_id] = "its agent is silent"
            elif host is not None and not host.enabled:
                refused[row.host_id] = "the host is disabled"
            elif zone is not None and row.zone != zone:
                refused[row.host_id] = f"is in zone {row.zone}"
            else:
                del refused[row.host_id]
        return refused

    def rows(self, tx: Tx, names: Sequence[str]) -> list[HypervisorRow]:
        return self.listing.page(tx, where={"hosts": list(names)}) if names else []

    def metadata_of(self, tx: Tx, names: Sequence[str]) -> dict[str, dict[str, frozenset[str]]]:
        """host → key → what the aggregates that it is in say of it"""
        found: dict[str, dict[str, frozenset[str]]] = {name: {} for name in names}
        for each in self.aggregates(tx):
            for host in found.keys() & set(each.hosts):
                for key, value in each.metadata.items():
                    found[host][key] = found[host].get(key, frozenset()) | {value}
        return found

    # --- what they have -----------------------------------------------------------------------

    def servers_on(self, tx: Tx, host_ids: Sequence[str]) -> dict[str, int]:
        """host → how many servers it has"""
        found = tx.tuples(servers.COUNT_ON_HOSTS, hosts=list(host_ids)) if host_ids else []
        return {host: int(count) for host, count in found}

    def used(self, tx: Tx, rows: Sequence[HypervisorRow]) -> dict[str, dict[str, int]]:
        """host → resource class → what is taken of it"""
        found = self._placement.used(tx, [row.uuid for row in rows]) if rows else {}
        return {row.host_id: {**NOTHING, **found[row.uuid]} for row in rows}

    def totals(self, tx: Tx) -> tuple[int, dict[str, int]]:
        """How many hosts are enabled, and what they have together."""
        count, have = 0, dict(NOTHING)
        for text, number in tx.tuples(queries.TOTALS):
            each = msgspec.json.decode(text, type=HostResources)
            count += number
            have["VCPU"] += each.vcpus * number
            have["MEMORY_MB"] += each.memory_mb * number
            have["DISK_GB"] += each.disk_gb * number
        return count, have

    def servers_in_all(self, tx: Tx) -> int:
        return int(tx.value(servers.COUNT))

    def used_in_all(self, tx: Tx) -> dict[str, int]:
        return {**NOTHING, **self._placement.used_in_all(tx)}

    def set_service(self, tx: Tx, row: HypervisorRow, **changes: Any) -> HypervisorRow:
        """`disabled`, `disabled_reason`, `forced_down`."""
        row = tx.update(row, **changes, updated_at=tx.now)
        self._placement.mark(tx, row.uuid, DISABLED, row.disabled or row.forced_down)
        emit(tx, "compute.service.update", row.host_id, **changes)
        return row

    def end_service(self, tx: Tx, row: HypervisorRow) -> None:
        """Compute's part of a host goes; its agent brings it back when it connects anew. Raises
        Conflict while it has servers."""
        if self.servers_on(tx, [row.host_id]).get(row.host_id):
            raise Conflict(
                "Unable to delete compute service that is hosting instances. Migrate or delete "
                "the instances first."
            )
        for each in self.aggregates(tx):
            if row.host_id in each.hosts:
                self.remove_host(tx, each, row.host_id)
        self.forget(tx, row.host_id)

    # --- zones and aggregates ---------------------------------------------------------------

    def has_zone(self, tx: Tx, zone: str) -> bool:
        return zone == DEFAULT_ZONE or bool(self.listing.page(tx, where={"zone": zone}, limit=1))

    def zone_states(self, tx: Tx) -> dict[str, bool]:
        """zone → whether a host of it is enabled"""
        return {zone: bool(enabled) for zone, enabled in tx.tuples(queries.ZONES)}

    def _zones_of_aggregates(self, tx: Tx) -> dict[str, str]:
        """Aggregate → its zone, of those that name one."""
        found = tx.tuples(queries.AGGREGATE_ZONES)
        zones = {
            uuid: msgspec.json.decode(text, type=dict[str, str]).get("availability_zone")
            for uuid, text in found
        }
        return {uuid: zone for uuid, zone in zones.items() if zone}

    def _rezone(self, tx: Tx, host_ids: Sequence[str]) -> None:
        """The stored zone of hosts whose aggregates have changed: their aggregate's, or the
        default one."""
        named = {
            host: row.metadata["availability_zone"]
            for row in self.aggregates(tx)
            if row.metadata.get("availability_zone")
            for host in row.hosts
        }
        for host_id in host_ids:
            row = tx.one(queries.ON_HOST, host=host_id)
            zone = named.get(host_id, DEFAULT_ZONE)
            if row is not None and row.zone != zone:
                tx.update(row, zone=zone, updated_at=tx.now)

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
        changed = self.update_aggregate(tx, row, metadata=kept)
        if kept.get("availability_zone") != row.metadata.get("availability_zone"):
            self._rezone(tx, row.hosts)
        return changed

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
        row = self.update_aggregate(tx, row, hosts=[*row.hosts, host_id])
        self._placement.join(tx, provider_id(host_id), row.uuid, True)
        self._rezone(tx, [host_id])
        return row

    def remove_host(self, tx: Tx, row: AggregateRow, host_id: str) -> AggregateRow:
        if host_id not in row.hosts:
            raise NotFound(
                f"Cannot remove host {host_id} in aggregate {row.id}: host not in aggregate"
            )
        rest = [host for host in row.hosts if host != host_id]
        row = self.update_aggregate(tx, row, hosts=rest)
        self._placement.join(tx, provider_id(host_id), row.uuid, False)
        self._rezone(tx, [host_id])
        return row

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
