"""What an hour costs: the settings' prices and CloudKitty's hashmap, at any moment, exactly."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from cumulo.core.clock import Moment
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.telemetry.model.rating import HashPriceRow, ModuleRow, TermRow
from cumulo.telemetry.queries import rating as queries

QUANTITIES = {
    "volume": "size",
    "volume_snapshot": "size",
    "volume_backup": "size",
    "share": "size",
    "share_snapshot": "size",
    "image": "size",
    "container": "size",
}
"""Types of which a fact is the quantity; of all others it is one."""
UNITS = dict.fromkeys(QUANTITIES, "GiB")
HASHMAP = "hashmap"
MOST_TERMS = 5_000
_NOTHING, _ONE = Decimal(0), Decimal(1)


def decimal(value: Any) -> Decimal | None:
    """A number as what it reads like: 0.1 is a tenth. None: it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return Decimal(str(value))


def quantity(kind: str, facts: Mapping[str, Any]) -> Decimal:
    name = QUANTITIES.get(kind)
    found = None if name is None else decimal(facts.get(name))
    return _ONE if found is None else found


class Term(NamedTuple):
    """What held beside the hashmap's own times, from a moment on."""

    since: Moment
    flat: Mapping[str, Decimal]
    hashmap: bool

    def hour(self, kind: str, facts: Mapping[str, Any]) -> Decimal:
        cost = self.flat.get(kind, _NOTHING)
        for name, value in facts.items():
            number = decimal(value)
            if number is not None:
                cost += self.flat.get(f"{kind}.{name}", _NOTHING) * number
            cost += self.flat.get(f"{kind}.{name}={value}", _NOTHING)
        return cost


class Prices:
    """Those of a moment of reading, for all times: made for one request. `terms`: at least one, in
    the order of their times; the first holds for all that was before."""

    def __init__(self, terms: Sequence[Term], rows: Sequence[HashPriceRow]) -> None:
        self._terms = terms
        self._begins = [term.since for term in terms[1:]]
        self._rows = rows
        edges = {row.start for row in rows} | set(self._begins)
        edges |= {end for row in rows for end in (row.end, row.deleted) if end is not None}
        self.edges = sorted(edges)
        """Moments at which prices change."""
        self._known: dict[tuple[str, str, str, int], Decimal] = {}
        self._active: dict[int, list[HashPriceRow]] = {}

    def cuts(self, began: Moment, ended: Moment) -> list[Moment]:
        """The edges inside a time."""
        return self.edges[bisect_right(self.edges, began) : bisect_right(self.edges, ended)]

    def hour(self, project: str, kind: str, facts: Mapping[str, Any], at: Moment) -> Decimal:
        """What an hour costs that begins at that moment, of a thing with these facts."""
        place = bisect_right(self.edges, at)
        key = (project, kind, msgspec.json.encode(facts).decode(), place)
        found = self._known.get(key)
        if found is None:
            term = self._terms[bisect_right(self._begins, at)]
            found = term.hour(kind, facts)
            if term.hashmap:
                found += self._mapped(project, kind, facts, at, place)
            self._known[key] = found
        return found

    def _mapped(
        self, project: str, kind: str, facts: Mapping[str, Any], at: Moment, place: int
    ) -> Decimal:
        rows = self._active.get(place)
        if rows is None:
            rows = self._active[place] = [row for row in self._rows if _holds(row, at)]
        volume = quantity(kind, facts)
        mine = [r for r in rows if r.service_name == kind and r.tenant_id in (None, project)]
        # A project's own price of something stands in the place of everybody's.
        own = {_of(row) for row in mine if row.tenant_id is not None}
        groups: dict[str | None, _Group] = {}
        for row in mine:
            if row.tenant_id is not None or _of(row) not in own:
                groups.setdefault(row.group_id, _Group()).take(row, facts, volume)
        return sum((group.cost(volume) for group in groups.values()), _NOTHING)


def _of(row: HashPriceRow) -> tuple[str | None, ...]:
    """What it is the price of."""
    return (row.group_id, row.field_name, row.value, row.level)


def _holds(row: HashPriceRow, at: Moment) -> bool:
    ends = (end for end in (row.end, row.deleted) if end is not None)
    return row.start <= at and all(at < end for end in ends)


class _Group:
    """Of the prices of a group that fit: the greatest flat one, all factors, the highest
    threshold."""

    def __init__(self) -> None:
        self.flat, self.rate = _NOTHING, _ONE
        self.level = Decimal(-1)
        self.threshold: HashPriceRow | None = None

    def take(self, row: HashPriceRow, facts: Mapping[str, Any], volume: Decimal) -> None:
        found = None if row.field_name is None else facts.get(row.field_name)
        if row.level is not None:
            number = volume if row.field_name is None else decimal(found)
            level = Decimal(row.level)
            if number is not None and level <= number and level > self.level:
                self.level, self.threshold = level, row
            return
        if row.field_name is not None and (found is None or str(found) != row.value):
            return
        if row.type == "rate":
            self.rate *= Decimal(row.cost)
        else:
            self.flat = max(self.flat, Decimal(row.cost))

    def cost(self, volume: Decimal) -> Decimal:
        """Of an hour of so much."""
        flat, rate, row = self.flat, self.rate, self.threshold
        if row is not None and row.field_name is not None:
            if row.type == "flat":
                flat += Decimal(row.cost)
            else:
                rate *= Decimal(row.cost)
        found = rate * flat * volume
        if row is not None and row.field_name is None:
            found = found + Decimal(row.cost) if row.type == "flat" else found * Decimal(row.cost)
        return found


class PriceBook:
    """Where prices are read. `flat`: those of the settings. What they were is kept (`note`): a
    change of them, or of whether the hashmap is in use, leaves the bills of the past alone."""

    def __init__(self, flat: Mapping[str, float]) -> None:
        self.flat = {name: Decimal(str(value)) for name, value in flat.items()}

    def now(self, tx: Tx) -> Prices:
        terms = [_read(row) for row in tx.all(queries.TERMS)]
        terms = terms or [Term("", self.flat, _used(tx))]
        used = any(term.hashmap for term in terms)
        return Prices(terms, tx.all(queries.ALL_PRICES) if used else [])

    def note(self, tx: Tx) -> None:
        """What holds from now on; at the start of a process, and when the hashmap is turned on or
        off. Raises BadRequest where that was done too often."""
        rows = tx.all(queries.TERMS)
        term = Term(tx.now if rows else "", self.flat, _used(tx))
        if rows and _read(rows[-1])[1:] == term[1:]:
            return
        if len(rows) >= MOST_TERMS:
            raise BadRequest(f"Prices may be turned on and off {MOST_TERMS} times")
        flat = {name: str(price) for name, price in term.flat.items()}
        tx.insert(TermRow(0, term.since, flat, term.hashmap))


def _used(tx: Tx) -> bool:
    module = tx.get(ModuleRow, HASHMAP)
    return module is None or module.enabled


def _read(row: TermRow) -> Term:
    return Term(row.since, {name: Decimal(cost) for name, cost in row.flat.items()}, row.hashmap)
