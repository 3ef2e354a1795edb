"""Zones: made, changed, deleted; their serial numbers and what is at their top."""

import math
import random
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from cumulo.core.clock import seconds_of
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import QuotaExceeded
from cumulo.core.ids import new_id
from cumulo.core.quotas.quotas import Quotas
from cumulo.dns import names, serials
from cumulo.dns.meters import ZONES
from cumulo.dns.model.recordset import RecordsetRow
from cumulo.dns.model.zone import ALONE, DEFAULT_POOL, ZoneRow, ZoneType, zone_state
from cumulo.dns.queries import nouns as noun_queries
from cumulo.dns.queries import published as published_queries
from cumulo.dns.queries import recordset as recordset_queries
from cumulo.dns.queries import zone as queries
from cumulo.dns.service.changes import Changes
from cumulo.dns.service.left import Left
from cumulo.dns.service.places import Places
from cumulo.dns.service.pools import Pools
from cumulo.dns.service.refusals import bad_request, not_found
from cumulo.dns.service.scope import Scope
from cumulo.dns.service.tops import Tops

QUOTAS = {
    "zones": 10,
    "zone_recordsets": 500,
    "zone_records": 500,
    "recordset_records": 20,
    "api_export_size": 1000,
}


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What the settings say of zones."""

    email: str
    """For zones that are nobody's own."""
    default_ttl: int
    least_ttl: int
    negative_ttl: int
    """How long others may remember that there is no such name (SOA minimum)."""


class ZoneWish(msgspec.Struct, kw_only=True):
    """A new zone, every part checked."""

    name: str
    shown: str | None = None
    """See the row."""
    type: ZoneType = "PRIMARY"
    email: str
    ttl: int
    description: str | None = None
    attributes: dict[str, str] = {}
    masters: list[str] = []
    pool_id: str = DEFAULT_POOL


PAGE = 500
LATER = 0.001
"""Seconds. By less `due` moves when there is only news."""


