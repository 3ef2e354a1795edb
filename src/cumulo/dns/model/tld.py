"""Top-level domains: if there is one, zones may only be made below one of them."""

from typing import Annotated

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Key, Row, Unique, table


@table("dns_tlds", Unique("name"))
class TldRow(Row, frozen=True):
    """`name` without the dot at its end; it may have several labels (`co.uk`)."""

    id: Annotated[str, Key()]
    name: str
    description: str | None
    created_at: Moment
    updated_at: Moment | None
