"""Compute hosts on the wire: hypervisors, services, availability zones."""

import platform
from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import UNSET, Meta

from cumulo.compute.api.common import or_none
from cumulo.compute.model.hypervisor import HypervisorRow
from cumulo.compute.service.compute import ComputeService
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.hosts.model import HostRow
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import MAX_LIMIT, next_link, page_of
from cumulo.core.wire.coercions import BoolLike, as_bool
from cumulo.core.wire.shapes import Body, Since, StrictBody, Unset

INTERNAL = "internal"
"""The zone of services that are no compute hosts; no server can be there."""
RULE = "os_compute_api:os-hypervisors"
SERVICES = "os_compute_api:os-services"
COUNTED = (
    "vcpus",
    "vcpus_used",
    "memory_mb",
    "memory_mb_used",
    "free_ram_mb",
    "local_gb",
    "local_gb_used",
    "free_disk_gb",
    "disk_available_least",
    "running_vms",
    "current_workload",
)
Reason = Annotated[str, Meta(min_length=1, max_length=255)]


class ServiceUpdate(StrictBody, kw_only=True):
    status: str | Unset = UNSET
    disabled_reason: Reason | Unset = UNSET
    forced_down: BoolLike | Unset = UNSET


class OldServiceUpdate(StrictBody, kw_only=True):
    host: Annotated[str, Meta(min_length=1, max_length=255)]
    binary: Annotated[str, Meta(min_length=1, max_length=255)]
    disabled_reason: Reason | Unset = UNSET
    forced_down: BoolLike | Unset = UNSET


class ServiceBody(Body, kw_only=True):
    id: str | int
    binary: str
    host: str
    zone: str
    status: str
    state: str
    updated_at: str | None
    disabled_reason: str | None
    forced_down: Annotated[bool | Unset, Since("2.11")]


