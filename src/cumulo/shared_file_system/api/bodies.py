"""Bodies of shares, their rules and snapshots, in their newest form (2.99)."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.core.wire.coercions import BoolLike, IntLike
from cumulo.core.wire.shapes import Before, Body, Since, Unset, Until
from cumulo.shared_file_system.api.lists import Metadata, Text255
from cumulo.shared_file_system.model.location import owners_of
from cumulo.shared_file_system.model.share import older_status

Links = list[dict[str, str]]


def older_rules(status: str) -> str:
    """Before 2.28"""
    return "out_of_sync" if status == "syncing" else status


def _older_rule(state: str) -> str:
    """Before 2.28"""
    return state if state in ("active", "error") else "new"


class ShareBody(Body):
    id: str
    name: str | None
    description: str | None
    size: int
    status: Annotated[str, Before("2.54", older_status)]
    project_id: str
    availability_zone: str
    created_at: str
    share_proto: str
    share_network_id: str | None
    snapshot_id: str | None
    metadata: dict[str, str]
    is_public: bool
    share_type: str
    """The type's name up to 2.5, its id since."""
    volume_type: str
    links: Links
    host: str | Unset = UNSET
    share_server_id: str | Unset | None = UNSET
    export_location: Annotated[str | Unset | None, Until("2.8")] = UNSET
    export_locations: Annotated[list[str] | Unset, Until("2.8")] = UNSET
    snapshot_support: Annotated[bool, Since("2.2")] = True
    consistency_group_id: Annotated[str | None, Since("2.4"), Until("2.30")] = None
    source_cgsnapshot_member_id: Annotated[str | None, Since("2.4"), Until("2.30")] = None
    task_state: Annotated[str | None, Since("2.5")] = None
    share_type_name: Annotated[str | Unset, Since("2.6")] = UNSET
    access_rules_status: Annotated[str, Since("2.10"), Before("2.28", older_rules)] = "active"
    replication_type: Annotated[str | None, Since("2.11")] = None
    has_replicas: Annotated[bool, Since("2.11")] = False
    user_id: Annotated[str | Unset, Since("2.16")] = UNSET
    create_share_from_snapshot_support: Annotated[bool, Since("2.24")] = True
    revert_to_snapshot_support: Annotated[bool, Since("2.27")] = False
    share_group_id: Annotated[str | None, Since("2.31")] = None
    source_share_group_snapshot_member_id: Annotated[str | None, Since("2.31")] = None
    mount_snapshot_support: Annotated[bool, Since("2.32")] = False
    progress: Annotated[str | None, Since("2.54")] = None
    is_soft_deleted: Annotated[bool, Since("2.69")] = False
    scheduled_to_be_deleted_at: Annotated[str | None, Since("2.69")] = None
    source_backup_id: Annotated[str | None, Since("2.80")] = None
    mount_point_name: Annotated[str | None, Since("2.84")] = None
    encryption_key_ref: Annotated[str | None, Since("2.90")] = None
    qos_type_id: Annotated[str | None, Since("2.94")] = None
    snapshot_inherit_share_access_support: Annotated[bool, Since("2.99")] = False


class ShareAnswer(Body):
    share: ShareBody


class ShareBrief(Body):
    id: str
    name: str | None
    links: Links


class ShareList(Body):
    shares: list[ShareBrief]
    count: Annotated[int | Unset, Since("2.42")] = UNSET
    shares_links: Links | Unset = UNSET


class ShareDetails(Body):
    shares: list[Any]
    count: Annotated[int | Unset, Since("2.42")] = UNSET
    shares_links: Links | Unset = UNSET


class Hints(Body):
    """Ids of shares, one or several with commas; and (2.67) a host's name."""

    same_host: Text255 | None = None
    different_host: Annotated[str, msgspec.Meta(max_length=1000)] | None = None
    only_host: Annotated[Text255 | None, Since("2.67")] = None


class NewShare(Body):
    share_proto: Text255 | Unset = UNSET
    size: IntLike | Unset | None = UNSET
    name: Text255 | None = None
    display_name: Text255 | None = None
    description: Text255 | None = None
    display_description: Text255 | None = None
    share_type: str | None = None
    volume_type: str | None = None
    metadata: Metadata | None = None
    snapshot_id: str | None = None
    is_public: BoolLike | None = None
    share_network_id: str | None = None
    availability_zone: str | None = None
    share_group_id: str | None = None
    scheduler_hints: Annotated[Hints | None, Since("2.65")] = None
    mount_point_name: Annotated[str | None, Since("2.84")] = None
    encryption_key_ref: Annotated[str | None, Since("2.90")] = None


class CreateShare(Body):
    share: NewShare


class Changes(Body):
    display_name: Text255 | Unset | None = UNSET
    display_description: Text255 | Unset | None = UNSET
    name: Text255 | Unset | None = UNSET
    description: Text255 | Unset | None = UNSET
    is_public: BoolLike | Unset = UNSET

    def named(self) -> dict[str, Any]:
        """Name and description, by either of their names."""
        found: dict[str, Any] = {}
        for field in ("name", "description"):
            for key in (field, f"display_{field}"):
                value = getattr(self, key)
                if value is not UNSET:
                    found[field] = value
        return found


