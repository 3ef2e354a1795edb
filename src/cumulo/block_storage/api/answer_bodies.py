"""The bodies of block storage's answers."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType, field

from cumulo.core.wire.shapes import Body, OpenBody


class Volume(Body, kw_only=True):
    provider_id: str | UnsetType | None = UNSET
    attachments: list[Attachment]
    availability_zone: str
    bootable: str
    cluster_name: str | UnsetType | None = UNSET
    consistencygroup_id: Any
    consumes_quota: bool | UnsetType = UNSET
    created_at: str | None
    description: str | None
    encrypted: bool
    group_id: Any = UNSET
    id: str
    links: list[Link]
    metadata: dict[str, Any]
    migration_status: Any = UNSET
    multiattach: bool
    name: str | None
    os_vol_host_attr_host: str | UnsetType = field(name="os-vol-host-attr:host", default=UNSET)
    os_vol_mig_status_attr_migstat: Any = field(
        name="os-vol-mig-status-attr:migstat", default=UNSET
    )
    os_vol_mig_status_attr_name_id: Any = field(
        name="os-vol-mig-status-attr:name_id", default=UNSET
    )
    os_vol_tenant_attr_tenant_id: str | UnsetType | None = field(
        name="os-vol-tenant-attr:tenant_id", default=UNSET
    )
    replication_status: Any
    service_uuid: Any = UNSET
    shared_targets: bool | UnsetType = UNSET
    size: int
    snapshot_id: str | None
    source_volid: Any
    status: str
    updated_at: str | None
    user_id: str
    volume_image_metadata: dict[str, Any] | UnsetType = UNSET
    volume_type: str
    volume_type_id: str | UnsetType | None = UNSET


class Link(Body, kw_only=True):
    href: str
    rel: str
    type: str | UnsetType = UNSET


class Attachment(Body, kw_only=True):
    attached_at: str | None
    attachment_id: str | None
    device: str | None
    host_name: str | None
    id: str
    server_id: str | None
    volume_id: str | None


class AttachmentSummary(Body, kw_only=True):
    attach_mode: str | UnsetType = UNSET
    attached_at: str | UnsetType | None = UNSET
    connection_info: dict[str, Any] | UnsetType = UNSET
    detached_at: str | UnsetType | None = UNSET
    id: str
    instance: str
    status: str
    volume_id: str | None


class VolumeType(Body, kw_only=True):
    description: str | None
    extra_specs: dict[str, Any]
    id: str
    is_public: bool
    name: str
    os_volume_type_access_is_public: bool | UnsetType = field(
        name="os-volume-type-access:is_public", default=UNSET
    )
    qos_specs_id: Any = UNSET


class Uploaded(Body, kw_only=True):
    id: str
    updated_at: str | None
    status: str
    display_description: str | None
    size: int
    volume_type: VolumeType
    image_id: str
    container_format: str
    disk_format: str
    image_name: str
    visibility: str | UnsetType = UNSET
    protected: bool | UnsetType = UNSET


class UploadedAnswer(Body, kw_only=True):
    uploaded: Uploaded = field(name="os-volume_upload_image")


class Snapshot(Body, kw_only=True):
    created_at: str | None
    description: Any
    id: str
    metadata: dict[str, Any]
    name: str | None
    os_extended_snapshot_attributes_progress: str | UnsetType = field(
        name="os-extended-snapshot-attributes:progress", default=UNSET
    )
    os_extended_snapshot_attributes_project_id: str | UnsetType | None = field(
        name="os-extended-snapshot-attributes:project_id", default=UNSET
    )
    size: int
    status: str
    updated_at: str | None
    volume_id: str | None
    group_snapshot_id: str | UnsetType | None = UNSET
    user_id: str | UnsetType = UNSET
    consumes_quota: bool | UnsetType = UNSET


class QuotaSet(OpenBody, kw_only=True):
    """And `volumes_NAME` and others by the type of volumes."""

    backup_gigabytes: int | QuotaUsage
    backups: int | QuotaUsage
    gigabytes: int | QuotaUsage
    groups: int | QuotaUsage
    id: str | UnsetType = UNSET
    per_volume_gigabytes: int | QuotaUsage
    snapshots: int | QuotaUsage
    volumes: int | QuotaUsage


class QuotaUsage(Body, kw_only=True):
    in_use: int
    limit: int
    reserved: int


class AvailabilityZoneInfo(Body, kw_only=True):
    hosts: Any
    zone_name: str = field(name="zoneName")
    zone_state: ZoneState = field(name="zoneState")


class ZoneState(Body, kw_only=True):
    available: bool


class Extension(Body, kw_only=True):
    alias: str
    description: str | None
    links: list[Any]
    name: str
    updated: str


class Host(Body, kw_only=True):
    host_name: str
    last_update: str = field(name="last-update")
    service: str
    service_state: str = field(name="service-state")
    service_status: str = field(name="service-status")
    zone: str


class HostSummary(Body, kw_only=True):
    resource: Resource


class Resource(Body, kw_only=True):
    host: str
    project: str
    snapshot_count: str
    total_snapshot_gb: str
    total_volume_gb: str
    volume_count: str


class VolumeSummary(Body, kw_only=True):
    id: str
    links: list[Link]
    name: str


class VolumeSummarySummary(Body, kw_only=True):
    total_count: int
    total_size: int
    metadata: dict[str, list[str]] | UnsetType = UNSET


class Limit(Body, kw_only=True):
    absolute: Absolute
    rate: list[Any]


class Absolute(Body, kw_only=True):
    max_total_backup_gigabytes: int = field(name="maxTotalBackupGigabytes")
    max_total_backups: int = field(name="maxTotalBackups")
    max_total_snapshots: int = field(name="maxTotalSnapshots")
    max_total_volume_gigabytes: int = field(name="maxTotalVolumeGigabytes")
    max_total_volumes: int = field(name="maxTotalVolumes")
    total_backup_gigabytes_used: int = field(name="totalBackupGigabytesUsed")
    total_backups_used: int = field(name="totalBackupsUsed")
    total_gigabytes_used: int = field(name="totalGigabytesUsed")
    total_snapshots_used: int = field(name="totalSnapshotsUsed")
    total_volumes_used: int = field(name="totalVolumesUsed")


class Pool(Body, kw_only=True):
    capabilities: Capability | UnsetType = UNSET
    name: str


class Capability(Body, kw_only=True):
    qos_support: bool = field(name="QoS_support")
    allocated_capacity_gb: int
    driver_version: str
    free_capacity_gb: int
    max_over_subscription_ratio: str
    multiattach: bool
    provisioned_capacity_gb: int
    reserved_percentage: int
    storage_protocol: str
    thin_provisioning_support: bool
    timestamp: str
    total_capacity_gb: int
    vendor_name: str
    volume_backend_name: str


class VolumeAnswer(Body, kw_only=True):
    volume: Volume


class AttachmentAnswer(Body, kw_only=True):
    attachment: AttachmentSummary


class AttachmentsAnswer(Body, kw_only=True):
    attachments_links: list[Link] | UnsetType = UNSET
    attachments: list[AttachmentSummary]


class VolumeTypesAnswer(Body, kw_only=True):
    volume_types: list[VolumeType]


class VolumeTypeAnswer(Body, kw_only=True):
    volume_type: VolumeType


class SnapshotAnswer(Body, kw_only=True):
    snapshot: Snapshot


class MetaAnswer(Body, kw_only=True):
    meta: dict[str, Any]


class SnapshotsAnswer(Body, kw_only=True):
    snapshots_links: list[Link] | UnsetType = UNSET
    count: int | UnsetType = UNSET
    snapshots: list[Snapshot]


class QuotaSetAnswer(Body, kw_only=True):
    quota_set: QuotaSet


class QuotaClassAnswer(Body, kw_only=True):
    quota_class_set: QuotaSet


class AvailabilityZoneInfoAnswer(Body, kw_only=True):
    availability_zone_info: list[AvailabilityZoneInfo] = field(name="availabilityZoneInfo")


class ExtensionsAnswer(Body, kw_only=True):
    extensions: list[Extension]


class HostsAnswer(Body, kw_only=True):
    hosts: list[Host]


class HostAnswer(Body, kw_only=True):
    host: list[HostSummary]


class VolumesAnswer(Body, kw_only=True):
    volumes_links: list[Link] | UnsetType = UNSET
    count: int | UnsetType = UNSET
    volumes: list[VolumeSummary]


class VolumesDetailAnswer(Body, kw_only=True):
    volumes_links: list[Link] | UnsetType = UNSET
    count: int | UnsetType = UNSET
    volumes: list[Volume]


class VolumeSummaryAnswer(Body, kw_only=True):
    volume_summary: VolumeSummarySummary = field(name="volume-summary")


class ConnectionData(OpenBody, kw_only=True):
    volume_id: str
    access_mode: str


class ConnectionInfo(Body, kw_only=True):
    driver_volume_type: str
    data: ConnectionData


class ConnectionAnswer(Body, kw_only=True):
    connection_info: ConnectionInfo


class MetadataAnswer(Body, kw_only=True):
    metadata: dict[str, Any]


class LimitsAnswer(Body, kw_only=True):
    limits: Limit


class PoolsAnswer(Body, kw_only=True):
    pools: list[Pool]


class TypeAccess(Body, kw_only=True):
    volume_type_id: str
    project_id: str


class TypeAccessAnswer(Body, kw_only=True):
    volume_type_access: list[TypeAccess]


class DefaultType(Body, kw_only=True):
    project_id: str
    volume_type_id: str


class DefaultTypeAnswer(Body, kw_only=True):
    default_type: DefaultType


class DefaultTypesAnswer(Body, kw_only=True):
    default_types: list[DefaultType]


class Qos(Body, kw_only=True):
    id: str
    name: str
    consumer: str
    specs: dict[str, str]


class QosListAnswer(Body, kw_only=True):
    qos_specs_links: list[Link] | UnsetType = UNSET
    qos_specs: list[Qos]


class QosAnswer(Body, kw_only=True):
    qos_specs: Qos
    links: list[Link]


class QosChangedAnswer(Body, kw_only=True):
    """As it was sent."""

    qos_specs: dict[str, str | int]


class QosAssociation(Body, kw_only=True):
    association_type: str
    id: str
    name: str


class QosAssociationsAnswer(Body, kw_only=True):
    qos_associations: list[QosAssociation]


class Transfer(Body, kw_only=True):
    id: str
    volume_id: str
    name: str | None
    links: list[Link]
    created_at: str | UnsetType = UNSET
    no_snapshots: bool | UnsetType = UNSET
    source_project_id: str | UnsetType = UNSET
    destination_project_id: str | UnsetType | None = UNSET
    accepted: bool | UnsetType = UNSET
    auth_key: str | UnsetType = UNSET


class TransferAnswer(Body, kw_only=True):
    transfer: Transfer


class TransfersAnswer(Body, kw_only=True):
    transfers_links: list[Link] | UnsetType = UNSET
    transfers: list[Transfer]


class ExtraSpecsAnswer(Body, kw_only=True):
    extra_specs: dict[str, str]
