"""Names of ports and floating IPs: network says them, in the transaction that makes them so.

They are records of the project's own zone, managed: users see them and change them by way of
network. What cannot be told (the domain is no zone of the project, a set of the name is there that
somebody made) is left out and noted in the log: a server does not fail for its name.
"""

import logging
from collections.abc import Sequence

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Fault
from cumulo.dns import rdata
from cumulo.dns.model.published import PublishedRow
from cumulo.dns.model.zone import ZoneRow
from cumulo.dns.queries import published as queries
from cumulo.dns.queries import zone as zone_queries
from cumulo.dns.service.recordsets import Recordsets, RecordsetWish
from cumulo.dns.service.scope import Scope
from cumulo.dns.service.zones import Zones
from cumulo.network.interface import Forwarding, PublishedName

log = logging.getLogger("cumulo.dns")

Place = tuple[str, str, str]
"""(zone's id, name, type)"""


class Published:
    """Implements `network.interface.NamePublisher`."""

    def __init__(self, zones: Zones, recordsets: Recordsets, server: str = "") -> None:
        """`server`: where guests' questions for the cloud's names go, as dnsmasq writes it."""
        self._server = server
        self._zones = zones
        self._recordsets = recordsets

    def publish(self, tx: Tx, project_id: str, holder: str, names: Sequence[PublishedName]) -> bool:
        before = {(row.name, row.address): row for row in tx.all(queries.OF_HOLDER, holder=holder)}
        wanted = {(each.name, each.address): each for each in names}
        touched: set[Place] = set()
        for key in before.keys() - wanted.keys():
            row = before.pop(key)
            tx.delete(row)
            touched.add((row.zone_id, row.name, row.type))
        for key in sorted(wanted.keys() - before.keys()):
            zone = self._zone(tx, project_id, wanted[key].domain)
            if zone is None:
                log.info("%s: %s is no zone of its project", holder, wanted[key].domain)
                continue
            name, address = key
            row = PublishedRow(holder, name, address, "AAAA" if ":" in address else "A", zone.id)
            place = (row.zone_id, row.name, row.type)
            if place not in touched and not self._is_free(tx, place, project_id):
                log.info("%s in %s is somebody's own", name, zone.name)
                continue
            tx.insert(row)
            before[key] = row
            touched.add(place)
        for place in sorted(touched):
            if not self._write(tx, place, project_id):
                before = {key: row for key, row in before.items() if _place(row) != place}
        return bool(before)

    def _is_free(self, tx: Tx, place: Place, project_id: str) -> bool:
        """One project holds a name: a zone's owner and who shares it do not mix addresses."""
        known = self._recordsets.named(tx, *place)
        if known is None:
            # What is left of a set that an administrator has deleted.
            tx.run(queries.DROP, zone_id=place[0], name=place[1], type=place[2])
            return True
        return known.managed and known.project_id == project_id

    def sink(self, tx: Tx, project_id: str) -> str:
        found = tx.tuples(zone_queries.SINK, project_id=project_id)
        return str(found[0][0]) if found else ""

    def forwarding(self, tx: Tx, project_ids: Sequence[str]) -> dict[str, Forwarding]:
        if not self._server:
            return {}
        made = {}
        for project_id in project_ids:
            # Not what others share with it: nobody else decides what its guests believe.
            found = tx.tuples(zone_queries.NAMES_FOR, project_id=project_id)
            if found:
                made[project_id] = Forwarding(self._server, tuple(name for (name,) in found))
        return made

    def _zone(self, tx: Tx, project_id: str, domain: str) -> ZoneRow | None:
        found = self._zones.covering(tx, domain)
        if found is None or found.name != domain or found.type != "PRIMARY" or not found.wanted:
            return None
        if found.project_id == project_id:
            return found
        return found if self._zones.is_shared_with(tx, found.id, project_id) else None

    def _write(self, tx: Tx, place: Place, project_id: str) -> bool:
        """The set of records of a name, as its holders have it now; False: it cannot be."""
        zone_id, name, kind = place
        zone = tx.get(ZoneRow, zone_id)
        if zone is None or not zone.wanted:
            return True
        rows = tx.all(queries.OF_NAME, zone_id=zone_id, name=name, type=kind)
        addresses = sorted({row.address for row in rows})
        wire = rdata.pack([rdata.to_wire(kind, address) for address in addresses])
        scope = Scope(principal=None, project_id=project_id, edit_managed=True, low_ttl=True)
        known = self._recordsets.named(tx, zone_id, name, kind)
        try:
            if known is not None and not known.managed:
                log.info("%s in %s is somebody's own", name, zone.name)
            elif known is None and addresses:
                wish = RecordsetWish(
                    name=name, type=kind, ttl=None, records=addresses, wire=wire, managed=True
                )
                self._recordsets.create(tx, zone, wish, scope)
            elif known is not None and addresses:
                self._recordsets.update(
                    tx, zone, known, {"records": addresses, "wire": wire}, scope
                )
            elif known is not None:
                self._recordsets.delete(tx, zone, known, scope)
        except Fault as fault:  # All is checked before anything is written.
            log.info("%s in %s: %s", name, zone.name, fault.message)
            if known is None:
                tx.run(queries.DROP, zone_id=zone_id, name=name, type=kind)
                return False
        return True


def _place(row: PublishedRow) -> Place:
    return row.zone_id, row.name, row.type
