"""Leases: which part of the cloud's work this control node does.

A part is a reconciler. Every control node says a few times a minute that it lives, keeps the leases
of its fair share, takes those that nobody has, and lets go of what is beyond its share. Who cannot
say so in time stops its work before somebody else may begin it; who ends lets go at once. What a
step does twice all the same, when a process was frozen in between, it does by compare-and-swap.

On SQLite there is one process, which does everything (but in simulated worlds).
"""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from cumulo.core.db.transaction import Database, Tx
from cumulo.core.nodes import queries
from cumulo.core.nodes.model import LeaseRow, NodeRow

log = logging.getLogger("cumulo.nodes")

LEASE_SECONDS = 15.0
BEAT_SECONDS = 4.0
MARGIN_SECONDS = 2.0
"""By which we stop earlier than the others may begin."""
LOOK = "leases"
"""The hint that some have become free."""


class Removed(Exception):
    """This node is none of the cloud's any more."""


class Leases:
    """`me`: this control node, but for `seen`. `names`: of the parts, added before it runs."""

    def __init__(self, database: Database, me: NodeRow) -> None:
        self._database = database
        self._me = me
        self.names: list[str] = []
        self.alone = not database.several
        self._held: set[str] = set()
        self._left: set[str] = set()
        """Parts that no other node does (another release does not know them): beside the share."""
        self._good_until = 0.0
        self._bell = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.gained: Callable[[str], None] = lambda name: None
        self.lost: Callable[[str], None] = lambda name: None
        self.looked: Callable[[int], None] = lambda edition: None
        """Told after each look which is the oldest edition."""
        self.others: Sequence[NodeRow] = ()
        """That live, at the last look."""
        self.edition = 0
        """The oldest among the nodes that live, those included that are about to end; 0 until they
        were looked at."""
        self.ahead = 0.0
        """Seconds by which this machine's clock was ahead of the database's at the last look."""
        self.had_others = False
        self.removed = asyncio.Event()
        """An operator has removed this node."""
        self.beaten: Callable[[], Awaitable[None]] | None = None
        """After each look, once there have been others: what they would have hinted at, had they
        not died."""

    def holds(self, name: str) -> bool:
        return self.alone or (name in self._held and time.monotonic() < self._good_until)

    def look(self) -> None:
        """Now; from the loop."""
        self._bell.set()

    async def run(self) -> None:
        """Until cancelled; then nothing is held any more."""
        if self.alone:
            return
        try:
            while True:
                await self._beat()
                self._bell.clear()
                try:
                    async with asyncio.timeout(BEAT_SECONDS):
                        await self._bell.wait()
                except TimeoutError:
                    continue
        finally:
            self._let_go(set(self._held))

    async def _beat(self) -> None:
        began, leaving = time.monotonic(), self._me.draining
        try:
            async with asyncio.timeout(BEAT_SECONDS):
                held = await self._database.write(self._take, name="leases")
        except Removed:
            log.error("this control node was removed from the cloud: it ends")
            self._let_go(set(self._held))
            self.removed.set()
            return
        except Exception as error:  # the database is away: what we hold ends with its time
            log.info("leases could not be renewed: %s", error)
            if time.monotonic() + BEAT_SECONDS > self._good_until:
                self._let_go(set(self._held))
            return
        if self._me.draining != leaving:
            return  # given back meanwhile
        self._good_until = began + LEASE_SECONDS - MARGIN_SECONDS
        before, self._held = self._held, held
        self._let_go(before - held)
        for name in held - before:
            self.gained(name)
        self.looked(self.edition)
        self.had_others |= bool(self.others)
        if self.had_others and self.beaten is not None:
            await self.beaten()

    def _let_go(self, names: set[str]) -> None:
        self._held -= names
        for name in names:
            self.lost(name)

    def _take(self, tx: Tx) -> set[str]:
        before = time.time()
        now = float(tx.value(queries.NOW))
        self.ahead = (before + time.time()) / 2 - now
        self._say_alive(tx, now, self.ahead)
        nodes = [row for row in tx.all(queries.NODES) if is_alive(row, now)]
        self.edition = min((row.edition for row in nodes), default=0)
        living = [row for row in nodes if not row.draining]
        self.others = [row for row in living if row.id != self._me.id]
        known = {row.name: row for row in tx.all(queries.LEASES)}
        # Another release may have other parts. Who is about to end is not among the living.
        parts = len(known.keys() | set(self.names))
        share = 0 if self._me.draining else math.ceil(parts / max(1, len(living)))
        held: set[str] = set()
        for name in sorted(self.names, key=lambda name: not self._is_mine(known.get(name))):
            row = known.get(name)
            free = row is None or row.until < now
            # What nobody has taken in all that time is somebody's, whoever's share it is.
            left = row is not None and row.until < now - 2 * LEASE_SECONDS
            if left or (name in self._left and self._is_mine(row)):
                self._left.add(name)
            else:
                self._left.discard(name)
            full = len(held - self._left) >= share and name not in self._left
            if not (free or self._is_mine(row)) or full or not share:
                if row is None:
                    # From now on it is seen how long nobody takes it.
                    tx.insert(LeaseRow(name, "", 0, now))
                continue
            self._lease(tx, name, row, now)
            held.add(name)
        for name, row in known.items():
            if self._is_mine(row) and name not in held:
                # Ours until we have stopped, which we do after this commit; then anybody's.
                tx.update(row, until=min(row.until, now + MARGIN_SECONDS))
        return held

    def _is_mine(self, row: LeaseRow | None) -> bool:
        return row is not None and row.node_id == self._me.id

    def _lease(self, tx: Tx, name: str, row: LeaseRow | None, now: float) -> None:
        until = now + LEASE_SECONDS
        if row is None:
            tx.insert(LeaseRow(name, self._me.id, 1, until))
        elif self._is_mine(row) and row.until >= now:
            tx.update(row, until=until)
        else:
            tx.update(row, node_id=self._me.id, epoch=row.epoch + 1, until=until)

    def _say_alive(self, tx: Tx, now: float, ahead: float) -> None:
        row = tx.get(NodeRow, self._me.id)
        fresh = msgspec.structs.replace(self._me, seen=now, ahead=round(ahead, 3))
        if row is not None and row.removed:
            raise Removed(self._me.id)
        if row is None:
            tx.insert(fresh)
        else:
            changes = {
                name: getattr(fresh, name)
                for name in ("name", "url", "content", "seen", "draining", "ahead", "edition")
            }
            tx.update(row, **changes)

    async def leave(self) -> None:
        """This process is about to end: others may have its work at once."""
        if self.alone:
            return
        self._me = msgspec.structs.replace(self._me, draining=True)
        self._let_go(set(self._held))

        def write(tx: Tx) -> None:
            tx.run(queries.LEASES_OF, node=self._me.id)
            row = tx.get(NodeRow, self._me.id)
            if row is not None:
                tx.update(row, draining=True)

        try:
            await self._database.write(write, name="leases: leave")
        except Exception as error:  # the database is away: they end with their time
            log.info("leases could not be given back: %s", error)
            return
        self._database.hint(LOOK)


def is_alive(row: NodeRow, now: float) -> bool:
    return row.seen > now - LEASE_SECONDS and not row.removed
