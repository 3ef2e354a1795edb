"""Keys with which other name servers sign their wish for a zone (TSIG, RFC 8945)."""

from typing import Annotated, Literal

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Key, Row, Unique, table

ALGORITHMS = ("hmac-md5", "hmac-sha1", "hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512")
SCOPES = ("POOL", "ZONE")


@table("dns_tsigkeys", Unique("name"))
class TsigkeyRow(Row, frozen=True):
    """`sealed`: the secret, by the cloud's keys. `resource_id`: of the pool or the zone."""

    id: Annotated[str, Key()]
    name: str
    algorithm: str
    sealed: str
    scope: Literal["POOL", "ZONE"]
    resource_id: str
    created_at: Moment
    updated_at: Moment | None
