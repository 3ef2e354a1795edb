"""What name servers read of the database, and what they say of themselves."""

import time
from collections.abc import Callable, Sequence

import msgspec

from cumulo.core.clock import seconds_of
from cumulo.core.db.transaction import Tx
from cumulo.dns import names, rdata
from cumulo.dns.model.change import DEAD_SECONDS, SECRETS, ServerRow
from cumulo.dns.model.left import LeftRow
from cumulo.dns.model.pool import PoolZone
from cumulo.dns.model.recordset import RecordsetRow
from cumulo.dns.model.state import state_of
from cumulo.dns.model.zone import ALONE, ZoneRow
from cumulo.dns.nameserver.feed import Drop, Gone, Put, Secrets, Step, Whole
from cumulo.dns.queries import change as change_queries
from cumulo.dns.queries import recordset as recordset_queries
from cumulo.dns.queries import zone as zone_queries
from cumulo.dns.service.changes import Changes
from cumulo.dns.service.secondaries import Secondaries, masters_of
from cumulo.dns.service.tsigkeys import Tsigkeys
from cumulo.dns.service.zones import Zones

MOST_NOTES = 5000
"""Who is further behind than so many notes reads everything anew."""
PAGE = 500
LEFT = "~"
"""Before the id of an abandoned zone, where all that there is is read: after all ids of zones."""
BATCH = 200
MOST_STEPS = 2000
"""Of a page of zones, where a single one has not more: they are read on the loop."""


Touched = tuple[str, dict[tuple[str, str], None]]
"""A zone, and (name, type) of sets of records in it; both empty: all of it."""


class TooFarBehind(Exception):
    """Reading on would be more than reading all."""


