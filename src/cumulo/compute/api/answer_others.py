"""Bodies of answers about discovery, consoles, diagnostics, hosts, and what belongs to other
services: see `answers`."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType, field

from cumulo.compute.api.answer_items import Extension, Link
from cumulo.core.http.responses import Octets
from cumulo.core.wire.shapes import Body


class MediaType(Body, kw_only=True):
    base: str
    type: str


class ApiVersion(Body, kw_only=True):
    id: str
    links: list[Link]
    media_types: list[MediaType] | UnsetType = field(name="media-types", default=UNSET)
    min_version: str
    status: str
    updated: str
    version: str


class ApiVersionsAnswer(Body, kw_only=True):
    versions: list[ApiVersion]


class ApiVersionAnswer(Body, kw_only=True):
    version: ApiVersion


class ExtensionAnswer(Body, kw_only=True):
    extension: Extension


class CpuDetail(Body, kw_only=True):
    id: int
    time: int | None
    utilisation: int | None


class DiskDetail(Body, kw_only=True):
    errors_count: int | None
    read_bytes: int
    read_requests: int
    write_bytes: int
    write_requests: int


class NicDetail(Body, kw_only=True):
    mac_address: str
    rx_drop: int | None
    rx_errors: int | None
    rx_octets: int | None
    rx_packets: int | None
    rx_rate: int | None
    tx_drop: int | None
    tx_errors: int | None
    tx_octets: int | None
    tx_packets: int | None
    tx_rate: int | None


class MemoryDetail(Body, kw_only=True):
    maximum: int
    used: int | None


class DiagnosticsAnswer(Body, kw_only=True):
    config_drive: bool
    cpu_details: list[CpuDetail]
    disk_details: list[DiskDetail]
    driver: str
    hypervisor: str
    hypervisor_os: str
    memory_details: MemoryDetail
    nic_details: list[NicDetail]
    num_cpus: int
    num_disks: int
    num_nics: int
    state: str
    uptime: int | None


class ActionEvent(Body, kw_only=True):
    details: str | UnsetType | None = UNSET
    event: str
    finish_time: str | None
    host: str | UnsetType | None = UNSET
    hostId: str | UnsetType = UNSET
    result: str | None
    start_time: str
    traceback: str | UnsetType | None = UNSET


class ShownAction(Body, kw_only=True):
    action: str
    events: list[ActionEvent] | UnsetType = UNSET
    instance_uuid: str
    message: str | None
    project_id: str
    request_id: str
    start_time: str
    updated_at: str | UnsetType | None = UNSET
    user_id: str


class InstanceActionAnswer(Body, kw_only=True):
    instance_action: ShownAction = field(name="instanceAction")


class OldConsole(Body, kw_only=True):
    type: str
    url: str


class OldConsoleAnswer(Body, kw_only=True):
    console: OldConsole


class ConsolePlace(Body, kw_only=True):
    host: str | None
    instance_uuid: str
    internal_access_path: str | None
    port: int


class ConsolePlaceAnswer(Body, kw_only=True):
    console: ConsolePlace


class ServerOfHypervisor(Body, kw_only=True):
    name: str
    uuid: str


class FoundHypervisor(Body, kw_only=True):
    hypervisor_hostname: str
    id: int | str
    servers: list[ServerOfHypervisor] | UnsetType = UNSET
    state: str
    status: str


class FoundHypervisorsAnswer(Body, kw_only=True):
    hypervisors: list[FoundHypervisor]


class ChangedService(Body, kw_only=True):
    binary: str
    disabled_reason: str | UnsetType | None = UNSET
    forced_down: bool | UnsetType = UNSET
    host: str
    status: str | UnsetType = UNSET


class ChangedServiceAnswer(Body, kw_only=True):
    service: ChangedService


class ChangedHostAnswer(Body, kw_only=True):
    host: str
    status: str


class AuditOfHost(Body, kw_only=True):
    errors: int
    instances: int
    message: str
    state: str


class Audit(Body, kw_only=True):
    hosts_not_run: list[str]
    log: dict[str, AuditOfHost]
    num_hosts: int
    num_hosts_done: int
    num_hosts_not_run: int
    num_hosts_running: int
    overall_status: str
    period_beginning: str
    period_ending: str
    total_errors: int
    total_instances: int


class AuditsAnswer(Body, kw_only=True):
    instance_usage_audit_logs: Audit


class AuditAnswer(Body, kw_only=True):
    instance_usage_audit_log: Audit


class MetaAnswer(Body, kw_only=True):
    meta: dict[str, str]


class ExtraSpecsAnswer(Body, kw_only=True):
    extra_specs: dict[str, str]


class NetworkOfOld(Body, kw_only=True):
    """What only nova-network knew of one is null."""

    id: str
    label: str
    bridge: UnsetType | None = UNSET
    bridge_interface: UnsetType | None = UNSET
    broadcast: None
    cidr: None
    cidr_v6: None
    created_at: UnsetType | None = UNSET
    deleted: UnsetType | None = UNSET
    deleted_at: UnsetType | None = UNSET
    dhcp_server: UnsetType | None = UNSET
    dhcp_start: UnsetType | None = UNSET
    dns1: None
    dns2: None
    enable_dhcp: UnsetType | None = UNSET
    gateway: None
    gateway_v6: None
    host: UnsetType | None = UNSET
    injected: UnsetType | None = UNSET
    mtu: UnsetType | None = UNSET
    multi_host: UnsetType | None = UNSET
    netmask: None
    netmask_v6: None
    priority: UnsetType | None = UNSET
    project_id: UnsetType | None = UNSET
    rxtx_base: UnsetType | None = UNSET
    share_address: UnsetType | None = UNSET
    updated_at: UnsetType | None = UNSET
    vlan: UnsetType | None = UNSET
    vpn_private_address: UnsetType | None = UNSET
    vpn_public_address: UnsetType | None = UNSET
    vpn_public_port: UnsetType | None = UNSET


class OldNetworkAnswer(Body, kw_only=True):
    network: NetworkOfOld


class OldNetworksAnswer(Body, kw_only=True):
    networks: list[NetworkOfOld]


class TenantNetwork(Body, kw_only=True):
    cidr: str
    id: str
    label: str


class TenantNetworkAnswer(Body, kw_only=True):
    network: TenantNetwork


class OldSnapshot(Body, kw_only=True):
    createdAt: str
    displayDescription: str | None
    displayName: str | None
    id: str
    size: int
    status: str
    volumeId: str


class OldSnapshotAnswer(Body, kw_only=True):
    snapshot: OldSnapshot


class OldSnapshotsAnswer(Body, kw_only=True):
    snapshots: list[OldSnapshot]


class NodeInterface(Body, kw_only=True):
    address: str


class OldNode(Body, kw_only=True):
    cpus: str
    disk_gb: str
    host: str
    id: str
    instance_uuid: str | None
    interfaces: list[NodeInterface]
    memory_mb: str
    task_state: str | None


class OldNodeAnswer(Body, kw_only=True):
    node: OldNode


class OldNodesAnswer(Body, kw_only=True):
    nodes: list[OldNode]


ANSWERS: dict[str, Any] = {
    "GET ": ApiVersionsAnswer,
    "GET /v2": ApiVersionAnswer,
    "GET /v2.1": ApiVersionAnswer,
    "GET /vnc.html": Octets,
    "GET /spice/{file:raw}": Octets,
}
"""Of what needs no token."""
