"""What other services may ask of placement: who has room, and take it.

An allocation is a row that refers to its consumer; it is taken and given back in the transaction
that makes or removes the consumer, so the two can not disagree.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from cumulo.core.clock import Moment
from cumulo.core.db.transaction import Tx


class Inventory(msgspec.Struct, frozen=True, kw_only=True):
    """How much of one resource class a provider has."""

    total: int
    reserved: int = 0
    min_unit: int = 1
    max_unit: int = 2**31 - 1
    step_size: int = 1
    allocation_ratio: float = 1.0


class Where(msgspec.Struct, frozen=True, kw_only=True):
    """Which providers may be candidates; None and nothing: all."""

    named: Sequence[str] | None = None
    not_named: Sequence[str] = ()
    member_of: Sequence[str] | None = None
    """Of any of these aggregates."""
    not_member_of: Sequence[str] = ()
    required: Sequence[str] = ()
    """Traits, all of them."""
    forbidden: Sequence[str] = ()
    """Traits."""
    alive_since: Moment | None = None
    """The provider is a host that may be given work and was heard of since."""
    alive_anyway: Sequence[str] = ()
    """Or it has one of these traits."""


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A provider that has room for the whole request."""

    provider_id: str
    name: str
    free: int
    """What is left now of memory, before the request is taken (of the first class that is asked
    for, where that is not memory)."""


class Placement(Protocol):
    def ensure_provider(
        self,
        tx: Tx,
        provider_id: str,
        name: str,
        inventories: Mapping[str, Inventory],
        *,
        only: bool = False,
    ) -> None:
        """Make or update a root provider; used amounts stay as they are. Custom classes are made.
        `only`: what else it has goes. Raises Conflict where that is in use."""

    def remove_provider(self, tx: Tx, provider_id: str) -> None:
        """Raises Conflict as long as anything is allocated from it."""

    def candidates(
        self,
        tx: Tx,
        resources: Mapping[str, int],
        where: Where,
        *,
        most: int,
        by: str = "MEMORY_MB",
        fullest: bool = False,
    ) -> list[Candidate]:
        """Providers with room, those with the most free memory (or what else `by` says) first;
        `fullest`: those with the least. One statement, whatever the number of providers."""

    def traits_of(self, tx: Tx, provider_ids: Sequence[str]) -> dict[str, set[str]]:
        """Provider → its traits."""

    def lacks(
        self, tx: Tx, resources: Mapping[str, int], names: Sequence[str]
    ) -> dict[str, str | None]:
        """For each of these providers why it cannot give that; None: it can."""

    def mark(self, tx: Tx, provider_id: str, trait: str, wanted: bool) -> None:
        """The provider has this trait, or not."""

    def join(self, tx: Tx, provider_id: str, aggregate_id: str, wanted: bool) -> None:
        """The provider is in this aggregate, or not."""

    def used(self, tx: Tx, provider_ids: Sequence[str]) -> dict[str, dict[str, int]]:
        """Provider → resource class → what is taken."""

    def used_in_all(self, tx: Tx) -> dict[str, int]:
        """Resource class → what is taken of all providers together."""

    def claim(
        self,
        tx: Tx,
        consumer_id: str,
        provider_id: str,
        resources: Mapping[str, int],
        *,
        project_id: str,
        user_id: str,
        kind: str = "INSTANCE",
    ) -> bool:
        """Take the resources by conditional updates; False when there is no room any more.
        `kind`: the consumer's type."""

    def hand_over(self, tx: Tx, consumer_id: str, to: str, kind: str) -> None:
        """All that the consumer holds is held by another one, of that type, from now on."""

    def release(self, tx: Tx, consumer_id: str) -> None:
        """Give back all that the consumer holds; nothing happens when it holds nothing."""
