"""CloudKitty's API, as far as a flat price needs it, and the usage behind it."""

from datetime import UTC, datetime
from typing import Any

from cumulo.core.clock import Moment, to_moment
from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation
from cumulo.telemetry.model.times import moment_of, moment_text
from cumulo.telemetry.service.usage import Line, Usage


class RatingApi:
    def __init__(self, usage: Usage, currency: str) -> None:
        self._usage = usage
        self._currency = currency

    def operations(self) -> list[Operation]:
        heavy: dict[str, Any] = {"kind": "heavy"}
        return [
            Operation("GET", "/", self.versions, public=True),
            Operation(
                "GET",
                "/v1/report/total",
                self.total,
                policy="report:get_total",
                early=False,
                **heavy,
            ),
            Operation(
                "GET",
                "/v1/report/summary",
                self.summary,
                policy="report:get_summary",
                early=False,
                **heavy,
            ),
            Operation("GET", "/v1/info/config", self.config, policy="info:get_config"),
            Operation(
                "GET",
                "/v2/summary",
                self.summary_v2,
                policy="summary:get_summary",
                early=False,
                **heavy,
            ),
            Operation("GET", "/v1/usage", self.usage, policy="usage:get", early=False, **heavy),
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

    def config(self, call: Call, tx: Tx) -> Any:
        return {"collect": {"period": 3600, "collector": "events"}, "currency": self._currency}

    def _span(self, call: Call, tx: Tx) -> tuple[Moment, Moment, str | None]:
        """From the begin of this month to now, unless the query says otherwise; whose."""
        now = datetime.fromisoformat(tx.now).replace(tzinfo=UTC)
        month = to_moment(now.replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp())
        begin, end = call.query.get("begin"), call.query.get("end")
        since = moment_of(begin, "begin") if begin else month
        until = min(moment_of(end, "end"), tx.now) if end else tx.now
        project = call.query.get("tenant_id") or call.query.get("project_id")
        everybody = call.query.get("all_tenants") in ("true", "True", "1")
        if project is None and not (everybody and call.principal.is_admin):
            project = call.principal.project_id
        if project is not None or not call.principal.is_admin:
            call.allow({"project_id": project})
        return since, until, project

    def _lines(self, call: Call, tx: Tx) -> tuple[list[Line], Moment, Moment]:
        since, until, project = self._span(call, tx)
        service = call.query.get("service")
        found = self._usage.lines(tx, since, until, project) if since < until else []
        return [each for each in found if service in (None, each.resource_type)], since, until

    def total(self, call: Call, tx: Tx) -> Any:
        lines, _, _ = self._lines(call, tx)
        return f"{sum(each.price for each in lines):.8f}"

    def summary(self, call: Call, tx: Tx) -> Any:
        lines, since, until = self._lines(call, tx)
        wanted = (call.query.get("groupby") or "").split(",")
        groups: dict[tuple[str, str], float] = {}
        for each in lines:
            key = (
                each.resource_type if "res_type" in wanted else "ALL",
                each.project_id if "tenant_id" in wanted else "ALL",
            )
            groups[key] = groups.get(key, 0.0) + each.price
        return {
            "summary": [
                {
                    "res_type": kind,
                    "tenant_id": project,
                    "rate": f"{price:.8f}",
                    "begin": since[:19],
                    "end": until[:19],
                }
                for (kind, project), price in sorted(groups.items())
            ]
        }

    def summary_v2(self, call: Call, tx: Tx) -> Any:
        lines, since, until = self._lines(call, tx)
        wanted = [name for name in call.query.all("groupby") if name in ("type", "project_id")]
        groups: dict[tuple[str, ...], list[float]] = {}
        for each in lines:
            key = tuple(each.resource_type if n == "type" else each.project_id for n in wanted)
            group = groups.setdefault(key, [0.0, 0.0])
            group[0] += each.hours
            group[1] += each.price
        results = [
            [moment_text(since), moment_text(until), hours, price, *key]
            for key, (hours, price) in sorted(groups.items())
        ]
        return {
            "columns": ["begin", "end", "qty", "rate", *wanted],
            "results": results,
            "total": len(results),
        }

    def usage(self, call: Call, tx: Tx) -> Any:
        """What was used, fact by fact: behind `cumulo usage`."""
        lines, since, until = self._lines(call, tx)
        return {
            "begin": moment_text(since),
            "end": moment_text(until),
            "currency": self._currency,
            "usage": lines,
        }
