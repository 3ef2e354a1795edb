"""QoS policies and their rules: create, update, delete, and who may have which."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Conflict, Forbidden
from cumulo.core.ids import new_id
from cumulo.core.wire.shapes import Unset
from cumulo.network.model.orders import item_id
from cumulo.network.model.port import PortRow, is_guest
from cumulo.network.model.qos import (
    DSCP_MARKS,
    FIELDS,
    SUPPORTED,
    QosPolicyRow,
    QosRuleRow,
)
from cumulo.network.model.router import RouterRow
from cumulo.network.model.standard import changed
from cumulo.network.queries import port as port_queries
from cumulo.network.queries import qos as queries
from cumulo.network.service.placing import KIND
from cumulo.network.service.refusals import not_found, required, unfit
from cumulo.network.service.tools import Tools, chosen, is_admin, standard, tell

Name = Annotated[str, msgspec.Meta(max_length=255)]
Count = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
DEFAULTS = {"max_burst_kbps": 0, "max_burst_kpps": 0, "direction": "egress"}


class QosPolicyWishes(msgspec.Struct, kw_only=True):
    name: Name | Unset = UNSET
    description: Name | Unset = UNSET
    shared: bool | Unset = UNSET
    is_default: bool | Unset = UNSET


class QosRuleWishes(msgspec.Struct, kw_only=True):
    """Of all types; which fields one has, its noun says."""

    max_kbps: Count | Unset = UNSET
    max_burst_kbps: Count | Unset = UNSET
    min_kbps: Count | Unset = UNSET
    max_kpps: Count | Unset = UNSET
    max_burst_kpps: Count | Unset = UNSET
    dscp_mark: Count | Unset = UNSET
    direction: str | Unset = UNSET


class QosPolicies:
    listing = queries.POLICIES

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def get(self, tx: Tx, id: str, who: Principal | None) -> QosPolicyRow:
        found = tx.get(QosPolicyRow, id)
        own = found is not None and who is not None and found.project_id == who.project_id
        if found is None or not (own or is_admin(who) or self._tools.shares.reaches(tx, id, who)):
            raise not_found("policy", id)
        return found

    def rules_of(self, tx: Tx, ids: list[str]) -> dict[str, list[QosRuleRow]]:
        found: dict[str, list[QosRuleRow]] = {}
        for row in tx.all(queries.RULES_OF, ids=ids) if ids else ():
            found.setdefault(row.policy_id, []).append(row)
        return found

    def create(
        self, tx: Tx, wishes: QosPolicyWishes, who: Principal | None, project_id: str
    ) -> QosPolicyRow:
        if wishes.name is UNSET:
            raise required("name")
        row = QosPolicyRow(
            **standard(tx, wishes, project_id), **chosen(wishes, "shared", "is_default")
        )
        self._refuse_second_default(tx, row)
        tx.insert(row)
        if row.shared:
            self._tools.shares.to_all(tx, "qos_policy", row.id, project_id, True)
        tell(tx, "qos_policy", "create", row, who, name=row.name)
        return row

    def update(
        self, tx: Tx, row: QosPolicyRow, wishes: QosPolicyWishes, who: Principal | None
    ) -> QosPolicyRow:
        changes = chosen(wishes, "name", "description", "shared", "is_default")
        self._refuse_second_default(tx, msgspec.structs.replace(row, **changes))
        if wishes.shared is False and row.shared:
            self._refuse_strangers(tx, row)
        after = changed(tx, row, **changes)
        if after is not row:
            if after.shared is not row.shared:
                self._tools.shares.to_all(tx, "qos_policy", row.id, row.project_id, after.shared)
            tell(tx, "qos_policy", "update", after, who)
        return after

    def delete(self, tx: Tx, row: QosPolicyRow, who: Principal | None) -> None:
        for kind, id in tx.tuples(queries.USED_BY, policy_id=row.id):
            raise Conflict(f"QoS Policy {row.id} is used by {kind} {id}.", kind="QosPolicyInUse")
        tx.delete(row)
        self._tools.shares.forget(tx, row.id)
        tell(tx, "qos_policy", "delete", row, who)

    def _refuse_second_default(self, tx: Tx, row: QosPolicyRow) -> None:
        found = tx.one(queries.DEFAULT, project_id=row.project_id) if row.is_default else None
        if found is not None and found.id != row.id:
            raise Conflict(
                f"A default QoS policy exists for project {row.project_id}.",
                kind="QoSPolicyDefaultAlreadyExists",
            )

    def _refuse_strangers(self, tx: Tx, row: QosPolicyRow) -> None:
        for policy in self._tools.shares.of(tx, row.id):
            if policy.target == "*" and self._tools.shares.strangers(tx, policy, row.project_id):
                raise Conflict(
                    f"QoS Policy {row.id} is used by projects that it is shared with.",
                    kind="QosPolicyInUse",
                )

    # --- having one ------------------------------------------------------------------------------

    def default_of(self, tx: Tx, project_id: str) -> str | None:
        found = tx.one(queries.DEFAULT, project_id=project_id)
        return None if found is None else found.id

    def chosen(
        self,
        tx: Tx,
        wish: str | Unset | None,
        now: str | None,
        who: Principal | None,
        noun: str,
    ) -> dict[str, Any]:
        """The column `qos_policy_id` as a client wishes it. Raises NotFound for what the caller
        does not see, Forbidden for taking away what is not theirs, Conflict for a policy with
        rules that no host can follow."""
        if wish is UNSET or (wish or None) == now:
            return {}
        if now is not None and not is_admin(who):
            had = tx.get(QosPolicyRow, now)
            own = had is not None and who is not None and had.project_id == who.project_id
            if not own and not self._tools.shares.reaches(tx, now, who):
                raise Forbidden(
                    f"Failed to remove provided policy {now} because you are not authorized.",
                    kind="PolicyRemoveAuthorizationError",
                )
        if not wish:
            return {"qos_policy_id": None}
        policy = self.get(tx, wish, who)
        for rule in tx.all(queries.RULES_OF, ids=[policy.id]):
            if rule.kind not in SUPPORTED:
                raise _unsupported(rule.kind, noun)
        return {"qos_policy_id": policy.id}

    def changed(self, tx: Tx, policy_id: str) -> None:
        """All that follow the policy must look again."""
        by_host: dict[str, list[str]] = {}
        for host, port in tx.tuples(queries.PORTS_WITH, policy_id=policy_id):
            by_host.setdefault(str(host), []).append(item_id("port", str(port)))
        registry = self._tools.hosts.registry
        for host, items in by_host.items():
            known = registry.items(tx, host, KIND, items)
            registry.change(tx, host, KIND, [each for each in items if each in known])
        for (router,) in tx.tuples(queries.ROUTERS_WITH, policy_id=policy_id):
            row = tx.get(RouterRow, router)
            if row is not None:
                self._tools.hosts.touch_router(tx, row)

    def touch_guests(self, tx: Tx, network_id: str) -> None:
        """A network has another policy: its guests' ports follow it."""
        by_host: dict[str, list[str]] = {}
        for port in tx.all(port_queries.OF_NETWORK, network_id=network_id):
            if port.host_id is not None and _follows(port):
                by_host.setdefault(port.host_id, []).append(item_id("port", port.id))
        for host, items in by_host.items():
            self._tools.hosts.registry.change(tx, host, KIND, items)


