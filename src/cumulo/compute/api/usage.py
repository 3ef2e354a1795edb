"""`os-simple-tenant-usage`: how much of what each project had between two times."""

from typing import Any

from cumulo.compute.api.common import moment_of
from cumulo.compute.model.server import ServerRow
from cumulo.compute.service.compute import ComputeService
from cumulo.core.clock import Moment, later, seconds_of
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation

RULE = "os_compute_api:os-simple-tenant-usage"


MONTH = 28 * 86_400.0
"""Seconds: the period that is meant where none is said."""


class UsageApi:
    def __init__(self, compute: ComputeService) -> None:
        self._servers = compute.servers

    def operations(self) -> list[Operation]:
        all_ = "/os-simple-tenant-usage"
        return [
            Operation("GET", all_, self.index, policy=f"{RULE}:list", kind="heavy"),
            Operation(
                "GET",
                all_ + "/{tenant}",
                self.show,
                policy=f"{RULE}:show",
                early=False,
                kind="heavy",
            ),
        ]

    def _period(self, call: Call, tx: Tx) -> tuple[Moment, Moment]:
        start = call.query.get("start")
        end = call.query.get("end")
        since = later(tx.now, -MONTH) if not start else moment_of(start, "start")
        until = tx.now if not end else moment_of(end, "end")
        if since >= until:
            raise BadRequest("Invalid start time. The start time cannot occur after the end time.")
        return since, until

    def index(self, call: Call, tx: Tx) -> Any:
        since, until = self._period(call, tx)
        by_project: dict[str, list[ServerRow]] = {}
        for row in self._servers.lived(tx, since, until):
            by_project.setdefault(row.project_id, []).append(row)
        detailed = call.query.get("detailed") == "1"
        usages = [
            _usage(project, rows, since, until, tx.now, detailed=detailed)
            for project, rows in sorted(by_project.items())
        ]
        return {"tenant_usages": usages}

    def show(self, call: Call, tx: Tx) -> Any:
        project_id = call.path["tenant"]
        call.allow({"project_id": project_id})
        since, until = self._period(call, tx)
        rows = self._servers.lived(tx, since, until, project_id)
        if not rows:
            return {"tenant_usage": {}}
        return {"tenant_usage": _usage(project_id, rows, since, until, tx.now, detailed=True)}


def _usage(
    project_id: str,
    rows: list[ServerRow],
    since: Moment,
    until: Moment,
    now: Moment,
    *,
    detailed: bool,
) -> dict[str, Any]:
    servers, totals = [], {"vcpus": 0.0, "memory_mb": 0.0, "local_gb": 0.0}
    hours = 0.0
    for row in rows:
        end = min(row.deleted_at or until, until)
        lasted = max(0.0, seconds_of(end) - seconds_of(max(row.created_at, since))) / 3600
        hours += lasted
        totals["vcpus"] += lasted * row.flavor.vcpus
        totals["memory_mb"] += lasted * row.flavor.ram
        totals["local_gb"] += lasted * row.flavor.disk
        servers.append(_server(row, lasted, now))
    found: dict[str, Any] = {
        "tenant_id": project_id,
        "start": since,
        "stop": until,
        "total_hours": hours,
        "total_vcpus_usage": totals["vcpus"],
        "total_memory_mb_usage": totals["memory_mb"],
        "total_local_gb_usage": totals["local_gb"],
    }
    if detailed:
        found["server_usages"] = servers
    return found


def _server(row: ServerRow, hours: float, now: Moment) -> dict[str, Any]:
    return {
        "instance_id": row.id,
        "name": row.name,
        "tenant_id": row.project_id,
        "flavor": row.flavor.name,
        "vcpus": row.flavor.vcpus,
        "memory_mb": row.flavor.ram,
        "local_gb": row.flavor.disk,
        "hours": hours,
        "started_at": row.created_at,
        "ended_at": row.deleted_at,
        "state": "terminated" if row.deleted_at else row.vm_state,
        "uptime": int(seconds_of(row.deleted_at or now) - seconds_of(row.created_at)),
    }
