"""What every noun of the network API has: the attributes that the API calls standard."""

from typing import Annotated, Any, TypeVar

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, Key, Row
from cumulo.core.db.transaction import Tx

R = TypeVar("R", bound="Standard")


class Standard(Row, frozen=True):
    """The base of the service's rows; no table of its own."""

    id: Annotated[str, Key()]
    project_id: Annotated[str, Index()]
    """Empty for ports that belong to nobody: gateways of routers, floating IPs."""
    name: str
    description: str
    tags: list[str]
    revision_number: int
    """Grows with every change that a client can see."""
    created_at: Moment
    updated_at: Moment


def changed(tx: Tx, row: R, **changes: Any) -> R:
    """Write what differs, and count the revision when something does."""
    differing = {name: value for name, value in changes.items() if getattr(row, name) != value}
    if not differing:
        return row
    return tx.update(row, **differing, revision_number=row.revision_number + 1, updated_at=tx.now)
