"""What operators and clients ask about the service itself: zones, services, hosts, pools."""

from typing import Any

from cumulo.block_storage.api.filters import FILTERS
from cumulo.block_storage.api.services import BINARIES
from cumulo.block_storage.model.pool import CAPABILITIES, OVERSUBSCRIPTION, PoolRow
from cumulo.block_storage.service.block_storage import BlockStorageService
from cumulo.block_storage.service.volumes import ZONE
from cumulo.core.db.transaction import Tx
from cumulo.core.hosts.registry import is_alive
from cumulo.core.http.operations import Call, Operation
from cumulo.core.wire.coercions import as_bool

_EXTENSIONS = {
    "backups": "Backups",
    "consistencygroups": "Consistencygroups",
    "cgsnapshots": "Cgsnapshots",
    "os-quota-sets": "Quotas",
    "os-availability-zone": "AvailabilityZones",
    "os-services": "Services",
    "os-hosts": "Hosts",
    "os-volume-actions": "VolumeActions",
    "os-admin-actions": "AdminActions",
    "os-types-extra-specs": "TypesExtraSpecs",
    "os-vol-image-meta": "VolumeImageMetadata",
    "os-used-limits": "UsedLimits",
    "scheduler-stats": "Scheduler_stats",
}

_PROPERTIES = {
    "thin_provisioning_support": {
        "title": "Thin Provisioning",
        "description": "Volumes take the room that is written, and no more.",
        "type": "boolean",
    },
    "multiattach": {
        "title": "Multiattach",
        "description": "Several servers may have a volume.",
        "type": "boolean",
    },
}


class CloudApi:
    def __init__(self, storage: BlockStorageService) -> None:
        self._storage = storage

    def operations(self) -> list[Operation]:
        hosts = "volume_extension:hosts"
        zones, pools = "availability_zone_list", "scheduler_extension:scheduler_stats:get_pools"
        return [
            Operation(
                "GET", "/os-availability-zone", self.zones, policy=f"volume_extension:{zones}"
            ),
            Operation(
                "GET", "/extensions", self.extensions, policy="volume_extension:list_extensions"
            ),
            Operation("GET", "/os-hosts", self.hosts, policy=hosts),
            Operation("GET", "/os-hosts/{host_name}", self.host, policy=hosts),
            Operation("GET", "/scheduler-stats/get_pools", self.pools, policy=pools),
            Operation(
                "GET",
                "/capabilities/{host_name}",
                self.capabilities,
                policy="volume_extension:capabilities",
            ),
            Operation("GET", "/resource_filters", self.filters, since="3.33"),
        ]

    def zones(self, call: Call, tx: Tx) -> Any:
        state = {"available": True}
        return {"availabilityZoneInfo": [{"zoneName": ZONE, "zoneState": state, "hosts": None}]}

    def extensions(self, call: Call, tx: Tx) -> Any:
        return {
            "extensions": [
                {
                    "alias": alias,
                    "name": name,
                    "description": f"{name} support.",
                    "updated": "2026-01-01T00:00:00+00:00",
                    "links": [],
                }
                for alias, name in _EXTENSIONS.items()
            ]
        }

    def hosts(self, call: Call, tx: Tx) -> Any:
        return {
            "hosts": [
                {
                    "host_name": f"{host.id}@file" if binary == "cinder-volume" else host.id,
                    "service": binary,
                    "zone": ZONE,
                    "service-status": "available" if is_alive(host, tx.now) else "unavailable",
                    "service-state": "enabled" if host.enabled else "disabled",
                    "last-update": host.last_seen,
                }
                for host in self._storage.services.hosts(tx)
                for binary in BINARIES
            ]
        }

    def host(self, call: Call, tx: Tx) -> Any:
        name = self._storage.services.host(tx, call.path["host_name"]).id
        per_project = self._storage.volumes.on_host(tx, name)
        total = (sum(count for _, count, _ in per_project), sum(gb for _, _, gb in per_project))
        rows = [("(total)", *total), *per_project]
        return {
            "host": [
                {
                    "resource": {
                        "host": call.path["host_name"],
                        "project": project,
                        "volume_count": str(count),
                        "total_volume_gb": str(gb),
                        "snapshot_count": "0",
                        "total_snapshot_gb": "0",
                    }
                }
                for project, count, gb in rows
            ]
        }

    def capabilities(self, call: Call, tx: Tx) -> Any:
        """Of a back end, with what a type's extra specs may ask of it."""
        host = self._storage.services.host(tx, call.path["host_name"])
        return {
            "namespace": f"OS::Storage::Capabilities::{host.id}@file",
            "vendor_name": CAPABILITIES["vendor_name"],
            "volume_backend_name": CAPABILITIES["volume_backend_name"],
            "pool_name": "file",
            "driver_version": CAPABILITIES["driver_version"],
            "storage_protocol": CAPABILITIES["storage_protocol"],
            "display_name": None,
            "description": None,
            "visibility": "public",
            "replication_targets": [],
            "properties": _PROPERTIES,
        }

    def filters(self, call: Call, tx: Tx) -> Any:
        wanted = call.query.get("resource")
        return {
            "resource_filters": [
                {"resource": resource, "filters": list(names)}
                for resource, names in FILTERS.items()
                if wanted in (None, resource)
            ]
        }

    def pools(self, call: Call, tx: Tx) -> Any:
        detail = as_bool(call.query.get("detail", "false") or "false", "detail")
        return {
            "pools": [
                {
                    "name": f"{pool.host_id}@file#file",
                    **({"capabilities": about(pool)} if detail else {}),
                }
                for pool in self._storage.pools.all(tx)
            ]
        }


def about(pool: PoolRow) -> dict[str, Any]:
    return {
        **CAPABILITIES,
        "total_capacity_gb": pool.total_gb or 0,
        "free_capacity_gb": pool.free_gb,
        "provisioned_capacity_gb": pool.allocated_gb,
        "allocated_capacity_gb": pool.allocated_gb,
        "max_over_subscription_ratio": str(OVERSUBSCRIPTION),
        "reserved_percentage": 0,
        "timestamp": pool.updated_at,
    }
