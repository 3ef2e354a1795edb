"""CloudKitty's hashmap: its services, fields, groups, mappings and thresholds, made and removed."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.ids import new_id
from cumulo.telemetry.model.rating import (
    HashFieldRow,
    HashGroupRow,
    HashPriceRow,
    HashServiceRow,
    ModuleRow,
)
from cumulo.telemetry.queries import rating as queries
from cumulo.telemetry.service.prices import HASHMAP, PriceBook

R = TypeVar("R")

MOST_SERVICES = 200
MOST_FIELDS = 100
MOST_GROUPS = 500
MOST_PRICES = 2_000
"""That hold, or will."""
MOST_KEPT = 100_000
"""Removed and changed ones, which the past is reckoned by, included."""
LARGEST = Decimal("1e15")


def number(given: Any, name: str) -> str:
    """A decimal number as it is kept. Raises BadRequest."""
    try:
        found = Decimal(str(given)[:40])
    except InvalidOperation:
        raise BadRequest(f"Invalid input for {name}: it is no number") from None
    if isinstance(given, bool) or not found.is_finite() or not 0 <= found <= LARGEST:
        raise BadRequest(f"Invalid input for {name}: a number from 0 to {LARGEST:f}")
    if found != 0 and found.adjusted() < -20:
        raise BadRequest(f"Invalid input for {name}: too many digits")
    return f"{found.normalize():f}"


class Hashmap:
    def __init__(self, book: PriceBook) -> None:
        self._book = book

    # --- whether it is in use -------------------------------------------------------------------

    def module(self, tx: Tx) -> ModuleRow:
        return tx.get(ModuleRow, HASHMAP) or ModuleRow(HASHMAP, True, 1)

    def set_module(self, tx: Tx, enabled: bool | None, priority: int | None) -> ModuleRow:
        row = self.module(tx)
        made = ModuleRow(
            HASHMAP,
            row.enabled if enabled is None else enabled,
            row.priority if priority is None else priority,
        )
        tx.delete(made)
        tx.insert(made)
        self._book.note(tx)
        return made

    # --- services and fields --------------------------------------------------------------------

    def services(self, tx: Tx) -> list[HashServiceRow]:
        return tx.all(queries.SERVICES)

    def service(self, tx: Tx, id: str) -> HashServiceRow:
        return _there(tx.get(HashServiceRow, id), "service", id)

    def create_service(self, tx: Tx, name: str) -> HashServiceRow:
        if len(self.services(tx)) >= MOST_SERVICES:
            raise BadRequest(f"There may be {MOST_SERVICES} services")
        row = HashServiceRow(new_id(), name)
        if not tx.insert(row, ignore_duplicate=True):
            raise Conflict(f"Service {name} already exists")
        return row

    def delete_service(self, tx: Tx, id: str) -> None:
        row = self.service(tx, id)
        for field in self.fields(tx, id):
            self.delete_field(tx, field.id)
        self._end(tx, lambda price: price.service_id == id)
        tx.delete(row)

    def fields(self, tx: Tx, service_id: str) -> list[HashFieldRow]:
        return tx.all(queries.FIELDS, service=service_id)

    def field(self, tx: Tx, id: str) -> HashFieldRow:
        return _there(tx.get(HashFieldRow, id), "field", id)

    def create_field(self, tx: Tx, service_id: str, name: str) -> HashFieldRow:
        service = self.service(tx, service_id)
        if len(self.fields(tx, service.id)) >= MOST_FIELDS:
            raise BadRequest(f"A service may have {MOST_FIELDS} fields")
        row = HashFieldRow(new_id(), service.id, name)
        if not tx.insert(row, ignore_duplicate=True):
            raise Conflict(f"Field {name} already exists")
        return row

    def delete_field(self, tx: Tx, id: str) -> None:
        row = self.field(tx, id)
        self._end(tx, lambda price: price.field_id == id)
        tx.delete(row)

    # --- groups ---------------------------------------------------------------------------------

    def groups(self, tx: Tx) -> list[HashGroupRow]:
        return tx.all(queries.GROUPS)

    def group(self, tx: Tx, id: str) -> HashGroupRow:
        return _there(tx.get(HashGroupRow, id), "group", id)

    def create_group(self, tx: Tx, name: str) -> HashGroupRow:
        if len(self.groups(tx)) >= MOST_GROUPS:
            raise BadRequest(f"There may be {MOST_GROUPS} groups")
        row = HashGroupRow(new_id(), name)
        if not tx.insert(row, ignore_duplicate=True):
            raise Conflict(f"Group {name} already exists")
        return row

    def delete_group(self, tx: Tx, id: str, *, recursive: bool) -> None:
        """What is in it ends, or stands alone from now on."""
        row = self.group(tx, id)
        for price in self.prices(tx):
            if price.group_id == id:
                tx.update(price, deleted=tx.now)
                if not recursive:
                    self._again(tx, price, group_id=None)
        tx.delete(row)

    # --- mappings and thresholds ----------------------------------------------------------------

    def prices(self, tx: Tx, *, everything: bool = False) -> list[HashPriceRow]:
        """Those that hold, or will."""
        rows = tx.all(queries.ALL_PRICES)
        return [row for row in rows if everything or row.deleted is None]

    def price(self, tx: Tx, id: str, *, threshold: bool) -> HashPriceRow:
        row = tx.get(HashPriceRow, id)
        kind = "threshold" if threshold else "mapping"
        if row is None or (row.level is not None) != threshold or row.deleted is not None:
            raise NotFound(f"No such {kind}: {id[:80]}")
        return row

    def create_price(self, tx: Tx, wish: Mapping[str, Any]) -> HashPriceRow:
        """`wish`: the columns that a client names, checked as to their types."""
        service_id, field_id = wish.get("service_id"), wish.get("field_id")
        if (service_id is None) == (field_id is None):
            raise BadRequest("You must specify either a service or a field, and not both")
        if len(self.prices(tx)) >= MOST_PRICES:
            raise BadRequest(f"There may be {MOST_PRICES} mappings and thresholds")
        self._check_kept(tx)
        field = None if field_id is None else self.field(tx, field_id)
        service = self.service(tx, field.service_id if field is not None else str(service_id))
        threshold = wish.get("level") is not None
        if not threshold and (field is None) != (wish.get("value") is None):
            raise BadRequest("A field's mapping has a value, a service's has none")
        if wish.get("group_id") is not None:
            self.group(tx, wish["group_id"])
        start, end = wish.get("start") or tx.now, wish.get("end")
        if end is not None and end <= start:
            raise BadRequest("Invalid input: end is not after start")
        level = number(wish["level"], "level") if threshold else None
        cost = number(wish["cost"], "cost")
        self._check_new(tx, wish, service.id, level, start, end)
        row = HashPriceRow(
            id=new_id(),
            service_id=None if field is not None else service.id,
            field_id=None if field is None else field.id,
            service_name=service.name,
            field_name=None if field is None else field.name,
            group_id=wish.get("group_id"),
            tenant_id=wish.get("tenant_id"),
            value=wish.get("value"),
            level=level,
            cost=cost,
            type=wish["type"],
            name=wish.get("name") or new_id()[:24],
            description=wish.get("description"),
            start=start,
            end=end,
            deleted=None,
            created_at=tx.now,
        )
        tx.insert(row)
        return row

    @staticmethod
    def _check_kept(tx: Tx) -> None:
        if int(tx.value(queries.COUNT_PRICES)) >= MOST_KEPT:
            raise BadRequest(f"There may be {MOST_KEPT} mappings and thresholds, with all of old")

    def _check_new(
        self,
        tx: Tx,
        wish: Mapping[str, Any],
        service_id: str,
        level: str | None,
        start: str,
        end: str | None,
    ) -> None:
        """Raises Conflict where the same is priced already in that time: a script that runs twice
        would double the price."""
        field_id = wish.get("field_id")
        key = (field_id, wish.get("value"), level, wish.get("tenant_id"), wish.get("group_id"))
        for row in self.prices(tx):
            if (row.field_id, row.value, row.level, row.tenant_id, row.group_id) != key:
                continue
            if field_id is None and row.service_id != service_id:
                continue
            if (end is None or row.start < end) and (row.end is None or start < row.end):
                what = "Threshold" if level is not None else "Mapping"
                raise Conflict(f"{what} already exists (UUID: {row.id})")

    def change_price(self, tx: Tx, row: HashPriceRow, wish: Mapping[str, Any]) -> HashPriceRow:
        """The old one ends now, and one with its id and the new cost begins: what was used until
        now costs what it did."""
        changes = {name: value for name, value in wish.items() if getattr(row, name) != value}
        for name in ("cost", "level"):
            if changes.get(name) is not None:
                changes[name] = number(changes[name], name)
        changes = {name: value for name, value in changes.items() if getattr(row, name) != value}
        if changes.get("group_id") is not None:
            self.group(tx, changes["group_id"])
        if not changes:
            return row
        if "end" in changes:
            _check_end(tx, row, changes["end"])
        if set(changes) <= {"name", "description", "end"}:
            return tx.update(row, **changes)
        self._check_kept(tx)
        tx.delete(row)
        if row.start < tx.now:
            tx.insert(_replaced(row, id=new_id(), deleted=tx.now))
        made = _replaced(row, **{"start": max(row.start, tx.now), **changes})
        if made.end is not None and made.end <= made.start:
            raise BadRequest("Invalid input: end is not after start")
        tx.insert(made)
        return made

    def delete_price(self, tx: Tx, row: HashPriceRow) -> None:
        tx.update(row, deleted=tx.now)

    def _again(self, tx: Tx, row: HashPriceRow, **changes: Any) -> None:
        start = max(row.start, tx.now)
        if row.end is None or row.end > start:
            tx.insert(_replaced(row, id=new_id(), start=start, **changes))

    def _end(self, tx: Tx, mine: Any) -> None:
        for price in self.prices(tx):
            if mine(price):
                tx.update(price, deleted=tx.now)


def _check_end(tx: Tx, row: HashPriceRow, end: str | None) -> None:
    """Raises BadRequest where the past would cost something else: bills of it were sent."""
    if row.end is not None and row.end <= tx.now:
        raise BadRequest("Invalid input: it has ended; make a new one")
    if end is not None and end <= max(row.start, tx.now):
        raise BadRequest("Invalid input: end is in the past, or not after start")


def _replaced(row: HashPriceRow, **changes: Any) -> HashPriceRow:
    values = {name: getattr(row, name) for name in row.__struct_fields__}
    return HashPriceRow(**{**values, **changes})


def _there(row: R | None, what: str, id: str) -> R:
    if row is None:
        raise NotFound(f"No such {what}: {id[:80]}")
    return row
