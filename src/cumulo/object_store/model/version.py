"""Versions of objects that are not the current one, and markers that say there is none.

A version is named by the timestamp of its PUT; what was written while no versions were kept is the
version `null`, of which there is one.
"""

from typing import Annotated, Any

from cumulo.core.db.rows import IndexOn, Key, References, Row, table
from cumulo.object_store.model.container import ContainerRow
from cumulo.object_store.model.object import Kind, ObjectRow, taken

NULL = "null"
ENABLED, SUSPENDED = "Enabled", "Suspended"


@table(
    "object_versions",
    IndexOn("container_id", "name", "timestamp"),
    IndexOn("blob", where="blob IS NOT NULL"),
    IndexOn("assembly", where="assembly IS NOT NULL"),
)
class VersionRow(Row, frozen=True):
    container_id: Annotated[str, Key(), References("object_containers.id")]
    name: Annotated[bytes, Key()]
    version: Annotated[str, Key()]
    timestamp: str
    marker: bool
    """The object was deleted at this time: there are no bytes."""
    size: int
    etag: str
    content_type: str
    headers: dict[str, str]
    kind: Kind
    blob: str | None
    assembly: str | None
    extra: dict[str, Any]

    @property
    def text(self) -> str:
        return self.name.decode()

    @property
    def taken(self) -> int:
        return taken(self.kind, self.size, self.extra)


def state_of(container: ContainerRow) -> str:
    """`Enabled`, `Suspended`, or empty: no versions were ever kept."""
    return str(container.options.get("versioning", ""))


_SHARED = (
    *("container_id", "name", "version", "timestamp", "size", "etag", "content_type", "headers"),
    *("kind", "blob", "assembly", "extra"),
)


def kept(row: ObjectRow) -> VersionRow:
    """A current object as an older version."""
    return VersionRow(marker=False, **{name: getattr(row, name) for name in _SHARED})


def shown(row: VersionRow) -> ObjectRow:
    """An older version as an object that can be read, or be the current one again."""
    return ObjectRow(delete_at=None, **{name: getattr(row, name) for name in _SHARED})


def marker(container_id: str, name: bytes, version: str, timestamp: str) -> VersionRow:
    return VersionRow(
        container_id, name, version, timestamp, True, 0, "", "", {}, "plain", None, None, {}
    )
