"""Known places: the networks from which somebody has logged in with a secret before.

They are rows, written once a day for each, so that all processes know them and a restart forgets
none; the process remembers those that it has seen, so that the usual login asks nobody.
"""

import hashlib
import ipaddress
from collections import OrderedDict
from collections.abc import Callable, Sequence

from cumulo.core.db.transaction import Database, Tx
from cumulo.identity.model.known_place import KnownPlaceRow
from cumulo.identity.queries import known_place as queries

DAY = 86_400.0
KNOWN_FOR = 30 * DAY
REMEMBERED = 20_000
KEPT = 200_000
"""Rows; beyond that the oldest are forgotten."""


def network_of(address: str) -> str:
    """The network that one guesser can have: an IPv4 address, or the /64 of an IPv6 address."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((found, 64), strict=False))


def hashed(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


class Places:
    """By `pair`: the hash of whose secret it is and the network. `clock`: seconds since 1970."""

    what = "known places"

    def __init__(self, database: Database, clock: Callable[[], float]) -> None:
        self._database = database
        self._clock = clock
        self._seen: OrderedDict[str, float] = OrderedDict()

    def is_remembered(self, pair: str) -> bool:
        """In this process, today."""
        return self._seen.get(pair, -DAY) + DAY > self._clock()

    def is_known(self, tx: Tx, pair: str) -> bool:
        if self.is_remembered(pair):
            return True
        row = tx.get(KnownPlaceRow, pair)
        return row is not None and row.last + KNOWN_FOR > self._clock()

    async def note(self, pair: str) -> None:
        """Somebody was right from there."""
        if self.is_remembered(pair):
            return
        now = self._clock()
        row = await self._database.read(lambda tx: tx.get(KnownPlaceRow, pair))
        if row is None or row.last + DAY < now:
            await self._database.write(lambda tx: self._write(tx, pair, now), name="known place")
        self._seen[pair] = now
        self._seen.move_to_end(pair)
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)

    def _write(self, tx: Tx, pair: str, now: float) -> None:
        row = tx.get(KnownPlaceRow, pair)
        if row is None:
            tx.insert(KnownPlaceRow(pair, now), ignore_duplicate=True)
        else:
            tx.update(row, last=now)

    def expired(self, tx: Tx, most: int) -> Sequence[KnownPlaceRow]:
        old = tx.all(queries.OLD, now=self._clock() - KNOWN_FOR, most=most)
        return old or tx.all(queries.TOO_MANY, most=most, kept=KEPT)

    def forget_expired(self, tx: Tx, row: KnownPlaceRow) -> None:
        tx.delete(row)
