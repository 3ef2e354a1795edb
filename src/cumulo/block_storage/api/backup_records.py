"""Records of backups on the wire: what a cloud needs to know to read one that another has made.

A record is JSON in Base64: what the row says, and what the store knows the bytes by. Who may bring
one in is an administrator, and nothing of it is believed that the store does not hold.
"""

import base64
import binascii
from typing import Annotated, Any

import msgspec

from cumulo.block_storage.api.backups import BackupBrief
from cumulo.block_storage.api.bodies import Metadata, Text255
from cumulo.block_storage.api.lists import links
from cumulo.block_storage.model.backup import DRIVER, BackupRow
from cumulo.block_storage.service.block_storage import BlockStorageService
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation
from cumulo.core.wire.coercions import Uuid
from cumulo.core.wire.shapes import Body, StrictBody

LONGEST = 128 * 1024
DASHED = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")]
Moment = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$")]


class Record(Body, kw_only=True):
    """What is in the `backup_url`."""

    id: DASHED
    content_id: DASHED
    volume_id: Uuid
    parent_id: DASHED | None = None
    size: Annotated[int, msgspec.Meta(ge=1, le=1 << 20)]
    name: Text255 | None = None
    description: Text255 | None = None
    metadata: Metadata = msgspec.field(default_factory=dict)
    bootable: bool = False
    image_metadata: dict[str, str] | None = None
    data_timestamp: Moment
    volume_metadata: Metadata = msgspec.field(default_factory=dict)


class Named(StrictBody):
    backup_service: Text255
    backup_url: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST)]


class ImportRecord(StrictBody):
    wish: Named = msgspec.field(name="backup-record")


class BackupRecordsApi:
    def __init__(self, storage: BlockStorageService) -> None:
        self._backups = storage.backups

    def operations(self) -> list[Operation]:
        return [
            Operation(
                "GET",
                "/backups/{backup_id}/export_record",
                self.export,
                policy="backup:export-import",
                early=False,
            ),
            Operation(
                "POST",
                "/backups/import_record",
                self.bring_in,
                policy="backup:backup-import",
                body=ImportRecord,
                status=201,
            ),
        ]

    def export(self, call: Call, tx: Tx) -> Any:
        row = self._backups.get(tx, call.path["backup_id"], call.principal)
        call.allow({"project_id": row.project_id, "user_id": row.user_id})
        if row.status != "available":
            raise BadRequest(
                f"Invalid backup: Backup status must be available, but is {row.status}."
            )
        text = base64.b64encode(msgspec.json.encode(_record(row))).decode()
        return {"backup-record": {"backup_service": DRIVER, "backup_url": text}}

    def bring_in(self, call: Call, tx: Tx) -> Any:
        wish = call.body.wish
        if wish.backup_service != DRIVER:
            raise BadRequest(
                f"Invalid input received: no store here reads backups of {wish.backup_service}."
            )
        try:
            text = base64.b64decode(wish.backup_url, validate=True)
            record = msgspec.json.decode(text, type=Record)
        except (binascii.Error, ValueError) as error:
            raise BadRequest(
                f"Invalid input received: Can't parse backup record. {error}"
            ) from None
        row = self._backups.bring_in(tx, msgspec.structs.asdict(record), call.principal)
        brief = BackupBrief(id=row.id, name=row.name, links=links(call, "backups", row.id))
        return {"backup": brief}


def _record(row: BackupRow) -> Record:
    return Record(**{name: getattr(row, name) for name in Record.__struct_fields__})
