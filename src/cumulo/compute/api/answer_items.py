"""Bodies of answers about single things: see `answers`."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType, field

from cumulo.compute.api.answer_bodies import ServerGroup
from cumulo.core.wire.shapes import Body


class Extension(Body, kw_only=True):
    alias: str
    description: str
    links: list[Any]
    name: str
    namespace: str
    updated: str


class ExtensionsAnswer(Body, kw_only=True):
    extensions: list[Extension]


class RescueAnswer(Body, kw_only=True):
    adminPass: str


class CreateImageAnswer(Body, kw_only=True):
    image_id: str


class MetadataAnswer(Body, kw_only=True):
    metadata: dict[str, Any]


class TagsAnswer(Body, kw_only=True):
    tags: list[str]


class Node(Body, kw_only=True):
    cpu_pinning: dict[str, Any] | UnsetType = UNSET
    host_node: int | UnsetType = UNSET
    memory_mb: int
    siblings: list[Any]
    vcpu_set: list[int]


class TopologyAnswer(Body, kw_only=True):
    nodes: list[Node]
    pagesize_kb: Any


class OsServerPasswordAnswer(Body, kw_only=True):
    password: str


class SharesAnswer(Body, kw_only=True):
    shares: list[Any]


class Link(Body, kw_only=True):
    href: str
    rel: str
    type: str | UnsetType = UNSET


class Flavor(Body, kw_only=True):
    OS_FLV_DISABLED_disabled: bool | UnsetType = field(
        name="OS-FLV-DISABLED:disabled", default=UNSET
    )
    OS_FLV_EXT_DATA_ephemeral: int = field(name="OS-FLV-EXT-DATA:ephemeral")
    description: str | UnsetType | None = UNSET
    disk: int
    extra_specs: dict[str, Any] | UnsetType = UNSET
    id: str
    links: list[Link]
    name: str
    os_flavor_access_is_public: bool = field(name="os-flavor-access:is_public")
    ram: int
    rxtx_factor: float | UnsetType = UNSET
    swap: Any
    vcpus: int


class DetailAnswer(Body, kw_only=True):
    flavors: list[Flavor]


class Hypervisor(Body, kw_only=True):
    hypervisor_hostname: str
    id: Any
    state: str
    status: str
    uptime: str | UnsetType = UNSET


class OsHypervisorsAnswer(Body, kw_only=True):
    hypervisors: list[Hypervisor]


class HypervisorStatistics(Body, kw_only=True):
    count: int
    current_workload: int
    disk_available_least: int
    free_disk_gb: int
    free_ram_mb: int
    local_gb: int
    local_gb_used: int
    memory_mb: int
    memory_mb_used: int
    running_vms: int
    vcpus: int
    vcpus_used: int


class StatisticsAnswer(Body, kw_only=True):
    hypervisor_statistics: HypervisorStatistics


class CpuInfo(Body, kw_only=True):
    arch: str
    features: list[Any]
    model: str


class Service(Body, kw_only=True):
    disabled_reason: Any
    host: str
    id: Any


class Hypervisor2(Body, kw_only=True):
    cpu_info: Any = UNSET
    current_workload: int | UnsetType = UNSET
    disk_available_least: int | UnsetType = UNSET
    free_disk_gb: int | UnsetType = UNSET
    free_ram_mb: int | UnsetType = UNSET
    host_ip: str | UnsetType = UNSET
    hypervisor_hostname: str
    hypervisor_type: str | UnsetType = UNSET
    hypervisor_version: int | UnsetType = UNSET
    id: Any
    local_gb: int | UnsetType = UNSET
    local_gb_used: int | UnsetType = UNSET
    memory_mb: int | UnsetType = UNSET
    memory_mb_used: int | UnsetType = UNSET
    running_vms: int | UnsetType = UNSET
    service: Service | UnsetType = UNSET
    state: str
    status: str
    uptime: str | UnsetType | None = UNSET
    vcpus: int | UnsetType = UNSET
    vcpus_used: int | UnsetType = UNSET


class OsHypervisorsAnswer2(Body, kw_only=True):
    hypervisor: Hypervisor2


class OsServerGroupsAnswer(Body, kw_only=True):
    server_groups: list[ServerGroup]


class OsAggregatesAnswer(Body, kw_only=True):
    aggregates: list[Any]


class Cores(Body, kw_only=True):
    in_use: int
    limit: int
    reserved: int


class Instances(Body, kw_only=True):
    in_use: int
    limit: int
    reserved: int


class KeyPairs(Body, kw_only=True):
    in_use: int
    limit: int
    reserved: int


class MetadataItems(Body, kw_only=True):
    in_use: int
    limit: int
    reserved: int


class Ram(Body, kw_only=True):
    in_use: int
    limit: int
    reserved: int


class ServerGroupMembers(Body, kw_only=True):
    in_use: int
    limit: int
    reserved: int


class ServerGroups(Body, kw_only=True):
    in_use: int
    limit: int
    reserved: int


class QuotaSet(Body, kw_only=True):
    cores: Any
    fixed_ips: int | UnsetType = UNSET
    floating_ips: int | UnsetType = UNSET
    id: str | UnsetType = UNSET
    injected_file_content_bytes: int | UnsetType = UNSET
    injected_file_path_bytes: int | UnsetType = UNSET
    injected_files: int | UnsetType = UNSET
    instances: Any
    key_pairs: Any
    metadata_items: Any
    ram: Any
    security_group_rules: int | UnsetType = UNSET
    security_groups: int | UnsetType = UNSET
    server_group_members: Any = UNSET
    server_groups: Any = UNSET


class OsQuotaClassSetsAnswer(Body, kw_only=True):
    quota_class_set: QuotaSet


class ServerUsage(Body, kw_only=True):
    ended_at: str | None
    flavor: str
    hours: float
    instance_id: str
    local_gb: int
    memory_mb: int
    name: str
    started_at: str
    state: str
    tenant_id: str
    uptime: int
    vcpus: int


class TenantUsage(Body, kw_only=True):
    server_usages: list[ServerUsage] | UnsetType = UNSET
    start: str
    stop: str
    tenant_id: str
    total_hours: float
    total_local_gb_usage: float
    total_memory_mb_usage: float
    total_vcpus_usage: float


class OsSimpleTenantUsageAnswer(Body, kw_only=True):
    tenant_usages: list[TenantUsage]
    tenant_usages_links: list[Link] | UnsetType = UNSET


class OsSimpleTenantUsageAnswer2(Body, kw_only=True):
    tenant_usage: dict[str, Any]
    tenant_usage_links: list[Link] | UnsetType = UNSET


class Migration(Body, kw_only=True):
    created_at: str
    dest_compute: str
    dest_host: Any
    dest_node: str
    id: int
    instance_uuid: str
    migration_type: str
    new_instance_type_id: int | None
    old_instance_type_id: int | None
    project_id: str | UnsetType = UNSET
    source_compute: str
    source_node: str
    status: str
    updated_at: str
    user_id: str | UnsetType = UNSET
    uuid: str


class OsMigrationsAnswer(Body, kw_only=True):
    migrations: list[Migration]


class Event(Body, kw_only=True):
    code: int
    name: str
    server_uuid: str
    status: str
    tag: str | UnsetType = UNSET


class OsServerExternalEventsAnswer(Body, kw_only=True):
    events: list[Event]


class Host(Body, kw_only=True):
    host_name: str
    service: str
    zone: str


class OsHostsAnswer(Body, kw_only=True):
    hosts: list[Host]


class Resource(Body, kw_only=True):
    cpu: int
    disk_gb: int
    host: str
    memory_mb: int
    project: str


class Host2(Body, kw_only=True):
    resource: Resource


class OsHostsAnswer2(Body, kw_only=True):
    host: list[Host2]


class Image(Body, kw_only=True):
    id: str
    links: list[Link]
    name: str | UnsetType | None = UNSET


class ImagesAnswer(Body, kw_only=True):
    images: list[Image]
    images_links: list[Link] | UnsetType = UNSET


class Server(Body, kw_only=True):
    id: str
    links: list[Link]


class QuotaUsage(Body, kw_only=True):
    in_use: int
    limit: int
    reserved: int


class ShownImage(Body, kw_only=True):
    OS_EXT_IMG_SIZE_size: int = field(name="OS-EXT-IMG-SIZE:size")
    created: str
    id: str
    links: list[Link]
    metadata: dict[str, Any]
    minDisk: int
    minRam: int
    name: str | None
    progress: int
    server: Server | UnsetType = UNSET
    status: str
    updated: str


class ShownImageAnswer(Body, kw_only=True):
    image: ShownImage


class ShownImagesAnswer(Body, kw_only=True):
    images: list[ShownImage]
    images_links: list[Link] | UnsetType = UNSET


class Network(Body, kw_only=True):
    cidr: str
    id: str
    label: str


class OsTenantNetworksAnswer(Body, kw_only=True):
    networks: list[Network]


class FloatingIpPool(Body, kw_only=True):
    name: str


class OsFloatingIpPoolsAnswer(Body, kw_only=True):
    floating_ip_pools: list[FloatingIpPool]


class OsFloatingIpsAnswer(Body, kw_only=True):
    floating_ips: list[Any]


class FloatingIp(Body, kw_only=True):
    fixed_ip: str | None
    id: str
    instance_id: str | None
    ip: str
    pool: str


class OsFloatingIpsAnswer2(Body, kw_only=True):
    floating_ip: FloatingIp


class Volume(Body, kw_only=True):
    attachments: list[dict[str, Any]]
    availabilityZone: str
    createdAt: str
    displayDescription: Any
    displayName: str | None
    id: str
    metadata: dict[str, Any]
    size: int
    snapshotId: Any
    status: str
    volumeType: str


class OsVolumesAnswer(Body, kw_only=True):
    volumes: list[Volume]


class OsVolumesAnswer2(Body, kw_only=True):
    volume: Volume
