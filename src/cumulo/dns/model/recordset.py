"""Sets of records: all that a name says of one type."""

from typing import Annotated

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, IndexOn, Key, References, Row, Unique, table
from cumulo.dns.model.state import Action, Status, state_of


@table(
    "dns_recordsets",
    Unique("zone_id", "name", "type"),
    IndexOn("project_id", "created_at"),
    IndexOn("change", where="status <> 'ACTIVE'"),
)
class RecordsetRow(Row, frozen=True):
    """`wire`: the records as the name server sends them (`rdata.pack`), in their order. `managed`:
    made by the service itself, so that users may not change it. `ttl` None: the zone's."""

    id: Annotated[str, Key()]
    zone_id: Annotated[str, References("dns_zones.id", "CASCADE")]
    project_id: str
    name: Annotated[str, Index()]
    type: str
    ttl: int | None
    records: list[str]
    wire: bytes
    description: str | None
    managed: bool
    change: int
    served: int
    action: Action
    status: Status
    version: int
    shown: str | None
    """The name with the case of letters as it was given; None: `name` is that."""
    created_at: Moment
    updated_at: Moment | None

    @property
    def display(self) -> str:
        return self.shown or self.name


def recordset_state(row: RecordsetRow) -> tuple[Action, Status]:
    return state_of(wanted=True, change=row.change, served=row.served, version=row.version)
