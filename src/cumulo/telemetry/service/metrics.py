"""Metrics: what is measured, kept by archive policies, and read."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from cumulo.core.clock import Moment
from cumulo.core.db.listing import Listing
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict, Forbidden, NotFound
from cumulo.core.ids import new_id
from cumulo.telemetry.model.metric import ArchivePolicyRow, MetricRow, ResourceRow
from cumulo.telemetry.model.points import METHODS, GoneRow
from cumulo.telemetry.queries import metric as queries
from cumulo.telemetry.queries import points
from cumulo.telemetry.service.policies import Policies
from cumulo.telemetry.service.resources import SYSTEM, Resources
from cumulo.telemetry.service.store import Fold, Store

MOST_POINTS = 50_000
AT_ONCE = 500
POINTS_AT_ONCE = 5_000
Measures = Mapping[str, Sequence[tuple[float, float]]]
"""metric id → (seconds, value)"""


UNBOUNDED = 10_000_000
"""Points that a definition without an end counts for."""


def spans_of(policy: ArchivePolicyRow) -> int:
    """That a metric has at the most: each is a row."""
    return sum(each.points or UNBOUNDED for each in policy.definition)


class Quota:
    """How many metrics a project has, and how many spans they may have together."""

    def __init__(self, most: int, most_spans: int, metrics: int, spans: int) -> None:
        self._most, self._most_spans = most, most_spans
        self._metrics, self._spans = metrics, spans
        self._told: set[str] = set()

    def take(self, policy: ArchivePolicyRow) -> None:
        """Raises Forbidden."""
        self._metrics += 1
        self._spans += spans_of(policy)
        if 0 <= self._most < self._metrics:
            raise Forbidden(f"A project may have {self._most} metrics")
        if 0 <= self._most_spans < self._spans:
            raise Forbidden(
                f"The metrics of a project may have {self._most_spans} points together, as their "
                "archive policies say"
            )

    def first_of(self, resource: ResourceRow) -> bool:
        """Whether this is the first time that it is asked of this project's resources."""
        new = (resource.project_id or "") not in self._told
        self._told.add(resource.project_id or "")
        return new


