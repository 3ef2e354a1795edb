"""Names of floating IPs: PTR records in reverse zones that are made when they are needed.

The zone is nobody's own (`MANAGED`), unless a project has one for these addresses. A name is only
for the project that has the address now, and goes when the floating IP does.
"""

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.events.model import EventRow
from cumulo.core.faults import NotFound
from cumulo.dns import names, rdata
from cumulo.dns.model.recordset import RecordsetRow
from cumulo.dns.model.reverse import ReverseRow
from cumulo.dns.model.zone import DEFAULT_POOL, ZoneRow
from cumulo.dns.queries import reverse as queries
from cumulo.dns.service.recordsets import Recordsets, RecordsetWish
from cumulo.dns.service.refusals import duplicate, not_found
from cumulo.dns.service.scope import Scope
from cumulo.dns.service.zones import Zones, ZoneWish
from cumulo.network.interface import FloatingIpInfo, Network

MANAGED = "00000000-0000-0000-0000-000000000000"
"""The project of zones that are nobody's own, as Designate has it."""
MOST = 1000


class Reverse(msgspec.Struct, kw_only=True):
    """A floating IP and its name, if it has one."""

    floating_ip: FloatingIpInfo
    recordset: RecordsetRow | None = None
    zone: ZoneRow | None = None


