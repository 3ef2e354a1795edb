"""CloudKitty's first API: reports, data frames, what is metered; and the usage behind it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation, localcontext
from typing import Annotated, Any

from msgspec import Meta

from cumulo.core.clock import Moment, to_moment
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.core.wire.shapes import Body
from cumulo.telemetry.api.lists import flag
from cumulo.telemetry.model.times import moment_of, moment_text
from cumulo.telemetry.service.frames import frames
from cumulo.telemetry.service.prices import UNITS
from cumulo.telemetry.service.types import BUILT_IN
from cumulo.telemetry.service.usage import CENTS, EXACT, Piece, Usage, money

MOST_QUOTED = 1000
MOST_WHOLE = 50_000
"""Data frames of an answer that has no pages."""
MOST_PROJECTS = 10_000
PERIOD = 3600


class Quoted(Body):
    service: Annotated[str, Meta(min_length=1, max_length=255)]
    desc: dict[str, Any] = {}
    volume: float | str = 1


class Quote(Body):
    resources: Annotated[list[Quoted], Meta(max_length=MOST_QUOTED)]


class Asked:
    """The time and the project that a report is about. Raises BadRequest, Forbidden."""

    def __init__(self, call: Call, tx: Tx, *, everybody: bool = False) -> None:
        """`everybody`: administrators who name nobody ask for all projects."""
        now = datetime.fromisoformat(tx.now).replace(tzinfo=UTC)
        month = to_moment(now.replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp())
        begin, end = call.query.get("begin"), call.query.get("end")
        self.since: Moment = moment_of(begin, "begin") if begin else month
        self.until: Moment = min(moment_of(end, "end"), tx.now) if end else tx.now
        self.project: str | None = call.query.get("tenant_id") or call.query.get("project_id")
        everybody = everybody or flag(call, "all_tenants")
        if self.project is None and not (everybody and call.principal.is_admin):
            self.project = call.principal.project_id
        if self.project is not None or not call.principal.is_admin:
            call.allow({"project_id": self.project})

    @property
    def empty(self) -> bool:
        return self.since >= self.until


class RatingApi:
    def __init__(self, usage: Usage, currency: str) -> None:
        self._usage = usage
        self._currency = currency

    def operations(self) -> list[Operation]:
        heavy: dict[str, Any] = {"kind": "heavy", "early": False}
        info: dict[str, Any] = {"policy": "info:list_services_info"}
        v1 = "/v1"
        return [
            Operation("GET", "/", self.versions, public=True),
            Operation("GET", f"{v1}/report/total", self.total, policy="report:get_total", **heavy),
            Operation(
                "GET", f"{v1}/report/summary", self.summary, policy="report:get_summary", **heavy
            ),
            Operation(
                "GET",
                f"{v1}/report/tenants",
                self.tenants,
                policy="report:list_tenants",
                kind="heavy",
            ),
            Operation(
                "GET",
                f"{v1}/storage/dataframes",
                self.dataframes,
                policy="storage:list_data_frames",
                **heavy,
            ),
            Operation("GET", f"{v1}/info/config", self.config, policy="info:get_config"),
            *(
                Operation("GET", f"{v1}/info/{noun}{one}", handler, **info)
                for noun in ("metrics", "services")
                for one, handler in (("", self._infos(noun)), ("/{name}", self.info))
            ),
            Operation(
                "POST",
                f"{v1}/rating/quote",
                self.quote,
                policy="rating:quote",
                body=Quote,
                writes=False,
            ),
            Operation("GET", f"{v1}/usage", self.usage, policy="usage:get", **heavy),
        ]

    def versions(self, call: Call, tx: Tx) -> Any:
        return {
            "versions": [
                {
                    "id": id,
                    "links": [{"href": f"{call.base_url}/{id}", "rel": "self"}],
                    "status": word,
                }
                for id, word in (("v1", "SUPPORTED"), ("v2", "CURRENT"))
            ]
        }

    # --- what there is --------------------------------------------------------------------------

    def config(self, call: Call, tx: Tx) -> Any:
        return {
            "collect": {"period": PERIOD, "collector": "events"},
            "currency": self._currency,
            "metrics": {name: _info(name) for name in sorted(BUILT_IN)},
        }

    def _infos(self, noun: str) -> Any:
        def handler(call: Call, tx: Tx) -> Any:
            return {noun: [_info(name) for name in sorted(BUILT_IN)]}

        return handler

    def info(self, call: Call, tx: Tx) -> Any:
        name = call.path["name"]
        if name not in BUILT_IN:
            raise NotFound(f"No such metric: {name[:80]}")
        return _info(name)

    def quote(self, call: Call, tx: Tx) -> Any:
        """What an hour of all these would cost now."""
        prices = self._usage.prices.now(tx)
        project = call.principal.project_id or ""
        total = Decimal(0)
        with localcontext(EXACT):
            for each in call.body.resources:
                volume = _volume(each.volume)
                total += prices.hour(project, each.service, each.desc, tx.now) * volume
            try:
                return f"{total.quantize(CENTS).normalize():f}"
            except InvalidOperation:
                raise BadRequest("Invalid input: a number is out of range") from None

    # --- reports --------------------------------------------------------------------------------

    def _pieces(self, call: Call, tx: Tx, asked: Asked) -> Iterator[Piece]:
        service = call.query.get("service") or call.query.get("resource_type")
        if asked.empty:
            return
        for piece in self._usage.pieces(tx, asked.since, asked.until, asked.project):
            if service in (None, piece.row.resource_type):
                yield piece

    def total(self, call: Call, tx: Tx) -> Any:
        with localcontext(EXACT):
            pieces = self._pieces(call, tx, Asked(call, tx))
            return f"{money(sum((each.cost for each in pieces), Decimal(0))):f}"

    def summary(self, call: Call, tx: Tx) -> Any:
        asked = Asked(call, tx)
        wanted = (call.query.get("groupby") or "").split(",")
        unknown = set(wanted) - {"", "res_type", "tenant_id"}
        if unknown:
            raise BadRequest(f"Invalid groupby: {min(unknown)[:40]}: res_type or tenant_id")
        groups: dict[tuple[str, str], Decimal] = {}
        with localcontext(EXACT):
            for each in self._pieces(call, tx, asked):
                key = (
                    each.row.resource_type if "res_type" in wanted else "ALL",
                    each.row.project_id if "tenant_id" in wanted else "ALL",
                )
                groups[key] = groups.get(key, Decimal(0)) + each.cost
        return {
            "summary": [
                {
                    "res_type": kind,
                    "tenant_id": project,
                    "rate": f"{money(cost):f}",
                    "begin": asked.since[:19],
                    "end": asked.until[:19],
                }
                for (kind, project), cost in sorted(groups.items())
            ]
        }

    def tenants(self, call: Call, tx: Tx) -> Any:
        asked = Asked(call, tx, everybody=True)
        if asked.empty:
            return []
        return self._usage.projects(tx, asked.since, asked.until, MOST_PROJECTS)

    def dataframes(self, call: Call, tx: Tx) -> Any:
        """Hour by hour; a project's member sees its own, whatever is asked for."""
        if not call.principal.is_admin:
            for name in ("tenant_id", "project_id"):
                call.query.pairs = [pair for pair in call.query.pairs if pair[0] != name]
        asked = Asked(call, tx, everybody=True)
        if asked.empty:
            return {"dataframes": [], "total": 0}
        kind = call.query.get("resource_type")
        # There are no pages here: all of them, or a word.
        found = frames(
            self._usage, tx, asked.since, asked.until, asked.project, kind=kind, limit=MOST_WHOLE
        )
        if found.total > len(found.frames):
            raise BadRequest(
                f"More than {MOST_WHOLE} data frames; ask for a shorter time, or by pages of "
                "/v2/dataframes"
            )
        return {
            "dataframes": [
                {
                    "begin": each.begin[:19],
                    "end": each.end[:19],
                    "tenant_id": each.row.project_id,
                    "resources": [
                        {
                            "service": each.row.resource_type,
                            "desc": {
                                **{name: str(value) for name, value in each.row.facts.items()},
                                "resource_id": each.row.resource_id,
                                "project_id": each.row.project_id,
                            },
                            "volume": f"{each.quantity:f}",
                            "rating": f"{each.price:f}",
                        }
                    ],
                }
                for each in found.frames
            ],
            "total": found.total,
        }

    def usage(self, call: Call, tx: Tx) -> Any:
        """What was used, fact by fact: behind `cumulo usage`."""
        asked = Asked(call, tx)
        lines = []
        if not asked.empty:
            lines = self._usage.lines(tx, asked.since, asked.until, asked.project)
        service = call.query.get("service")
        return {
            "begin": moment_text(asked.since),
            "end": moment_text(asked.until),
            "currency": self._currency,
            "usage": [each for each in lines if service in (None, each.resource_type)],
        }


def _info(name: str) -> dict[str, Any]:
    return {
        "metric_id": name,
        "service_id": name,
        "metadata": sorted(BUILT_IN[name]),
        "unit": UNITS.get(name, name),
    }


def _volume(given: float | str) -> Decimal:
    try:
        found = Decimal(str(given)[:40])
    except ArithmeticError:
        raise BadRequest("Invalid input for volume: it is no number") from None
    if not found.is_finite() or not 0 <= found <= 10**12:
        raise BadRequest("Invalid input for volume")
    return found
