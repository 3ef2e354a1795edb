"""Metrics: what is measured, kept by archive policies, and read."""

import math
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from cumulo.core.clock import Moment, to_moment
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import BadRequest, Conflict, Forbidden, NotFound
from cumulo.core.hosts.samples import Sample
from cumulo.core.ids import child_id, new_id
from cumulo.telemetry.model.metric import (
    DEFAULT_METHODS,
    METHODS,
    RATES,
    ArchivePolicyRow,
    Definition,
    MetricRow,
    PointRow,
    ResourceRow,
    merged,
    value_of,
)
from cumulo.telemetry.queries import alarm as alarms
from cumulo.telemetry.queries import metric as queries

SPACE = uuid.UUID("0a7a15ff-aa13-4ac2-897c-9bdf30ce175b")
"""Gnocchi's namespace for ids that are no UUIDs."""
DAY = 86400
POLICIES: tuple[ArchivePolicyRow, ...] = (
    ArchivePolicyRow("bool", [Definition(1, 31536000)], ["last"], 3600),
    ArchivePolicyRow(
        "ceilometer-high",
        [Definition(1, 3600), Definition(60, 10080), Definition(3600, 8760)],
        ["mean"],
        0,
    ),
    ArchivePolicyRow(
        "ceilometer-high-rate",
        [Definition(1, 3600), Definition(60, 10080), Definition(3600, 8760)],
        ["rate:mean", "mean"],
        0,
    ),
    ArchivePolicyRow("ceilometer-low", [Definition(300, 8640)], ["mean"], 0),
    ArchivePolicyRow("ceilometer-low-rate", [Definition(300, 8640)], ["rate:mean", "mean"], 0),
    ArchivePolicyRow(
        "high",
        [Definition(1, 3600), Definition(60, 10080), Definition(3600, 8760)],
        DEFAULT_METHODS,
        0,
    ),
    ArchivePolicyRow("low", [Definition(300, 8640)], DEFAULT_METHODS, 0),
    ArchivePolicyRow("medium", [Definition(60, 10080), Definition(3600, 8760)], DEFAULT_METHODS, 0),
)
UNITS = {
    "cpu": "ns",
    "memory.usage": "MB",
    "disk.device.read.bytes": "B",
    "disk.device.write.bytes": "B",
    "network.incoming.bytes": "B",
    "network.outgoing.bytes": "B",
}
COUNTERS = frozenset(UNITS) - {"memory.usage"}
MOST_MEASURES = 100_000
MOST_POINTS = 50_000
AT_ONCE = 500
SYSTEM = "cumulo"
Measures = Mapping[str, Sequence[tuple[float, float]]]
"""metric id → (seconds, value)"""


def id_of(given: str, creator: str) -> str:
    """A UUID as it is; any other id becomes one that follows from it and its creator."""
    try:
        return str(uuid.UUID(given))
    except ValueError:
        return str(uuid.uuid5(SPACE, given + "\x00" + creator))


