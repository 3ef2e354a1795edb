"""The JSON objects that compute answers with; which operation answers which: `answers`."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType, field

from cumulo.core.wire.shapes import Body


class SecurityGroup(Body, kw_only=True):
    description: str | None
    id: str
    name: str
    rules: list[Rule]
    tenant_id: str


class SecurityGroupRule(Body, kw_only=True):
    from_port: int
    group: Group
    id: str
    ip_protocol: str
    ip_range: IpRange
    parent_group_id: str | None
    to_port: int


class Group(Body, kw_only=True):
    name: str | UnsetType = UNSET
    tenant_id: str | UnsetType = UNSET


class IpRange(Body, kw_only=True):
    cidr: str | UnsetType = UNSET


class Rule(Body, kw_only=True):
    from_port: int | None
    group: Group
    id: str
    ip_protocol: str | None
    ip_range: IpRange
    parent_group_id: str | None
    to_port: int | None


class Server(Body, kw_only=True):
    os_dcf_diskconfig: str = field(name="OS-DCF:diskConfig")
    admin_pass: str = field(name="adminPass")
    id: str
    links: list[Link]
    security_groups: list[SecurityGroupSummary]


class Link(Body, kw_only=True):
    href: str
    rel: str


class SecurityGroupSummary(Body, kw_only=True):
    name: str


class ServerSummary(Body, kw_only=True):
    os_dcf_diskconfig: str = field(name="OS-DCF:diskConfig")
    os_ext_az_availability_zone: str | UnsetType = field(
        name="OS-EXT-AZ:availability_zone", default=UNSET
    )
    os_ext_srv_attr_host: str | UnsetType | None = field(name="OS-EXT-SRV-ATTR:host", default=UNSET)
    os_ext_srv_attr_hostname: str | UnsetType = field(
        name="OS-EXT-SRV-ATTR:hostname", default=UNSET
    )
    os_ext_srv_attr_hypervisor_hostname: str | UnsetType | None = field(
        name="OS-EXT-SRV-ATTR:hypervisor_hostname", default=UNSET
    )
    os_ext_srv_attr_instance_name: str | UnsetType = field(
        name="OS-EXT-SRV-ATTR:instance_name", default=UNSET
    )
    os_ext_srv_attr_kernel_id: str | UnsetType | None = field(
        name="OS-EXT-SRV-ATTR:kernel_id", default=UNSET
    )
    os_ext_srv_attr_launch_index: int | UnsetType = field(
        name="OS-EXT-SRV-ATTR:launch_index", default=UNSET
    )
    os_ext_srv_attr_ramdisk_id: str | UnsetType | None = field(
        name="OS-EXT-SRV-ATTR:ramdisk_id", default=UNSET
    )
    os_ext_srv_attr_reservation_id: str | UnsetType | None = field(
        name="OS-EXT-SRV-ATTR:reservation_id", default=UNSET
    )
    os_ext_srv_attr_root_device_name: str | UnsetType = field(
        name="OS-EXT-SRV-ATTR:root_device_name", default=UNSET
    )
    os_ext_srv_attr_user_data: Any = field(name="OS-EXT-SRV-ATTR:user_data", default=UNSET)
    os_ext_sts_power_state: int | UnsetType = field(name="OS-EXT-STS:power_state", default=UNSET)
    os_ext_sts_task_state: str | UnsetType | None = field(
        name="OS-EXT-STS:task_state", default=UNSET
    )
    os_ext_sts_vm_state: str | UnsetType = field(name="OS-EXT-STS:vm_state", default=UNSET)
    os_srv_usg_launched_at: str | UnsetType | None = field(
        name="OS-SRV-USG:launched_at", default=UNSET
    )
    os_srv_usg_terminated_at: str | UnsetType | None = field(
        name="OS-SRV-USG:terminated_at", default=UNSET
    )
    access_ipv4: str = field(name="accessIPv4")
    access_ipv6: str = field(name="accessIPv6")
    addresses: dict[str, list[AddressValue]]
    config_drive: str | UnsetType = UNSET
    created: str
    description: str | UnsetType | None = UNSET
    fault: Fault | UnsetType | None = UNSET
    flavor: Flavor
    host_id: str = field(name="hostId")
    host_status: str | UnsetType = UNSET
    id: str
    image: str | Image
    key_name: Any = UNSET
    links: list[Link]
    locked: bool | UnsetType = UNSET
    locked_reason: str | UnsetType | None = UNSET
    metadata: dict[str, Any]
    name: str
    os_extended_volumes_volumes_attached: list[OsExtendedVolumesVolumesAttached] | UnsetType = (
        field(name="os-extended-volumes:volumes_attached", default=UNSET)
    )
    pinned_availability_zone: str | UnsetType | None = UNSET
    progress: int | UnsetType = UNSET
    scheduler_hints: dict[str, Any] | UnsetType = UNSET
    security_groups: list[SecurityGroupSummary] | UnsetType = UNSET
    server_groups: list[str] | UnsetType = UNSET
    status: str
    tags: list[str] | UnsetType = UNSET
    tenant_id: str
    trusted_image_certificates: Any = UNSET
    updated: str
    user_id: str


class AddressValue(Body, kw_only=True):
    os_ext_ips_mac_mac_addr: str | UnsetType = field(name="OS-EXT-IPS-MAC:mac_addr", default=UNSET)
    os_ext_ips_type: str | UnsetType = field(name="OS-EXT-IPS:type", default=UNSET)
    addr: str
    version: int


class Flavor(Body, kw_only=True):
    os_flv_disabled_disabled: bool | UnsetType = field(
        name="OS-FLV-DISABLED:disabled", default=UNSET
    )
    os_flv_ext_data_ephemeral: int | UnsetType = field(
        name="OS-FLV-EXT-DATA:ephemeral", default=UNSET
    )
    description: str | UnsetType | None = UNSET
    disk: int | UnsetType = UNSET
    ephemeral: int | UnsetType = UNSET
    extra_specs: dict[str, Any] | UnsetType = UNSET
    id: str | UnsetType = UNSET
    links: list[Link] | UnsetType = UNSET
    name: str | UnsetType = UNSET
    original_name: str | UnsetType = UNSET
    os_flavor_access_is_public: bool | UnsetType = field(
        name="os-flavor-access:is_public", default=UNSET
    )
    ram: int | UnsetType = UNSET
    rxtx_factor: float | UnsetType = UNSET
    swap: str | int | UnsetType = UNSET
    vcpus: int | UnsetType = UNSET


class Image(Body, kw_only=True):
    id: str
    links: list[Link]
    properties: dict[str, str] | UnsetType = UNSET


class OsExtendedVolumesVolumesAttached(Body, kw_only=True):
    delete_on_termination: bool | UnsetType = UNSET
    id: str


class Fault(Body, kw_only=True):
    code: int
    created: str
    details: str | UnsetType = UNSET
    message: str


class Version(Body, kw_only=True):
    id: str
    links: list[Link]
    min_version: str
    status: str
    updated: str
    version: str


class ServerPart(Body, kw_only=True):
    id: str
    links: list[Link]
    name: str


class ServersLink(Body, kw_only=True):
    href: str
    rel: str


class VolumeAttachment(Body, kw_only=True):
    delete_on_termination: bool | UnsetType = UNSET
    device: str
    id: str
    server_id: str = field(name="serverId")
    tag: Any = UNSET
    volume_id: str = field(name="volumeId")


class InterfaceAttachment(Body, kw_only=True):
    fixed_ips: list[FixedIp]
    mac_addr: str
    net_id: str | None
    port_id: str | None
    port_state: str
    tag: str | UnsetType | None = UNSET


class FixedIp(Body, kw_only=True):
    ip_address: str
    subnet_id: str | None


class InstanceAction(Body, kw_only=True):
    action: str
    instance_uuid: str
    message: Any
    project_id: str
    request_id: str | None
    start_time: str
    updated_at: str | UnsetType | None = UNSET
    user_id: str


class Limit(Body, kw_only=True):
    absolute: Absolute
    rate: list[Any]


class Absolute(Body, kw_only=True):
    max_image_meta: int | UnsetType = field(name="maxImageMeta", default=UNSET)
    max_personality: int | UnsetType = field(name="maxPersonality", default=UNSET)
    max_personality_size: int | UnsetType = field(name="maxPersonalitySize", default=UNSET)
    max_security_group_rules: int | UnsetType = field(name="maxSecurityGroupRules", default=UNSET)
    max_security_groups: int | UnsetType = field(name="maxSecurityGroups", default=UNSET)
    max_server_group_members: int | UnsetType = field(name="maxServerGroupMembers", default=UNSET)
    max_server_groups: int | UnsetType = field(name="maxServerGroups", default=UNSET)
    max_server_meta: int | UnsetType = field(name="maxServerMeta", default=UNSET)
    max_total_cores: int | UnsetType = field(name="maxTotalCores", default=UNSET)
    max_total_floating_ips: int | UnsetType = field(name="maxTotalFloatingIps", default=UNSET)
    max_total_instances: int | UnsetType = field(name="maxTotalInstances", default=UNSET)
    max_total_keypairs: int | UnsetType = field(name="maxTotalKeypairs", default=UNSET)
    max_total_ramsize: int | UnsetType = field(name="maxTotalRAMSize", default=UNSET)
    total_cores_used: int | UnsetType = field(name="totalCoresUsed", default=UNSET)
    total_floating_ips_used: int | UnsetType = field(name="totalFloatingIpsUsed", default=UNSET)
    total_instances_used: int | UnsetType = field(name="totalInstancesUsed", default=UNSET)
    total_ramused: int | UnsetType = field(name="totalRAMUsed", default=UNSET)
    total_security_groups_used: int | UnsetType = field(
        name="totalSecurityGroupsUsed", default=UNSET
    )
    total_server_groups_used: int | UnsetType = field(name="totalServerGroupsUsed", default=UNSET)


class FlavorSummary(Body, kw_only=True):
    description: str | UnsetType | None = UNSET
    id: str
    links: list[Link]
    name: str


class FlavorAccess(Body, kw_only=True):
    flavor_id: str | None
    tenant_id: str


class Keypair(Body, kw_only=True):
    fingerprint: str
    name: str
    private_key: str | UnsetType = UNSET
    public_key: str
    type: str | UnsetType = UNSET
    user_id: str | UnsetType = UNSET


class KeypairSummary(Body, kw_only=True):
    keypair: Keypair


class QuotaSet(Body, kw_only=True):
    id: str | UnsetType = UNSET
    cores: int
    fixed_ips: int | UnsetType = UNSET
    floating_ips: int | UnsetType = UNSET
    injected_file_content_bytes: int | UnsetType = UNSET
    injected_file_path_bytes: int | UnsetType = UNSET
    injected_files: int | UnsetType = UNSET
    instances: int
    key_pairs: int
    metadata_items: int
    ram: int
    security_group_rules: int | UnsetType = UNSET
    security_groups: int | UnsetType = UNSET
    server_group_members: int
    server_groups: int


class Hypervisor(Body, kw_only=True):
    cpu_info: CpuInfo | str | UnsetType = UNSET
    current_workload: int | UnsetType = UNSET
    disk_available_least: int | UnsetType = UNSET
    free_disk_gb: int | UnsetType = UNSET
    free_ram_mb: int | UnsetType = UNSET
    host_ip: str
    hypervisor_hostname: str
    hypervisor_type: str
    hypervisor_version: int
    id: str | int
    local_gb: int | UnsetType = UNSET
    local_gb_used: int | UnsetType = UNSET
    memory_mb: int | UnsetType = UNSET
    memory_mb_used: int | UnsetType = UNSET
    running_vms: int | UnsetType = UNSET
    service: Service
    state: str
    status: str
    uptime: str | UnsetType | None = UNSET
    vcpus: int | UnsetType = UNSET
    vcpus_used: int | UnsetType = UNSET


class CpuInfo(Body, kw_only=True):
    arch: str
    features: list[Any]
    model: str


class Service(Body, kw_only=True):
    binary: str | UnsetType = UNSET
    disabled_reason: str | None
    forced_down: bool | UnsetType = UNSET
    host: str
    id: str | int
    state: str | UnsetType = UNSET
    status: str | UnsetType = UNSET
    updated_at: str | UnsetType | None = UNSET
    zone: str | UnsetType = UNSET


class HypervisorsLink(Body, kw_only=True):
    href: str
    rel: str


class AvailabilityZoneInfo(Body, kw_only=True):
    hosts: dict[str, dict[str, ServiceState]] | None
    """host → service → how it is"""
    zone_name: str = field(name="zoneName")
    zone_state: ZoneState = field(name="zoneState")


class ServiceState(Body, kw_only=True):
    active: bool
    available: bool
    updated_at: str | None


class ZoneState(Body, kw_only=True):
    available: bool


class Aggregate(Body, kw_only=True):
    availability_zone: str | None
    created_at: str | None
    deleted: bool
    deleted_at: str | None
    hosts: list[str] | UnsetType = UNSET
    id: int
    metadata: dict[str, Any] | UnsetType = UNSET
    name: str
    updated_at: str | None
    uuid: str | UnsetType = UNSET


class ServerGroup(Body, kw_only=True):
    id: str
    members: list[Any]
    metadata: dict[str, Any] | UnsetType = UNSET
    name: str
    policies: list[str] | UnsetType = UNSET
    policy: str | UnsetType = UNSET
    project_id: str | UnsetType = UNSET
    rules: dict[str, Any] | UnsetType = UNSET
    user_id: str | UnsetType = UNSET


class SecurityGroupAnswer(Body, kw_only=True):
    security_group: SecurityGroup


class SecurityGroupRuleAnswer(Body, kw_only=True):
    security_group_rule: SecurityGroupRule


class SecurityGroupsAnswer(Body, kw_only=True):
    security_groups: list[SecurityGroup]


class ServerAnswer(Body, kw_only=True):
    server: Server


class ShownServerAnswer(Body, kw_only=True):
    server: ServerSummary


class SetServerAnswer(Body, kw_only=True):
    server: ServerSummary


class VersionsAnswer(Body, kw_only=True):
    versions: list[Version]


class ServersAnswer(Body, kw_only=True):
    servers: list[ServerPart]
    servers_links: list[ServersLink] | UnsetType = UNSET


class OutputAnswer(Body, kw_only=True):
    output: str


class VolumeAttachmentAnswer(Body, kw_only=True):
    volume_attachment: VolumeAttachment = field(name="volumeAttachment")


class VolumeAttachmentsAnswer(Body, kw_only=True):
    volume_attachments: list[VolumeAttachment] = field(name="volumeAttachments")


class InterfaceAttachmentAnswer(Body, kw_only=True):
    interface_attachment: InterfaceAttachment = field(name="interfaceAttachment")


class InterfaceAttachmentsAnswer(Body, kw_only=True):
    interface_attachments: list[InterfaceAttachment] = field(name="interfaceAttachments")


class InstanceActionsAnswer(Body, kw_only=True):
    instance_actions: list[InstanceAction] = field(name="instanceActions")
    links: list[Link] | UnsetType = UNSET


class LimitsAnswer(Body, kw_only=True):
    limits: Limit


class ServersDetailAnswer(Body, kw_only=True):
    servers: list[ServerSummary]
    servers_links: list[ServersLink] | UnsetType = UNSET


class FlavorsAnswer(Body, kw_only=True):
    flavors: list[FlavorSummary]
    flavors_links: list[ServersLink] | UnsetType = UNSET


class FlavorAnswer(Body, kw_only=True):
    flavor: Flavor


class FlavorAccessAnswer(Body, kw_only=True):
    flavor_access: list[FlavorAccess]


class ShownKeypair(Keypair, kw_only=True):
    created_at: str
    deleted: bool
    deleted_at: str | None
    id: int
    updated_at: str | None


class ShownKeypairAnswer(Body, kw_only=True):
    keypair: ShownKeypair


class KeypairAnswer(Body, kw_only=True):
    keypair: Keypair


class KeypairsAnswer(Body, kw_only=True):
    keypairs: list[KeypairSummary]


class QuotaSetAnswer(Body, kw_only=True):
    quota_set: QuotaSet


class HypervisorsAnswer(Body, kw_only=True):
    hypervisors: list[Hypervisor]
    hypervisors_links: list[HypervisorsLink] | UnsetType = UNSET


class ServicesAnswer(Body, kw_only=True):
    services: list[Service]


class ServiceAnswer(Body, kw_only=True):
    service: Service


class AvailabilityZoneInfoAnswer(Body, kw_only=True):
    availability_zone_info: list[AvailabilityZoneInfo] = field(name="availabilityZoneInfo")


class AggregateAnswer(Body, kw_only=True):
    aggregate: Aggregate


class ServerGroupAnswer(Body, kw_only=True):
    server_group: ServerGroup


class AddressesAnswer(Body, kw_only=True):
    addresses: dict[str, list[AddressValue]]
