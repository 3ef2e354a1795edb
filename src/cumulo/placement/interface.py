"""What other services may ask of placement: who has room, and take it.

An allocation is a row that refers to its consumer; it is taken and given back in the transaction
that makes or removes the consumer, so the two can not disagree.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from cumulo.core.db.transaction import Tx


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """How much of one resource class a provider has."""

    total: int
    reserved: int = 0
    min_unit: int = 1
    max_unit: int = 2**31 - 1
    step_size: int = 1
    allocation_ratio: float = 1.0


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A provider that has room for the whole request."""

    provider_id: str
    name: str
    free: dict[str, int]
    """What is left now, by resource class, before the request is taken."""


class Rejection(msgspec.Struct, frozen=True, kw_only=True):
    """Why a provider is no candidate: for the fault's text and `cumulo why`."""

    name: str
    reason: str


class Placement(Protocol):
    def ensure_provider(
        self, tx: Tx, provider_id: str, name: str, inventories: Mapping[str, Inventory]
    ) -> None:
        """Make or update a root provider; used amounts stay as they are."""

    def candidates(
        self, tx: Tx, resources: Mapping[str, int], *, among: Sequence[str] | None = None
    ) -> tuple[list[Candidate], list[Rejection]]:
        """Providers with room, those with the most free memory first; and why not the others.
        `among` limits the search to providers of these names."""

    def claim(
        self,
        tx: Tx,
        consumer_id: str,
        provider_id: str,
        resources: Mapping[str, int],
        *,
        project_id: str,
        user_id: str,
    ) -> bool:
        """Take the resources by conditional updates; False when there is no room any more."""

    def release(self, tx: Tx, consumer_id: str) -> None:
        """Give back all that the consumer holds; nothing happens when it holds nothing."""
