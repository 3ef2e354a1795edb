"""A zone that is given to another project: the offer, and its acceptance."""

from typing import Annotated, Literal

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, Key, References, Row, table


@table("dns_transfer_requests")
class TransferRequestRow(Row, frozen=True):
    """`key`: who has it may accept; shown to the giver alone. `target_project_id` None: anybody
    with the key."""

    id: Annotated[str, Key()]
    zone_id: Annotated[str, Index()]
    """Of a zone that may be gone by now: what became of an offer is told for a while."""
    zone_name: str
    project_id: Annotated[str, Index()]
    target_project_id: Annotated[str | None, Index()]
    key: str
    description: str | None
    status: Literal["ACTIVE", "COMPLETE"]
    created_at: Moment
    updated_at: Moment | None


@table("dns_transfer_accepts")
class TransferAcceptRow(Row, frozen=True):
    id: Annotated[str, Key()]
    request_id: str
    zone_id: Annotated[str, Index(), References("dns_zones.id", "CASCADE")]
    project_id: Annotated[str, Index()]
    key: str
    status: Literal["COMPLETE"]
    created_at: Moment
    updated_at: Moment | None
