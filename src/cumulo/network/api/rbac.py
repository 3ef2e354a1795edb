"""RBAC policies on the wire: networking API v2.0, `rbac-policies`."""

from collections.abc import Sequence
from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.network.api.attributes import Noun
from cumulo.network.model.rbac import EVERYBODY, EXTERNAL, RbacPolicyRow
from cumulo.network.service.network import NetworkService
from cumulo.network.service.rbac import CREATE_ONLY, RbacWishes

SHOWN = frozenset(
    {"id", "project_id", "tenant_id", "object_type", "object_id", "action", "target_tenant"}
)


def rbac_policies(network: NetworkService) -> Noun[RbacPolicyRow]:
    return Noun(
        name="rbac_policy",
        plural="rbac_policies",
        path="rbac-policies",
        verbs=network.rbac_policies,
        show=show,
        shown=SHOWN,
        wishes=RbacWishes,
        create_only=CREATE_ONLY,
        target=lambda tx, row: {"project_id": row.project_id, "tenant_id": row.project_id},
        wished=lambda sent: {
            "wildcard": sent.get("target_tenant") == EVERYBODY,
            "way_out": sent.get("action") == EXTERNAL,
        },
        tags=False,
        synonyms={"target_project": "target_tenant"},
    )


def show(tx: Tx, rows: Sequence[RbacPolicyRow]) -> list[dict[str, Any]]:
    return [
        {
            "id": row.id,
            "project_id": row.project_id,
            "tenant_id": row.project_id,
            "object_type": row.object_type,
            "object_id": row.object_id,
            "action": row.action,
            "target_tenant": row.target,
        }
        for row in rows
    ]
