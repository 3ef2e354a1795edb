"""Pools: sets of name servers that answer for the same zones, and what is asked of those that are
not the cloud's own."""

from collections.abc import Sequence
from typing import Protocol

import msgspec


class PoolZone(msgspec.Struct, frozen=True, kw_only=True):
    """A zone as a server of a pool is to have it."""

    name: str
    serial: int
    sets: list[tuple[str, str, int, list[str]]]
    """(name, type, TTL, texts)"""


class TargetRefused(Exception):
    """A server says no: trying again will not help before somebody does something."""


class TargetAway(Exception):
    """A server does not answer, or has not caught up yet."""


class Target(Protocol):
    """One name server of a pool. Everything may be done twice."""

    async def ensure(self, zone: PoolZone) -> None:
        """Until it answers with this serial number, or a newer one. Raises TargetRefused,
        TargetAway."""

    async def remove(self, name: str) -> None:
        """The zone is not served there any more. Raises TargetRefused, TargetAway."""


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    name: str
    description: str | None = None
    attributes: dict[str, str] = {}
    nameservers: list[str]
    targets: Sequence[Target] = ()

    @property
    def alone(self) -> bool:
        """The cloud's own name servers are all of it."""
        return not self.targets
