"""Queries of what was used once."""

from cumulo.identity.model.once import UsedOnceRow
from cumulo.identity.queries.expiry import ended

EXPIRED = ended(UsedOnceRow, "expires")
