"""Security groups on compute's wire: those of a server, and up to API 2.35 all of a project's.

Network has them; here are the names that this API gave them.
"""

from typing import Annotated, Any

from msgspec import Meta, field

from cumulo.compute.api.common import server_of
from cumulo.compute.service.compute import ComputeService
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import limit_of, offset_of
from cumulo.core.wire.coercions import IntLike, Uuid, as_bool, as_int
from cumulo.core.wire.shapes import Body, StrictBody
from cumulo.network.interface import GroupInfo, RuleInfo, RuleWish

RULE = "os_compute_api:os-security-groups"
ACTION = "/servers/{server_id}/action"
LAST = "2.35"


class Wish(StrictBody):
    name: Annotated[str, Meta(min_length=1, max_length=255, pattern=r"\S")]
    description: Annotated[str, Meta(max_length=255)]


class GroupWish(StrictBody):
    security_group: Wish


class NewRule(Body, kw_only=True):
    parent_group_id: Uuid
    ip_protocol: str | None = None
    from_port: IntLike | None = None
    to_port: IntLike | None = None
    cidr: str | None = None
    group_id: Uuid | None = None


class CreateRule(StrictBody):
    rule: NewRule = field(name="security_group_rule")


class Named(StrictBody):
    name: Annotated[str, Meta(min_length=1, max_length=255)]


class AddGroup(StrictBody):
    group: Named = field(name="addSecurityGroup")


class RemoveGroup(StrictBody):
    group: Named = field(name="removeSecurityGroup")


class SecurityGroupsApi:
    def __init__(self, compute: ComputeService) -> None:
        self._compute = compute
        self._groups = compute.network.compute_groups

    def operations(self) -> list[Operation]:
        all_, one, rules = (
            "/os-security-groups",
            "/os-security-groups/{id}",
            "/os-security-group-rules",
        )

        def old(method: str, path: str, handler: Any, verb: str, **more: Any) -> Operation:
            return Operation(method, path, handler, policy=f"{RULE}:{verb}", until=LAST, **more)

        def action(handler: Any, name: str, verb: str, body: Any) -> Operation:
            return Operation(
                "POST",
                ACTION,
                handler,
                policy=f"{RULE}:{verb}",
                early=False,
                body=body,
                action=name,
                status=202,
                title=f"{name} server",
            )

        return [
            old("GET", all_, self.index, "get", writes=True),
            old("POST", all_, self.create, "create", body=GroupWish),
            old("GET", one, self.show, "show"),
            old("PUT", one, self.update, "update", body=GroupWish),
            old("DELETE", one, self.delete, "delete", status=202),
            old("POST", rules, self.add_rule, "rule:create", body=CreateRule),
            old("DELETE", rules + "/{id}", self.drop_rule, "rule:delete", status=202),
            Operation(
                "GET",
                "/servers/{server_id}/os-security-groups",
                self.of_server,
                policy=f"{RULE}:list",
                early=False,
            ),
            action(self.add, "addSecurityGroup", "add", AddGroup),
            action(self.remove, "removeSecurityGroup", "remove", RemoveGroup),
        ]

    # --- up to 2.35 -------------------------------------------------------------------------

    def index(self, call: Call, tx: Tx) -> Any:
        everywhere = as_bool(call.query.get("all_tenants") or "false", "all_tenants")
        found = self._groups.all(tx, call.principal, everywhere=everywhere)
        offset = offset_of(call)
        limit = limit_of(call)
        page = found[offset:] if limit is None else found[offset : offset + limit]
        return {"security_groups": [_group(each) for each in page]}

    def create(self, call: Call, tx: Tx) -> Any:
        wish = call.body.security_group
        made = self._groups.create(tx, call.principal, wish.name, wish.description)
        return {"security_group": _group(made)}

    def show(self, call: Call, tx: Tx) -> Any:
        return {"security_group": _group(self._groups.get(tx, call.principal, _id(call)))}

    def update(self, call: Call, tx: Tx) -> Any:
        wish = call.body.security_group
        found = self._groups.update(tx, call.principal, _id(call), wish.name, wish.description)
        return {"security_group": _group(found)}

    def delete(self, call: Call, tx: Tx) -> None:
        self._groups.delete(tx, call.principal, _id(call))

    def add_rule(self, call: Call, tx: Tx) -> Any:
        asked: NewRule = call.body.rule
        protocol = None if asked.ip_protocol is None else asked.ip_protocol.lower()
        ports = [
            None if given is None else as_int(given, name, minimum=-1, maximum=65535)
            for name, given in (("from_port", asked.from_port), ("to_port", asked.to_port))
        ]
        if asked.group_id is None and (protocol is None or None in ports):
            raise BadRequest("Not enough parameters to build a valid rule.")
        low, high = (None if port == -1 and protocol == "icmp" else port for port in ports)
        cidr = asked.cidr or (None if asked.group_id else "0.0.0.0/0")
        wish = RuleWish(
            group_id=asked.parent_group_id,
            protocol=protocol,
            from_port=low,
            to_port=high,
            cidr=None if asked.group_id else cidr,
            remote_group_id=asked.group_id,
        )
        return {"security_group_rule": _rule(self._groups.add_rule(tx, call.principal, wish))}

    def drop_rule(self, call: Call, tx: Tx) -> None:
        self._groups.delete_rule(tx, call.principal, _id(call))

    # --- of a server ------------------------------------------------------------------------

    def of_server(self, call: Call, tx: Tx) -> Any:
        row = server_of(call, tx, self._compute)
        found = self._groups.of_server(tx, row.id)
        return {"security_groups": [_group(each) for each in found]}

    def add(self, call: Call, tx: Tx) -> None:
        row = server_of(call, tx, self._compute)
        self._groups.add_to_server(tx, call.principal, row.id, call.body.group.name)

    def remove(self, call: Call, tx: Tx) -> None:
        row = server_of(call, tx, self._compute)
        self._groups.remove_from_server(tx, call.principal, row.id, call.body.group.name)


def _id(call: Call) -> str:
    return call.path["id"]


def _group(info: GroupInfo) -> dict[str, Any]:
    return {
        "id": info.id,
        "name": info.name,
        "description": info.description,
        "tenant_id": info.project_id,
        "rules": [_rule(rule) for rule in info.rules],
    }


def _rule(rule: RuleInfo) -> dict[str, Any]:
    low, high = rule.from_port, rule.to_port
    if rule.protocol is not None and low is None and high is None:
        low, high = (1, 65535) if rule.protocol in ("tcp", "udp") else (-1, -1)
    group: dict[str, Any] = {}
    cidr: dict[str, Any] = {}
    if rule.remote_group is not None:
        group = {"name": rule.remote_group, "tenant_id": rule.remote_project_id}
    else:
        anywhere = "::/0" if rule.ethertype == "IPv6" else "0.0.0.0/0"
        cidr = {"cidr": rule.cidr or anywhere}
    return {
        "id": rule.id,
        "parent_group_id": rule.group_id,
        "ip_protocol": rule.protocol,
        "from_port": low,
        "to_port": high,
        "ip_range": cidr,
        "group": group,
    }
