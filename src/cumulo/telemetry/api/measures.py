"""Measures: many of them come in one request, and they are read by aggregate.

They are taken apart in a thread where they are many, and written in pieces: a batch of any size
holds up nobody. What is wrong in it is said before anything is written.
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import BadRequest, Fault, TooLarge, UnsupportedMediaType
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.work import pools
from cumulo.telemetry.api.bodies import creator_of, target_of
from cumulo.telemetry.api.lists import flag
from cumulo.telemetry.api.metrics import NAMED, metric_of
from cumulo.telemetry.model.metric import ArchivePolicyRow, MetricRow, ResourceRow
from cumulo.telemetry.model.operations import resampled
from cumulo.telemetry.model.times import fast_seconds, seconds_of, span_of, span_or_letter, stamp
from cumulo.telemetry.service.metrics import MOST_POINTS, Metrics
from cumulo.telemetry.service.resources import id_of

T = TypeVar("T")

MOST_BYTES = 8 << 20
MOST_MEASURES = 100_000
MOST_METRICS = 1_000
"""Of one request."""
INLINE_BYTES = 32 << 10
"""What is longer is taken apart in a thread."""
AT_ONCE = 2_000
"""Measures of one transaction."""
QUICK_POINTS = 10_000
"""What may be more is read in a thread."""
FIRST_TIME = -30e9
"""Of a measure: about the year 1019; the span that it falls into still begins in the calendar."""
AHEAD = 86400.0
"""Seconds that a measure's time may be ahead: what is older than the newest by more than a policy
keeps is not shown any more."""
LARGEST_VALUE = 1e150
"""Its square is a number still."""


class Measure(msgspec.Struct, gc=False):
    timestamp: str | float
    value: float


class Several(msgspec.Struct, gc=False):
    """Measures of a metric that may have to be made."""

    measures: list[Measure]
    archive_policy_name: str | None = None
    unit: str | None = None


Points = list[tuple[float, float]]
OF_ONE = msgspec.json.Decoder(list[Measure])
OF_METRICS = msgspec.json.Decoder(dict[str, list[Measure]])
OF_RESOURCES = msgspec.json.Decoder(dict[str, dict[str, list[Measure] | Several]])


class MeasuresApi:
    def __init__(self, database: Database, metrics: Metrics) -> None:
        self._database = database
        self._metrics = metrics

    def operations(self) -> list[Operation]:
        late: dict[str, Any] = {"early": False, "kind": "stream"}
        posts: dict[str, Any] = {**late, "policy": "post measures", "status": 202}
        batch = "/v1/batch"
        made = []
        for path in ("/v1/metric/{metric_id}/measures", f"{NAMED}/measures"):
            made.append(Operation("GET", path, self.measures, policy="get measures", **late))
            made.append(Operation("POST", path, self.add, **posts))
        return [
            *made,
            Operation("POST", f"{batch}/metrics/measures", self.add_many, **posts),
            Operation("POST", f"{batch}/resources/metrics/measures", self.add_by_name, **posts),
        ]

    # --- reading --------------------------------------------------------------------------------

    async def measures(self, call: Call) -> Reply:
        asked = _Asked(call)
        row, policy = await self._database.read(lambda tx: self._readable(call, tx))
        many = sum(
            each.points or MOST_POINTS
            for each in policy.definition
            if asked.granularity in (None, each.granularity)
        )
        read = self._database.read if many <= QUICK_POINTS else self._database.study
        found = await read(
            lambda tx: self._metrics.measures(
                tx,
                row,
                method=asked.method,
                granularity=asked.granularity,
                start=asked.start,
                stop=asked.stop,
            )
        )
        if asked.resample is not None:
            wider = resampled(found, asked.method, asked.resample)
            return Reply(200, [(stamp(at), span, value) for at, span, value in wider])
        return Reply(200, [(stamp(at), span, value) for at, span, value in found])

    def _readable(self, call: Call, tx: Tx) -> tuple[MetricRow, ArchivePolicyRow]:
        row = metric_of(call, tx, self._metrics)
        return row, self._metrics.policies.get(tx, row.archive_policy)

    # --- taking ---------------------------------------------------------------------------------

    async def add(self, call: Call) -> None:
        points = await _taken(call, lambda raw: _points(OF_ONE.decode(raw), [0]))
        row = await self._database.read(lambda tx: metric_of(call, tx, self._metrics))
        await self._write({row.id: points})

    async def add_many(self, call: Call) -> None:
        def taken_apart(raw: bytes) -> dict[str, Points]:
            count = [0]
            given = OF_METRICS.decode(raw)
            if len(given) > MOST_METRICS:
                raise BadRequest(f"Invalid input: more than {MOST_METRICS} metrics")
            return {id: _points(each, count) for id, each in given.items()}

        measures = await _taken(call, taken_apart)
        await self._database.read(lambda tx: self._check(call, tx, list(measures)))
        await self._write(measures)

    def _check(self, call: Call, tx: Tx, ids: Sequence[str]) -> None:
        rows = self._metrics.by_ids(tx, ids)
        of = self._metrics.resources.by_ids(
            tx, [row.resource_id for row in rows.values() if row.resource_id is not None]
        )
        unknown: list[str] = []
        refused: list[str] = []
        for id in ids:
            row = rows.get(id)
            if row is None:
                unknown.append(id)
                continue
            resource = of.get(row.resource_id or "")
            target = target_of(row, row.project_id if resource is None else resource.project_id)
            if not call.allowed("post measures", target):
                (refused if call.allowed("get metric", target) else unknown).append(id)
        if unknown:
            raise caused("Unknown metrics", unknown)
        if refused:
            call.allow({})

    async def add_by_name(self, call: Call) -> None:
        make = flag(call, "create_metrics")

        def taken_apart(raw: bytes) -> dict[str, dict[str, tuple[Points, Several | None]]]:
            count = [0]
            given = OF_RESOURCES.decode(raw)
            if sum(map(len, given.values())) + len(given) > MOST_METRICS:
                raise BadRequest(f"Invalid input: more than {MOST_METRICS} metrics")
            return {
                id: {
                    name: (
                        (_points(each.measures, count), each)
                        if isinstance(each, Several)
                        else (_points(each, count), None)
                    )
                    for name, each in metrics.items()
                }
                for id, metrics in given.items()
            }

        given = await _taken(call, taken_apart)
        names = {id: {name: wish for name, (_, wish) in each.items()} for id, each in given.items()}
        ids = await self._database.write(
            lambda tx: self._named(call, tx, names, make), name="metrics by name"
        )
        measures: dict[str, Points] = {}
        for id, metrics in given.items():
            for name, (points, _) in metrics.items():
                measures.setdefault(ids[(id, name)], []).extend(points)
        await self._write(measures)

    def _named(
        self,
        call: Call,
        tx: Tx,
        names: Mapping[str, Mapping[str, Several | None]],
        make: bool,
    ) -> dict[tuple[str, str], str]:
        """(resource as it is named, metric) → the metric's id. All is checked before any is
        made."""
        who = call.principal
        resources: dict[str, ResourceRow] = {}
        unknown = []
        known_as = self._metrics.resources.all_named(tx, [*names], who.project_id, who.user_id)
        for id in names:
            row = known_as.get(id)
            target = {} if row is None else target_of(row, row.project_id)
            if row is None or not call.allowed("get resource", target):
                full = id_of(id, creator_of(call))
                unknown.append({"resource_id": full, "original_resource_id": id})
                continue
            call.allow(target)
            resources[id] = row
        if unknown:
            raise caused("Unknown resources", unknown)
        of = self._metrics.of_resources(tx, [row.id for row in resources.values()])
        known = {(row.resource_id, row.name): row.id for rows in of.values() for row in rows}
        missing = [
            {"resource_id": row.id, "original_resource_id": row.original_id, "metrics": lacks}
            for id, row in resources.items()
            if (lacks := [name for name in names[id] if (row.id, name) not in known])
        ]
        if missing and not make:
            raise caused("Unknown metrics", missing)
        made: dict[tuple[str, str], str] = {}
        quota = self._metrics.quota(tx, call.project_id) if missing else None
        for id, row in resources.items():
            for name, wish in names[id].items():
                found = known.get((row.id, name))
                if found is None:
                    if not 0 < len(name) <= 255 or "/" in name:
                        raise BadRequest("Invalid input: a metric's name has 1 to 255 letters")
                    found = known[(row.id, name)] = self._metrics.create(
                        tx,
                        creator=creator_of(call),
                        project_id=call.project_id,
                        name=name,
                        unit=wish.unit[:31] if wish is not None and wish.unit else None,
                        policy=None if wish is None else wish.archive_policy_name,
                        resource=row,
                        quota=quota,
                    ).id
                made[(id, name)] = found
        return made

    async def _write(self, measures: Mapping[str, Points]) -> None:
        many = sum(map(len, measures.values())) > AT_ONCE
        for some in await pools.HASH(lambda: _pieces(measures)) if many else _pieces(measures):
            await self._database.write(
                lambda tx, some=some: self._metrics.add(tx, some),  # type: ignore[misc]
                name="measures",
            )


class _Asked:
    """The query of a reading. Raises BadRequest."""

    def __init__(self, call: Call) -> None:
        def number(name: str, of: Callable[[str, str], float]) -> float | None:
            text = call.query.get(name)
            return None if text is None else of(text, name)

        self.method = call.query.get("aggregation") or "mean"
        self.granularity = number("granularity", span_of)
        self.start = number("start", seconds_of)
        self.stop = number("stop", seconds_of)
        resample = call.query.get("resample")
        self.resample = None if resample is None else span_or_letter(resample, "resample")
        if self.resample is not None and self.granularity is None:
            raise BadRequest("A granularity must be specified to resample")
        if self.start is not None and self.stop is not None and self.start > self.stop:
            raise BadRequest("Invalid input: start is after stop")


def caused(cause: str, detail: Any) -> Fault:
    """What clients of batches read: `{"cause": …, "detail": […]}`."""
    return BadRequest(cause, details={"cause": cause, "detail": json.dumps(detail)})


def _pieces(measures: Mapping[str, Points]) -> list[dict[str, Points]]:
    """Of at most AT_ONCE measures each."""
    made: list[dict[str, Points]] = []
    now: dict[str, Points] = {}
    room = AT_ONCE
    for id, points in measures.items():
        ordered = sorted(points)
        for first in range(0, len(ordered), AT_ONCE):
            part = ordered[first : first + AT_ONCE]
            if len(part) > room:
                made.append(now)
                now, room = {}, AT_ONCE
            now[id] = part
            room -= len(part)
    return [*made, now] if now else made


async def _taken(call: Call, apart: Callable[[bytes], T]) -> T:
    """The body, whole, as what it means. Raises BadRequest, TooLarge."""
    kind = (call.header("Content-Type") or "application/json").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise UnsupportedMediaType(f"Unsupported Media Type: {kind[:80]}")
    assert call.stream is not None
    raw = await _whole(call.stream)
    work: Callable[[], T] = lambda: _decoded(apart, raw)  # noqa: E731
    return work() if len(raw) <= INLINE_BYTES else await pools.HASH(work)


async def _whole(stream: AsyncIterator[bytes]) -> bytes:
    raw = bytearray()
    async for piece in stream:
        raw += piece
        if len(raw) > MOST_BYTES:
            raise TooLarge(f"More than {MOST_BYTES} bytes.")
    return bytes(raw)


def _decoded(apart: Callable[[bytes], T], raw: bytes) -> T:
    try:
        return apart(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise BadRequest(f"Invalid input: {str(problem)[:200]}") from None


def _points(given: Sequence[Measure], count: list[int]) -> Points:
    """Raises BadRequest for times and values that sums and dates cannot be made of, and for more
    than MOST_MEASURES of all lists together."""
    count[0] += len(given)
    if count[0] > MOST_MEASURES:
        raise BadRequest(f"Invalid input: more than {MOST_MEASURES} measures")
    made = [(fast_seconds(each.timestamp), each.value) for each in given]
    last = seconds_of("now", "timestamp") + AHEAD
    for at, value in made:
        if not FIRST_TIME <= at <= last:
            raise BadRequest("Invalid value for timestamp")
        if not -LARGEST_VALUE <= value <= LARGEST_VALUE:
            raise BadRequest("Invalid input: a value is out of range")
    return made
