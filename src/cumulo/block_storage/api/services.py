"""The parts of the service on the wire: switches, freezing, logs, clusters and clean-up."""

from typing import Annotated, Any

import msgspec

from cumulo.block_storage.api.bodies import Text255
from cumulo.block_storage.service.block_storage import BlockStorageService
from cumulo.block_storage.service.volumes import ZONE
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.hosts.model import HostRow
from cumulo.core.hosts.registry import is_alive
from cumulo.core.http.operations import Call, Operation
from cumulo.core.wire.coercions import BoolLike, IntLike, Uuid
from cumulo.core.wire.shapes import Body, Since, StrictBody, Unset

BINARIES = ("cinder-scheduler", "cinder-volume", "cinder-backup")
LOGGED = ("", "*", "cinder-api", "cinder-scheduler", "cinder-volume", "cinder-backup")
HostName = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class ServiceBody(Body):
    binary: str
    host: str
    zone: str
    status: str
    state: str
    updated_at: str
    disabled_reason: str | None
    frozen: bool | Unset = msgspec.UNSET
    replication_status: str | Unset = msgspec.UNSET
    active_backend_id: str | Unset | None = msgspec.UNSET
    cluster: Annotated[str | None, Since("3.7")] = None
    backend_state: Annotated[str | Unset, Since("3.49")] = msgspec.UNSET


class ServiceName(StrictBody):
    host: HostName
    binary: str | None = None
    service: str | None = None
    disabled_reason: Text255 | None = None


class WithReason(StrictBody):
    host: HostName
    disabled_reason: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    binary: str | None = None
    service: str | None = None


class Named(StrictBody):
    host: HostName
    cluster: Annotated[str | None, Since("3.26")] = None


class Failover(StrictBody):
    host: HostName | None = None
    backend_id: Text255 | None = None
    cluster: Annotated[str | None, Since("3.26")] = None


class LogWish(StrictBody):
    binary: Text255 | None = None
    server: Text255 | None = None
    prefix: Text255 | None = None


class SetLog(StrictBody):
    level: Text255
    binary: Text255 | None = None
    server: Text255 | None = None
    prefix: Text255 | None = None


class ClusterName(StrictBody):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    binary: Text255 | None = None
    disabled_reason: Text255 | None = None


class CleanUp(StrictBody):
    cluster_name: Text255 | None = None
    service_id: IntLike | None = None
    host: Text255 | None = None
    binary: Text255 | None = None
    is_up: BoolLike | None = None
    disabled: BoolLike | None = None
    resource_id: Uuid | None = None
    resource_type: Text255 | None = None


class HostChange(StrictBody):
    status: str


