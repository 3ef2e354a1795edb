"""What block storage answers of group types, groups and their snapshots, old names and new."""

from typing import Any

from msgspec import UNSET, UnsetType

from cumulo.block_storage.api.answer_bodies import Link
from cumulo.block_storage.api.group_snapshots import GroupSnapshotBody
from cumulo.block_storage.api.groups import GroupBody
from cumulo.core.http.responses import Empty
from cumulo.core.wire.shapes import Body


class GroupType(Body, kw_only=True):
    id: str
    name: str
    description: str | None
    is_public: bool
    group_specs: dict[str, str] | UnsetType = UNSET


class GroupTypeAnswer(Body, kw_only=True):
    group_type: GroupType


class GroupTypesAnswer(Body, kw_only=True):
    group_types: list[GroupType]
    group_type_links: list[Link] | UnsetType = UNSET


class GroupSpecsAnswer(Body, kw_only=True):
    group_specs: dict[str, str]


class Brief(Body, kw_only=True):
    id: str
    name: str | None
    group_type_id: str | UnsetType = UNSET


class GroupAnswer(Body, kw_only=True):
    group: GroupBody


class GroupMadeAnswer(Body, kw_only=True):
    group: Brief


class GroupsAnswer(Body, kw_only=True):
    groups: list[Brief]
    group_links: list[Link] | UnsetType = UNSET


class GroupsDetailAnswer(Body, kw_only=True):
    groups: list[GroupBody]
    group_links: list[Link] | UnsetType = UNSET


class ReplicationTargetsAnswer(Body, kw_only=True):
    replication_targets: list[dict[str, Any]]


class GroupSnapshotAnswer(Body, kw_only=True):
    group_snapshot: GroupSnapshotBody


class GroupSnapshotMadeAnswer(Body, kw_only=True):
    group_snapshot: Brief


class GroupSnapshotsAnswer(Body, kw_only=True):
    group_snapshots: list[Brief]
    group_snapshot_links: list[Link] | UnsetType = UNSET


class GroupSnapshotsDetailAnswer(Body, kw_only=True):
    group_snapshots: list[GroupSnapshotBody]
    group_snapshot_links: list[Link] | UnsetType = UNSET


class ConsistencyGroup(Body, kw_only=True):
    id: str
    name: str | None
    status: str
    availability_zone: str
    created_at: str
    description: str | None
    volume_types: list[str]


class ConsistencyGroupAnswer(Body, kw_only=True):
    consistencygroup: ConsistencyGroup


class ConsistencyGroupMadeAnswer(Body, kw_only=True):
    consistencygroup: Brief


class ConsistencyGroupsAnswer(Body, kw_only=True):
    consistencygroups: list[Brief]
    consistencygroup_links: list[Link] | UnsetType = UNSET


class ConsistencyGroupsDetailAnswer(Body, kw_only=True):
    consistencygroups: list[ConsistencyGroup]
    consistencygroup_links: list[Link] | UnsetType = UNSET


class Cgsnapshot(Body, kw_only=True):
    id: str
    consistencygroup_id: str
    name: str | None
    status: str
    created_at: str
    description: str | None


class CgsnapshotAnswer(Body, kw_only=True):
    cgsnapshot: Cgsnapshot


class CgsnapshotMadeAnswer(Body, kw_only=True):
    cgsnapshot: Brief


class CgsnapshotsAnswer(Body, kw_only=True):
    cgsnapshots: list[Brief]
    cgsnapshot_links: list[Link] | UnsetType = UNSET


class CgsnapshotsDetailAnswer(Body, kw_only=True):
    cgsnapshots: list[Cgsnapshot]
    cgsnapshot_links: list[Link] | UnsetType = UNSET


_TYPE, _SPECS = "/group_types/{group_type_id}", "/group_types/{group_type_id}/group_specs"
_GROUP, _SNAPSHOT = "/groups/{group_id}", "/group_snapshots/{group_snapshot_id}"
_OLD, _OLD_SNAPSHOT = "/consistencygroups/{group_id}", "/cgsnapshots/{group_snapshot_id}"

GROUP_ANSWERS: dict[str, Any] = {
    "GET /group_types": GroupTypesAnswer,
    "POST /group_types": GroupTypeAnswer,
    f"GET {_TYPE}": GroupTypeAnswer,
    f"PUT {_TYPE}": GroupTypeAnswer,
    f"DELETE {_TYPE}": Empty,
    f"GET {_SPECS}": GroupSpecsAnswer,
    f"POST {_SPECS}": GroupSpecsAnswer,
    f"GET {_SPECS}/{{key}}": dict[str, str],
    f"PUT {_SPECS}/{{key}}": dict[str, str],
    f"DELETE {_SPECS}/{{key}}": Empty,
    "GET /groups": GroupsAnswer,
    "GET /groups/detail": GroupsDetailAnswer,
    "POST /groups": GroupMadeAnswer,
    "POST /groups/action#create-from-src": GroupMadeAnswer,
    f"GET {_GROUP}": GroupAnswer,
    f"PUT {_GROUP}": Empty,
    f"POST {_GROUP}/action#delete": Empty,
    f"POST {_GROUP}/action#reset_status": Empty,
    f"POST {_GROUP}/action#enable_replication": Empty,
    f"POST {_GROUP}/action#disable_replication": Empty,
    f"POST {_GROUP}/action#failover_replication": Empty,
    f"POST {_GROUP}/action#list_replication_targets": ReplicationTargetsAnswer,
    "GET /group_snapshots": GroupSnapshotsAnswer,
    "GET /group_snapshots/detail": GroupSnapshotsDetailAnswer,
    "POST /group_snapshots": GroupSnapshotMadeAnswer,
    f"GET {_SNAPSHOT}": GroupSnapshotAnswer,
    f"DELETE {_SNAPSHOT}": Empty,
    f"POST {_SNAPSHOT}/action#reset_status": Empty,
    "GET /consistencygroups": ConsistencyGroupsAnswer,
    "GET /consistencygroups/detail": ConsistencyGroupsDetailAnswer,
    "POST /consistencygroups": ConsistencyGroupMadeAnswer,
    "POST /consistencygroups/create_from_src": ConsistencyGroupMadeAnswer,
    f"GET {_OLD}": ConsistencyGroupAnswer,
    f"POST {_OLD}/delete": Empty,
    f"PUT {_OLD}/update": Empty,
    "GET /cgsnapshots": CgsnapshotsAnswer,
    "GET /cgsnapshots/detail": CgsnapshotsDetailAnswer,
    "POST /cgsnapshots": CgsnapshotMadeAnswer,
    f"GET {_OLD_SNAPSHOT}": CgsnapshotAnswer,
    f"DELETE {_OLD_SNAPSHOT}": Empty,
}
