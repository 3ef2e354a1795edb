"""Patterns of names that nobody but an administrator may make a zone of."""

from typing import Annotated

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Key, Row, Unique, table


@table("dns_blacklists", Unique("pattern"))
class BlacklistRow(Row, frozen=True):
    """`pattern`: a regular expression of RE2, looked for anywhere in the name."""

    id: Annotated[str, Key()]
    pattern: str
    description: str | None
    created_at: Moment
    updated_at: Moment | None
