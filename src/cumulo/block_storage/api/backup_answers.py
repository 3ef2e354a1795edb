"""What block storage answers of backups."""

from typing import Any

from msgspec import UNSET, UnsetType, field

from cumulo.block_storage.api.answer_bodies import Link
from cumulo.block_storage.api.backups import BackupBody, BackupBrief
from cumulo.core.http.responses import Empty
from cumulo.core.wire.shapes import Body


class BackupAnswer(Body, kw_only=True):
    backup: BackupBody


class BackupMadeAnswer(Body, kw_only=True):
    backup: BackupBrief


class BackupsAnswer(Body, kw_only=True):
    backups: list[BackupBrief]
    backups_links: list[Link] | UnsetType = UNSET
    count: int | UnsetType = UNSET


class BackupsDetailAnswer(Body, kw_only=True):
    backups: list[BackupBody]
    backups_links: list[Link] | UnsetType = UNSET
    count: int | UnsetType = UNSET


class Restored(Body, kw_only=True):
    backup_id: str
    volume_id: str
    volume_name: str | None


class RestoreAnswer(Body, kw_only=True):
    restore: Restored


class Exported(Body, kw_only=True):
    backup_service: str
    backup_url: str


class RecordAnswer(Body, kw_only=True):
    record: Exported = field(name="backup-record")


_ONE = "/backups/{backup_id}"

BACKUP_ANSWERS: dict[str, Any] = {
    "GET /backups": BackupsAnswer,
    "GET /backups/detail": BackupsDetailAnswer,
    "POST /backups": BackupMadeAnswer,
    f"GET {_ONE}": BackupAnswer,
    f"PUT {_ONE}": BackupMadeAnswer,
    f"DELETE {_ONE}": Empty,
    f"POST {_ONE}/restore": RestoreAnswer,
    f"POST {_ONE}/action#os-reset_status": Empty,
    f"POST {_ONE}/action#os-force_delete": Empty,
    f"GET {_ONE}/export_record": RecordAnswer,
    "POST /backups/import_record": BackupMadeAnswer,
}