class HostsApi:
    def __init__(self, compute: ComputeService) -> None:
        self._hosts = compute.hosts
        self._servers = compute.servers

    def operations(self) -> list[Operation]:
        all_, zone = "/os-hypervisors", "os_compute_api:os-availability-zone"
        old: dict[str, Any] = {
            "policy": f"{SERVICES}:update",
            "body": OldServiceUpdate,
            "until": "2.52",
        }
        return [
            Operation("GET", all_, self.index, policy=f"{RULE}:list"),
            Operation("GET", all_ + "/detail", self.detail, policy=f"{RULE}:list-detail"),
            Operation(
                "GET",
                all_ + "/statistics",
                self.statistics,
                policy=f"{RULE}:statistics",
                until="2.87",
            ),
            Operation("GET", all_ + "/{id}", self.show, policy=f"{RULE}:show"),
            Operation(
                "GET", all_ + "/{id}/uptime", self.uptime, policy=f"{RULE}:uptime", until="2.87"
            ),
            Operation(
                "GET", all_ + "/{id}/search", self.search, policy=f"{RULE}:search", until="2.52"
            ),
            Operation(
                "GET", all_ + "/{id}/servers", self.servers, policy=f"{RULE}:servers", until="2.52"
            ),
            Operation(
                "GET", "/os-services", self.services, policy=f"{SERVICES}:list", kind="heavy"
            ),
            Operation("PUT", "/os-services/enable", self.enable, **old),
            Operation("PUT", "/os-services/disable", self.disable, **old),
            Operation("PUT", "/os-services/disable-log-reason", self.disable, **old),
            Operation("PUT", "/os-services/force-down", self.force_down, since="2.11", **old),
            Operation(
                "PUT",
                "/os-services/{id}",
                self.update_service,
                policy=f"{SERVICES}:update",
                body=ServiceUpdate,
                since="2.53",
            ),
            Operation(
                "DELETE",
                "/os-services/{id}",
                self.delete_service,
                policy=f"{SERVICES}:delete",
                status=204,
            ),
            Operation("GET", "/os-availability-zone", self.zones, policy=f"{zone}:list"),
            Operation(
                "GET",
                "/os-availability-zone/detail",
                self.zones_detail,
                policy=f"{zone}:detail",
                kind="heavy",
            ),
        ]

    # --- hypervisors --------------------------------------------------------------------------

    def index(self, call: Call, tx: Tx) -> Any:
        return self._list(call, tx, self._summaries)

    def detail(self, call: Call, tx: Tx) -> Any:
        return self._list(call, tx, self._bodies)

    def _list(self, call: Call, tx: Tx, bodies: Any) -> Any:
        pattern = call.query.get("hypervisor_hostname_pattern")
        page = page_of(
            call,
            tx,
            self._hosts.listing,
            {} if pattern is None else {"name_part": pattern},
            find_marker=lambda id: or_none(lambda: self._hosts.get(tx, id)),
        )
        rows = page.rows
        if pattern is not None and not rows:
            raise NotFound(f"No hypervisor matching '{pattern}' could be found.")
        found = bodies(call, tx, rows)
        if as_bool(call.query.get("with_servers") or "false", "with_servers"):
            for item, row in zip(found, rows, strict=True):
                item["servers"] = self._servers_on(tx, row)
        answer: dict[str, Any] = {"hypervisors": found}
        link = next_link(call, page, _id(call, page.rows[-1]) if page.rows else None)
        if link is not None:
            answer["hypervisors_links"] = [{"rel": "next", "href": link}]
        return answer

    def show(self, call: Call, tx: Tx) -> Any:
        row = self._hosts.get(tx, call.path["id"])
        [body] = self._bodies(call, tx, [row])
        if as_bool(call.query.get("with_servers") or "false", "with_servers"):
            body["servers"] = self._servers_on(tx, row)
        return {"hypervisor": body}

    def uptime(self, call: Call, tx: Tx) -> Any:
        row = self._hosts.get(tx, call.path["id"])
        [summary] = self._summaries(call, tx, [row])
        return {"hypervisor": {**summary, "uptime": ""}}

    def search(self, call: Call, tx: Tx) -> Any:
        return {"hypervisors": self._matching(call, tx)}

    def servers(self, call: Call, tx: Tx) -> Any:
        found = self._matching(call, tx)
        for item in found:
            here = self._servers_on(tx, self._hosts.on(tx, item["hypervisor_hostname"]))
            if here:
                item["servers"] = here
        return {"hypervisors": found}

    def _matching(self, call: Call, tx: Tx) -> list[dict[str, Any]]:
        wanted = call.path["id"]
        rows = self._hosts.listing.page(tx, where={"name_part": wanted}, limit=MAX_LIMIT)
        if not rows:
            raise NotFound(f"No hypervisor matching '{wanted}' could be found.")
        return self._summaries(call, tx, rows)

    def _servers_on(self, tx: Tx, row: HypervisorRow) -> list[dict[str, str]]:
        where = {"host": row.host_id, "existing": True}
        rows = self._servers.listing.page(tx, where=where, limit=MAX_LIMIT)
        return [{"name": each.instance_name, "uuid": each.id} for each in rows]

    def _summaries(self, call: Call, tx: Tx, rows: Sequence[HypervisorRow]) -> list[dict[str, Any]]:
        alive = self._hosts.alive(tx, [row.host_id for row in rows])
        return [self._summary(call, row, alive) for row in rows]

    def _bodies(self, call: Call, tx: Tx, rows: Sequence[HypervisorRow]) -> list[dict[str, Any]]:
        names = [row.host_id for row in rows]
        alive, counts = self._hosts.alive(tx, names), self._hosts.servers_on(tx, names)
        used = self._hosts.used(tx, rows)
        return [self._body(call, row, alive, counts, used) for row in rows]

    def _summary(self, call: Call, row: HypervisorRow, alive: dict[str, HostRow]) -> dict[str, Any]:
        up = (row.metal or row.host_id in alive) and not row.forced_down
        return {
            "id": _id(call, row),
            "hypervisor_hostname": row.host_id,
            "state": "up" if up else "down",
            "status": "disabled" if row.disabled else "enabled",
        }

    def _body(
        self,
        call: Call,
        row: HypervisorRow,
        alive: dict[str, HostRow],
        counts: dict[str, int],
        used_by: dict[str, dict[str, int]],
    ) -> dict[str, Any]:
        have = row.resources
        body = {
            **self._summary(call, row, alive),
            "host_ip": have.address,
            "hypervisor_type": have.driver,
            "hypervisor_version": have.version,
            "service": {
                "id": row.service_uuid if _newer(call, 53) else row.id,
                "host": row.host_id,
                "disabled_reason": row.disabled_reason,
            },
        }
        if _newer(call, 88):
            body["uptime"] = None
            return body
        used = used_by[row.host_id]
        info: Any = {"arch": "x86_64", "model": have.accelerator, "features": []}
        body.update(
            vcpus=have.vcpus,
            vcpus_used=used["VCPU"],
            memory_mb=have.memory_mb,
            memory_mb_used=used["MEMORY_MB"],
            free_ram_mb=have.memory_mb - used["MEMORY_MB"],
            local_gb=have.disk_gb,
            local_gb_used=used["DISK_GB"],
            free_disk_gb=have.disk_gb - used["DISK_GB"],
            disk_available_least=have.disk_gb - used["DISK_GB"],
            running_vms=counts.get(row.host_id, 0),
            current_workload=0,
            cpu_info=info if _newer(call, 28) else '{"arch": "x86_64"}',
        )
        return body

    def statistics(self, call: Call, tx: Tx) -> Any:
        count, have = self._hosts.totals(tx)
        used = self._hosts.used_in_all(tx)
        totals = {
            **dict.fromkeys(COUNTED, 0),
            "vcpus": have["VCPU"],
            "vcpus_used": used["VCPU"],
            "memory_mb": have["MEMORY_MB"],
            "memory_mb_used": used["MEMORY_MB"],
            "free_ram_mb": have["MEMORY_MB"] - used["MEMORY_MB"],
            "local_gb": have["DISK_GB"],
            "local_gb_used": used["DISK_GB"],
            "free_disk_gb": have["DISK_GB"] - used["DISK_GB"],
            "disk_available_least": have["DISK_GB"] - used["DISK_GB"],
            "running_vms": self._hosts.servers_in_all(tx),
        }
        return {"hypervisor_statistics": {"count": count, **totals}}

    # --- services -----------------------------------------------------------------------------

    def services(self, call: Call, tx: Tx) -> Any:
        host, binary = call.query.get("host"), call.query.get("binary")
        if binary not in (None, "nova-compute"):
            return {"services": []}
        rows = self._hosts.listing.page(tx, where={} if host is None else {"host": host})
        alive = self._hosts.alive(tx, [row.host_id for row in rows])
        return {"services": [self._service(call, row, alive) for row in rows]}

    def _service(self, call: Call, row: HypervisorRow, alive: dict[str, HostRow]) -> ServiceBody:
        host = alive.get(row.host_id)
        up = (row.metal or host is not None) and not row.forced_down
        return ServiceBody(
            id=row.service_uuid if _newer(call, 53) else row.id,
            binary="nova-compute",
            host=row.host_id,
            zone=row.zone,
            status="disabled" if row.disabled else "enabled",
            state="up" if up else "down",
            updated_at=row.updated_at if host is None else host.last_seen,
            disabled_reason=row.disabled_reason,
            forced_down=row.forced_down,
        )

    def _named(self, call: Call, tx: Tx) -> HypervisorRow:
        if call.body.binary != "nova-compute":
            raise NotFound(f"Could not find binary {call.body.binary} on host {call.body.host}.")
        return self._hosts.on(tx, call.body.host)

    def enable(self, call: Call, tx: Tx) -> Any:
        row = self._named(call, tx)
        self._hosts.set_service(tx, row, disabled=False, disabled_reason=None)
        return {"service": {"host": row.host_id, "binary": "nova-compute", "status": "enabled"}}

    def disable(self, call: Call, tx: Tx) -> Any:
        row = self._named(call, tx)
        reason = call.body.disabled_reason
        wants_reason = call.operation.path.endswith("disable-log-reason")
        if wants_reason and reason is UNSET:
            raise BadRequest("Missing disabled reason field")
        given = None if reason is UNSET else reason
        self._hosts.set_service(tx, row, disabled=True, disabled_reason=given)
        body = {"host": row.host_id, "binary": "nova-compute", "status": "disabled"}
        return {"service": {**body, "disabled_reason": given} if wants_reason else body}

    def force_down(self, call: Call, tx: Tx) -> Any:
        row = self._named(call, tx)
        if call.body.forced_down is UNSET:
            raise BadRequest("Missing forced_down field")
        down = as_bool(call.body.forced_down, "forced_down")
        self._hosts.set_service(tx, row, forced_down=down)
        body = {"host": row.host_id, "binary": "nova-compute", "forced_down": down}
        return {"service": body}

    def update_service(self, call: Call, tx: Tx) -> Any:
        wish: ServiceUpdate = call.body
        row = self._hosts.service(tx, call.path["id"])
        changes: dict[str, Any] = {}
        if wish.status is not UNSET:
            if wish.status not in ("enabled", "disabled"):
                raise BadRequest(f"Invalid input for field/attribute status. Value: {wish.status}.")
            changes = {"disabled": wish.status == "disabled", "disabled_reason": None}
        if wish.disabled_reason is not UNSET:
            if wish.status != "disabled":
                raise BadRequest("Specifying disabled_reason requires that status is 'disabled'.")
            changes["disabled_reason"] = wish.disabled_reason
        if wish.forced_down is not UNSET:
            changes["forced_down"] = as_bool(wish.forced_down, "forced_down")
        if not changes:
            raise BadRequest(
                "No updates were requested. Fields 'status' or 'forced_down' should be specified."
            )
        row = self._hosts.set_service(tx, row, **changes)
        return {"service": self._service(call, row, self._hosts.alive(tx, [row.host_id]))}

    def delete_service(self, call: Call, tx: Tx) -> None:
        self._hosts.end_service(tx, self._hosts.service(tx, call.path["id"]))

    # --- zones --------------------------------------------------------------------------------

    def zones(self, call: Call, tx: Tx) -> Any:
        states = self._hosts.zone_states(tx)
        return {"availabilityZoneInfo": [_zone(name, states[name], None) for name in states]}

    def zones_detail(self, call: Call, tx: Tx) -> Any:
        rows = self._hosts.listing.page(tx, where={})
        alive = self._hosts.alive(tx, [row.host_id for row in rows])
        found: dict[str, dict[str, Any]] = {}
        for row in rows:
            up = (row.metal or row.host_id in alive) and not row.forced_down
            service = {"active": not row.disabled, "available": up, "updated_at": row.updated_at}
            found.setdefault(row.zone, {})[row.host_id] = {"nova-compute": service}
        states = self._hosts.zone_states(tx)
        zones = [_zone(n, states[n], found.get(n, {})) for n in states]
        # The zone of what is no compute host: here one process is all of it.
        service = {"active": True, "available": True, "updated_at": None}
        inner = {node(): {"nova-conductor": service, "nova-scheduler": service}}
        return {"availabilityZoneInfo": [_zone(INTERNAL, True, inner), *zones]}


def node() -> str:
    """The machine of this control plane."""
    return platform.node()


def _zone(name: str, available: bool, hosts: dict[str, Any] | None) -> dict[str, Any]:
    return {"zoneName": name, "zoneState": {"available": available}, "hosts": hosts}


def _newer(call: Call, minor: int) -> bool:
    """What an object's id is depends on the version, whichever object it stands in."""
    return call.version is not None and call.version >= (2, minor)


def _id(call: Call, row: HypervisorRow) -> Any:
    return row.uuid if _newer(call, 53) else row.id
