"""Which floating IP a reverse name was made for."""

from typing import Annotated

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Key, References, Row, Unique, table


@table("dns_reverses", Unique("recordset_id"))
class ReverseRow(Row, frozen=True):
    """It goes with its set of records, and with the floating IP."""

    floatingip_id: Annotated[str, Key()]
    project_id: str
    recordset_id: Annotated[str, References("dns_recordsets.id", "CASCADE")]
    created_at: Moment