class ServicesApi:
    def __init__(self, storage: BlockStorageService) -> None:
        self._services = storage.services
        self._pools = storage.pools

    def operations(self) -> list[Operation]:
        all_, rule = "/os-services", "volume_extension:services:"
        update: dict[str, Any] = {"policy": f"{rule}update"}
        clusters = "clusters:"
        at: dict[str, Any] = {"since": "3.7"}
        return [
            Operation("GET", all_, self.index, policy=f"{rule}index"),
            Operation("PUT", f"{all_}/enable", self.enable, body=ServiceName, **update),
            Operation("PUT", f"{all_}/disable", self.disable, body=ServiceName, **update),
            Operation("PUT", f"{all_}/disable-log-reason", self.disable, body=WithReason, **update),
            Operation("PUT", f"{all_}/freeze", self.freeze, body=Named, **update),
            Operation("PUT", f"{all_}/thaw", self.thaw, body=Named, **update),
            *(
                Operation(
                    "PUT",
                    f"{all_}/{name}",
                    self.failover,
                    body=Failover,
                    status=202,
                    since=since,
                    **update,
                )
                for name, since in (("failover_host", None), ("failover", "3.26"))
            ),
            Operation("PUT", f"{all_}/get-log", self.logs, body=LogWish, since="3.32", **update),
            Operation(
                "PUT",
                f"{all_}/set-log",
                self.set_logs,
                body=SetLog,
                status=202,
                since="3.32",
                **update,
            ),
            Operation(
                "PUT",
                "/os-hosts/{host_name}",
                self.set_host,
                policy="volume_extension:hosts",
                body=HostChange,
            ),
            Operation("GET", "/clusters", self.clusters, policy=f"{clusters}get_all", **at),
            Operation("GET", "/clusters/detail", self.clusters, policy=f"{clusters}get_all", **at),
            Operation(
                "GET", "/clusters/{cluster_name}", self.cluster, policy=f"{clusters}get", **at
            ),
            *(
                Operation(
                    "PUT",
                    f"/clusters/{verb}",
                    self.set_cluster,
                    policy=f"{clusters}update",
                    body=ClusterName,
                    **at,
                )
                for verb in ("enable", "disable")
            ),
            Operation(
                "POST",
                "/workers/cleanup",
                self.clean_up,
                policy="workers:cleanup",
                body=CleanUp,
                status=202,
                since="3.24",
            ),
        ]

    # --- services ---------------------------------------------------------------------------

    def index(self, call: Call, tx: Tx) -> Any:
        pools = {pool.host_id: pool for pool in self._pools.all(tx)}
        found = []
        for host in self._services.hosts(tx):
            pool = pools.get(host.id)
            for binary in BINARIES:
                volume = binary == "cinder-volume"
                entry = ServiceBody(
                    binary=binary,
                    host=f"{host.id}@file" if volume else host.id,
                    zone=ZONE,
                    status="enabled" if host.enabled else "disabled",
                    state="up" if is_alive(host, tx.now) else "down",
                    updated_at=host.last_seen,
                    disabled_reason=None if pool is None else pool.disabled_reason,
                )
                if volume:
                    entry.frozen = pool is not None and pool.frozen
                    entry.replication_status = "not-capable"
                    entry.active_backend_id = None
                    entry.backend_state = entry.state
                found.append(entry)
        name, binary_ = call.query.get("host"), call.query.get("binary")
        if name is not None:
            found = [each for each in found if name in (each.host, each.host.partition("@")[0])]
        if binary_ is not None:
            found = [each for each in found if each.binary == binary_]
        return {"services": found}

    def enable(self, call: Call, tx: Tx) -> Any:
        return self._set(call, tx, True)

    def disable(self, call: Call, tx: Tx) -> Any:
        return self._set(call, tx, False)

    def _set(self, call: Call, tx: Tx, enabled: bool) -> Any:
        wish = call.body
        binary = wish.binary or wish.service or "cinder-volume"
        host = self._services.host(tx, wish.host)
        if binary not in BINARIES:
            raise NotFound(f"Service {binary:.100} could not be found on host {wish.host}.")
        if binary != "cinder-volume":
            raise BadRequest(f"{binary} is part of the API here: it has no switch of its own.")
        reason = wish.disabled_reason
        self._services.switch(tx, host, enabled, reason)
        body = {
            "host": wish.host,
            "service": wish.service or "",
            "binary": binary,
            "disabled": not enabled,
            "status": "enabled" if enabled else "disabled",
        }
        return {**body, "disabled_reason": None if enabled else reason}

    def freeze(self, call: Call, tx: Tx) -> None:
        call.allow(action="volume:freeze_host")
        self._services.freeze(tx, self._frozen_or_not(call, tx), True)

    def thaw(self, call: Call, tx: Tx) -> None:
        call.allow(action="volume:thaw_host")
        self._services.freeze(tx, self._frozen_or_not(call, tx), False)

    def _frozen_or_not(self, call: Call, tx: Tx) -> HostRow:
        """Cinder's answer to an unknown name is another one here than to a switch."""
        try:
            return self._services.host(tx, call.body.host)
        except NotFound:
            raise BadRequest(f"Invalid host: there is no backend {call.body.host}.") from None

    def failover(self, call: Call, tx: Tx) -> None:
        """Nothing is replicated, so there is nothing to go over to."""
        call.allow(action="volume:failover_host")
        if call.body.cluster:
            raise NotFound(f"Cluster {call.body.cluster:.100} could not be found.")
        if call.body.host is None:
            raise BadRequest("Invalid input received: host or cluster must be given.")
        host = self._services.host(tx, call.body.host)
        raise BadRequest(f"Invalid host: {host.id} is not capable of replication.")

    def logs(self, call: Call, tx: Tx) -> Any:
        levels = dict(self._services.levels(call.body.prefix or ""))
        found = [
            {"binary": binary, "host": host, "levels": levels}
            for binary, host in self._logged(call, tx)
        ]
        return {"log_levels": found}

    def set_logs(self, call: Call, tx: Tx) -> None:
        if self._logged(call, tx):
            self._services.set_levels(call.body.prefix or "", call.body.level)

    def _logged(self, call: Call, tx: Tx) -> list[tuple[str, str]]:
        """All of the service is one process, which logs for all of it."""
        wish = call.body
        if (wish.binary or "") not in LOGGED:
            raise BadRequest(f"Invalid input received: no such binary: {wish.binary:.100}")
        names = {host.id for host in self._services.hosts(tx)}
        return [
            (binary, name)
            for binary in (LOGGED[2:] if wish.binary in (None, "", "*") else [wish.binary])
            for name in sorted(names)
            if not wish.server or wish.server.partition("@")[0] == name
        ]

    def set_host(self, call: Call, tx: Tx) -> Any:
        name, status = call.path["host_name"], call.body.status.strip().lower()
        if status not in ("enable", "disable"):
            raise BadRequest(f"Invalid status: '{call.body.status:.100}'")
        host = self._services.host(tx, name)
        self._services.switch(tx, host, status == "enable", None)
        return {"host": name, "status": f"{status}d"}

    # --- clusters and workers -----------------------------------------------------------------

    def clusters(self, call: Call, tx: Tx) -> Any:
        """Hosts share no volumes, so none stands in for another: there are no clusters."""
        return {"clusters": []}

    def cluster(self, call: Call, tx: Tx) -> Any:
        raise NotFound(f"Cluster {call.path['cluster_name']:.100} could not be found.")

    def set_cluster(self, call: Call, tx: Tx) -> Any:
        raise NotFound(f"Cluster {call.body.name:.100} could not be found.")

    def clean_up(self, call: Call, tx: Tx) -> Any:
        """What a killed process left is taken up by itself: nobody has to be told of it."""
        return {"cleaning": [], "unavailable": []}
