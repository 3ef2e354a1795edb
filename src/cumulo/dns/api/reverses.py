"""Reverse names of floating IPs on the wire."""

import re
from typing import Any

from msgspec import UNSET

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation
from cumulo.core.wire.shapes import StrictBody
from cumulo.dns.api import common
from cumulo.dns.service import checks
from cumulo.dns.service.dns import DnsService
from cumulo.dns.service.refusals import InvalidObject, bad_request, missing, not_found, wrong
from cumulo.dns.service.reverses import Reverse

_KEY = re.compile(r"(?P<region>[A-Za-z0-9.\-_]{1,100}):(?P<id>[0-9a-f-]{36})\Z", re.IGNORECASE)


class ReverseRequest(StrictBody):
    id: Any = UNSET
    address: Any = UNSET
    ptrdname: Any = UNSET
    description: Any = UNSET
    ttl: Any = UNSET
    action: Any = UNSET
    status: Any = UNSET
    links: Any = UNSET


class ReversesApi:
    def __init__(self, dns: DnsService, region: str) -> None:
        self._dns = dns
        self._region = region

    def operations(self) -> list[Operation]:
        many = "/v2/reverse/floatingips"
        one = f"{many}/{{key}}"
        return [
            Operation("GET", many, self.index),
            Operation("GET", one, self.show),
            Operation("PATCH", one, self.update, body=ReverseRequest, status=202),
        ]

    def _body(self, call: Call, found: Reverse) -> dict[str, Any]:
        key = f"{self._region}:{found.floating_ip.id}"
        row, zone = found.recordset, found.zone
        ttl = None
        if row is not None and zone is not None:
            ttl = zone.ttl if row.ttl is None else row.ttl
        return {
            "id": key,
            "address": found.floating_ip.address,
            "ptrdname": None if row is None else row.records[0],
            "description": None if row is None else row.description,
            "ttl": ttl,
            "action": "NONE" if row is None else row.action,
            "status": "INACTIVE" if row is None else row.status,
            "links": {"self": common.link(call, "reverse/floatingips", key)},
        }

    @staticmethod
    def _project(call: Call) -> str:
        project_id = common.scope_of(call).project_id
        if project_id is None:
            message = "A project ID must be specified when not using a project scoped token."
            raise bad_request(message, "missing_project_id")
        return project_id

    def _found(self, call: Call, tx: Tx) -> Reverse:
        key = _KEY.match(call.path["key"])
        if key is None:
            message = f"Floating IP {call.path['key']:.120} is not in the correct format"
            raise bad_request(message)
        if key["region"] != self._region:
            raise not_found(f"FloatingIP in {key['region']}", "floatingip")
        return self._dns.reverses.get(tx, key["id"].lower(), self._project(call))

    def index(self, call: Call, tx: Tx) -> Any:
        found = self._dns.reverses.all_of(tx, self._project(call))
        items = [self._body(call, each) for each in found]
        return {
            "floatingips": items,
            "links": {"self": call.url},
            "metadata": {"total_count": len(items)},
        }

    def show(self, call: Call, tx: Tx) -> Any:
        return self._body(call, self._found(call, tx))

    def update(self, call: Call, tx: Tx) -> Any:
        scope = common.scope_of(call)
        call.allow({"project_id": scope.project_id}, "default")
        found = self._found(call, tx)
        shown = self._body(call, found)
        values = common.changes_of(
            call.body, shown, ("ptrdname", "description", "ttl"), "floatingip"
        )
        if "ptrdname" not in values:
            raise missing("ptrdname")
        if values["ptrdname"] is None:
            self._dns.reverses.unset(tx, found, scope)
            return None
        name = checks.name_of("ptrdname", values["ptrdname"])
        if name.count(".") < 2:
            raise InvalidObject(wrong(["ptrdname"], f"'{name}' is not the name of a host"))
        floor = self._dns.rules.least_ttl
        changed = {
            "ttl": checks.ttl_of(values.get("ttl"), least=0, floor=floor, low=scope.low_ttl),
            "description": checks.text_of(
                "description", values.get("description"), checks.MOST_DESCRIPTION
            ),
        }
        return self._body(call, self._dns.reverses.set(tx, found, name, changed, scope))
