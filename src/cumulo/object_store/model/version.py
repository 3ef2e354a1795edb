"""Versions of objects that are not the current one, and markers that say there is none.

A version is named by the timestamp of its PUT; what was written while no versions were kept is the
version `null`, of which there is one.
"""

import re
from typing import Annotated, Any

from cumulo.core.db.rows import IndexOn, Key, References, Row, table
from cumulo.object_store.model.container import ContainerRow
from cumulo.object_store.model.object import Kind, ObjectRow, taken

NULL = "null"
ENABLED, SUSPENDED = "Enabled", "Suspended"
_TIME = re.compile(r"\d+(\.\d+)?")


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


FIRST, PAST = "z", ""
"""Before and behind all versions of a name, newest first: `null`, then the times backwards."""
_BACKWARDS = bytes.maketrans(b"0123456789", b"9876543210")


def list_key(name: bytes, version: str) -> bytes:
    """Sorts as Swift's lists of versions do: by name, of each `null` and then the newest first."""
    if version == PAST:
        return name + b"\0:"
    times = b"" if version in (NULL, FIRST) else version.encode().translate(_BACKWARDS)
    return name + b"\0" + times


def list_bound(key: bytes, *, none: str) -> tuple[bytes, str]:
    """(name, version) that a bound of such keys is at; `none`: of a bound that is a name alone."""
    name, mark, rest = key.partition(b"\0")
    if not mark:
        return name, none
    rest = rest.rstrip(b"\0")
    if rest == b":":
        return name, PAST
    return name, rest.translate(_BACKWARDS).decode() or NULL


def version_time(version: str) -> bool:
    """Whether this is how a version is named: a time, or `null`."""
    if version == NULL:
        return True
    return len(version) <= 32 and bool(_TIME.fullmatch(version))


def state_of(container: ContainerRow) -> str:
    """`Enabled`, `Suspended`, or empty: no versions were ever kept."""
    return str(container.options.get("versioning", ""))


_SHARED = (
    *("container_id", "name", "version", "timestamp", "size", "etag", "content_type", "headers"),
    *("kind", "blob", "assembly", "extra"),
)


def kept(row: ObjectRow, version: str) -> VersionRow:
    """A current object as an older version of this name."""
    shared = {name: getattr(row, name) for name in _SHARED}
    return VersionRow(marker=False, **{**shared, "version": version})


def shown(row: VersionRow) -> ObjectRow:
    """An older version as an object that can be read, or be the current one again."""
    return ObjectRow(delete_at=None, **{name: getattr(row, name) for name in _SHARED})


def marker(container_id: str, name: bytes, version: str, timestamp: str) -> VersionRow:
    return VersionRow(
        container_id, name, version, timestamp, True, 0, "", "", {}, "plain", None, None, {}
    )
