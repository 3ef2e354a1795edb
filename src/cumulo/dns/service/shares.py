"""Zones that other projects may make records in."""

from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.ids import new_id
from cumulo.dns.model.zone import ShareRow, ZoneRow
from cumulo.dns.queries import nouns as queries
from cumulo.dns.service.refusals import (
    InvalidObject,
    bad_request,
    duplicate,
    missing,
    not_found,
    wrong,
)
from cumulo.dns.service.scope import Scope
from cumulo.dns.service.zones import Zones
from cumulo.identity.interface import Identity


class Shares:
    listing = queries.SHARES

    def __init__(self, zones: Zones, identity: Identity) -> None:
        self._zones = zones
        self._identity = identity

    def get(self, tx: Tx, zone_id: str, share_id: str) -> ShareRow:
        row = tx.get(ShareRow, share_id)
        if row is None or row.zone_id != zone_id:
            raise not_found("SharedZone", "shared_zone")
        return row

    def create(self, tx: Tx, zone: ZoneRow, values: dict[str, Any], scope: Scope) -> ShareRow:
        if "target_project_id" not in values:
            raise missing("target_project_id")
        target = values["target_project_id"]
        if not isinstance(target, str) or not 0 < len(target) <= 64:
            raise InvalidObject(wrong(["target_project_id"], f"{target!r:.80} is no project's id"))
        if scope.project_id is None:
            message = "A project ID must be specified when not using a project scoped token."
            raise bad_request(message, "missing_project_id")
        if target == zone.project_id:
            raise bad_request("Cannot share the zone with the zone owner.")
        if not self._identity.project_exists(tx, target):
            raise bad_request(f"{target} is not a valid project ID.", "invalid_project")
        self._zones.refuse_deleting(zone)
        if self._zones.is_shared_with(tx, zone.id, target):
            raise duplicate("SharedZone", "shared_zone")
        row = ShareRow(
            id=new_id(),
            zone_id=zone.id,
            project_id=scope.project_id,
            target_project_id=target,
            created_at=tx.now,
            updated_at=None,
        )
        tx.insert(row)
        self._tell(tx, "share", row, scope)
        return row

    def delete(self, tx: Tx, row: ShareRow, scope: Scope) -> None:
        project_id = row.target_project_id
        zone = tx.get(ZoneRow, row.zone_id)
        if zone is not None:
            self._zones.unpublish(tx, zone, project_id)
        found = tx.one(queries.RECORDSET_OF_PROJECT, zone_id=row.zone_id, project_id=project_id)
        if found is not None:
            raise bad_request(
                f"Please delete all recordsets owned by project {project_id} before unsharing "
                "this zone.",
                "shared_zone_has_recordsets",
            )
        tx.delete(row)
        self._tell(tx, "unshare", row, scope)

    def _tell(self, tx: Tx, verb: str, row: ShareRow, scope: Scope) -> None:
        emit(
            tx,
            f"dns.zone.{verb}",
            row.zone_id,
            principal=scope.principal,
            target_project_id=row.target_project_id,
        )