class Pulses:
    """Which name servers are alive: those of which something new is heard, by this process's own
    clock. Others' clocks may be wrong, and this one."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._heard: dict[str, tuple[tuple[float, int], float]] = {}
        """What each said last, and since when that is all."""

    def dead(self, servers: Sequence[ServerRow]) -> set[str]:
        now = self._now()
        heard = {}
        for each in servers:
            said = (each.seen, each.change)
            known = self._heard.get(each.id)
            heard[each.id] = known if known is not None and known[0] == said else (said, now)
        self._heard = heard
        return {id for id, (_, since) in heard.items() if now - since > DEAD_SECONDS}


class Serving:
    def __init__(
        self, zones: Zones, secondaries: Secondaries, changes: Changes, tsigkeys: Tsigkeys
    ) -> None:
        self.zones = zones
        self.secondaries = secondaries
        self.tsigkeys = tsigkeys
        self.changes = changes
        self.pulses = Pulses()

    # --- what there is to serve -------------------------------------------------------------

    def news(self, tx: Tx, server_id: str, since: int) -> tuple[int, list[Touched]]:
        """What was touched since one number, and today's number, for a server that has written
        down the first one."""
        said = tx.get(ServerRow, server_id)
        if said is None or said.change != since:
            # It was thought dead, and notes that it has not read may be gone; or this is an older
            # database than the one that it wrote to.
            raise TooFarBehind
        # Before the notes: a change that touches nothing a name server says has none.
        newest = self.changes.newest(tx)
        if newest < since:
            raise TooFarBehind
        notes = self.changes.since(tx, since, MOST_NOTES)
        if len(notes) == MOST_NOTES:
            raise TooFarBehind
        touched: dict[str, Touched] = {}
        for note in notes:
            touched.setdefault(note.zone_id, (note.zone_id, {}))[1][(note.name, note.type)] = None
        return max(newest, since, *(note.number for note in notes)), list(touched.values())

    def steps(self, tx: Tx, touched: Sequence[Touched]) -> tuple[int, list[Step]]:
        """Steps to today's state of the first ones of these, and how many they are. A zone is
        read at once: its serial number is that of what is in it."""
        some = touched[:BATCH]
        zones = self.zones.many(tx, [zone_id for zone_id, _ in some])
        steps: list[Step] = []
        for count, (zone_id, sets) in enumerate(some):
            if len(steps) > MOST_STEPS // 4:
                return count, steps
            zone = zones.get(zone_id)
            if zone_id == SECRETS:
                steps.append(Secrets(self.tsigkeys.secrets(tx)))
            elif ("", "") in sets or len(sets) > PAGE:
                steps += self.whole(tx, zone_id, zone)
            elif zone is not None and zone.wanted and not zone.expired:
                steps += self._some(tx, zone, list(sets))
        return len(some), steps

    def _some(self, tx: Tx, zone: ZoneRow, sets: list[tuple[str, str]]) -> list[Step]:
        """Some of a zone's sets of records as they are now."""
        owners = sorted({name for name, _ in sets})
        rows = tx.all(recordset_queries.OF_NAMES, zone_id=zone.id, names=owners)
        there = {(row.name, row.type): row for row in rows}
        steps: list[Step] = []
        for name, kind in sets:
            row = there.get((name, kind))
            if row is not None:
                steps.append(_put(zone, row))
            else:
                steps.append(Drop(zone.id, names.wire(name), rdata.number_of(kind)))
        return steps

    def whole(self, tx: Tx, zone_id: str, zone: ZoneRow | None) -> list[Step]:
        """A zone from nothing, or its end."""
        if zone is None:
            left = self.zones.left.find(tx, zone_id)
            return [Gone(zone_id)] if left is None else _as_left(left)
        if not zone.wanted:
            return [Gone(zone_id)]
        steps: list[Step] = [_begun(zone)]
        if zone.expired:
            return steps
        return [*steps, *(_put(zone, row) for row in self.zones.content(tx, zone))]

    def zones_after(self, tx: Tx, last: str) -> tuple[str | None, list[Step]]:
        """A page of all zones, by id; None: it was the last one."""
        if last.startswith(LEFT):
            return self._left_after(tx, last.removeprefix(LEFT))
        page = tx.all(zone_queries.AFTER, id=last, most=BATCH // 4)
        steps: list[Step] = [] if last else [Secrets(self.tsigkeys.secrets(tx))]
        if page and sum(zone.recordsets for zone in page) <= MOST_STEPS:
            return page[-1].id, [*steps, *_together(tx, page)]
        for zone in page:
            steps += self.whole(tx, zone.id, zone)
            if len(steps) > MOST_STEPS:
                return zone.id, steps
        if not page:
            then, more = self._left_after(tx, "")
            return then, [*steps, *more]
        return page[-1].id, steps

    def _left_after(self, tx: Tx, last: str) -> tuple[str | None, list[Step]]:
        """After all zones: those that were abandoned, one at a time."""
        row = self.zones.left.after(tx, last)
        return (None, []) if row is None else (LEFT + row.id, _as_left(row))

    def anything(self, tx: Tx) -> bool:
        """Whether there is something to answer for."""
        return self.zones.count(tx) > 0 or self.zones.left.any(tx)

    def texts(self, tx: Tx, zone: ZoneRow, *, whole: bool, owner: str = "") -> PoolZone:
        """A zone for a server that is told in words; not `whole`: its SOA alone."""
        sets: list[tuple[str, str, int, list[str]]] = []
        for row in self.zones.content(tx, zone) if whole else self._soa(tx, zone):
            ttl = zone.ttl if row.ttl is None else row.ttl
            sets.append((row.name, row.type, ttl, row.records))
        known = 0 < zone.mirrored < ALONE
        return PoolZone(name=zone.name, serial=zone.serial, sets=sets, owner=owner, known=known)

    def _soa(self, tx: Tx, zone: ZoneRow) -> list[RecordsetRow]:
        row = tx.one(recordset_queries.ONE, zone_id=zone.id, name=zone.name, type="SOA")
        return [] if row is None else [row]

    # --- who serves -------------------------------------------------------------------------

    def register(self, tx: Tx, server: ServerRow) -> int:
        """A name server begins, with nothing yet: the notes from now on are kept for it, and what
        waits for all of them waits for it."""
        newest = self.changes.newest(tx)
        row = tx.get(ServerRow, server.id)
        fresh = msgspec.structs.replace(server, change=0)
        if row is not None:
            tx.delete(row)
        tx.insert(fresh)
        return newest

    def beat(self, tx: Tx, server_id: str) -> None:
        """It is at work, and has nothing new to say."""
        row = tx.get(ServerRow, server_id)
        if row is not None:
            tx.update(row, seen=seconds_of(tx.now))

    def heard(self, tx: Tx, server_id: str, change: int) -> bool:
        """A name server has all up to this number; True when there is more to follow up."""
        row = tx.get(ServerRow, server_id)
        if row is not None:
            tx.update(row, change=change, seen=seconds_of(tx.now))
        return self.settle(tx, change)

    def settle(self, tx: Tx, otherwise: int) -> bool:
        """Write down what all name servers at work have by now; without any, `otherwise`."""
        servers = tx.all(change_queries.SERVERS)
        dead = self.pulses.dead(servers)
        for server in servers:
            if server.id in dead:
                tx.run(change_queries.DROP_SERVER, server=server.id, last_seen=server.seen)
        upto = min((each.change for each in servers if each.id not in dead), default=otherwise)
        rows = tx.all(zone_queries.OUTDATED, change=upto, most=BATCH)
        for row in rows:
            self.zones.served(tx, row, upto)
        action, status = state_of(wanted=True, change=upto, served=upto)
        tx.run(recordset_queries.SERVED, upto=upto, new_action=action, new_status=status)
        self.changes.forget(tx, upto)
        return len(rows) == BATCH

    def leave(self, tx: Tx, server_id: str) -> None:
        row = tx.get(ServerRow, server_id)
        if row is not None:
            tx.delete(row)

    def lags(self, tx: Tx, number: int) -> bool:
        """Some name server has not come to this number yet."""
        return any(each.change < number for each in tx.all(change_queries.SERVERS))

    def servers(self, tx: Tx) -> list[tuple[ServerRow, bool]]:
        """All that were heard of, and whether each is alive."""
        found = tx.all(change_queries.SERVERS)
        dead = self.pulses.dead(found)
        return [(each, each.id not in dead) for each in found]


def _together(tx: Tx, zones: Sequence[ZoneRow]) -> list[Step]:
    """Small zones from nothing, with one question for all that is in them."""
    sets: dict[str, list[RecordsetRow]] = {}
    for row in tx.all(recordset_queries.OF_ZONES, ids=[zone.id for zone in zones]):
        sets.setdefault(row.zone_id, []).append(row)
    steps: list[Step] = []
    for zone in zones:
        steps.append(_begun(zone))
        if not zone.expired:
            steps += [_put(zone, row) for row in sets.get(zone.id, ())]
    return steps


def _as_left(row: LeftRow) -> list[Step]:
    """A zone that nobody has any more, as it was."""
    begun = Whole(row.id, names.wire(row.name), row.pool_id, row.project_id)
    return [
        begun,
        *(
            Put(row.id, names.wire(name), rdata.number_of(kind), ttl, wire)
            for name, kind, ttl, wire in row.sets
        ),
    ]


def _begun(zone: ZoneRow) -> Whole:
    masters = sorted(masters_of(zone)) if zone.type == "SECONDARY" else []
    return Whole(zone.id, names.wire(zone.name), zone.pool_id, zone.project_id, masters)


def _put(zone: ZoneRow, row: RecordsetRow) -> Put:
    ttl = zone.ttl if row.ttl is None else row.ttl
    return Put(zone.id, names.wire(row.name), rdata.number_of(row.type), ttl, row.wire)
