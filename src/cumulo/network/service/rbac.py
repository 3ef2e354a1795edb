"""RBAC policies: create, update, delete."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Conflict
from cumulo.core.ids import new_id
from cumulo.core.wire.shapes import Unset
from cumulo.network.model.address_group import AddressGroupRow
from cumulo.network.model.network import NetworkRow
from cumulo.network.model.qos import QosPolicyRow
from cumulo.network.model.rbac import ACTIONS, EVERYBODY, EXTERNAL, SHARED, RbacPolicyRow
from cumulo.network.model.security_group import SecurityGroupRow
from cumulo.network.model.standard import Standard, changed
from cumulo.network.model.subnetpool import AddressScopeRow, SubnetPoolRow
from cumulo.network.queries import rbac as queries
from cumulo.network.service.refusals import invalid, not_found, required, unfit
from cumulo.network.service.shares import Shares
from cumulo.network.service.tools import Tools, is_admin, tell

Target = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]

ROWS: dict[str, type[Standard]] = {
    "network": NetworkRow,
    "security_group": SecurityGroupRow,
    "qos_policy": QosPolicyRow,
    "address_group": AddressGroupRow,
    "subnetpool": SubnetPoolRow,
    "address_scope": AddressScopeRow,
}


class RbacWishes(msgspec.Struct, kw_only=True):
    object_type: str | Unset = UNSET
    object_id: str | Unset = UNSET
    action: str | Unset = UNSET
    target_tenant: Target | Unset = UNSET


CREATE_ONLY = frozenset({"object_type", "object_id", "action"})


class RbacPolicies:
    listing = queries.POLICIES

    def __init__(self, tools: Tools, shares: Shares) -> None:
        self._tools = tools
        self._shares = shares

    def get(self, tx: Tx, id: str, who: Principal | None) -> RbacPolicyRow:
        found = tx.get(RbacPolicyRow, id)
        own = found is not None and who is not None and found.project_id == who.project_id
        if found is None or not (own or is_admin(who)):
            raise not_found("rbac_policy", id)
        return found

    def create(
        self, tx: Tx, wishes: RbacWishes, who: Principal | None, project_id: str
    ) -> RbacPolicyRow:
        for name in ("object_type", "object_id", "action", "target_tenant"):
            if getattr(wishes, name) is UNSET:
                raise required(name)
        if wishes.object_type not in ACTIONS:
            raise unfit("object_type", f"'{wishes.object_type}' is not in {sorted(ACTIONS)}")
        actions = ACTIONS[wishes.object_type]
        if wishes.action not in actions:
            raise invalid(
                f"Invalid action '{wishes.action}' for object type '{wishes.object_type}'. "
                f"Valid actions: {', '.join(actions)}"
            )
        thing = self._thing(tx, wishes.object_type, str(wishes.object_id), who)
        row = RbacPolicyRow(
            id=new_id(),
            project_id=project_id,
            object_type=wishes.object_type,
            object_id=thing.id,
            action=str(wishes.action),
            target=str(wishes.target_tenant),
        )
        self._refuse_hidden_scope(tx, thing, row.target)
        self._tools.quotas.take(tx, project_id, rbac_policy=1)
        if not tx.insert(row, ignore_duplicate=True):
            raise _twice()
        self._follow(tx, row.object_type, thing)
        tell(tx, "rbac_policy", "create", row, who, object_id=row.object_id, target=row.target)
        return row

    def update(
        self, tx: Tx, row: RbacPolicyRow, wishes: RbacWishes, who: Principal | None
    ) -> RbacPolicyRow:
        target = wishes.target_tenant
        if target is UNSET or target == row.target:
            return row
        thing = self._thing(tx, row.object_type, row.object_id, who)
        self._refuse_use(tx, row, thing, now=target)
        others = self._shares.of(tx, row.object_id)
        if any((each.action, each.target) == (row.action, target) for each in others):
            raise _twice()
        row = tx.update(row, target=target)
        self._follow(tx, row.object_type, thing)
        tell(tx, "rbac_policy", "update", row, who, object_id=row.object_id, target=row.target)
        return row

    def delete(self, tx: Tx, row: RbacPolicyRow, who: Principal | None) -> None:
        thing = self._thing(tx, row.object_type, row.object_id, None)
        self._refuse_use(tx, row, thing)
        self._shares.drop(tx, row)
        self._follow(tx, row.object_type, thing)
        tell(tx, "rbac_policy", "delete", row, who, object_id=row.object_id, target=row.target)

    def _thing(self, tx: Tx, kind: str, id: str, who: Principal | None) -> Standard:
        """404 for what the caller does not see, 400 for what is another's."""
        found = tx.get(ROWS[kind], id)
        own = found is not None and who is not None and found.project_id == who.project_id
        if found is None or not (own or is_admin(who) or self._sees(tx, found, who)):
            raise not_found(kind, id)
        if not (own or is_admin(who)):
            raise invalid("Only admins can manipulate policies on objects they do not own")
        return found

    def _sees(self, tx: Tx, thing: Standard, who: Principal | None) -> bool:
        outside = isinstance(thing, NetworkRow) and thing.external
        return self._shares.reaches(tx, thing.id, who) or (
            outside and self._shares.reaches(tx, thing.id, who, EXTERNAL)
        )

    def _refuse_use(
        self, tx: Tx, row: RbacPolicyRow, thing: Standard, now: str | None = None
    ) -> None:
        """409 while somebody could not have what they have without the policy."""
        details = ""
        if self._shares.strangers(tx, row, thing.project_id, now=now):
            details = f"{row.object_type} {row.object_id} is in use by a project it is shared to."
        everybody = (row.action, row.target) == (EXTERNAL, EVERYBODY)
        if everybody and isinstance(thing, NetworkRow) and thing.is_default:
            details = "The default external network is everybody's."
        if details:
            raise Conflict(
                f"RBAC policy on object {row.object_id} cannot be removed because other objects "
                f"depend on it.\nDetails: {details}",
                kind="RbacPolicyInUse",
            )

    def _refuse_hidden_scope(self, tx: Tx, thing: Standard, target: str) -> None:
        """A pool is shared with nobody who may not use its address scope."""
        if not isinstance(thing, SubnetPoolRow) or thing.address_scope_id is None:
            return
        scope = tx.get(AddressScopeRow, thing.address_scope_id)
        assert scope is not None
        known = {each.target for each in self._shares.of(tx, scope.id)} | {scope.project_id}
        if not known & {target, EVERYBODY}:
            raise invalid(
                f"Only subnet pools can be shared whose address scope {scope.id} is shared with "
                "the same project"
            )

    def _follow(self, tx: Tx, kind: str, thing: Standard) -> None:
        """A network's own columns say what its policies say. Sharing is a change of the thing."""
        found = self._shares.of(tx, thing.id)
        shared = any(p.action == SHARED and p.target == EVERYBODY for p in found)
        changes: dict[str, Any] = {}
        if isinstance(thing, NetworkRow):
            changes = {"shared": shared, "external": any(p.action == EXTERNAL for p in found)}
        elif isinstance(thing, SubnetPoolRow | AddressScopeRow | QosPolicyRow):
            changes = {"shared": shared}
        after = changed(tx, thing, **changes)
        if after is thing:
            tx.update(thing, revision_number=thing.revision_number + 1, updated_at=tx.now)
        elif isinstance(thing, NetworkRow):
            self._tools.hosts.touch_network(tx, thing.id)


def _twice() -> Conflict:
    return Conflict("An RBAC policy already exists with those values.", kind="DuplicateRbacPolicy")
