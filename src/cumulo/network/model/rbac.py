"""RBAC policies: what a project lets others use.

A network's `shared` and `router:external` are policies for everybody (target `*`), kept as columns
of the network, too, for what must be read fast.
"""

from typing import Annotated

from cumulo.core.db.rows import IndexOn, Key, Row, Unique, table

SHARED = "access_as_shared"
EXTERNAL = "access_as_external"
EVERYBODY = "*"

ACTIONS: dict[str, tuple[str, ...]] = {
    "address_group": (SHARED,),
    "address_scope": (SHARED,),
    "network": (SHARED, EXTERNAL),
    "qos_policy": (SHARED,),
    "security_group": (SHARED,),
    "subnetpool": (SHARED,),
}
"""Which kinds of resources can be shared, and how."""


@table(
    "network_rbac_policies",
    Unique("object_id", "action", "target"),
    IndexOn("target", "object_type"),
    IndexOn("project_id"),
)
class RbacPolicyRow(Row, frozen=True):
    id: Annotated[str, Key()]
    project_id: str
    object_type: str
    object_id: str
    action: str
    target: str
    """A project's id, or `*`: everybody."""
    counted: bool = True
    """In the project's quota: those that an attribute (`shared`) stands for are not."""