class UpdateShare(Body):
    share: Changes


class MetadataAnswer(Body):
    metadata: dict[str, str]


class MetaAnswer(Body):
    meta: dict[str, str]


class LocationBody(Body):
    id: str
    path: str
    preferred: Annotated[bool, Since("2.14")] = True
    metadata: Annotated[dict[str, str], Since("2.87")] = {}
    share_instance_id: str | Unset = UNSET
    is_admin_only: bool | Unset = UNSET
    created_at: str | Unset = UNSET
    updated_at: str | Unset | None = UNSET


class Locations(Body):
    export_locations: list[LocationBody]


class LocationAnswer(Body):
    export_location: LocationBody


class AccessBody(Body):
    id: str
    access_type: str
    access_to: str
    access_level: str
    state: Annotated[str, Before("2.28", _older_rule)]
    share_id: str | Unset = UNSET
    access_key: Annotated[str | None, Since("2.21")] = None
    created_at: Annotated[str | Unset, Since("2.33")] = UNSET
    updated_at: Annotated[str | Unset | None, Since("2.33")] = UNSET
    metadata: Annotated[dict[str, str] | Unset, Since("2.45")] = UNSET


class AccessAnswer(Body):
    access: AccessBody


class AccessList(Body):
    access_list: list[AccessBody]


class Allow(Body):
    access_type: str
    access_to: Annotated[str, msgspec.Meta(max_length=255)]
    access_level: str | None = None
    metadata: Annotated[Metadata | None, Since("2.45")] = None
    lock_visibility: Annotated[BoolLike, Since("2.82")] = False
    lock_deletion: Annotated[BoolLike, Since("2.82")] = False
    lock_reason: Annotated[Annotated[str, msgspec.Meta(max_length=1023)] | None, Since("2.82")] = (
        None
    )


class Deny(Body):
    access_id: str
    unrestrict: Annotated[BoolLike, Since("2.82")] = False


class DenySnapshot(Body):
    access_id: str


class AllowSnapshot(Body):
    access_type: str
    access_to: str


class SnapshotAccess(Body):
    id: str
    access_type: str
    access_to: str
    state: str


class SnapshotAccessAnswer(Body):
    snapshot_access: SnapshotAccess


class SnapshotAccessList(Body):
    snapshot_access_list: list[SnapshotAccess]


class SnapshotLocation(Body):
    id: str
    path: str
    links: Links
    share_snapshot_instance_id: str | Unset = UNSET
    is_admin_only: bool | Unset = UNSET
    created_at: str | Unset = UNSET
    updated_at: str | Unset | None = UNSET


class SnapshotLocations(Body):
    share_snapshot_export_locations: list[SnapshotLocation]


class SnapshotLocationAnswer(Body):
    share_snapshot_export_location: SnapshotLocation


class AccessLevel(Body):
    access_level: str


class UpdateAccess(Body):
    update_access: AccessLevel


class Shrink(Body):
    new_size: IntLike


class Revert(Body):
    snapshot_id: str


class Extend(Body):
    new_size: IntLike
    force: Annotated[BoolLike, Since("2.64")] = False


class Reset(Body):
    status: str | None = None
    os_status: str | None = msgspec.field(name="os-status", default=None)


class SnapshotBody(Body):
    id: str
    name: str | None
    description: str | None
    share_id: str
    share_size: int
    share_proto: str
    size: int
    status: str
    created_at: str
    links: Links
    provider_location: Annotated[str | Unset | None, Since("2.12")] = UNSET
    user_id: Annotated[str | Unset, Since("2.17")] = UNSET
    project_id: Annotated[str | Unset, Since("2.17")] = UNSET
    metadata: Annotated[dict[str, str] | Unset, Since("2.73")] = UNSET


class SnapshotAnswer(Body):
    snapshot: SnapshotBody


class SnapshotList(Body):
    snapshots: list[ShareBrief]
    count: Annotated[int | Unset, Since("2.79")] = UNSET
    share_snapshots_links: Links | Unset = UNSET


class SnapshotDetails(Body):
    snapshots: list[SnapshotBody]
    count: Annotated[int | Unset, Since("2.79")] = UNSET
    share_snapshots_links: Links | Unset = UNSET


class NewSnapshot(Body):
    share_id: str
    name: Text255 | None = None
    display_name: Text255 | None = None
    description: Text255 | None = None
    display_description: Text255 | None = None
    force: BoolLike = False
    metadata: Annotated[Metadata | None, Since("2.73")] = None


class CreateSnapshot(Body):
    snapshot: NewSnapshot


class UpdateSnapshot(Body):
    snapshot: Changes


def shares_at(path: str | None, id: str | None) -> list[str]:
    """2.35: paths end in the share's id, and ids of locations are made of it."""
    if path is not None:
        return [path.rpartition("/shares/")[2]]
    return owners_of(id or "") or [""]