class Metrics:
    listing: Listing[MetricRow] = queries.METRICS

    """`most`: metrics that a project may make itself, `most_spans`: points that these may have
    together; -1: any number."""

    def __init__(self, most: int = -1, most_resources: int = -1, most_spans: int = -1) -> None:
        self.policies = Policies()
        self.resources = Resources()
        self.store = Store()
        self._most = most
        self._most_resources = most_resources
        self._most_spans = most_spans
        self.measured: Callable[[Tx, Sequence[str]], None] = lambda tx, ids: None
        """Told, in the transaction, which metrics have new measures."""

    # --- verbs ----------------------------------------------------------------------------------

    def create(
        self,
        tx: Tx,
        *,
        creator: str,
        project_id: str | None,
        name: str | None,
        unit: str | None,
        policy: str | None,
        resource: ResourceRow | None,
        quota: "Quota | None" = None,
    ) -> MetricRow:
        """Raises BadRequest, Conflict, Forbidden. Who makes several has one `quota` for them."""
        chosen = self.policies.chosen(tx, policy, name)
        if resource is not None:
            if name is None:
                raise BadRequest("Invalid input: a metric of a resource needs a name")
            if tx.one(queries.NAMED, resource=resource.id, name=name) is not None:
                raise Conflict(f"Named metric {name} already exists")
        (quota or self.quota(tx, project_id)).take(chosen)
        of = None if resource is None else resource.id
        row = MetricRow(new_id(), name, unit, chosen.name, of, creator, project_id, tx.now)
        tx.insert(row)
        if resource is not None and (quota is None or quota.first_of(resource)):
            self.resources.changed(tx, resource.project_id)
        return row

    def quota(self, tx: Tx, project_id: str | None) -> "Quota":
        """What a project may make still, for the rest of this transaction."""
        bounded = project_id is not None and (self._most >= 0 or self._most_spans >= 0)
        if not bounded:
            return Quota(-1, -1, 0, 0)
        policies = {each.name: spans_of(each) for each in self.policies.all(tx)}
        counts = tx.tuples(queries.OF_PROJECT, project=project_id, system=SYSTEM)
        metrics = sum(count for _, count in counts)
        spans = sum(policies[name] * count for name, count in counts)
        return Quota(self._most, self._most_spans, metrics, spans)

    def link(self, tx: Tx, row: MetricRow, resource: ResourceRow, name: str) -> MetricRow:
        """A metric that there is becomes one of a resource. Raises BadRequest, Conflict."""
        if row.resource_id not in (None, resource.id):
            raise BadRequest(f"Metric {row.id} is of another resource")
        other = tx.one(queries.NAMED, resource=resource.id, name=name)
        if other is not None and other.id != row.id:
            raise Conflict(f"Named metric {name} already exists")
        self.resources.changed(tx, resource.project_id)
        return tx.update(row, resource_id=resource.id, name=name)

    def check_resources(self, tx: Tx, project_id: str | None) -> None:
        """Whether a project may make one more itself. Raises Forbidden."""
        if self._most_resources < 0 or project_id is None:
            return
        count = tx.value(queries.RESOURCES_OF_CREATOR, project=project_id, system=SYSTEM)
        if int(count) >= self._most_resources:
            raise Forbidden(f"A project may have {self._most_resources} resources of its own")

    def delete(self, tx: Tx, row: MetricRow) -> None:
        tx.delete(row)
        tx.insert(GoneRow(row.id), ignore_duplicate=True)

    def gone(self, tx: Tx, most: int) -> list[str]:
        """Removed metrics that have points left, perhaps."""
        return [str(id) for (id,) in tx.tuples(points.GONE, most=most)]

    def forget(self, tx: Tx, metric_id: str) -> bool:
        """Some more of a removed metric's points; whether there are still more."""
        count = tx.run(points.SOME_GONE, metric=metric_id, of=metric_id, most=POINTS_AT_ONCE)
        if count < POINTS_AT_ONCE:
            tx.delete(GoneRow(metric_id))
        return count == POINTS_AT_ONCE

    def ended(self, tx: Tx, before: Moment, most: int) -> list[str]:
        """Resources that are gone since before then."""
        return [str(id) for (id,) in tx.tuples(queries.ENDED, before=before, most=most)]

    def remove_ended(self, tx: Tx, resource_id: str) -> bool:
        row = tx.get(ResourceRow, resource_id)
        if row is not None and row.ended_at is not None:
            self.resources.delete(tx, row)
        return False

    # --- finding --------------------------------------------------------------------------------

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

    def by_ids(self, tx: Tx, ids: Iterable[str]) -> dict[str, MetricRow]:
        wanted = list(dict.fromkeys(ids))
        found: dict[str, MetricRow] = {}
        for first in range(0, len(wanted), AT_ONCE):
            some = wanted[first : first + AT_ONCE]
            found |= {row.id: row for row in tx.all(queries.BY_IDS, ids=some)}
        return found

    def of_resources(
        self, tx: Tx, ids: Sequence[str], names: Sequence[str] | None = None
    ) -> dict[str, list[MetricRow]]:
        found: dict[str, list[MetricRow]] = {id: [] for id in ids}
        for first in range(0, len(ids), AT_ONCE):
            some = list(ids[first : first + AT_ONCE])
            if names is None:
                rows = tx.all(queries.OF_RESOURCES, resources=some)
            else:
                rows = tx.all(queries.NAMED_OF_RESOURCES, resources=some, names=list(names))
            for row in rows:
                found[str(row.resource_id)].append(row)
        return found

    def project_of(self, tx: Tx, row: MetricRow) -> str | None:
        """Whose it is: its resource's project, or its creator's."""
        resource = None if row.resource_id is None else tx.get(ResourceRow, row.resource_id)
        return row.project_id if resource is None else resource.project_id

    # --- measures -------------------------------------------------------------------------------

    def add(self, tx: Tx, measures: Measures) -> None:
        """Fold measures into the points of all granularities; of metrics that there are."""
        rows = self.by_ids(tx, [id for id, found in measures.items() if found])
        policies = {each.name: each for each in self.policies.all(tx)}
        self.store.add(
            tx,
            [Fold(id, policies[row.archive_policy], measures[id]) for id, row in rows.items()],
        )
        if rows:
            self.measured(tx, list(rows))

    def measures(
        self,
        tx: Tx,
        metric: MetricRow,
        *,
        method: str = "mean",
        granularity: float | None = None,
        start: float | None = None,
        stop: float | None = None,
    ) -> list[tuple[int, float, float]]:
        """(begin, granularity, value), the coarsest granularity first, each in order of time."""
        policy = self.policies.get(tx, metric.archive_policy)
        chosen = [each for each in policy.definition if granularity in (None, each.granularity)]
        if method not in policy.aggregation_methods or method not in METHODS or not chosen:
            raise NotFound(
                f"Aggregation method '{method}' at granularity '{granularity}' for metric "
                f"{metric.id} does not exist"
            )
        found: list[tuple[int, float, float]] = []
        for one in sorted(chosen, key=lambda each: -each.granularity):
            span = float(one.granularity)
            found += [
                (at, span, value)
                for at, value in self.store.read(
                    tx,
                    metric.id,
                    one.granularity,
                    method,
                    since=start,
                    until=stop,
                    most=MOST_POINTS,
                    kept=one.granularity * one.points or None,
                )
            ]
        return found
