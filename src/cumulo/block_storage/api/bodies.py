"""Block storage's bodies, in their newest form; see core.wire.shapes for what older ones lack."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.core.wire.coercions import BoolLike, IntLike, Uuid
from cumulo.core.wire.shapes import Body, Since, StrictBody, Unset

Metadata = dict[
    Annotated[str, msgspec.Meta(min_length=1, max_length=255)],
    Annotated[str, msgspec.Meta(max_length=255)],
]
Text255 = Annotated[str, msgspec.Meta(max_length=255)]


def admin(name: str) -> Any:
    """A field of an extension, which not everybody sees."""
    return msgspec.field(name=name, default=UNSET)


class VolumeBody(Body):
    id: str
    name: str | None
    description: str | None
    status: str
    size: int
    user_id: str
    availability_zone: str | None
    created_at: str
    updated_at: str | None
    volume_type: str | None
    snapshot_id: str | None
    source_volid: str | None
    bootable: str
    encrypted: bool
    multiattach: bool
    metadata: dict[str, str]
    attachments: list[dict[str, Any]]
    links: list[dict[str, str]]
    replication_status: str | None = None
    consistencygroup_id: str | None = None
    migration_status: str | Unset | None = UNSET
    volume_image_metadata: dict[str, str] | Unset = UNSET
    host: str | Unset = admin("os-vol-host-attr:host")
    tenant_id: str | Unset = admin("os-vol-tenant-attr:tenant_id")
    migstat: str | Unset | None = admin("os-vol-mig-status-attr:migstat")
    name_id: str | Unset | None = admin("os-vol-mig-status-attr:name_id")
    group_id: Annotated[str | None, Since("3.13")] = None
    provider_id: Annotated[str | Unset | None, Since("3.21")] = UNSET
    service_uuid: Annotated[str | None, Since("3.48")] = None
    shared_targets: Annotated[bool, Since("3.48")] = False
    cluster_name: Annotated[str | Unset | None, Since("3.61")] = UNSET
    volume_type_id: Annotated[str | Unset | None, Since("3.63")] = UNSET
    consumes_quota: Annotated[bool, Since("3.65")] = True


class SummaryBody(Body):
    total_size: int
    total_count: int
    metadata: Annotated[dict[str, list[str]] | Unset, Since("3.36")] = UNSET


class SnapshotBody(Body):
    id: str
    name: str | None
    description: str | None
    volume_id: str
    status: str
    size: int
    metadata: dict[str, str]
    created_at: str
    updated_at: str | None
    progress: str | Unset = admin("os-extended-snapshot-attributes:progress")
    project_id: str | Unset = admin("os-extended-snapshot-attributes:project_id")
    group_snapshot_id: Annotated[str | Unset | None, Since("3.14")] = UNSET
    user_id: Annotated[str | Unset, Since("3.41")] = UNSET
    consumes_quota: Annotated[bool | Unset, Since("3.65")] = UNSET


class NewVolumeWish(StrictBody):
    size: IntLike | None = None
    name: Text255 | None = None
    description: Text255 | None = None
    display_name: Text255 | None = None
    display_description: Text255 | None = None
    volume_type: str | None = None
    availability_zone: str | None = None
    imageRef: str | None = None
    image_id: str | None = None
    snapshot_id: str | None = None
    source_volid: str | None = None
    source_replica: str | None = None
    consistencygroup_id: str | None = None
    group_id: Annotated[str | None, Since("3.13")] = None
    backup_id: Annotated[Uuid | None, Since("3.47")] = None
    metadata: Metadata | None = None
    multiattach: BoolLike = False


class CreateVolume(StrictBody):
    volume: NewVolumeWish
    hints: dict[str, Any] | Unset = msgspec.field(name="OS-SCH-HNT:scheduler_hints", default=UNSET)


class Changes(StrictBody):
    name: Text255 | Unset | None = UNSET
    description: Text255 | Unset | None = UNSET
    display_name: Text255 | Unset | None = UNSET
    display_description: Text255 | Unset | None = UNSET
    metadata: Metadata | Unset = UNSET


class UpdateVolume(StrictBody):
    volume: Changes


class SnapshotChanges(StrictBody):
    name: Text255 | Unset | None = UNSET
    description: Text255 | Unset | None = UNSET
    display_name: Text255 | Unset | None = UNSET
    display_description: Text255 | Unset | None = UNSET


class UpdateSnapshot(StrictBody):
    snapshot: SnapshotChanges


class MetadataBody(StrictBody):
    metadata: Metadata


class MetaBody(StrictBody):
    meta: Metadata


class NewSnapshotWish(StrictBody):
    volume_id: str | None
    name: Text255 | None = None
    description: Text255 | None = None
    display_name: Text255 | None = None
    force: BoolLike | None = None
    metadata: Metadata | None = None


class CreateSnapshot(StrictBody):
    snapshot: NewSnapshotWish


def changed(wish: Changes | SnapshotChanges) -> dict[str, Any]:
    """What an update names; the older names of the fields are good as well."""
    found: dict[str, Any] = {}
    for name in ("name", "description"):
        for field in (f"display_{name}", name):
            value = getattr(wish, field)
            if value is not UNSET:
                found[name] = value
    if isinstance(wish, Changes) and wish.metadata is not UNSET:
        found["metadata"] = wish.metadata
    return found
