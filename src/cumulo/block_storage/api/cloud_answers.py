"""What block storage answers of its parts, what they can do, and what went wrong."""

from typing import Any

from msgspec import UNSET, UnsetType, field

from cumulo.block_storage.api.answer_bodies import Link, SnapshotAnswer, VolumeAnswer
from cumulo.block_storage.api.services import ServiceBody
from cumulo.core.http.responses import Empty
from cumulo.core.wire.shapes import Body


class Message(Body, kw_only=True):
    id: str
    event_id: str
    user_message: str
    message_level: str
    resource_type: str
    resource_uuid: str
    request_id: str
    created_at: str
    guaranteed_until: str
    links: list[Link]


class MessageAnswer(Body, kw_only=True):
    message: Message


class MessagesAnswer(Body, kw_only=True):
    messages: list[Message]
    messages_links: list[Link] | UnsetType = UNSET


class ServicesAnswer(Body, kw_only=True):
    services: list[ServiceBody]


class SwitchedServiceAnswer(Body, kw_only=True):
    binary: str
    disabled: bool
    disabled_reason: str | None
    host: str
    service: str
    status: str


class LogLevels(Body, kw_only=True):
    binary: str
    host: str
    levels: dict[str, str]


class LogLevelsAnswer(Body, kw_only=True):
    log_levels: list[LogLevels]


class SwitchedHostAnswer(Body, kw_only=True):
    host: str
    status: str


class ClustersAnswer(Body, kw_only=True):
    """Always none."""

    clusters: list[str]


class CleanUpAnswer(Body, kw_only=True):
    cleaning: list[dict[str, Any]]
    unavailable: list[dict[str, Any]]


class Property(Body, kw_only=True):
    title: str
    description: str
    type: str


class CapabilitiesAnswer(Body, kw_only=True):
    namespace: str
    vendor_name: str
    volume_backend_name: str
    pool_name: str | None
    driver_version: str
    storage_protocol: str
    display_name: str | None
    description: str | None
    visibility: str | None
    replication_targets: list[str]
    properties: dict[str, Property]


class ResourceFilter(Body, kw_only=True):
    resource: str
    filters: list[str]


class ResourceFiltersAnswer(Body, kw_only=True):
    resource_filters: list[ResourceFilter]


class TypeEncryption(Body, kw_only=True):
    """Empty: volumes of the type are not encrypted."""


class VolumeEncryption(Body, kw_only=True):
    encryption_key_id: str | None


class Manageable(Body, kw_only=True):
    reference: dict[str, str]
    size: int
    safe_to_manage: bool
    reason_not_safe: str | UnsetType | None = UNSET
    cinder_id: str | UnsetType | None = UNSET
    extra_info: str | UnsetType | None = UNSET
    source_reference: dict[str, str] | UnsetType = UNSET


class ManageableVolumesAnswer(Body, kw_only=True):
    volumes: list[Manageable] = field(name="manageable-volumes")


class ManageableSnapshotsAnswer(Body, kw_only=True):
    snapshots: list[Manageable] = field(name="manageable-snapshots")


CLOUD_ANSWERS: dict[str, Any] = {
    **{
        f"{method} {path}{end}": answer
        for path, listed, taken in (
            ("/os-volume-manage", ManageableVolumesAnswer, VolumeAnswer),
            ("/manageable_volumes", ManageableVolumesAnswer, VolumeAnswer),
            ("/os-snapshot-manage", ManageableSnapshotsAnswer, SnapshotAnswer),
            ("/manageable_snapshots", ManageableSnapshotsAnswer, SnapshotAnswer),
        )
        for method, end, answer in (
            ("GET", "", listed),
            ("GET", "/detail", listed),
            ("POST", "", taken),
        )
    },
    "POST /volumes/{volume_id}/action#os-unmanage": Empty,
    "POST /snapshots/{snapshot_id}/action#os-unmanage": Empty,
    "GET /messages": MessagesAnswer,
    "GET /messages/{message_id}": MessageAnswer,
    "DELETE /messages/{message_id}": Empty,
    "GET /os-services": ServicesAnswer,
    "PUT /os-services/enable": SwitchedServiceAnswer,
    "PUT /os-services/disable": SwitchedServiceAnswer,
    "PUT /os-services/disable-log-reason": SwitchedServiceAnswer,
    "PUT /os-services/freeze": Empty,
    "PUT /os-services/thaw": Empty,
    "PUT /os-services/failover_host": Empty,
    "PUT /os-services/failover": Empty,
    "PUT /os-services/get-log": LogLevelsAnswer,
    "PUT /os-services/set-log": Empty,
    "PUT /os-hosts/{host_name}": SwitchedHostAnswer,
    "GET /clusters": ClustersAnswer,
    "GET /clusters/detail": ClustersAnswer,
    "GET /clusters/{cluster_name}": Empty,
    "PUT /clusters/enable": Empty,
    "PUT /clusters/disable": Empty,
    "POST /workers/cleanup": CleanUpAnswer,
    "GET /capabilities/{host_name}": CapabilitiesAnswer,
    "GET /resource_filters": ResourceFiltersAnswer,
    "GET /types/{type_id}/encryption": TypeEncryption,
    "GET /volumes/{volume_id}/encryption": VolumeEncryption,
    "POST /volumes/{volume_id}/action#revert": Empty,
    "POST /volumes/{volume_id}/action#os-extend_volume_completion": Empty,
    "POST /snapshots/{snapshot_id}/action#os-update_snapshot_status": Empty,
}
