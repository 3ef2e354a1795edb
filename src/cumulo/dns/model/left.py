"""Zones that were abandoned: nobody's any more, and answered for as they were then."""

from typing import Annotated

import msgspec

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Key, Row, Unique, table

Sets = list[tuple[str, str, int, bytes]]
"""(name in lower case, type, TTL, packed records)."""


@table("dns_left", Unique("name"))
class LeftRow(Row, frozen=True):
    """`id`, `pool_id`, `project_id`: what the zone had, for by these name servers know it."""

    id: Annotated[str, Key()]
    name: str
    pool_id: str
    project_id: str
    content: bytes
    left_at: Moment

    @property
    def sets(self) -> Sets:
        return msgspec.msgpack.decode(self.content, type=Sets)


def packed(sets: Sets) -> bytes:
    return msgspec.msgpack.encode(sets)
