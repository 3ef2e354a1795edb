"""Samples of hosts: what they see of guests, of their disks and ports, and of themselves."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from cumulo.core.clock import to_moment
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import Conflict
from cumulo.core.hosts.samples import Sample
from cumulo.core.ids import new_id
from cumulo.telemetry.model.metric import MetricRow, ResourceRow
from cumulo.telemetry.service.metrics import Metrics
from cumulo.telemetry.service.remote_write import Told
from cumulo.telemetry.service.resources import SYSTEM, id_of

UNITS = {
    "cpu": "ns",
    "vcpus": "vcpu",
    "memory.usage": "MB",
    "memory.resident": "MB",
    "disk.device.read.bytes": "B",
    "disk.device.write.bytes": "B",
    "disk.device.read.requests": "request",
    "disk.device.write.requests": "request",
    "network.incoming.bytes": "B",
    "network.outgoing.bytes": "B",
    "network.incoming.packets": "packet",
    "network.outgoing.packets": "packet",
    "network.incoming.packets.drop": "packet",
    "network.outgoing.packets.drop": "packet",
    "network.incoming.packets.error": "packet",
    "network.outgoing.packets.error": "packet",
    "hardware.cpu.load.1min": "process",
    "hardware.cpu.load.5min": "process",
    "hardware.cpu.busy": "ns",
    "hardware.memory.total": "MB",
    "hardware.memory.used": "MB",
}
GAUGES = frozenset(
    {
        *("vcpus", "memory.usage", "memory.resident", "hardware.cpu.load.1min"),
        *("hardware.cpu.load.5min", "hardware.memory.total", "hardware.memory.used"),
    }
)
AT_ONCE = 2_000
"""Samples of one transaction."""


class Samples:
    """Implements core.hosts.samples.SampleSink: only of things that are known."""

    def __init__(self, database: Database, metrics: Metrics, policy: str, policy_rate: str) -> None:
        self._database = database
        self._metrics = metrics
        self._policy = policy
        self._policy_rate = policy_rate
        self.told: Callable[[Sequence[Told]], None] | None = None
        """Told what was kept, once it is durable."""

    async def take(self, host_id: str, samples: Sequence[Sample]) -> None:
        for first in range(0, len(samples), AT_ONCE):
            some = samples[first : first + AT_ONCE]
            await self._database.write(lambda tx, some=some: self.keep(tx, some), name="samples")  # type: ignore[misc]

    def keep(self, tx: Tx, samples: Sequence[Sample]) -> None:
        # A host is believed what it counts, not how many things there are to be counted.
        samples = [each for each in samples if each.metric in UNITS]
        ids = {
            each.resource_id: (
                each.resource_id
                if each.resource_type == "instance"
                else id_of(each.resource_id, SYSTEM)
            )
            for each in samples
        }
        kinds = {ids[each.resource_id]: each.resource_type for each in samples}
        resources = self._metrics.resources.by_ids(tx, ids.values())
        for id, row in list(resources.items()):
            if row.creator != SYSTEM or row.type != kinds[id]:
                # Named like a thing of the cloud, to read what is measured of it: makes room.
                self._metrics.resources.delete(tx, resources.pop(id))
        for each in samples:
            id = ids[each.resource_id]
            if id not in resources and each.resource_type != "instance":
                made = self._part(tx, id, each)
                if made is not None:
                    resources[id] = made
        known = {
            (row.resource_id, row.name): row.id
            for rows in self._metrics.of_resources(
                tx, list(resources), list(dict.fromkeys(each.metric for each in samples))
            ).values()
            for row in rows
        }
        measures: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for each in samples:
            resource = resources.get(ids[each.resource_id])
            if resource is None:
                continue
            metric = known.get((resource.id, each.metric))
            if metric is None:
                metric = known[(resource.id, each.metric)] = self._metric(tx, resource, each.metric)
            measures[metric].append((each.at, each.value))
        self._metrics.add(tx, measures)
        if self.told is not None:
            told, told_to = _told(samples, ids, resources), self.told
            tx.after_commit(lambda: told_to(told))

    def _part(self, tx: Tx, id: str, sample: Sample) -> ResourceRow | None:
        """A part of a server (`SERVER-disk0`), whose owner it has; None: the server is not
        known. Or a host, which is nobody's: administrators see it."""
        resources = self._metrics.resources
        host = sample.resource_type == "host"
        parent = None if host else resources.of_system(tx, sample.resource_id[:36])
        if parent is not None and parent.type != "instance":
            return None
        if (parent is None and not host) or resources.of_system(tx, id) is not None:
            return None
        at = to_moment(sample.at)
        attributes = {"host_name": sample.resource_id}
        if parent is not None:
            attributes = {"instance_id": parent.id, "name": sample.resource_id[37:]}
        row = ResourceRow(
            id,
            sample.resource_id,
            sample.resource_type,
            None if parent is None else parent.project_id,
            None if parent is None else parent.user_id,
            SYSTEM,
            attributes,
            at,
            None,
            at,
            None,
        )
        try:
            return resources.insert(tx, row)
        except Conflict:
            return None

    def _metric(self, tx: Tx, resource: ResourceRow, name: str) -> str:
        counts = name in UNITS and name not in GAUGES
        row = MetricRow(
            new_id(),
            name,
            UNITS.get(name),
            self._policy_rate if counts else self._policy,
            resource.id,
            SYSTEM,
            resource.project_id,
            tx.now,
        )
        if not tx.insert(row, ignore_duplicate=True):
            return self._metrics.named(tx, resource.id, name).id
        self._metrics.resources.changed(tx, resource.project_id)
        return row.id


def _told(
    samples: Sequence[Sample], ids: Mapping[str, str], resources: Mapping[str, ResourceRow]
) -> list[Told]:
    return [
        Told(
            each.metric,
            each.resource_id,
            each.resource_type,
            resources[ids[each.resource_id]].project_id or "",
            each.value,
            each.at,
        )
        for each in samples
        if ids[each.resource_id] in resources
    ]