class Zones:
    def __init__(self, rules: Rules, changes: Changes, places: Places, pools: Pools) -> None:
        self.rules = rules
        self.pools = pools
        self.places = places
        self.changes = changes
        self.tops = Tops(changes, pools)
        self.left = Left(changes)
        self.quotas = Quotas("dns", QUOTAS)
        self.listing = queries.LISTING

    # --- one zone ---------------------------------------------------------------------------

    def get(self, tx: Tx, zone_id: str, scope: Scope) -> ZoneRow:
        """A zone that the caller's project has, or shares; NotFound for any other."""
        row = tx.get(ZoneRow, zone_id)
        if row is None or not (
            scope.sees(row.project_id) or self.is_shared_with(tx, row.id, scope.project_id)
        ):
            raise not_found("Zone", "zone")
        return row

    def is_shared_with(self, tx: Tx, zone_id: str, project_id: str | None) -> bool:
        if project_id is None:
            return False
        return tx.one(queries.SHARE_OF, zone_id=zone_id, project_id=project_id) is not None

    def shared(self, tx: Tx, zone_ids: Sequence[str]) -> set[str]:
        """Those of the zones that some project shares."""
        if not zone_ids:
            return set()
        return {zone_id for (zone_id,) in tx.tuples(queries.SHARED, ids=zone_ids)}

    def many(self, tx: Tx, zone_ids: Sequence[str]) -> dict[str, ZoneRow]:
        return {row.id: row for row in tx.all(queries.MANY, ids=zone_ids)} if zone_ids else {}

    def covering(self, tx: Tx, name: str) -> ZoneRow | None:
        """The zone that a name belongs to: of those above it, or its own, the nearest."""
        return self.places.covering(tx, name)

    def below(self, tx: Tx, row: ZoneRow) -> list[ZoneRow]:
        """The zones below one."""
        return tx.all(queries.ALL_BELOW, key=row.tree, end=row.tree + "g")

    def count(self, tx: Tx) -> int:
        return int(tx.value(queries.COUNT))

    def content(self, tx: Tx, row: ZoneRow) -> Iterator[RecordsetRow]:
        """All sets of records in a zone, by id."""
        last = ""
        while True:
            page = tx.all(recordset_queries.OF_ZONE, zone_id=row.id, id=last, most=PAGE)
            yield from page
            if len(page) < PAGE:
                return
            last = page[-1].id

    # --- verbs ------------------------------------------------------------------------------

    def create(self, tx: Tx, wish: ZoneWish, scope: Scope) -> ZoneRow:
        project_id = scope.project_id
        if project_id is None:
            message = "A project ID must be specified when not using a project scoped token."
            raise bad_request(message, "missing_project_id")
        self.places.check_name(tx, wish.name, scope)
        self.places.check_place(tx, wish.name, project_id, over=scope.edit_managed)
        self.quotas.take(tx, project_id, zones=1)
        number = self.changes.number(tx)
        row = ZoneRow(
            id=new_id(),
            name=wish.name,
            tree=names.tree_key(wish.name),
            project_id=project_id,
            pool_id=wish.pool_id,
            type=wish.type,
            email=wish.email,
            ttl=wish.ttl,
            serial=1 if wish.type == "SECONDARY" else serials.after(0, seconds_of(tx.now)),
            # Spread, so that secondaries do not ask for all zones at one moment.
            refresh=random.randint(3500, 3600),
            retry=600,
            expire=86400,
            minimum=self.rules.negative_ttl,
            description=wish.description,
            attributes=wish.attributes,
            masters=wish.masters,
            wanted=True,
            change=number,
            served=0,
            # Servers of its pool, or a transfer from its masters, are asked for at once.
            mirrored=self._mirrored(tx, wish.pool_id) if wish.type == "PRIMARY" else 0,
            due=seconds_of(tx.now) if wish.type == "SECONDARY" else 0.0,
            attempts=0,
            pool_due=self.soon(tx, wish.pool_id) if wish.type == "PRIMARY" else 0.0,
            pool_attempts=0,
            fault=None,
            pool_fault=None,
            anew=False,
            action="CREATE",
            status="PENDING",
            version=1,
            recordsets=0,
            records=0,
            transferred_at=None,
            expired=False,
            shown=wish.shown,
            created_at=tx.now,
            updated_at=None,
        )
        tx.insert(row)
        ZONES.changed(tx, None, row)
        self.changes.note(tx, row.id)
        self.left.end(tx, row.name)
        if row.type == "PRIMARY":
            row = self.tops.add(tx, row)
        self._tell(tx, "create", row, scope)
        return row

    def update(self, tx: Tx, row: ZoneRow, changed: dict[str, Any], scope: Scope) -> ZoneRow:
        """`changed`: email, ttl, description, masters, each checked."""
        self.refuse_deleting(row)
        row = tx.update(row, **changed)
        row = self.touch(tx, row, told=not changed.keys() <= {"description", "attributes"})
        if "masters" in changed:
            row = self.transfer_now(tx, row)
        if "ttl" in changed or "masters" in changed:
            # The TTL of all that has none of its own; and who may say that it has changed.
            self.changes.note(tx, row.id)
        self._tell(tx, "update", row, scope, changed=sorted(changed))
        return row

    def delete(
        self,
        tx: Tx,
        row: ZoneRow,
        scope: Scope,
        *,
        with_shares: bool = False,
        hard: bool = False,
    ) -> ZoneRow:
        """`hard`: gone at once, whatever the servers of its pool say, or do not say any more."""
        if self.shared(tx, [row.id]) and not with_shares:
            raise bad_request(
                "This zone is shared with other projects, please remove these shares before "
                "deletion or use the delete-shares modifier to override this warning.",
                "zone_is_shared",
            )
        below = tx.one(queries.BELOW, key=row.tree, end=row.tree + "g")
        if below is not None:
            message = "Please delete any subzones before deleting this zone"
            raise bad_request(message, "zone_has_sub_zone")
        if not row.wanted and not hard:
            return row
        if with_shares:
            tx.run(noun_queries.DROP_SHARES, zone_id=row.id)
        if hard:
            self.changes.note(tx, row.id)
            self._tell(tx, "delete", row, scope)
            self.remove(tx, row)
            return msgspec.structs.replace(row, wanted=False, action="DELETE", status="PENDING")
        row = tx.update(row, wanted=False, updated_at=tx.now, due=0.0, attempts=0)
        row = self.stored(
            tx, row, change=self.changes.note(tx, row.id), **self.to_pool(tx, row.pool_id, row)
        )
        self._tell(tx, "delete", row, scope)
        return row

    def abandon(self, tx: Tx, row: ZoneRow, scope: Scope) -> None:
        """It is nobody's any more, and stays on the name servers. One that has a master goes from
        the cloud's own: nobody would ask that for what is new."""
        if tx.one(queries.BELOW, key=row.tree, end=row.tree + "g") is not None:
            message = "Please delete any subzones before deleting this zone"
            raise bad_request(message, "zone_has_sub_zone")
        if row.type == "PRIMARY" and row.wanted:
            sets = [
                (each.name, each.type, row.ttl if each.ttl is None else each.ttl, each.wire)
                for each in self.content(tx, row)
            ]
            self.left.keep(tx, row, sets)
        self.changes.note(tx, row.id)
        self._tell(tx, "abandon", row, scope)
        self.remove(tx, row)

    def give(self, tx: Tx, row: ZoneRow, scope: Scope) -> ZoneRow:
        """It is the caller's project's from now on, with what the giver has in it."""
        giver, taker = row.project_id, scope.project_id
        assert taker is not None
        if giver == taker:
            return row
        self.quotas.take(tx, taker, zones=1)
        self.quotas.give_back(tx, giver, zones=1)
        row = self.unpublish(tx, row, giver)
        # Names of floating IPs: nobody could change them there any more.
        row = self._drop(tx, row, tx.all(recordset_queries.POINTERS, zone_id=row.id))
        tx.run(noun_queries.GIVE_RECORDSETS, of_zone=row.id, giver=giver, taker=taker)
        share = tx.one(queries.SHARE_OF, zone_id=row.id, project_id=taker)
        if share is not None:
            tx.delete(share)
        self._tell(tx, "transfer", row, scope, giver=giver, taker=taker)
        given = tx.update(row, project_id=taker, updated_at=tx.now)
        ZONES.changed(tx, row, given)
        self.changes.note(tx, row.id)  # Name servers tell apart whose zones are whose.
        return given

    def touch(self, tx: Tx, row: ZoneRow, *, told: bool = True) -> ZoneRow:
        """Something in the zone has changed: the next serial number, in its SOA too. Not `told`: it
        is nothing that name servers say."""
        number = self.changes.number(tx)
        changes: dict[str, Any] = {"change": number, "updated_at": tx.now}
        if not told and row.change <= row.mirrored < ALONE:
            changes["mirrored"] = number
        elif row.type == "PRIMARY" or row.transferred_at is not None:
            changes["pool_due"] = self.soon(tx, row.pool_id)
        if row.type == "PRIMARY" and told:
            changes["serial"] = serials.after(row.serial, seconds_of(tx.now))
        row = self.stored(tx, row, version=row.version + 1, **changes)
        if row.type == "PRIMARY" and told:
            self.tops.write_soa(tx, row)
        return row

    def unpublish(self, tx: Tx, row: ZoneRow, project_id: str) -> ZoneRow:
        """What network said of a project's ports goes: the project has no part in it any more."""
        found = tx.all(recordset_queries.PUBLISHED, zone_id=row.id, project_id=project_id)
        return self._drop(tx, row, found)

    def _drop(self, tx: Tx, row: ZoneRow, found: Sequence[RecordsetRow]) -> ZoneRow:
        if not found:
            return row
        for each in found:
            tx.run(published_queries.DROP, zone_id=row.id, name=each.name, type=each.type)
            self.changes.note(tx, row.id, each.name, each.type)
            tx.delete(each)
        row = tx.update(row, recordsets=row.recordsets - len(found))
        return self.touch(tx, row)

    def remove(self, tx: Tx, row: ZoneRow) -> None:
        """No name server has it any more: it goes, with all that is in it."""
        tx.run(recordset_queries.DROP_OF, zone_id=row.id)
        tx.run(noun_queries.END_REQUESTS, of_zone=row.id, but="")
        tx.delete(row)
        ZONES.changed(tx, row, None)
        self.quotas.give_back(tx, row.project_id, zones=1)
        emit(tx, "dns.zone.gone", row.id, project_id=row.project_id, name=row.name)

    def served(self, tx: Tx, row: ZoneRow, upto: int) -> None:
        """All name servers have what is in it up to a change's number."""
        if row.change > upto:
            return
        row = self.stored(tx, row, served=row.change)
        if not row.wanted and row.mirrored >= row.change:
            self.remove(tx, row)
        elif row.pool_due:
            tx.after_commit(self.changes.announcement)  # It is the turn of its pool's servers.

    def _mirrored(self, tx: Tx, pool_id: str) -> int:
        """For a zone that is new in a pool: its servers have to be asked first."""
        return ALONE if self.pools.get(tx, pool_id).alone else 0

    def soon(self, tx: Tx, pool_id: str) -> float:
        return 0.0 if self.pools.get(tx, pool_id).alone else seconds_of(tx.now)

    def to_pool(self, tx: Tx, pool_id: str, row: ZoneRow) -> dict[str, Any]:
        """What is to be done so that the servers of its pool have it as it is now."""
        alone = self.pools.get(tx, pool_id).alone
        # ALONE says nothing of servers that have come to it since.
        had = 0 if row.mirrored == ALONE else row.mirrored
        return {
            "mirrored": ALONE if alone else min(had, row.change),
            "pool_due": self.soon(tx, pool_id),
            "pool_attempts": 0,
        }

    def transfer_now(self, tx: Tx, row: ZoneRow, *, anew: bool = True) -> ZoneRow:
        """Ask the masters again, whenever that would be due. `anew`: what they have is taken
        whatever its serial number is: it may be another master's, or one that began anew.

        `due` is another number in any case, which says to whoever is asking them just now that what
        they have may be newer than his answer. One that was due already, and of which there is only
        said that there is news, keeps its place: it moves by less than `LATER`."""
        now = seconds_of(tx.now)
        due = now
        if row.due <= now and not (anew and now - row.due >= LATER):
            due = math.nextafter(row.due, math.inf)
        tx.after_commit(self.changes.announcement)
        return tx.update(row, due=due, attempts=0, anew=anew or row.anew)

    def move(self, tx: Tx, row: ZoneRow, pool_id: str, scope: Scope) -> ZoneRow:
        """To another pool's servers; those of the old one are not told, and keep what they have."""
        self.refuse_deleting(row)
        if row.pool_id == pool_id:
            raise bad_request("Target pool must be different for zone pool move")
        if self.pools.find(tx, pool_id) is None:
            raise bad_request("Target pool does not exist")
        there = row.type == "PRIMARY" or row.transferred_at is not None
        row = tx.update(
            row,
            pool_id=pool_id,
            mirrored=self._mirrored(tx, pool_id) if there else 0,
            pool_due=self.soon(tx, pool_id) if there else 0.0,
            pool_attempts=0,
        )
        if row.type == "PRIMARY":
            self.tops.write_ns(tx, row)
        row = self.touch(tx, row)
        self.changes.note(tx, row.id)
        self._tell(tx, "update", row, scope, changed=["pool_id"])
        return row

    # --- parts ------------------------------------------------------------------------------

    @staticmethod
    def refuse_deleting(row: ZoneRow) -> None:
        if not row.wanted:
            raise bad_request("Can not update a deleting zone")

    def stored(self, tx: Tx, row: ZoneRow, **changes: Any) -> ZoneRow:
        """Write changes, and what the API says of the zone thereafter."""
        action, status = zone_state(msgspec.structs.replace(row, **changes))
        return tx.update(row, **changes, action=action, status=status)

    def refuse_over_quota(self, tx: Tx, project_id: str, **wanted: int) -> None:
        """Limits of what is in one zone, or in one set: compared, not taken."""
        limits = self.quotas.limits(tx, project_id)
        over = [name for name, count in wanted.items() if 0 <= limits[name] < count]
        if over:
            raise QuotaExceeded(f"Quota exceeded for {', '.join(over)}.", kind="over_quota")

    @staticmethod
    def fails(tx: Tx, row: ZoneRow, reason: str) -> None:
        """For `cumulo why`: which server said what."""
        emit(
            tx,
            "dns.zone.fail",
            row.id,
            project_id=row.project_id,
            name=row.name,
            reason=reason[:1000],
        )

    def _tell(self, tx: Tx, verb: str, row: ZoneRow, scope: Scope, **detail: Any) -> None:
        emit(
            tx,
            f"dns.zone.{verb}",
            row.id,
            project_id=row.project_id,
            principal=scope.principal,
            request_id=scope.request_id,
            name=row.name,
            serial=row.serial,
            **detail,
        )
