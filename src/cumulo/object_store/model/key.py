"""Keys of encryption that were used: the keys themselves are files, never rows."""

import hashlib
import hmac
from typing import Annotated

from cumulo.core.db.rows import Key, Row, table


@table("object_keys")
class KeyRow(Row, frozen=True):
    number: Annotated[int, Key()]
    proof: str
    """By what the key is known again: another one would read noise where it says content."""


def proof_of(key: bytes) -> str:
    return hmac.new(key, b"cumulo object store key", hashlib.sha256).hexdigest()