class Reverses:
    def __init__(self, zones: Zones, recordsets: Recordsets, network: Network) -> None:
        self._zones = zones
        self._recordsets = recordsets
        self._network = network

    def all_of(self, tx: Tx, project_id: str) -> list[Reverse]:
        return self._of(tx, self._network.floating_ips(tx, project_id, MOST))

    def get(self, tx: Tx, floatingip_id: str, project_id: str) -> Reverse:
        found = self._network.floating_ip(tx, floatingip_id)
        if found is None or found.project_id != project_id:
            raise NotFound(f"FloatingIP {floatingip_id:.60} could not be found", kind="not_found")
        return self._of(tx, [found])[0]

    def set(
        self, tx: Tx, found: Reverse, name: str, changed: dict[str, Any], scope: Scope
    ) -> Reverse:
        """Give it a name. `changed`: ttl and description, checked."""
        own = _managing(scope)
        owner = pointer(found.floating_ip.address)
        zone = self._zone(tx, owner, found.floating_ip.project_id, own)
        if zone is None:
            zone = self._make_zone(tx, owner, own)
        wire = rdata.pack([names.wire(name)])
        row = self._recordsets.named(tx, zone.id, owner, "PTR")
        if row is None:
            wish = RecordsetWish(
                name=owner, type="PTR", records=[name], wire=wire, managed=True, **changed
            )
            row = self._recordsets.create(tx, zone, wish, own)
        elif not row.managed:
            raise duplicate("RecordSet", "recordset")
        else:
            values = {"records": [name], "wire": wire, **changed}
            row = self._recordsets.update(tx, zone, row, values, own)
        self._note(tx, found.floating_ip, row)
        return self._of(tx, [found.floating_ip])[0]

    def unset(self, tx: Tx, found: Reverse, scope: Scope) -> None:
        if found.recordset is None or found.zone is None:
            raise not_found("PTR of this FloatingIP", "floatingip")
        self._recordsets.delete(tx, found.zone, found.recordset, _managing(scope))

    def forget(self, tx: Tx, floatingip_id: str) -> None:
        """The floating IP is gone: its name goes, too."""
        row = tx.get(ReverseRow, floatingip_id)
        recordset = None if row is None else tx.get(RecordsetRow, row.recordset_id)
        zone = None if recordset is None else tx.get(ZoneRow, recordset.zone_id)
        if recordset is not None and zone is not None and zone.wanted:
            self._recordsets.delete(tx, zone, recordset, _managing(None))

    def _of(self, tx: Tx, floating_ips: Sequence[FloatingIpInfo]) -> list[Reverse]:
        ids = [each.id for each in floating_ips]
        known = {row.floatingip_id: row for row in tx.all(queries.MANY, ids=ids)} if ids else {}
        wanted = [row.recordset_id for row in known.values()]
        rows = {r.id: r for r in tx.all(queries.RECORDSETS, ids=wanted)} if wanted else {}
        zones = self._zones.many(tx, sorted({row.zone_id for row in rows.values()}))
        made = []
        for each in floating_ips:
            row = known.get(each.id)
            recordset = None
            if row is not None and row.project_id == each.project_id:
                recordset = rows.get(row.recordset_id)
            zone = None if recordset is None else zones[recordset.zone_id]
            made.append(Reverse(floating_ip=each, recordset=recordset, zone=zone))
        return made

    def _note(self, tx: Tx, floating_ip: FloatingIpInfo, recordset: RecordsetRow) -> None:
        for old in (
            tx.get(ReverseRow, floating_ip.id),
            tx.one(queries.OF_RECORDSET, recordset_id=recordset.id),
        ):
            if old is not None:
                tx.delete(old)
        row = ReverseRow(floating_ip.id, floating_ip.project_id, recordset.id, tx.now)
        tx.insert(row)

    def _zone(self, tx: Tx, owner: str, project_id: str, scope: Scope) -> ZoneRow | None:
        """The zone for a name: nobody's own, or of the project whose address it is. Another
        project's is none, whatever it says that it is above. One of this address alone, made
        before there was an external network that has it, goes: the address is not its project's."""
        found = self._zones.covering(tx, owner)
        if found is None:
            return None
        if found.project_id not in (MANAGED, project_id):
            return self._replaced(tx, found, scope) if found.name == owner else None
        # What is in a secondary one is its master's to say.
        return found if found.type == "PRIMARY" else None

    def _replaced(self, tx: Tx, found: ZoneRow, scope: Scope) -> ZoneRow:
        """A zone in the place of another project's, on the servers that have that one: they would
        go on to answer from it."""
        below = sorted(self._zones.below(tx, found), key=lambda each: -len(each.name))
        for each in below:
            self._zones.delete(tx, each, scope, with_shares=True)
        self._zones.delete(tx, found, scope, with_shares=True, hard=True)
        return self._create(tx, found.name, scope, found.pool_id)

    def _make_zone(self, tx: Tx, owner: str, scope: Scope) -> ZoneRow:
        """The reverse zone right above, of 256 addresses of IPv4; where somebody has that, one of
        this address alone."""
        name = names.ancestors(owner)[0]
        above = self._zones.covering(tx, name)
        if (above is not None and above.name == name) or self._zones.left.has(tx, name):
            name = owner
        return self._create(tx, name, scope)

    def _create(self, tx: Tx, name: str, scope: Scope, pool_id: str = DEFAULT_POOL) -> ZoneRow:
        self._zones.quotas.set_limits(
            tx, MANAGED, {"zones": -1, "zone_recordsets": -1, "zone_records": -1}
        )
        rules = self._zones.rules
        wish = ZoneWish(name=name, email=rules.email, ttl=rules.default_ttl, pool_id=pool_id)
        return self._zones.create(tx, wish, scope)


def pointer(address: str) -> str:
    """`4.3.2.1.in-addr.arpa.` of `1.2.3.4`."""
    return f"{ip_address(address).reverse_pointer}."


def _managing(scope: Scope | None) -> Scope:
    """For the service's own project, with what it may."""
    return Scope(
        principal=None if scope is None else scope.principal,
        project_id=MANAGED,
        edit_managed=True,
        low_ttl=True,
        blacklisted=True,
        request_id=None if scope is None else scope.request_id,
    )


class FloatingIpsGone:
    """Reads that floating IPs were released."""

    name = "dns reverse names"

    def __init__(self, reverses: Reverses) -> None:
        self._reverses = reverses

    def handle(self, tx: Tx, events: Sequence[EventRow]) -> None:
        for event in events:
            if event.type == "network.floatingip.delete":
                self._reverses.forget(tx, event.resource_id)
