"""Export locations of shares and of their instances, with metadata."""

from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.shared_file_system.api import bodies
from cumulo.shared_file_system.api.lists import mine
from cumulo.shared_file_system.api.metadata import Owner, guarded, metadata_operations
from cumulo.shared_file_system.model.location import paths_of
from cumulo.shared_file_system.model.share import ShareRow
from cumulo.shared_file_system.service.shared_file_system import SharedFileSystemService

_OF_ADMINS = ("preferred",)
"""Keys of metadata"""


class LocationsApi:
    def __init__(self, service: SharedFileSystemService) -> None:
        self._shares = service.shares

    def operations(self) -> list[Operation]:
        places = "/shares/{share_id}/export_locations"
        of_instance = "/share_instances/{share_id}/export_locations"
        rule, instance = "share_export_location:", "share_instance_export_location:"
        late: dict[str, Any] = {"early": False, "since": "2.9"}
        many: dict[str, Any] = {**late, "response": bodies.Locations}
        one: dict[str, Any] = {**late, "response": bodies.LocationAnswer}
        key = "{location_id}"
        return [
            Operation("GET", places, self.index, policy=f"{rule}index", **many),
            Operation("GET", f"{places}/{key}", self.show, policy=f"{rule}show", **one),
            Operation("GET", of_instance, self.index, policy=f"{instance}index",
                      **{**many, "early": True}),
            Operation("GET", f"{of_instance}/{key}", self.show, policy=f"{instance}show",
                      **{**one, "early": True}),
            *metadata_operations(f"{places}/{key}/metadata", Owner(self.read, self.write),
                                 read=f"{rule}get_metadata", update=f"{rule}update_metadata",
                                 remove=f"{rule}delete_metadata", since="2.87"),
        ]  # fmt: skip

    def _found(self, call: Call, tx: Tx) -> ShareRow:
        """Also of public shares: what a location is and whom it admits are two things. Whose share
        it is not is refused here as by Manila: with 403, whether it is public or not."""
        row = self._shares.known(tx, call.path["share_id"])
        mine(call, row.project_id, row.user_id)
        return row

    def _locations(
        self, call: Call, tx: Tx, row: ShareRow, *, dates: bool = False
    ) -> list[bodies.LocationBody]:
        server = self._shares.servers_of(tx, [row]).get(row.server_id or "")
        found = []
        for number, (id, path) in enumerate(paths_of(row, server)):
            body = bodies.LocationBody(
                id=id, path=path, preferred=number == 0, metadata=row.location_metadata
            )
            if call.principal.is_admin:
                body.share_instance_id, body.is_admin_only = row.id, False
            if dates:
                body.created_at, body.updated_at = row.created_at, row.updated_at or row.created_at
            found.append(body)
        return found

    def index(self, call: Call, tx: Tx) -> Any:
        row = self._found(call, tx)
        return bodies.Locations(export_locations=self._locations(call, tx, row))

    def _one(self, call: Call, tx: Tx, row: ShareRow) -> bodies.LocationBody:
        id = call.path["location_id"]
        for body in self._locations(call, tx, row, dates=True):
            if body.id == id:
                return body
        raise NotFound(f"Export location {id} could not be found.")

    def show(self, call: Call, tx: Tx) -> Any:
        return bodies.LocationAnswer(export_location=self._one(call, tx, self._found(call, tx)))

    # --- metadata (2.87) --------------------------------------------------------------------

    def read(self, call: Call, tx: Tx) -> dict[str, str]:
        row = self._found(call, tx)
        self._one(call, tx, row)
        return row.location_metadata

    def write(self, call: Call, tx: Tx, metadata: dict[str, str]) -> dict[str, str]:
        row = self._found(call, tx)
        rule = "share_export_location:update_admin_only_metadata"
        metadata = guarded(call, row.location_metadata, metadata, _OF_ADMINS, rule)
        row = self._shares.update(tx, row, call.principal, location_metadata=metadata)
        return row.location_metadata
