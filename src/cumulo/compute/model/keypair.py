"""Key pairs belong to users. They have no state; private keys are never kept."""

from typing import Annotated

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Row, Serial, Unique, table


@table("key_pairs", Unique("user_id", "name"))
class KeyPairRow(Row, frozen=True, kw_only=True):
    id: Annotated[int, Serial()]
    user_id: str
    name: str
    type: str
    """`ssh` or `x509`"""
    public_key: str
    fingerprint: str
    created_at: Moment
