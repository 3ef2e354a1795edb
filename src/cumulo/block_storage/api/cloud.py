"""What operators and clients ask about the service itself: zones, services, hosts, pools."""

from typing import Any

from cumulo.block_storage.model.pool import CAPABILITIES, OVERSUBSCRIPTION, PoolRow
from cumulo.block_storage.service.block_storage import BlockStorageService
from cumulo.block_storage.service.pools import KIND
from cumulo.block_storage.service.volumes import ZONE
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.hosts.registry import is_alive
from cumulo.core.http.operations import Call, Operation
from cumulo.core.wire.coercions import as_bool
from cumulo.core.wire.shapes import StrictBody

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

_BINARIES = ("cinder-scheduler", "cinder-volume")


class ServiceName(StrictBody):
    host: str
    binary: str = "cinder-volume"
    disabled_reason: str | None = None


class CloudApi:
    def __init__(self, storage: BlockStorageService) -> None:
        self._storage = storage

    def operations(self) -> list[Operation]:
        services, hosts = "volume_extension:services", "volume_extension:hosts"
        zones, pools = "availability_zone_list", "scheduler_extension:scheduler_stats:get_pools"
        return [
            Operation(
                "GET", "/os-availability-zone", self.zones, policy=f"volume_extension:{zones}"
            ),
            Operation(
                "GET", "/extensions", self.extensions, policy="volume_extension:list_extensions"
            ),
            Operation("GET", "/os-services", self.services, policy=f"{services}:index"),
            Operation(
                "PUT",
                "/os-services/enable",
                self.enable,
                policy=f"{services}:update",
                body=ServiceName,
            ),
            Operation(
                "PUT",
                "/os-services/disable",
                self.disable,
                policy=f"{services}:update",
                body=ServiceName,
            ),
            Operation("GET", "/os-hosts", self.hosts, policy=hosts),
            Operation("GET", "/os-hosts/{host_name}", self.host, policy=hosts),
            Operation("GET", "/scheduler-stats/get_pools", self.pools, policy=pools),
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

    def _hosts(self, tx: Tx) -> list[Any]:
        return [host for host in self._storage.registry.all(tx) if KIND in host.roles]

    def services(self, call: Call, tx: Tx) -> Any:
        found = []
        for host in self._hosts(tx):
            state = "up" if is_alive(host, tx.now) else "down"
            for binary in _BINARIES:
                volume = binary == "cinder-volume"
                entry: dict[str, Any] = {
                    "binary": binary,
                    "host": f"{host.id}@file" if volume else host.id,
                    "zone": ZONE,
                    "status": "enabled" if host.enabled else "disabled",
                    "state": state,
                    "updated_at": host.last_seen,
                    "disabled_reason": None,
                }
                if volume:
                    entry |= {
                        "frozen": False,
                        "replication_status": "not-capable",
                        "active_backend_id": None,
                    }
                found.append(entry)
        for name in ("host", "binary"):
            wanted = call.query.get(name)
            if wanted is not None:
                found = [entry for entry in found if wanted in (entry[name], entry[name][:-5])]
        return {"services": found}

    def enable(self, call: Call, tx: Tx) -> Any:
        return self._set(call, tx, True)

    def disable(self, call: Call, tx: Tx) -> Any:
        return self._set(call, tx, False)

    def _set(self, call: Call, tx: Tx, enabled: bool) -> Any:
        name = call.body.host.partition("@")[0]
        binary = call.body.binary
        if name not in [host.id for host in self._hosts(tx)] or binary not in _BINARIES:
            raise NotFound(f"Service {binary} could not be found on host {name}.")
        if binary != "cinder-volume":
            raise BadRequest(f"{binary} is part of the API here: it has no switch of its own.")
        self._storage.registry.enable(tx, name, enabled)
        status = "enabled" if enabled else "disabled"
        body = {
            "host": call.body.host,
            "service": "",
            "binary": call.body.binary,
            "disabled": not enabled,
            "status": status,
        }
        return {**body, "disabled_reason": None} if enabled else body

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
                for host in self._hosts(tx)
                for binary in _BINARIES
            ]
        }

    def host(self, call: Call, tx: Tx) -> Any:
        name = call.path["host_name"].partition("@")[0]
        if name not in [host.id for host in self._hosts(tx)]:
            raise NotFound(f"Host {name} could not be found.")
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
