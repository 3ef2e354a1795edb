"""The simple nouns: rows that administrators write, change by patches and delete.

Each is a table of fields with a check, and what holds between fields and rows. Their wire side is
as simple: `api/things.py`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

from cumulo.baremetal.service.fields import UUID, Check
from cumulo.baremetal.service.patches import Change, patched
from cumulo.core.auth.principal import Principal
from cumulo.core.db.listing import Listing
from cumulo.core.db.rows import Row
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.ids import new_id

R = TypeVar("R", bound=Row)

FIXED = frozenset(("uuid", "created_at", "updated_at", "links"))


class Things(Generic[R]):
    """`noun`: as events and refusals name it."""

    noun: str
    title: str
    row: type[R]
    listing: Listing[R]
    fields: Mapping[str, Check]
    """Name on the wire → its check; what a client may write."""
    fixed: frozenset[str] = FIXED
    named = False
    """It is found by its name, too."""

    # --- what a noun adds ----------------------------------------------------------------------

    def columns(self, tx: Tx, values: dict[str, Any], before: R | None) -> dict[str, Any]:
        """The columns that checked fields make; may refuse them."""
        return values

    def document(self, row: R) -> dict[str, Any]:
        """What a patch is applied to."""
        return {name: getattr(row, name) for name in self.fields}

    def first(self) -> dict[str, Any]:
        """Columns of a new row that no client writes."""
        return {}

    def refuse_change(self, tx: Tx, row: R, verb: str) -> None:
        """Raises a fault where the row must stay as it is now."""

    def refuse_delete(self, tx: Tx, row: R) -> None:
        self.refuse_change(tx, row, "deletion")

    # --- the verbs -----------------------------------------------------------------------------

    def not_found(self, ident: str) -> NotFound:
        return NotFound(f"{self.title} {ident[:255]} could not be found.")

    def get(self, tx: Tx, ident: str) -> R:
        if not self.named and not UUID.fullmatch(ident):
            raise BadRequest(f"Expected a UUID but received {ident[:255]}.")
        row = tx.get(self.row, ident.lower()) if UUID.fullmatch(ident) else None
        if row is None and self.named and 0 < len(ident) <= 255:
            row = next(iter(self.listing.page(tx, where={"name": ident}, limit=1)), None)
        if row is None:
            raise self.not_found(ident)
        return row

    def checked(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: check(name, values.get(name)) for name, check in self.fields.items()}

    def create(
        self, tx: Tx, given: Mapping[str, Any], uuid: str | None, who: Principal, **own: Any
    ) -> R:
        """`own`: columns besides those that clients write."""
        unknown = sorted(set(given) - set(self.fields))
        if unknown:
            raise BadRequest(f"Unknown attribute {unknown[0][:100]}")
        values = self.columns(tx, self.checked(given), None)
        id = uuid.lower() if uuid else new_id()
        if tx.get(self.row, id) is not None:
            raise Conflict(f"A {self.title.lower()} with UUID {id} already exists.")
        more = {**self.first(), **own, **values}
        row = self.row(id=id, created_at=tx.now, updated_at=None, **more)
        tx.insert(row)
        emit(tx, f"baremetal.{self.noun}.create", id, principal=who)
        return row

    def update(self, tx: Tx, row: R, changes: Sequence[Change], who: Principal) -> R:
        self.refuse_change(tx, row, "update")
        new = patched(self.document(row), changes, self.fixed)
        values = self.columns(tx, self.checked(new), row)
        row = tx.update(row, updated_at=tx.now, **values)
        emit(tx, f"baremetal.{self.noun}.update", _id(row), principal=who)
        return row

    def delete(self, tx: Tx, row: R, who: Principal) -> None:
        self.refuse_delete(tx, row)
        tx.delete(row)
        emit(tx, f"baremetal.{self.noun}.delete", _id(row), principal=who)

    def refuse_taken(self, tx: Tx, before: R | None, told: str, **where: Any) -> None:
        """One row alone may have these."""
        own = None if before is None else _id(before)
        for other in self.listing.page(tx, where=where, limit=2):
            if _id(other) != own:
                raise Conflict(told)


def _id(row: Row) -> str:
    found: str = row.id  # type: ignore[attr-defined]
    return found
