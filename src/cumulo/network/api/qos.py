"""QoS on the wire: networking API v2.0, `qos/policies`, their rules, and `qos/rule-types`."""

from collections.abc import Sequence
from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.network.api.attributes import STANDARD, Noun, standard_body
from cumulo.network.model.qos import DSCP_MARKS, FIELDS, SUPPORTED, QosPolicyRow, QosRuleRow
from cumulo.network.service.network import NetworkService
from cumulo.network.service.qos import QosPolicyWishes, QosRuleWishes

SHOWN = STANDARD | {"name", "shared", "is_default", "rules"}


def qos_policies(network: NetworkService) -> Noun[QosPolicyRow]:
    def show(tx: Tx, rows: Sequence[QosPolicyRow]) -> list[dict[str, Any]]:
        rules = network.qos_policies.rules_of(tx, [row.id for row in rows])
        return [
            {
                **standard_body(row),
                "name": row.name,
                "shared": row.shared,
                "is_default": row.is_default,
                "rules": [_in_policy(rule) for rule in rules.get(row.id, ())],
            }
            for row in rows
        ]

    return Noun(
        name="policy",
        plural="policies",
        path="qos/policies",
        verbs=network.qos_policies,
        show=show,
        shown=SHOWN,
        wishes=QosPolicyWishes,
        target=lambda tx, row: {"project_id": row.project_id, "tenant_id": row.project_id},
        shared_with=lambda tx, rows, project: network.shares.among(
            tx, [row.id for row in rows], project
        ),
        shows_shared=True,
    )


def _in_policy(row: QosRuleRow) -> dict[str, Any]:
    return {"type": row.kind, "qos_policy_id": row.policy_id, "id": row.id, **row.values}


def qos_rules(network: NetworkService, kind: str) -> Noun[QosRuleRow]:
    fields = frozenset(FIELDS[kind])
    return Noun(
        name=f"{kind}_rule",
        plural=f"{kind}_rules",
        path=f"qos/policies/{{holder}}/{kind}_rules",
        verbs=network.qos_rules[kind],
        show=lambda tx, rows: [{"id": row.id, **row.values} for row in rows],
        shown=fields | {"id"},
        wishes=QosRuleWishes,
        only=fields,
        target=lambda tx, row: {"project_id": row.project_id, "tenant_id": row.project_id},
        bulk=False,
        tags=False,
        policy=f"policy_{kind}_rule",
        within="policy_id",
        fixed={"kind": [kind]},
    )


class RuleTypesApi:
    def operations(self) -> list[Operation]:
        many = "/v2.0/qos/rule-types"
        return [
            Operation("GET", many, self.index, policy="get_rule_type", early=False),
            Operation("GET", f"{many}/{{type}}", self.show, policy="show_rule_type"),
        ]

    def index(self, call: Call, tx: Tx) -> Any:
        return {"rule_types": [{"type": kind} for kind in SUPPORTED]}

    def show(self, call: Call, tx: Tx) -> Any:
        kind = call.path["type"]
        if kind not in SUPPORTED:
            raise NotFound(f"QoS rule type {kind:.80} could not be found.", kind="HTTPNotFound")
        parameters = [_parameter(name) for name in FIELDS[kind]]
        driver = {"name": "cumulo", "supported_parameters": parameters}
        return {"rule_type": {"type": kind, "drivers": [driver]}}


def _parameter(name: str) -> dict[str, Any]:
    known: dict[str, list[Any]] = {
        "direction": ["egress", "ingress"],
        "dscp_mark": list(DSCP_MARKS),
    }
    choices = known.get(name)
    if choices is not None:
        return {
            "parameter_name": name,
            "parameter_type": "choices",
            "parameter_values": choices,
        }
    return {
        "parameter_name": name,
        "parameter_type": "range",
        "parameter_values": {"start": 0, "end": 2**31 - 1},
    }
