"""What DNS answers, operation by operation: see `core.http.responses`."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType

from cumulo.core.http.responses import Empty, Octets
from cumulo.core.wire.shapes import Body


class Link(Body, kw_only=True):
    href: str
    rel: str


class Version(Body, kw_only=True):
    id: str
    links: list[Link]
    status: str
    updated: str


class VersionsAnswer(Body, kw_only=True):
    versions: list[Version]


class Links(Body, kw_only=True):
    next: str | UnsetType = UNSET
    self: str


class Zone(Body, kw_only=True):
    action: str
    attributes: dict[str, Any]
    created_at: str
    description: str | None
    email: str
    id: str
    links: Links
    masters: list[Any]
    name: str
    pool_id: str
    project_id: str
    serial: int
    shared: bool
    status: str
    transferred_at: Any
    ttl: int
    type: str
    updated_at: str | None
    version: int


class ZonesAnswer(Body, kw_only=True):
    links: Links
    metadata: dict[str, Any]
    zones: list[Zone]


class NsRecord(Body, kw_only=True):
    hostname: str
    priority: int


class NameserversAnswer(Body, kw_only=True):
    nameservers: list[NsRecord]


class Recordset(Body, kw_only=True):
    action: str
    created_at: str
    description: str | None
    id: str
    links: Links
    name: str
    project_id: str
    records: list[str]
    status: str
    ttl: int | None
    type: str
    updated_at: str | None
    version: int
    zone_id: str
    zone_name: str


class RecordsetsAnswer(Body, kw_only=True):
    links: Links
    metadata: dict[str, Any]
    recordsets: list[Recordset]


class Links2(Body, kw_only=True):
    self: str
    zone: str | UnsetType = UNSET


class SharedZone(Body, kw_only=True):
    created_at: str
    id: str
    links: Links2
    project_id: str
    target_project_id: str
    updated_at: Any
    zone_id: str


class SharesAnswer(Body, kw_only=True):
    links: Links
    metadata: dict[str, Any]
    shared_zones: list[SharedZone]


class TransferRequest(Body, kw_only=True):
    created_at: str
    description: str | None
    id: str
    key: str
    links: Links
    project_id: str
    status: str
    target_project_id: str | None
    updated_at: str | None
    zone_id: str
    zone_name: str


class TransferRequestsAnswer(Body, kw_only=True):
    links: Links
    metadata: dict[str, Any]
    transfer_requests: list[TransferRequest]


class TransferAccept(Body, kw_only=True):
    created_at: str
    id: str
    key: str
    links: Links2
    project_id: str
    status: str
    updated_at: Any
    zone_id: str
    zone_transfer_request_id: str


class TransferAcceptsAnswer(Body, kw_only=True):
    links: Links
    metadata: dict[str, Any]
    transfer_accepts: list[TransferAccept]


class ImportLinks(Body, kw_only=True):
    self: str
    zone: str | UnsetType = UNSET
    export: str | UnsetType = UNSET


class Import(Body, kw_only=True):
    created_at: str
    id: str
    links: ImportLinks
    location: str | UnsetType | None = UNSET
    message: str | None
    project_id: str
    status: str
    updated_at: str | None
    version: int
    zone_id: str | None


class ImportsAnswer(Body, kw_only=True):
    imports: list[Import]
    links: Links
    metadata: dict[str, Any]


class ExportsAnswer(Body, kw_only=True):
    exports: list[Import]
    links: Links
    metadata: dict[str, Any]


class Tld(Body, kw_only=True):
    created_at: str
    description: str | None
    id: str
    links: Links
    name: str
    updated_at: str | None


class TldsAnswer(Body, kw_only=True):
    links: Links
    metadata: dict[str, Any]
    tlds: list[Tld]


class Blacklist(Body, kw_only=True):
    created_at: str
    description: str | None
    id: str
    links: Links
    pattern: str
    updated_at: str | None


class BlacklistsAnswer(Body, kw_only=True):
    blacklists: list[Blacklist]
    links: Links
    metadata: dict[str, Any]


class Tsigkey(Body, kw_only=True):
    algorithm: str
    created_at: str
    id: str
    links: Links
    name: str
    resource_id: str
    scope: str
    secret: str
    updated_at: str | None


class TsigkeysAnswer(Body, kw_only=True):
    links: Links
    metadata: dict[str, Any]
    tsigkeys: list[Tsigkey]


class LimitsAnswer(Body, kw_only=True):
    max_page_limit: int
    max_recordset_name_length: int
    max_recordset_records: int
    max_zone_name_length: int
    max_zone_records: int
    max_zone_recordsets: int
    max_zones: int
    min_ttl: Any


class QuotasAnswer(Body, kw_only=True):
    api_export_size: int
    recordset_records: int
    zone_records: int
    zone_recordsets: int
    zones: int


class Pool(Body, kw_only=True):
    attributes: dict[str, Any]
    created_at: str
    description: str | None
    id: str
    links: Links
    name: str
    ns_records: list[NsRecord]
    project_id: str | None
    updated_at: str | None


class PoolsAnswer(Body, kw_only=True):
    links: Links
    metadata: dict[str, Any]
    pools: list[Pool]


class Capabilities(Body, kw_only=True):
    address: str | UnsetType = UNSET


class Stats(Body, kw_only=True):
    change: int | UnsetType = UNSET


class ServiceStatuse(Body, kw_only=True):
    capabilities: Capabilities
    created_at: str
    heartbeated_at: str
    hostname: str
    id: str
    links: Links
    service_name: str
    stats: Stats
    status: str
    updated_at: str


class ServiceStatusesAnswer(Body, kw_only=True):
    links: Links
    metadata: dict[str, Any]
    service_statuses: list[ServiceStatuse]


class Floatingip(Body, kw_only=True):
    action: str
    address: str
    description: str | None
    id: str
    links: Links
    ptrdname: str | None
    status: str
    ttl: int | None


class FloatingipsAnswer(Body, kw_only=True):
    floatingips: list[Floatingip]
    links: Links
    metadata: dict[str, Any]


ANSWERS: dict[str, Any] = {
    "DELETE /v2/zones/{zone_id}": Zone,
    "DELETE /v2/zones/{zone_id}/recordsets/{recordset_id}": Recordset,
    "GET ": VersionsAnswer,
    "GET /v2": VersionsAnswer,
    "GET /v2/blacklists": BlacklistsAnswer,
    "GET /v2/blacklists/{id}": Blacklist,
    "GET /v2/limits": LimitsAnswer,
    "GET /v2/pools": PoolsAnswer,
    "GET /v2/pools/{id}": Pool,
    "GET /v2/quotas": QuotasAnswer,
    "GET /v2/quotas/{project}": QuotasAnswer,
    "GET /v2/recordsets": RecordsetsAnswer,
    "GET /v2/recordsets/{recordset_id}": Recordset,
    "GET /v2/reverse/floatingips": FloatingipsAnswer,
    "GET /v2/reverse/floatingips/{key}": Floatingip,
    "GET /v2/service_statuses": ServiceStatusesAnswer,
    "GET /v2/service_statuses/{id}": ServiceStatuse,
    "GET /v2/tlds": TldsAnswer,
    "GET /v2/tlds/{id}": Tld,
    "GET /v2/tsigkeys": TsigkeysAnswer,
    "GET /v2/tsigkeys/{id}": Tsigkey,
    "GET /v2/zones": ZonesAnswer,
    "GET /v2/zones/tasks/exports": ExportsAnswer,
    "GET /v2/zones/tasks/exports/{id}": Import,
    "GET /v2/zones/tasks/exports/{id}/export": Octets,
    "GET /v2/zones/tasks/imports": ImportsAnswer,
    "GET /v2/zones/tasks/imports/{id}": Import,
    "GET /v2/zones/tasks/transfer_accepts": TransferAcceptsAnswer,
    "GET /v2/zones/tasks/transfer_accepts/{id}": TransferAccept,
    "GET /v2/zones/tasks/transfer_requests": TransferRequestsAnswer,
    "GET /v2/zones/tasks/transfer_requests/{id}": TransferRequest,
    "GET /v2/zones/{zone_id}": Zone,
    "GET /v2/zones/{zone_id}/nameservers": NameserversAnswer,
    "GET /v2/zones/{zone_id}/recordsets": RecordsetsAnswer,
    "GET /v2/zones/{zone_id}/recordsets/{recordset_id}": Recordset,
    "GET /v2/zones/{zone_id}/shares": SharesAnswer,
    "GET /v2/zones/{zone_id}/shares/{share_id}": SharedZone,
    "PATCH /v2/blacklists/{id}": Blacklist,
    "PATCH /v2/pools/{id}": Pool,
    "POST /v2/pools": Pool,
    "PATCH /v2/quotas/{project}": QuotasAnswer,
    "PATCH /v2/reverse/floatingips/{key}": Floatingip,
    "PATCH /v2/tlds/{id}": Tld,
    "PATCH /v2/tsigkeys/{id}": Tsigkey,
    "PATCH /v2/zones/tasks/transfer_requests/{id}": TransferRequest,
    "PATCH /v2/zones/{zone_id}": Zone,
    "POST /v2/blacklists": Blacklist,
    "POST /v2/tlds": Tld,
    "POST /v2/tsigkeys": Tsigkey,
    "POST /v2/zones": Zone,
    "POST /v2/zones/tasks/imports": Import,
    "POST /v2/zones/tasks/transfer_accepts": TransferAccept,
    "POST /v2/zones/{zone_id}/recordsets": Recordset,
    "POST /v2/zones/{zone_id}/shares": SharedZone,
    "POST /v2/zones/{zone_id}/tasks/export": Import,
    "POST /v2/zones/{zone_id}/tasks/pool_move": Empty,
    "POST /v2/zones/{zone_id}/tasks/transfer_requests": TransferRequest,
    "POST /v2/zones/{zone_id}/tasks/xfr": Empty,
    "PUT /v2/zones/{zone_id}/recordsets/{recordset_id}": Recordset,
}
