"""What operators and clients ask about the service itself: zones, services, pools."""

from typing import Annotated, Any

from msgspec import UNSET

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.hosts.registry import is_alive
from cumulo.core.http.operations import Call, Operation
from cumulo.core.ids import child_id
from cumulo.core.wire.patterns import BadPattern, Pattern
from cumulo.core.wire.shapes import Body, Since, Unset
from cumulo.shared_file_system.api.lists import Text255, renamed
from cumulo.shared_file_system.model.capabilities import OF_POOLS, lacks
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


class Extensions(Body):
    extensions: list[dict[str, Any]]


class ServiceBody(Body):
    id: int
    binary: str
    host: str
    zone: str
    status: str
    state: str
    updated_at: str | None
    disabled_reason: Annotated[str | None, Since("2.83")] = None
    ensuring: Annotated[bool, Since("2.93")] = False


class Services(Body):
    services: list[ServiceBody]


class ServiceName(Body):
    host: str
    binary: str = "manila-share"
    disabled_reason: Annotated[Text255 | None, Since("2.83")] = None


class HostName(Body):
    host: str


class Switched(Body):
    host: str
    binary: str
    disabled: bool
    status: Annotated[str | Unset, Since("2.83")] = UNSET
    disabled_reason: Annotated[str | Unset | None, Since("2.83")] = UNSET


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
    reserved_snapshot_percentage: int
    reserved_share_extend_percentage: int
    thin_provisioning: bool
    driver_handles_share_servers: bool
    qos: bool
    dedupe: bool
    compression: bool
    timestamp: str
    why_down: str | None
    """Why it keeps no shares"""
    ipv4_support: bool
    ipv6_support: bool
    share_server_multiple_subnet_support: bool
    security_service_update_support: bool
    network_allocation_update_support: bool
    snapshot_support: Annotated[bool, Since("2.2")] = True
    create_share_from_snapshot_support: Annotated[bool, Since("2.24")] = True
    revert_to_snapshot_support: Annotated[bool, Since("2.27")] = False
    mount_snapshot_support: Annotated[bool, Since("2.32")] = False
    mount_point_name_support: Annotated[bool, Since("2.84")] = False
    encryption_support: Annotated[str | None, Since("2.90")] = None
    snapshot_inherit_share_access_support: Annotated[bool, Since("2.99")] = False
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
            Operation("GET", "/extensions", self.extensions, response=Extensions),
            Operation("POST", "/services/ensure-shares", self.ensure, status=202, since="2.86",
                      policy="service:ensure_shares", body=HostName),
            Operation("GET", pools, self.pools, policy=f"{rule}index", response=Pools,
                      until="2.22"),
            Operation("GET", pools, self.pools_of_type, policy=f"{rule}index", response=Pools,
                      since="2.23"),
            Operation("GET", f"{pools}/detail", self.detail, policy=f"{rule}detail",
                      response=Pools, until="2.22"),
            Operation("GET", f"{pools}/detail", self.detail_of_type, policy=f"{rule}detail",
                      response=Pools, since="2.23"),
        ]  # fmt: skip

    def extensions(self, call: Call, tx: Tx) -> Any:
        """There have been none since versions count instead."""
        return Extensions(extensions=[])

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
        pools = self._service.pools.all(tx)
        faults = {pool.host_id: pool.fault for pool in pools}
        reasons = {pool.host_id: pool.disabled_reason for pool in pools}
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
                    disabled_reason=reasons.get(host.id) if not host.enabled else None,
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
        reason = None if enabled else call.body.disabled_reason
        self._service.pools.say_disabled(tx, name, reason)
        return Switched(
            host=call.body.host,
            binary=binary,
            disabled=not enabled,
            status="enabled" if enabled else "disabled",
            disabled_reason=reason,
        )

    def ensure(self, call: Call, tx: Tx) -> None:
        """2.86: the host looks at all its shares anew, as it does by itself every few seconds."""
        name = call.body.host.partition("@")[0]
        if name not in [host.id for host in self._hosts(tx)]:
            raise NotFound(f"Service manila-share could not be found on host {name:.255}.")
        self._service.shares.ensure_all(tx, name)

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
            if wanted is not None:
                rows = [row for row in rows if _matches(wanted, of(row))]
        return rows

    def pools_of_type(self, call: Call, tx: Tx) -> Any:
        """2.23: those that can do what a share type asks for."""
        return self.pools(call, tx) if self._can(call, tx) else Pools(pools=[])

    def detail_of_type(self, call: Call, tx: Tx) -> Any:
        return self.detail(call, tx) if self._can(call, tx) else Pools(pools=[])

    def _can(self, call: Call, tx: Tx) -> bool:
        wish = call.query.get("share_type")
        if not wish:
            return True
        return lacks(self._service.types.chosen(tx, wish, call.principal).extra_specs) is None


def _matches(wish: str, text: str) -> bool:
    """Filters of pools are regular expressions for the beginning of a name."""
    try:
        return Pattern(f"^(?:{wish})").found_in(text)
    except BadPattern as bad:
        raise BadRequest(f"Invalid filter {wish:.100}: {bad}") from None


def _pool(row: PoolRow) -> Pool:
    return Pool(name=f"{row.host_id}@local#local", host=row.host_id, backend="local", pool="local")


def _about(row: PoolRow) -> Capabilities:
    return Capabilities(
        driver_version="1",
        pool_name="local",
        total_capacity_gb=row.total_gb or 0,
        free_capacity_gb=row.free_gb,
        allocated_capacity_gb=row.allocated_gb,
        provisioned_capacity_gb=row.allocated_gb,
        max_over_subscription_ratio=float(OVERSUBSCRIPTION),
        reserved_percentage=0,
        reserved_snapshot_percentage=0,
        reserved_share_extend_percentage=0,
        timestamp=row.updated_at,
        why_down=row.fault,
        **OF_POOLS,
    )
