"""Messages: why something that was asked for did not come about, for whoever asked."""

from typing import Annotated, NamedTuple

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, IndexOn, Key, Row, table

KEPT_SECONDS = 30 * 86400.0
MOST = 1000
"""Of a project: the oldest go."""


class Why(NamedTuple):
    """Cinder's numbers of what was done and of what came in between, with its words for them."""

    action: str
    doing: str
    detail: str
    word: str


NO_BACKEND = Why(
    "001", "schedule allocate volume", "003", "Could not find any available weighted backend."
)
NOT_CREATED = Why(
    "008", "create volume from backend storage", "010", "Driver failed to create the volume."
)
NOT_EXTENDED = Why("007", "extend volume", "008", "Volume Driver failed to extend volume.")
NOT_UPLOADED = Why("003", "copy volume to image", "004", "Failed to upload volume to image.")
NOT_REIMAGED = Why("016", "reimage volume", "001", "An unknown error occurred.")
NOT_REVERTED = Why("017", "revert volume", "001", "An unknown error occurred.")
NOT_DELETED = Why("018", "delete volume", "001", "An unknown error occurred.")
NO_SNAPSHOT = Why("009", "create snapshot", "011", "Snapshot failed to create.")
SNAPSHOT_STAYS = Why("010", "delete snapshot", "001", "An unknown error occurred.")
NO_BACKUP = Why("013", "create backup", "001", "An unknown error occurred.")
BACKUP_STAYS = Why("014", "delete backup", "001", "An unknown error occurred.")
NOT_RESTORED = Why("015", "restore backup", "001", "An unknown error occurred.")


@table("volume_messages", IndexOn("project_id", "created_at"))
class MessageRow(Row, frozen=True):
    id: Annotated[str, Key()]
    project_id: str
    resource_type: str
    """`VOLUME`, `VOLUME_SNAPSHOT`, `VOLUME_BACKUP`"""
    resource_id: Annotated[str, Index()]
    event_id: str
    """`VOLUME_VOLUME_001_003`"""
    request_id: str
    level: str
    text: str
    created_at: Annotated[Moment, Index()]
    expires_at: Annotated[Moment, Index()]
