"""CloudKitty's second API: summaries, data frames, scopes; and exports for whoever pays."""

import csv
import io
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any

from cumulo.core.clock import Moment
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.http.paging import limit_of, offset_of
from cumulo.telemetry.api.rating import MOST_PROJECTS, Asked
from cumulo.telemetry.model.times import moment_text
from cumulo.telemetry.service.frames import MOST_FRAMES, attribute, fits, frames
from cumulo.telemetry.service.prices import UNITS, quantity
from cumulo.telemetry.service.usage import EXACT, HOUR, Piece, Usage, money

MOST_GROUPS = 20_000
MOST_ROWS = 100_000
"""Of an export."""
MOST_EDGES = 2_000
TIMES = {"time": "hour", "time-d": "day", "time-w": "week", "time-m": "month", "time-y": "year"}


class RatingV2Api:
    def __init__(self, usage: Usage, currency: str, region: str) -> None:
        self._usage = usage
        self._currency = currency
        self._region = region

    def operations(self) -> list[Operation]:
        heavy: dict[str, Any] = {"kind": "heavy", "early": False}
        return [
            Operation("GET", "/v2/summary", self.summary, policy="summary:get_summary", **heavy),
            Operation("GET", "/v2/dataframes", self.dataframes, policy="dataframes:get", **heavy),
            Operation("GET", "/v2/scope", self.scopes, policy="scope:get_state", kind="heavy"),
            Operation("GET", "/v1/usage/csv", self.csv, policy="usage:get", **heavy),
            Operation("GET", "/v1/usage/focus", self.focus, policy="usage:get", **heavy),
        ]

    # --- summaries ------------------------------------------------------------------------------

    def summary(self, call: Call, tx: Tx) -> Any:
        if call.query.get("custom_fields"):
            raise BadRequest("custom_fields are expressions of a database; they are not taken")
        filters = _own(call, _filters(call))
        asked = Asked(call, tx, everybody=True)
        wanted = _grouped(call)
        times = [name for name in wanted if name in TIMES]
        if len(times) > 1:
            raise BadRequest("Invalid groupby: one of the times")
        edges = _edges(asked, TIMES[times[0]]) if times else []
        groups: dict[tuple[Any, ...], list[Decimal]] = {}
        pieces = (
            ()
            if asked.empty
            else self._usage.pieces(tx, asked.since, asked.until, asked.project, edges)
        )
        with localcontext(EXACT):
            for piece in pieces:
                if not fits(piece.row, filters):
                    continue
                key = _key(piece, wanted, asked, edges)
                group = groups.setdefault(key, [Decimal(0), Decimal(0)])
                if len(groups) > MOST_GROUPS:
                    raise BadRequest("Invalid groupby: too many groups; ask for a shorter time")
                volume = quantity(piece.row.resource_type, piece.row.facts)
                group[0] += volume * piece.length / HOUR
                group[1] += piece.cost
        columns = ["begin", "end", "qty", "rate", *wanted]
        rows = [
            [
                moment_text(key[0]),
                moment_text(key[1]),
                float(qty),
                float(money(cost)),
                *(
                    moment_text(key[0]) if name in TIMES else value
                    for name, value in zip(wanted, key[2:], strict=True)
                ),
            ]
            for key, (qty, cost) in sorted(groups.items(), key=lambda item: str(item[0]))
        ]
        first, most = offset_of(call), limit_of(call)
        page = rows[first : first + (1000 if most is None else most)]
        if call.query.get("response_format") == "object":
            objects = [dict(zip(columns, row, strict=True)) for row in page]
            return {"results": objects, "total": len(rows)}
        return {"columns": columns, "results": page, "total": len(rows)}

    # --- data frames ----------------------------------------------------------------------------

    def dataframes(self, call: Call, tx: Tx) -> Any:
        filters = _own(call, _filters(call))
        asked = Asked(call, tx, everybody=True)
        limit = limit_of(call)
        if asked.empty:
            return {"dataframes": [], "total": 0}
        found = frames(
            self._usage,
            tx,
            asked.since,
            asked.until,
            asked.project,
            filters=filters,
            offset=offset_of(call),
            limit=100 if limit is None else min(limit, MOST_FRAMES),
        )
        periods: dict[Moment, dict[str, Any]] = {}
        for each in found.frames:
            row = each.row
            period = periods.setdefault(
                each.begin,
                {
                    "period": {"begin": moment_text(each.begin), "end": moment_text(each.end)},
                    "usage": {},
                },
            )
            period["usage"].setdefault(row.resource_type, []).append(
                {
                    "vol": {
                        "unit": UNITS.get(row.resource_type, row.resource_type),
                        "qty": float(each.quantity),
                    },
                    "rating": {"price": float(each.price)},
                    "groupby": {
                        "id": row.resource_id,
                        "project_id": row.project_id,
                        "user_id": row.user_id or "",
                    },
                    "metadata": {
                        "name": row.name or "",
                        **{name: str(value) for name, value in row.facts.items()},
                    },
                }
            )
        return {"dataframes": list(periods.values()), "total": found.total}

    # --- scopes ---------------------------------------------------------------------------------

    def scopes(self, call: Call, tx: Tx) -> Any:
        """Projects that have used something. Nothing is reckoned ahead: all are at this moment."""
        wanted = call.query.get("scope_id")
        rows = self._usage.projects(tx, "", tx.now, MOST_PROJECTS)
        ids = wanted.split(",") if wanted else None
        first, limit = offset_of(call), limit_of(call)
        found = [id for id in rows if ids is None or id in ids]
        page = found[first : first + (100 if limit is None else limit)]
        return {
            "results": [
                {
                    "scope_id": id,
                    "scope_key": "project_id",
                    "fetcher": "events",
                    "collector": "events",
                    "state": moment_text(tx.now),
                    "last_processed_timestamp": moment_text(tx.now),
                    "active": True,
                }
                for id in page
            ]
        }

    # --- exports --------------------------------------------------------------------------------

    def csv(self, call: Call, tx: Tx) -> Reply:
        """A line a piece: when nothing changed, its price neither."""
        names = (
            *("begin", "end", "project_id", "user_id", "type", "id", "name", "facts"),
            *("quantity", "unit", "hours", "price", "currency"),
        )
        rows = []
        for piece in self._pieces(call, tx):
            row = piece.row
            facts = ";".join(f"{name}={value}" for name, value in sorted(row.facts.items()))
            volume = quantity(row.resource_type, row.facts)
            unit = UNITS.get(row.resource_type, row.resource_type)
            hours = Decimal(piece.length) / HOUR
            rows.append(
                [
                    *(moment_text(piece.began), moment_text(piece.ended)),
                    *(row.project_id, row.user_id or "", row.resource_type, row.resource_id),
                    *(row.name or "", facts, f"{volume:f}", unit, f"{hours:.10f}"),
                    *(f"{money(piece.cost):f}", self._currency),
                ]
            )
        return _csv(names, rows)

    def focus(self, call: Call, tx: Tx) -> Reply:
        """FOCUS 1.0, the columns that every provider's bill has."""
        rows = [list(self._focus(piece).values()) for piece in self._pieces(call, tx, "month")]
        return _csv(FOCUS, rows)

    def _focus(self, piece: Piece) -> dict[str, str]:
        row, cost = piece.row, f"{money(piece.cost):f}"
        month = piece.began[:7]
        year, number = int(month[:4]), int(month[5:])
        following = f"{year + number // 12:04}-{number % 12 + 1:02}"
        hours = f"{Decimal(piece.length) / HOUR:.10f}"
        price = f"{piece.hour:f}"
        known = {
            "BilledCost": cost,
            "BillingAccountId": row.project_id,
            "BillingAccountName": row.project_id,
            "BillingCurrency": self._currency,
            "BillingPeriodStart": f"{month}-01T00:00:00Z",
            "BillingPeriodEnd": f"{following}-01T00:00:00Z",
            "ChargeCategory": "Usage",
            "ChargeDescription": f"{row.resource_type} {row.name or row.resource_id}",
            "ChargeFrequency": "Usage-Based",
            "ChargePeriodStart": piece.began[:19] + "Z",
            "ChargePeriodEnd": piece.ended[:19] + "Z",
            "ConsumedQuantity": hours,
            "ConsumedUnit": "Hours",
            "ContractedCost": cost,
            "ContractedUnitPrice": price,
            "EffectiveCost": cost,
            "InvoiceIssuerName": "Cumulo",
            "ListCost": cost,
            "ListUnitPrice": price,
            "PricingCategory": "Standard",
            "PricingQuantity": hours,
            "PricingUnit": "Hours",
            "ProviderName": "Cumulo",
            "PublisherName": "Cumulo",
            "RegionId": self._region,
            "RegionName": self._region,
            "ResourceId": row.resource_id,
            "ResourceName": row.name or "",
            "ResourceType": row.resource_type,
            "ServiceCategory": CATEGORIES.get(row.resource_type, "Other"),
            "ServiceName": row.resource_type,
            "SkuId": str(row.facts.get("flavor_name") or row.resource_type),
            "SubAccountId": row.user_id or "",
        }
        return {name: known.get(name, "") for name in FOCUS}

    def _pieces(self, call: Call, tx: Tx, step: str | None = None) -> list[Piece]:
        asked = Asked(call, tx)
        made: list[Piece] = []
        if asked.empty:
            return made
        # A charge lies inside its billing period.
        edges = () if step is None else _edges(asked, step)
        for piece in self._usage.pieces(tx, asked.since, asked.until, asked.project, edges):
            made.append(piece)
            if len(made) > MOST_ROWS:
                raise BadRequest(f"More than {MOST_ROWS} lines; ask for a shorter time")
        return made


