"""What administrators had before there were services: `os-hosts` (up to API 2.42), and the log of
the usage audits."""

import platform
from typing import Any, Literal

from msgspec import UNSET

from cumulo.compute.api.hosts import INTERNAL
from cumulo.compute.model.hypervisor import HypervisorRow
from cumulo.compute.service.compute import ComputeService
from cumulo.core.clock import Moment, of_text
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotImplementedHere
from cumulo.core.http.operations import Call, Operation
from cumulo.core.wire.shapes import StrictBody, Unset

RULE = "os_compute_api:os-hosts"
AUDIT = "os_compute_api:os-instance-usage-audit-log"
LAST = "2.42"


class HostUpdate(StrictBody, kw_only=True):
    status: Literal["enable", "disable"] | Unset = UNSET
    maintenance_mode: Literal["enable", "disable"] | Unset = UNSET


class OldHostsApi:
    def __init__(self, compute: ComputeService) -> None:
        self._hosts = compute.hosts
        self._servers = compute.servers

    def operations(self) -> list[Operation]:
        one = "/os-hosts/{host}"
        audits = "/os-instance_usage_audit_log"
        until: dict[str, Any] = {"until": LAST}
        powers = [
            Operation("GET", f"{one}/{name}", self.power, policy=f"{RULE}:{name}", **until)
            for name in ("startup", "shutdown", "reboot")
        ]
        return [
            Operation("GET", "/os-hosts", self.index, policy=f"{RULE}:list", kind="heavy", **until),
            Operation("GET", one, self.show, policy=f"{RULE}:show", kind="heavy", **until),
            Operation("PUT", one, self.update, policy=f"{RULE}:update", body=HostUpdate, **until),
            *powers,
            Operation("GET", audits, self.audits, policy=f"{AUDIT}:list", kind="heavy"),
            Operation("GET", audits + "/{at}", self.audit, policy=f"{AUDIT}:show", kind="heavy"),
        ]

    # --- hosts --------------------------------------------------------------------------------

    def index(self, call: Call, tx: Tx) -> Any:
        here = platform.node() or "control"
        rows = self._hosts.all(tx)
        # These first: who takes the first host of the list has one that servers run on.
        found = [{"host_name": r.host_id, "service": "compute", "zone": r.zone} for r in rows]
        found += [
            {"host_name": here, "service": name, "zone": INTERNAL}
            for name in ("conductor", "scheduler")
        ]
        zone = call.query.get("zone")
        return {"hosts": [each for each in found if not zone or each["zone"] == zone]}

    def _row(self, call: Call, tx: Tx) -> HypervisorRow:
        return self._hosts.on(tx, call.path["host"])

    def show(self, call: Call, tx: Tx) -> Any:
        """What the host has, what is taken of it, and by which projects."""
        row = self._row(call, tx)
        used = self._hosts.used(tx, [row])[row.host_id]
        have = row.resources
        total = (have.vcpus, have.memory_mb, have.disk_gb)
        taken = (used["VCPU"], used["MEMORY_MB"], used["DISK_GB"])
        body = [_resource(row, "(total)", *total), _resource(row, "(used_now)", *taken)]
        projects: dict[str, list[int]] = {}
        where = {"host": row.host_id, "existing": True}
        for server in self._servers.listing.page(tx, where=where):
            flavor, mine = server.flavor, projects.setdefault(server.project_id, [0, 0, 0])
            amounts = (flavor.vcpus, flavor.ram, flavor.disk + flavor.ephemeral)
            projects[server.project_id] = [a + b for a, b in zip(mine, amounts, strict=True)]
        sums = [sum(each[i] for each in projects.values()) for i in range(3)]
        body.append(_resource(row, "(used_max)", *sums))
        body += [_resource(row, name, *each) for name, each in sorted(projects.items())]
        return {"host": body}

    def update(self, call: Call, tx: Tx) -> Any:
        row, wish = self._row(call, tx), call.body
        if wish.status is UNSET and wish.maintenance_mode is UNSET:
            raise BadRequest(
                "Invalid input for field/attribute body. Value: {}. {} does not have enough "
                "properties"
            )
        if wish.maintenance_mode is not UNSET:
            raise NotImplementedHere("Unable to set a host's maintenance mode here.")
        disabled = wish.status == "disable"
        self._hosts.set_service(tx, row, disabled=disabled, disabled_reason=None)
        return {"host": row.host_id, "status": "disabled" if disabled else "enabled"}

    def power(self, call: Call, tx: Tx) -> None:
        self._row(call, tx)
        raise NotImplementedHere("Hosts are not switched on and off from here.")

    # --- audits -------------------------------------------------------------------------------

    def audits(self, call: Call, tx: Tx) -> Any:
        return {"instance_usage_audit_logs": self._log(tx, tx.now)}

    def audit(self, call: Call, tx: Tx) -> Any:
        at = call.path["at"]
        try:
            when = of_text(at.replace(" ", "T"))
        except ValueError:
            raise BadRequest(f"Invalid timestamp for date {at:.80}") from None
        return {"instance_usage_audit_log": self._log(tx, when)}

    def _log(self, tx: Tx, at: Moment) -> dict[str, Any]:
        """Of the last whole month: usage is counted as it happens, so nothing has to be run."""
        begin, end = _month_before(at)
        hosts = [row.host_id for row in self._hosts.all(tx)]
        servers = self._servers.lived(tx, begin, end)
        counts = dict.fromkeys(hosts, 0)
        for server in servers:
            if server.host_id in counts:
                counts[server.host_id] += 1
        log = {
            host: {"state": "DONE", "instances": n, "errors": 0, "message": f"{n} instances"}
            for host, n in counts.items()
        }
        return {
            "period_beginning": _shown(begin),
            "period_ending": _shown(end),
            "num_hosts": len(hosts),
            "num_hosts_done": len(hosts),
            "num_hosts_running": 0,
            "num_hosts_not_run": 0,
            "hosts_not_run": [],
            "total_instances": sum(counts.values()),
            "total_errors": 0,
            "overall_status": "ALL hosts done. 0 errors.",
            "log": log,
        }


def _resource(row: HypervisorRow, project: str, cpu: int, memory: int, disk: int) -> dict[str, Any]:
    found = {"host": row.host_id, "project": project, "cpu": cpu, "memory_mb": memory}
    return {"resource": {**found, "disk_gb": disk}}


def _month_before(at: Moment) -> tuple[Moment, Moment]:
    year, month = int(at[:4]), int(at[5:7])
    before = (year - 1, 12) if month == 1 else (year, month - 1)
    return _first(*before), _first(year, month)


def _first(year: int, month: int) -> Moment:
    return of_text(f"{year:04d}-{month:02d}-01T00:00:00Z")


def _shown(moment: Moment) -> str:
    return moment[:19].replace("T", " ")
