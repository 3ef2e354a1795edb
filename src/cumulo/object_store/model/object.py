"""Objects: a name in a container, its headers, and where its bytes are.

The row is the truth: bytes without a row are removed, and a row is only written when its bytes are
safe on the disk. A copy is another row with the same blob.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from cumulo.core.db.rows import Index, IndexOn, Key, References, Row, table

Kind = Literal["plain", "slo", "parts"]
"""`slo`: the blob is Swift's manifest; `parts`: its bytes are the parts of an assembly."""


def taken(kind: Kind, size: int, extra: Mapping[str, Any]) -> int:
    """The bytes that an object takes, as containers, accounts and quotas count them: a manifest's
    own, since its segments are counted where they are (Swift's static large objects)."""
    return int(extra.get("manifest_size", 0)) if kind == "slo" else size


@table(
    "object_objects",
    IndexOn("delete_at", where="delete_at IS NOT NULL"),
    IndexOn("blob", where="blob IS NOT NULL"),
    IndexOn("assembly", where="assembly IS NOT NULL"),
)
class ObjectRow(Row, frozen=True):
    """The current version of a name."""

    container_id: Annotated[str, Key(), References("object_containers.id")]
    name: Annotated[bytes, Key()]
    """UTF-8."""
    timestamp: str
    """Of the last PUT or POST."""
    version: str
    """The timestamp of the PUT; it names the version where versions are kept."""
    size: int
    """Of what a GET gives."""
    etag: str
    """Without quotes: MD5 of the bytes; of a manifest the hash of its segments' ETags."""
    content_type: str
    headers: dict[str, str]
    """Lower-case names → values, as they are given back."""
    kind: Kind
    blob: str | None
    """None: there are no bytes (or they are the parts')."""
    assembly: str | None
    delete_at: int | None
    extra: dict[str, Any]
    """`manifest_etag`, `manifest_size`, `checksums`, `tags` …"""

    @property
    def text(self) -> str:
        return self.name.decode()

    @property
    def taken(self) -> int:
        return taken(self.kind, self.size, self.extra)


@table("object_parts", IndexOn("blob", where="blob IS NOT NULL"))
class PartRow(Row, frozen=True):
    """A part of a multipart upload, and later of the object that it became."""

    assembly: Annotated[str, Key()]
    number: Annotated[int, Key()]
    blob: str | None
    size: int
    etag: str
    timestamp: str
    checksums: dict[str, str]


@table("object_uploads", IndexOn("container_id", "name", "id"))
class UploadRow(Row, frozen=True):
    """A multipart upload under way."""

    id: Annotated[str, Key()]
    """The assembly's, and S3's UploadId."""
    container_id: Annotated[str, References("object_containers.id")]
    name: bytes
    timestamp: str
    owner: Annotated[str, Index()]
    content_type: str
    headers: dict[str, str]
    extra: dict[str, Any]

    @property
    def text(self) -> str:
        return self.name.decode()