def _follows(port: PortRow) -> bool:
    return is_guest(port) and port.qos_policy_id is None


def _unsupported(kind: str, noun: str) -> Conflict:
    return Conflict(f"Rule {kind} is not supported by {noun}", kind="QosRuleNotSupported")


class QosRules:
    """The rules of one type."""

    listing = queries.RULES

    def __init__(self, tools: Tools, policies: QosPolicies, kind: str) -> None:
        self._tools = tools
        self._policies = policies
        self._kind = kind

    def get(self, tx: Tx, id: str, who: Principal | None) -> QosRuleRow:
        found = tx.get(QosRuleRow, id)
        if found is None or found.kind != self._kind:
            raise not_found("qos_rule", id)
        return found

    def create(
        self,
        tx: Tx,
        wishes: QosRuleWishes,
        who: Principal | None,
        project_id: str,
        holder: QosPolicyRow,
    ) -> QosRuleRow:
        values = {}
        for name in FIELDS[self._kind]:
            value = getattr(wishes, name)
            if value is UNSET and name not in DEFAULTS:
                raise required(name)
            values[name] = DEFAULTS[name] if value is UNSET else value
        row = QosRuleRow(new_id(), holder.project_id, holder.id, self._kind, values)
        self._refuse(tx, row)
        if self._kind not in SUPPORTED:
            for noun, id in tx.tuples(queries.USED_BY, policy_id=holder.id):
                raise _unsupported(self._kind, f"{noun} {id}")
        tx.insert(row)
        self._note(tx, holder, "create", row, who)
        return row

    def update(
        self, tx: Tx, row: QosRuleRow, wishes: QosRuleWishes, who: Principal | None
    ) -> QosRuleRow:
        given = chosen(wishes, *FIELDS[self._kind])
        after = msgspec.structs.replace(row, values={**row.values, **given})
        self._refuse(tx, after)
        if after != row:
            after = tx.update(row, values=after.values)
            holder = tx.get(QosPolicyRow, row.policy_id)
            assert holder is not None
            self._note(tx, holder, "update", after, who)
        return after

    def delete(self, tx: Tx, row: QosRuleRow, who: Principal | None) -> None:
        holder = tx.get(QosPolicyRow, row.policy_id)
        assert holder is not None
        tx.delete(row)
        self._note(tx, holder, "delete", row, who)

    def _note(
        self, tx: Tx, holder: QosPolicyRow, verb: str, row: QosRuleRow, who: Principal | None
    ) -> None:
        tx.update(holder, revision_number=holder.revision_number + 1, updated_at=tx.now)
        self._policies.changed(tx, holder.id)
        tell(tx, "qos_rule", verb, row, who, policy_id=holder.id)

    def _refuse(self, tx: Tx, row: QosRuleRow) -> None:
        """What does not fit together, in the rule or with the policy's others."""
        values = row.values
        if values.get("direction", "egress") not in ("egress", "ingress"):
            raise unfit("direction", f"'{values['direction']:.80}' is not in ['egress', 'ingress']")
        if values.get("dscp_mark", 0) not in DSCP_MARKS:
            raise unfit("dscp_mark", f"'{values['dscp_mark']}' is not in {list(DSCP_MARKS)}")
        for other in tx.all(queries.RULES_OF, ids=[row.policy_id]):
            same = other.kind == row.kind and other.id != row.id
            if same and other.values.get("direction") == values.get("direction"):
                raise Conflict(
                    f"Rule {row.kind} conflicts with rule {other.id} which already exists in QoS "
                    f"Policy {row.policy_id}.",
                    kind="QoSRulesConflict",
                )
