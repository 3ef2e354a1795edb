"""A zone as it came from another name server."""

from typing import Protocol

import msgspec


class Received(msgspec.Struct, kw_only=True):
    serial: int
    refresh: int
    retry: int
    expire: int
    minimum: int
    ttl: int
    email: str
    sets: list[tuple[str, str, int, list[str], bytes]]
    """(name in lower case, type, TTL, texts, packed records), the SOA among them."""


class TransferFailed(Exception):
    """No master gave the zone; says why."""


class Fetch(Protocol):
    def __call__(self, name: str, masters: list[str], serial: int | None) -> Received | None:
        """The zone from the first of its masters that gives it; None: it is not newer than
        `serial`. Blocks. Raises TransferFailed."""