CATEGORIES = {
    "instance": "Compute",
    "node": "Compute",
    "volume": "Storage",
    "volume_snapshot": "Storage",
    "volume_backup": "Storage",
    "share": "Storage",
    "container": "Storage",
    "image": "Storage",
    "floating_ip": "Networking",
    "router": "Networking",
    "port": "Networking",
    "zone": "Networking",
}
FOCUS = (
    *("AvailabilityZone", "BilledCost", "BillingAccountId", "BillingAccountName"),
    *("BillingCurrency", "BillingPeriodEnd", "BillingPeriodStart", "ChargeCategory"),
    *("ChargeClass", "ChargeDescription", "ChargeFrequency", "ChargePeriodEnd"),
    *("ChargePeriodStart", "CommitmentDiscountCategory", "CommitmentDiscountId"),
    *("CommitmentDiscountName", "CommitmentDiscountStatus", "CommitmentDiscountType"),
    *("ConsumedQuantity", "ConsumedUnit", "ContractedCost", "ContractedUnitPrice"),
    *("EffectiveCost", "InvoiceIssuerName", "ListCost", "ListUnitPrice", "PricingCategory"),
    *("PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "RegionId"),
    *("RegionName", "ResourceId", "ResourceName", "ResourceType", "ServiceCategory"),
    *("ServiceName", "SkuId", "SkuPriceId", "SubAccountId", "SubAccountName", "Tags"),
)


def _csv(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> Reply:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(names)
    writer.writerows([[_harmless(each) for each in row] for row in rows])
    return Reply(200, raw=text.getvalue().encode(), content_type="text/csv; charset=utf-8")


def _harmless(value: Any) -> Any:
    """A name that a spreadsheet would take for a formula is no formula."""
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t\r" and value else value


def _filters(call: Call) -> dict[str, str]:
    made: dict[str, str] = {}
    for text in call.query.all("filters"):
        for part in text.split(","):
            if not part:
                continue
            name, colon, value = part.partition(":")
            if not colon or len(made) >= 20:
                raise BadRequest("Invalid filters: name:value, at most 20 of them")
            made[name] = value
    return made


def _own(call: Call, filters: Mapping[str, str]) -> dict[str, str]:
    """A project's member sees its own, whatever is asked for."""
    made = dict(filters)
    if not call.principal.is_admin:
        for name in ("project_id", "tenant_id"):
            made.pop(name, None)
        call.query.pairs = [
            pair for pair in call.query.pairs if pair[0] not in ("project_id", "tenant_id")
        ]
    return made


def _grouped(call: Call) -> list[str]:
    names = [name for text in call.query.all("groupby") for name in text.split(",") if name]
    if len(names) > 10 or any(len(name) > 80 for name in names):
        raise BadRequest("Invalid groupby: at most 10 attributes")
    return list(dict.fromkeys(names))


def _key(
    piece: Piece, wanted: Sequence[str], asked: Asked, edges: Sequence[Moment]
) -> tuple[Any, ...]:
    place = bisect_right(edges, piece.began)
    begin = edges[place - 1] if place else asked.since
    end = edges[place] if place < len(edges) else asked.until
    values = [None if name in TIMES else attribute(piece.row, name) for name in wanted]
    return (max(begin, asked.since), min(end, asked.until), *values)


def _edges(asked: Asked, step: str) -> list[Moment]:
    """The begins of the hours, days … in the time that is asked for."""
    at = datetime.fromisoformat(asked.since).replace(minute=0, second=0, microsecond=0)
    if step != "hour":
        at = at.replace(hour=0)
    if step == "week":
        at -= timedelta(days=at.weekday())
    if step in ("month", "year"):
        at = at.replace(day=1)
    if step == "year":
        at = at.replace(month=1)
    made: list[Moment] = []
    until = datetime.fromisoformat(asked.until)
    while at < until:
        made.append(at.isoformat(timespec="microseconds"))
        if len(made) > MOST_EDGES:
            raise BadRequest("Invalid groupby: too many periods; ask for a shorter time")
        at = _after(at, step)
    return made


def _after(at: datetime, step: str) -> datetime:
    if step == "hour":
        return at + timedelta(hours=1)
    if step in ("day", "week"):
        return at + timedelta(days=1 if step == "day" else 7)
    if step == "month":
        return at.replace(year=at.year + at.month // 12, month=at.month % 12 + 1)
    return at.replace(year=at.year + 1)
