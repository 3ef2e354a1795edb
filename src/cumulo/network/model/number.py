"""Small numbers, unique in the cloud: names of devices, zones and VNIs are made of them."""

from typing import Annotated

from cumulo.core.db.rows import Key, Row, table


@table("network_numbers")
class NumberRow(Row, frozen=True):
    """`last` is the newest number that was given to a thing of this kind."""

    kind: Annotated[str, Key()]
    last: int
