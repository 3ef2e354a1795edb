"""`os-simple-tenant-usage`: how much of what each project had between two times."""

from typing import Any

from cumulo.compute.api.common import moment_of, or_none
from cumulo.compute.model.server import ServerRow
from cumulo.compute.service.compute import ComputeService
from cumulo.core.clock import Moment, later, seconds_of
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import MAX_LIMIT, Page, limit_of, next_link

RULE = "os_compute_api:os-simple-tenant-usage"


MONTH = 28 * 86_400.0
"""Seconds: the period that is meant where none is said."""


class UsageApi:
    def __init__(self, compute: ComputeService) -> None:
        self._servers = compute.servers

    def operations(self) -> list[Operation]:
        all_, one = "/os-simple-tenant-usage", "/os-simple-tenant-usage/{tenant}"
        index: dict[str, Any] = {"policy": f"{RULE}:list", "kind": "heavy"}
        show: dict[str, Any] = {"policy": f"{RULE}:show", "kind": "heavy", "early": False}
        return [
            Operation("GET", all_, self.index, until="2.39", **index),
            Operation("GET", all_, self.page, since="2.40", **index),
            Operation("GET", one, self.show, until="2.39", **show),
            Operation("GET", one, self.page_of_one, since="2.40", **show),
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
        rows = self._servers.lived(tx, since, until)
        return {"tenant_usages": _usages(call, rows, since, until, tx.now)}

    def page(self, call: Call, tx: Tx) -> Any:
        """What a page of servers used, by project: clients add the pages up."""
        since, until = self._period(call, tx)
        rows, links = self._page(call, tx, since, until, None)
        usages = _usages(call, rows, since, until, tx.now)
        return {"tenant_usages": usages, **({"tenant_usages_links": links} if links else {})}

    def page_of_one(self, call: Call, tx: Tx) -> Any:
        project_id = call.path["tenant"]
        call.allow({"project_id": project_id})
        since, until = self._period(call, tx)
        rows, links = self._page(call, tx, since, until, project_id)
        if not rows:
            return {"tenant_usage": {}}
        found = _usage(project_id, rows, since, until, tx.now, detailed=True)
        return {"tenant_usage": found, **({"tenant_usage_links": links} if links else {})}

    def _page(
        self, call: Call, tx: Tx, since: Moment, until: Moment, project_id: str | None
    ) -> tuple[list[ServerRow], list[dict[str, str]]]:
        """With a link to the next one, if there is more."""
        limit, id, after = limit_of(call), call.query.get("marker"), None
        if id:
            after = or_none(lambda: self._servers.get_even_deleted(tx, id, call.principal))
            if after is None or project_id not in (None, after.project_id):
                raise BadRequest(f"marker [{id:.80}] not found")
        limit = MAX_LIMIT if limit is None else limit
        rows = self._servers.lived_page(tx, since, until, project_id, after, limit + 1)
        page = Page(rows[:limit], len(rows) > limit > 0)
        href = next_link(call, page, page.rows[-1].id if page.rows else None)
        return page.rows, [] if href is None else [{"rel": "next", "href": href}]

    def show(self, call: Call, tx: Tx) -> Any:
        project_id = call.path["tenant"]
        call.allow({"project_id": project_id})
        since, until = self._period(call, tx)
        rows = self._servers.lived(tx, since, until, project_id)
        if not rows:
            return {"tenant_usage": {}}
        return {"tenant_usage": _usage(project_id, rows, since, until, tx.now, detailed=True)}


def _usages(
    call: Call, rows: list[ServerRow], since: Moment, until: Moment, now: Moment
) -> list[dict[str, Any]]:
    by_project: dict[str, list[ServerRow]] = {}
    for row in rows:
        by_project.setdefault(row.project_id, []).append(row)
    detailed = call.query.get("detailed") == "1"
    return [
        _usage(project, each, since, until, now, detailed=detailed)
        for project, each in sorted(by_project.items())
    ]


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
