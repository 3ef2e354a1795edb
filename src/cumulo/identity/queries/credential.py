"""Queries of credentials."""

from cumulo.core.db.listing import Listing, equals
from cumulo.core.db.rows import columns
from cumulo.identity.model.credential import CredentialRow

_c = columns(CredentialRow)

CREDENTIALS = Listing(
    CredentialRow,
    filters={"user_id": equals(_c.user_id), "type": equals(_c.type)},
    sort_keys={"type": _c.type},
    default_sort=(("type", "asc"),),
)