class Metrics:
    listing = queries.METRICS
    resources = queries.RESOURCES

    """`most`: metrics that a project may make itself; -1: any number."""

    def __init__(self, database: Database, policy: str, policy_rate: str, most: int = -1) -> None:
        self._database = database
        self._policy = policy
        self._policy_rate = policy_rate
        self._most = most
        self.measured: Callable[[Tx, Sequence[str]], None] = lambda tx, ids: None
        """Told, in the transaction, which metrics have new measures."""

    # --- archive policies -----------------------------------------------------------------------

    def first_policies(self, tx: Tx) -> None:
        for row in POLICIES:
            tx.insert(row, ignore_duplicate=True)

    def policies(self, tx: Tx) -> list[ArchivePolicyRow]:
        return tx.all(queries.POLICIES)

    def policy(self, tx: Tx, name: str) -> ArchivePolicyRow:
        found = tx.get(ArchivePolicyRow, name)
        if found is None:
            raise NotFound(f"Archive policy {name} does not exist")
        return found

    def create_policy(
        self, tx: Tx, name: str, definition: Sequence[Definition], methods: Sequence[str], back: int
    ) -> ArchivePolicyRow:
        for method in methods:
            if method not in (*METHODS, *RATES):
                raise BadRequest(f"Invalid input: unknown aggregation method {method!r}")
        if len({each.granularity for each in definition}) != len(definition):
            raise BadRequest("More than one archive policy uses granularity")
        ordered = sorted(definition, key=lambda each: each.granularity)
        row = ArchivePolicyRow(name, ordered, list(methods), back)
        if not tx.insert(row, ignore_duplicate=True):
            raise Conflict(f"Archive policy {name} already exists")
        return row

    def delete_policy(self, tx: Tx, name: str) -> None:
        row = self.policy(tx, name)
        if int(tx.value(queries.POLICY_USED, name=name)):
            raise BadRequest(f"Archive policy {name} is still in use")
        tx.delete(row)

    # --- resources ------------------------------------------------------------------------------

    def known(
        self,
        tx: Tx,
        kind: str,
        id: str,
        project_id: str | None,
        user_id: str | None,
        name: str | None,
        facts: Mapping[str, Any] | None,
        at: Moment,
    ) -> None:
        """What an event says of a thing that is paid for: it is a resource of its kind."""
        row = self._of_system(tx, id)
        attributes = {"display_name": name, **(facts or {})}
        if row is None:
            tx.insert(
                ResourceRow(id, id, kind, project_id, user_id, SYSTEM, attributes, at, None, at),
                ignore_duplicate=True,
            )
        elif facts is None:
            tx.update(row, ended_at=at, revision_start=at)
        else:
            # A thing may have been given to another project.
            whose = {"project_id": project_id, "user_id": user_id}
            tx.update(row, attributes=attributes, ended_at=None, revision_start=at, **whose)

    @staticmethod
    def _of_system(tx: Tx, id: str) -> ResourceRow | None:
        """A thing of the cloud. Ids can be guessed, and clients name resources as they like: one
        that was named like a thing of the cloud, to read what is measured of it, makes room."""
        row = tx.get(ResourceRow, id)
        if row is not None and row.creator != SYSTEM:
            tx.delete(row)
            return None
        return row

    def resource(self, tx: Tx, given: str, creator: str) -> ResourceRow:
        row = tx.get(ResourceRow, id_of(given, creator))
        if row is None:
            raise NotFound(f"Resource {given} does not exist")
        return row

    def named_resource(self, tx: Tx, given: str, project: str, user: str) -> ResourceRow | None:
        """A resource as somebody of the project names it: by its id, or by the name that they or
        a colleague gave it."""
        row = tx.get(ResourceRow, id_of(given, f"{user}:{project}"))
        return row or tx.one(queries.ORIGINAL, original=given, project=project)

    # --- metrics --------------------------------------------------------------------------------

    def create(
        self,
        tx: Tx,
        *,
        creator: str,
        project_id: str | None,
        name: str | None,
        unit: str | None,
        policy: str,
        resource_id: str | None,
    ) -> MetricRow:
        """Raises BadRequest, Conflict."""
        if tx.get(ArchivePolicyRow, policy) is None:
            raise BadRequest(f"Archive policy {policy} does not exist")
        if resource_id is not None:
            if name is None:
                raise BadRequest("Invalid input: a metric of a resource needs a name")
            if tx.one(queries.NAMED, resource=resource_id, name=name) is not None:
                raise Conflict(f"Named metric {name} already exists")
        bounded = self._most >= 0 and project_id is not None
        if bounded and int(tx.value(queries.OF_PROJECT, project=project_id)) >= self._most:
            raise Forbidden(f"A project may have {self._most} metrics")
        row = MetricRow(new_id(), name, unit, policy, resource_id, creator, project_id, tx.now)
        tx.insert(row)
        return row

    def get(self, tx: Tx, id: str) -> MetricRow:
        row = tx.get(MetricRow, id)
        if row is None:
            raise NotFound(f"Metric {id} does not exist")
        return row

    def named(self, tx: Tx, resource_id: str, name: str) -> MetricRow:
        row = tx.one(queries.NAMED, resource=resource_id, name=name)
        if row is None:
            raise NotFound(f"Metric {name} does not exist")
        return row

    def of_resources(self, tx: Tx, ids: Sequence[str]) -> dict[str, list[MetricRow]]:
        found: dict[str, list[MetricRow]] = {id: [] for id in ids}
        for row in tx.all(queries.OF_RESOURCES, resources=list(ids)) if ids else ():
            found[str(row.resource_id)].append(row)
        return found

    def project_of(self, tx: Tx, row: MetricRow) -> str | None:
        """Whose it is: its resource's project, or its creator's."""
        resource = None if row.resource_id is None else tx.get(ResourceRow, row.resource_id)
        return row.project_id if resource is None else resource.project_id

    # --- measures -------------------------------------------------------------------------------

    def add(self, tx: Tx, measures: Measures) -> None:
        """Fold measures into the points of all granularities."""
        if sum(len(each) for each in measures.values()) > MOST_MEASURES:
            raise BadRequest(f"Invalid input: more than {MOST_MEASURES} measures")
        new = [metric_id for metric_id, found in measures.items() if found]
        for metric_id in new:
            self._fold(tx, self.get(tx, metric_id), measures[metric_id])
        if new:
            self.measured(tx, new)

    def _fold(self, tx: Tx, metric: MetricRow, found: Iterable[tuple[float, float]]) -> None:
        policy = self.policy(tx, metric.archive_policy)
        values = list(found)
        for one in policy.definition:
            spans: dict[int, list[tuple[float, float]]] = defaultdict(list)
            for at, value in values:
                spans[int(at // one.granularity) * one.granularity].append((at, value))
            begun = False
            for begin, inside in spans.items():
                before = tx.get(PointRow, metric.id, one.granularity, begin)
                after = merged(before, metric.id, one.granularity, begin, inside)
                if before is not None:
                    tx.delete(before)
                tx.insert(after)
                begun = begun or before is None
            newest = max(spans)
            if begun:
                oldest = newest - one.granularity * one.points
                tx.run(queries.OLD, metric=metric.id, granularity=one.granularity, before=oldest)

    def measures(
        self,
        tx: Tx,
        metric: MetricRow,
        *,
        method: str = "mean",
        granularity: float | None = None,
        start: float | None = None,
        stop: float | None = None,
    ) -> list[tuple[float, float, float]]:
        """(begin, granularity, value), the coarsest granularity first, each in order of time."""
        policy = self.policy(tx, metric.archive_policy)
        if method not in policy.aggregation_methods:
            raise NotFound(
                f"Aggregation method '{method}' at granularity '{granularity}' for metric "
                f"{metric.id} does not exist"
            )
        chosen = [each for each in policy.definition if granularity in (None, each.granularity)]
        if not chosen:
            raise NotFound(
                f"Aggregation method '{method}' at granularity '{granularity}' for metric "
                f"{metric.id} does not exist"
            )
        found: list[tuple[float, float, float]] = []
        for one in sorted(chosen, key=lambda each: -each.granularity):
            found += self._read(tx, metric, one.granularity, method, start, stop)
        return found

    def _read(
        self,
        tx: Tx,
        metric: MetricRow,
        granularity: int,
        method: str,
        start: float | None,
        stop: float | None,
    ) -> list[tuple[float, float, float]]:
        since = -(2**62) if start is None else math.floor(start / granularity) * granularity
        # One span more: a rate begins with what was before.
        rows = tx.all(
            queries.POINTS,
            metric=metric.id,
            granularity=granularity,
            since=since - granularity if start is not None else since,
            until=2**62 if stop is None else math.ceil(stop),
            most=MOST_POINTS,
        )[::-1]
        found = []
        before: PointRow | None = None
        for row in rows:
            value = value_of(row, method, before)
            if value is not None and row.at >= since:
                found.append((float(row.at), float(granularity), value))
            before = row
        return found

    # --- samples of hosts -----------------------------------------------------------------------

    async def take(self, host_id: str, samples: Sequence[Sample]) -> None:
        """Implements core.hosts.samples.SampleSink: only of things that are known."""
        await self._database.write(lambda tx: self._take(tx, samples), name="samples")

    def _take(self, tx: Tx, samples: Sequence[Sample]) -> None:
        measures: dict[str, list[tuple[float, float]]] = defaultdict(list)
        for sample in samples:
            resource = self._resource_of(tx, sample)
            if resource is not None:
                metric = self._metric_of(tx, resource, sample.metric)
                measures[metric.id].append((sample.at, sample.value))
        self.add(tx, measures)

    def _resource_of(self, tx: Tx, sample: Sample) -> ResourceRow | None:
        """A server, or a part of one (`SERVER-disk0`), whose owner it has."""
        if sample.resource_type == "instance":
            return self._of_system(tx, sample.resource_id)
        id = id_of(sample.resource_id, SYSTEM)
        row = self._of_system(tx, id)
        if row is not None:
            return row
        parent = self._of_system(tx, sample.resource_id[:36])
        if parent is None:
            return None
        row = ResourceRow(
            id,
            sample.resource_id,
            sample.resource_type,
            parent.project_id,
            parent.user_id,
            SYSTEM,
            {"instance_id": parent.id, "name": sample.resource_id[37:]},
            to_moment(sample.at),
            None,
            to_moment(sample.at),
        )
        tx.insert(row, ignore_duplicate=True)
        return row

    def _metric_of(self, tx: Tx, resource: ResourceRow, name: str) -> MetricRow:
        found = tx.one(queries.NAMED, resource=resource.id, name=name)
        if found is not None:
            return found
        row = MetricRow(
            child_id(resource.id, "metric", name),
            name,
            UNITS.get(name),
            self._policy_rate if name in COUNTERS else self._policy,
            resource.id,
            SYSTEM,
            resource.project_id,
            tx.now,
        )
        tx.insert(row, ignore_duplicate=True)
        return row


def soon(tx: Tx, metric_ids: Sequence[str]) -> None:
    """The alarms of these metrics look at the new measures at once."""
    for first in range(0, len(metric_ids), AT_ONCE):
        tx.run(alarms.SOON, now=tx.now, metrics=list(metric_ids[first : first + AT_ONCE]))
