"""Quotas, limits and the state of the service on the wire."""

from typing import Any

from msgspec import UNSET

from cumulo.core.clock import to_moment
from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation
from cumulo.core.ids import child_id
from cumulo.core.wire.shapes import StrictBody
from cumulo.dns.api import common
from cumulo.dns.service import checks
from cumulo.dns.service.dns import DnsService
from cumulo.dns.service.refusals import bad_request, forbidden, not_found

OWN_SERVICES = ("api", "central", "producer", "worker")
"""What this process does, by the names of the processes that do it in Designate."""


class QuotasRequest(StrictBody):
    zones: Any = UNSET
    zone_recordsets: Any = UNSET
    zone_records: Any = UNSET
    recordset_records: Any = UNSET
    api_export_size: Any = UNSET


class CloudApi:
    def __init__(self, dns: DnsService) -> None:
        self._dns = dns

    def operations(self) -> list[Operation]:
        quotas = "/v2/quotas/{project}"
        late: dict[str, Any] = {"early": False}
        return [
            Operation("GET", "/v2/limits", self.limits),
            Operation("GET", "/v2/quotas", self.own_quotas, policy="get_quotas", **late),
            Operation("GET", quotas, self.quotas, policy="get_quotas", **late),
            Operation(
                "PATCH", quotas, self.set_quotas, policy="set_quota", body=QuotasRequest, **late
            ),
            Operation(
                "DELETE", quotas, self.reset_quotas, policy="reset_quotas", status=204, **late
            ),
            Operation("GET", "/v2/service_statuses", self.statuses, policy="find_service_statuses"),
            Operation(
                "GET", "/v2/service_statuses/{id}", self.status, policy="find_service_status"
            ),
        ]

    # --- quotas -----------------------------------------------------------------------------

    def limits(self, call: Call, tx: Tx) -> Any:
        scope = common.scope_of(call)
        limits = self._dns.zones.quotas.limits(tx, scope.project_id or "")
        return {
            "max_zones": limits["zones"],
            "max_zone_recordsets": limits["zone_recordsets"],
            "max_zone_records": limits["zone_records"],
            "max_recordset_records": limits["recordset_records"],
            "min_ttl": self._dns.rules.least_ttl or None,
            "max_zone_name_length": 255,
            "max_recordset_name_length": 255,
            "max_page_limit": common.MAX_LIMIT,
        }

    def _limits(self, tx: Tx, project_id: str) -> dict[str, int]:
        return self._dns.zones.quotas.limits(tx, project_id)

    def own_quotas(self, call: Call, tx: Tx) -> Any:
        scope = common.scope_of(call)
        project_id = scope.project_id or ""
        call.allow({"project_id": project_id, "all_tenants": str(scope.all_projects)})
        return self._limits(tx, project_id)

    def _project(self, call: Call) -> str:
        """The project of the path; another one's only for all projects."""
        scope = common.scope_of(call)
        project_id = call.path["project"]
        call.allow({"project_id": project_id, "all_tenants": str(scope.all_projects)})
        if project_id != scope.project_id and not scope.all_projects:
            if scope.project_id is None:
                raise bad_request(
                    "The all-projects flag must be used when using non-project scoped tokens.",
                    "missing_project_id",
                )
            raise forbidden("Forbidden")
        return project_id

    def quotas(self, call: Call, tx: Tx) -> Any:
        return self._limits(tx, self._project(call))

    def set_quotas(self, call: Call, tx: Tx) -> Any:
        project_id = self._project(call)
        if not self._dns.identity.project_exists(tx, project_id):
            raise bad_request(f"{project_id:.80} is not a valid project ID.", "invalid_project")
        values = {
            name: checks.number_of(name, value, -1, 2**31 - 1)
            for name, value in common.given(call.body).items()
        }
        self._dns.zones.quotas.set_limits(tx, project_id, values)
        return self._limits(tx, project_id)

    def reset_quotas(self, call: Call, tx: Tx) -> None:
        """Who may at all may for any project, without a word of all projects (as in Designate)."""
        common.scope_of(call)
        call.allow({"project_id": call.path["project"]})
        self._dns.zones.quotas.reset_limits(tx, call.path["project"])

    # --- services ---------------------------------------------------------------------------

    def _all(self, call: Call, tx: Tx) -> list[dict[str, Any]]:
        """The parts of the service in this process, and each name server that was heard of."""
        now = tx.now
        started = to_moment(self._dns.started)
        found = [
            self._status(call, f"{name}@{self._dns.hostname}", name, self._dns.hostname, now)
            for name in OWN_SERVICES
        ]
        for each in found:
            each["created_at"] = started
        for row, up in self._dns.serving.servers(tx):
            seen = to_moment(row.seen)
            body = self._status(call, f"mdns@{row.id}", "mdns", row.hostname, seen, up=up)
            body["created_at"] = to_moment(row.started)
            body["stats"] = {"change": row.change}
            body["capabilities"] = {"address": row.address}
            found.append(body)
        return found

    @staticmethod
    def _status(
        call: Call, key: str, name: str, hostname: str, seen: str, *, up: bool = True
    ) -> dict[str, Any]:
        status_id = child_id("dns", "service", key)
        return {
            "id": status_id,
            "hostname": hostname,
            "service_name": name,
            "status": "UP" if up else "DOWN",
            "stats": {},
            "capabilities": {},
            "heartbeated_at": seen,
            "created_at": seen,
            "updated_at": seen,
            "links": {"self": common.link(call, "service_statuses", status_id)},
        }

    def statuses(self, call: Call, tx: Tx) -> Any:
        common.scope_of(call)
        where = common.filters_of(call, ("hostname", "service_name", "status"), ())
        common.limit_of(call)
        items = [
            each
            for each in self._all(call, tx)
            if all(each[name] == value for name, value in where.items())
        ]
        return {
            "service_statuses": items,
            "links": {"self": call.url},
            "metadata": {"total_count": len(items)},
        }

    def status(self, call: Call, tx: Tx) -> Any:
        common.scope_of(call)
        for each in self._all(call, tx):
            if each["id"] == call.path["id"]:
                return each
        raise not_found("ServiceStatus", "service_status")
