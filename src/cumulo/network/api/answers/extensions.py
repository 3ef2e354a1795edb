"""The bodies of the extensions' nouns."""

from __future__ import annotations

from typing import Any

from cumulo.core.wire.shapes import Body
from cumulo.network.api.answers.shapes import lines


class RbacPolicy(Body, kw_only=True):
    id: str
    project_id: str
    tenant_id: str
    object_type: str
    object_id: str
    action: str
    target_tenant: str


LINES: dict[str, Any] = {
    **lines("rbac_policy", "rbac_policies", "rbac-policies", RbacPolicy),
}
