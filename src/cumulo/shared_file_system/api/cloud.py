"""What operators and clients ask about the service itself: zones, services, pools."""

from typing import Annotated, Any

from msgspec import UNSET

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.hosts.registry import is_alive
from cumulo.core.http.operations import Call, Operation
from cumulo.core.ids import child_id
from cumulo.core.wire.shapes import Body, Since, Unset
from cumulo.shared_file_system.api.lists import renamed
from cumulo.shared_file_system.model.pool import OVERSUBSCRIPTION, PoolRow
from cumulo.shared_file_system.service.pools import KIND, ZONE
from cumulo.shared_file_system.service.shared_file_system import SharedFileSystemService

_BINARIES = ("manila-scheduler", "manila-share")


class Zone(Body):
    id: str
    name: str
    created_at: str
    updated_at: str | None


class Zones(Body):
    availability_zones: list[Zone]


class ServiceBody(Body):
    id: int
    binary: str
    host: str
    zone: str
    status: str
    state: str
    updated_at: str | None


class Services(Body):
    services: list[ServiceBody]


class ServiceName(Body):
    host: str
    binary: str = "manila-share"


class Switched(Body):
    host: str
    binary: str
    disabled: bool


class Pool(Body):
    name: str
    host: str
    backend: str
    pool: str
    capabilities: Any | Unset = UNSET


class Pools(Body):
    pools: list[Pool]


class Capabilities(Body):
    share_backend_name: str
    vendor_name: str
    driver_version: str
    storage_protocol: str
    pool_name: str
    total_capacity_gb: int
    free_capacity_gb: int
    allocated_capacity_gb: int
    provisioned_capacity_gb: int
    max_over_subscription_ratio: float
    reserved_percentage: int
    thin_provisioning: bool
    driver_handles_share_servers: bool
    qos: bool
    timestamp: str
    why_down: str | None
    """Why it keeps no shares"""
    ipv4_support: bool
    ipv6_support: bool
    snapshot_support: Annotated[bool, Since("2.2")] = True
    create_share_from_snapshot_support: Annotated[bool, Since("2.24")] = True
    revert_to_snapshot_support: Annotated[bool, Since("2.27")] = False
    mount_snapshot_support: Annotated[bool, Since("2.32")] = False
    replication_type: Annotated[str | None, Since("2.11")] = None


class CloudApi:
    def __init__(self, service: SharedFileSystemService) -> None:
        self._service = service

    def operations(self) -> list[Operation]:
        pools, rule = "/scheduler-stats/pools", "scheduler_stats:pools:"
        switch: dict[str, Any] = {"body": ServiceName, "response": Switched}
        return [
            *renamed("GET", "/os-availability-zone", "/availability-zones", self.zones,
                     "availability_zone:index", response=Zones),
            *renamed("GET", "/os-services", "/services", self.services, "service:index",
                     response=Services),
            *renamed("PUT", "/os-services/enable", "/services/enable", self.enable,
                     "service:update", **switch),
            *renamed("PUT", "/os-services/disable", "/services/disable", self.disable,
                     "service:update", **switch),
            Operation("GET", pools, self.pools, policy=f"{rule}index", response=Pools),
            Operation("GET", f"{pools}/detail", self.detail, policy=f"{rule}detail",
                      response=Pools),
        ]  # fmt: skip

    def zones(self, call: Call, tx: Tx) -> Any:
        hosts = self._hosts(tx)
        since = min((host.created_at for host in hosts), default=tx.now)
        zone = Zone(
            id=child_id("cumulo", "share_zone"), name=ZONE, created_at=since, updated_at=None
        )
        return Zones(availability_zones=[zone])

    def _hosts(self, tx: Tx) -> list[Any]:
        return [host for host in self._service.registry.all(tx) if KIND in host.roles]

    def services(self, call: Call, tx: Tx) -> Any:
        faults = {pool.host_id: pool.fault for pool in self._service.pools.all(tx)}
        found: list[ServiceBody] = []
        for host in self._hosts(tx):
            for binary in _BINARIES:
                share = binary == "manila-share"
                works = is_alive(host, tx.now) and not (share and faults.get(host.id))
                body = ServiceBody(
                    id=len(found) + 1,
                    binary=binary,
                    host=f"{host.id}@local" if share else host.id,
                    zone=ZONE,
                    status="enabled" if host.enabled else "disabled",
                    state="up" if works else "down",
                    updated_at=host.last_seen,
                )
                found.append(body)
        for name in ("host", "binary", "zone", "status", "state"):
            wanted = call.query.get(name)
            if wanted is not None:
                found = [body for body in found if getattr(body, name) == wanted]
        return Services(services=found)

    def enable(self, call: Call, tx: Tx) -> Any:
        return self._set(call, tx, True)

    def disable(self, call: Call, tx: Tx) -> Any:
        return self._set(call, tx, False)

    def _set(self, call: Call, tx: Tx, enabled: bool) -> Any:
        name, binary = call.body.host.partition("@")[0], call.body.binary
        if name not in [host.id for host in self._hosts(tx)] or binary not in _BINARIES:
            raise NotFound(f"Service {binary} could not be found on host {name}.")
        if binary != "manila-share":
            raise BadRequest(f"{binary} is part of the API here: it has no switch of its own.")
        self._service.registry.enable(tx, name, enabled)
        return Switched(host=call.body.host, binary=binary, disabled=not enabled)

    def pools(self, call: Call, tx: Tx) -> Any:
        return Pools(pools=[_pool(row) for row in self._fitting(call, tx)])

    def detail(self, call: Call, tx: Tx) -> Any:
        found = []
        for row in self._fitting(call, tx):
            body = _pool(row)
            body.capabilities = _about(row)
            found.append(body)
        return Pools(pools=found)

    def _fitting(self, call: Call, tx: Tx) -> list[PoolRow]:
        rows = list(self._service.pools.all(tx))
        for name, of in (("host", lambda p: p.host_id), ("pool", lambda p: "local"),
                         ("backend", lambda p: "local")):  # fmt: skip
            wanted = call.query.get(name)
            if wanted not in (None, ".*"):
                rows = [row for row in rows if of(row) == wanted]
        return rows


def _pool(row: PoolRow) -> Pool:
    return Pool(name=f"{row.host_id}@local#local", host=row.host_id, backend="local", pool="local")


def _about(row: PoolRow) -> Capabilities:
    return Capabilities(
        share_backend_name="local",
        vendor_name="Cumulo",
        driver_version="1",
        storage_protocol="NFS",
        pool_name="local",
        total_capacity_gb=row.total_gb or 0,
        free_capacity_gb=row.free_gb,
        allocated_capacity_gb=row.allocated_gb,
        provisioned_capacity_gb=row.allocated_gb,
        max_over_subscription_ratio=float(OVERSUBSCRIPTION),
        reserved_percentage=0,
        thin_provisioning=True,
        driver_handles_share_servers=True,
        qos=False,
        timestamp=row.updated_at,
        why_down=row.fault,
        ipv4_support=True,
        ipv6_support=True,
    )
