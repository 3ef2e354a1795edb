"""Catalog zones (RFC 9432): which zones a pool has, said as a zone, so that other name servers add
and drop zones by themselves.

They are made here and are in no database. The serial number is the number of the commit by which
one was changed: it grows with the cloud's changes and with time, whatever process counts them,
whenever it was started, and when the database is put back.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from cumulo.dns.nameserver.feed import Drop, Put

if TYPE_CHECKING:
    from cumulo.dns.nameserver.zones import Zone

NS, SOA, PTR, TXT = 2, 6, 12, 16
TTL = 60
_NOBODY = b"\x07invalid\0"
_TIMES = (60, 30, 2_419_200, 60)
"""Refresh, retry, expire, minimum: whoever lost a NOTIFY hears of a new zone within a minute."""


def _packed(wire: bytes) -> bytes:
    return len(wire).to_bytes(2, "big") + wire


class Catalogs:
    """`names`: of the catalog zones, by the pool's id. What is to be put into them is a list of
    steps, as if they came by the feed."""

    def __init__(self, names: Mapping[str, bytes]) -> None:
        self.names = dict(names)
        self._dirty: dict[str, list[Put | Drop]] = {pool: self._top(pool) for pool in names}

    @staticmethod
    def id_of(pool_id: str) -> str:
        return f"catalog {pool_id}"

    def come(self, zone: Zone) -> None:
        """A zone is in its pool now. One that was not fetched yet, or has expired, is none that
        others could have."""
        if zone.pool_id in self.names and zone.soa is not None:
            owner, id = self._member(zone), self.id_of(zone.pool_id)
            step = Put(id, owner, PTR, TTL, _packed(zone.name))
            self._dirty.setdefault(zone.pool_id, []).append(step)

    def gone(self, zone: Zone) -> None:
        """And not any more."""
        if zone.pool_id in self.names and zone.soa is not None:
            step = Drop(self.id_of(zone.pool_id), self._member(zone), PTR)
            self._dirty.setdefault(zone.pool_id, []).append(step)

    def again(self) -> None:
        """All of them get another serial number, whatever is in them."""
        for pool_id in self.names:
            self._dirty.setdefault(pool_id, [])

    def steps(self, number: int) -> list[Put | Drop]:
        """What has changed since they were asked for the last time."""
        found: list[Put | Drop] = []
        for pool_id, steps in self._dirty.items():
            serial = number % (1 << 32) or 1
            numbers = b"".join(each.to_bytes(4, "big") for each in (serial, *_TIMES))
            soa = _packed(_NOBODY + _NOBODY + numbers)
            found += [*steps, Put(self.id_of(pool_id), self.names[pool_id], SOA, TTL, soa)]
        self._dirty = {}
        return found

    def _top(self, pool_id: str) -> list[Put | Drop]:
        name, id = self.names[pool_id], self.id_of(pool_id)
        version = b"\x07version" + name
        return [
            Put(id, name, NS, TTL, _packed(_NOBODY)),
            Put(id, version, TXT, TTL, _packed(b"\x012")),
        ]

    def _member(self, zone: Zone) -> bytes:
        """Another one when a zone of this name is made anew: what was there is dropped."""
        label = hashlib.sha1(zone.id.encode(), usedforsecurity=False).hexdigest().encode()
        return b"\x28" + label + b"\x05zones" + self.names[zone.pool_id]
