"""Names that network has given to ports and floating IPs."""

from typing import Annotated

from cumulo.core.db.rows import IndexOn, Key, References, Row, table


@table("dns_published", IndexOn("zone_id", "name", "type"))
class PublishedRow(Row, frozen=True):
    """One address of one name; addresses of ports that have the same name are one set."""

    holder: Annotated[str, Key()]
    """The port or the floating IP."""
    name: Annotated[str, Key()]
    address: Annotated[str, Key()]
    type: str
    """`A` or `AAAA`"""
    zone_id: Annotated[str, References("dns_zones.id", "CASCADE")]
