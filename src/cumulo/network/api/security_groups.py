"""Security groups on the wire: networking API v2.0, `security-groups` and their rules."""

import ipaddress
from collections.abc import Sequence
from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call
from cumulo.network.api.attributes import STANDARD, Noun, standard_body
from cumulo.network.api.collection import Collection
from cumulo.network.model.security_group import SecurityGroupRow, SecurityGroupRuleRow
from cumulo.network.service.network import NetworkService
from cumulo.network.service.rules import SecurityGroupRuleWishes
from cumulo.network.service.security_groups import SecurityGroupWishes

SHOWN = STANDARD | {"name", "stateful", "security_group_rules", "shared"}
RULE_SHOWN = (STANDARD - {"tags"}) | {
    "security_group_id",
    "direction",
    "ethertype",
    "protocol",
    "port_range_min",
    "port_range_max",
    "remote_ip_prefix",
    "remote_group_id",
    "normalized_cidr",
    "remote_address_group_id",
}


def security_groups(network: NetworkService) -> Noun[SecurityGroupRow]:
    def show(tx: Tx, rows: Sequence[SecurityGroupRow]) -> list[dict[str, Any]]:
        rules = network.security_groups.rules_of(tx, [row.id for row in rows])
        return [
            {
                **standard_body(row),
                "name": row.name,
                "stateful": row.stateful,
                "shared": False,
                "security_group_rules": show_rules(tx, rules.get(row.id, [])),
            }
            for row in rows
        ]

    return Noun(
        name="security_group",
        plural="security_groups",
        path="security-groups",
        verbs=network.security_groups,
        show=show,
        shown=SHOWN,
        wishes=SecurityGroupWishes,
        shared_with=lambda tx, rows, project: network.shares.among(
            tx, [row.id for row in rows], project
        ),
        shows_shared=True,
        target=lambda tx, row: {"project_id": row.project_id, "tenant_id": row.project_id},
        writes_list=True,
    )


def security_group_rules(network: NetworkService) -> Noun[SecurityGroupRuleRow]:
    return Noun(
        name="security_group_rule",
        plural="security_group_rules",
        path="security-group-rules",
        verbs=network.security_group_rules,
        show=show_rules,
        shown=RULE_SHOWN,
        wishes=SecurityGroupRuleWishes,
        target=lambda tx, row: {"project_id": row.project_id, "tenant_id": row.project_id},
        tags=False,
        updates=False,
        writes_list=True,
    )


def show_rules(tx: Tx, rows: Sequence[SecurityGroupRuleRow]) -> list[dict[str, Any]]:
    return [_rule(row) for row in rows]


def _rule(row: SecurityGroupRuleRow) -> dict[str, Any]:
    body = standard_body(row)
    del body["tags"]
    prefix = row.remote_ip_prefix
    return {
        **body,
        "security_group_id": row.security_group_id,
        "direction": row.direction,
        "ethertype": row.ethertype,
        "protocol": row.protocol,
        "port_range_min": row.port_range_min,
        "port_range_max": row.port_range_max,
        "remote_ip_prefix": prefix,
        "remote_group_id": row.remote_group_id,
        "normalized_cidr": None
        if prefix is None
        else str(ipaddress.ip_network(prefix, strict=False)),
        "remote_address_group_id": row.remote_address_group_id,
    }


class GroupsCollection(Collection):
    """Asking for the groups is a need: the project's default one is there from then on."""

    def __init__(self, network: NetworkService, noun: Noun[Any]) -> None:
        super().__init__(noun)
        self._groups = network.security_groups

    def index(self, call: Call, tx: Tx) -> Any:
        project = call.principal.project_id
        if project is not None:
            self._groups.default_of(tx, project)
        return super().index(call, tx)
