"""The order of changes, and who has heard of which: how name servers follow the database.

Every transaction that changes what is served takes the next number and notes what it touched. A
name server reads what was touched since the last number that it has, as it is now. The one row of
the counter makes transactions that take numbers wait for each other, so that a smaller number is
never committed after a greater one. A number is no less than the time in seconds: so it grows, too,
when the database is an older one than it was (catalog zones have it as their serial number).
"""

from typing import Annotated

from cumulo.core.db.rows import Index, Key, Row, table

COUNTER = "changes"
SECRETS = "secrets"
"""Stands in place of a zone's id when the keys of other name servers are changed."""
DEAD_SECONDS = 30.0
"""A name server that has not been heard of for so long holds up nobody any more."""


@table("dns_counters")
class CounterRow(Row, frozen=True):
    id: Annotated[str, Key()]
    value: int


@table("dns_changes")
class ChangeRow(Row, frozen=True):
    """`name` and `type` of the records that were touched; both empty: the whole zone."""

    number: Annotated[int, Key()]
    zone_id: Annotated[str, Key()]
    name: Annotated[str, Key()]
    type: Annotated[str, Key()]


@table("dns_servers")
class ServerRow(Row, frozen=True):
    """A name server at work: where it answers, and the number of the last change that it has."""

    id: Annotated[str, Key()]
    hostname: str
    address: str
    change: int
    seen: Annotated[float, Index()]
    """When it was heard of, in seconds since the epoch."""
    started: float
