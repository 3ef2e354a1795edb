"""Security groups and their rules."""

from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict, Forbidden
from cumulo.core.wire.shapes import Unset
from cumulo.network.model.address_group import AddressGroupRow
from cumulo.network.model.security_group import (
    DefaultRuleRow,
    SecurityGroupRow,
    SecurityGroupRuleRow,
)
from cumulo.network.model.standard import changed
from cumulo.network.queries import port as port_queries
from cumulo.network.queries import security_group as queries
from cumulo.network.service.address_groups import AddressGroups
from cumulo.network.service.default_rules import PARENT, templates
from cumulo.network.service.refusals import not_found
from cumulo.network.service.rules import SecurityGroupRuleWishes, direction, match, same
from cumulo.network.service.tools import Tools, chosen, is_admin, standard, tell

Name = Annotated[str, msgspec.Meta(max_length=255)]


class SecurityGroupWishes(msgspec.Struct, kw_only=True):
    name: Name | Unset = UNSET
    description: Name | Unset = UNSET
    stateful: bool | Unset = UNSET


class SecurityGroups:
    listing = queries.GROUPS

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def get(self, tx: Tx, group_id: str, who: Principal | None) -> SecurityGroupRow:
        found = tx.get(SecurityGroupRow, group_id)
        if found is None or not self.visible(tx, found, who):
            raise not_found("security_group", group_id)
        return found

    def visible(self, tx: Tx, row: SecurityGroupRow, who: Principal | None) -> bool:
        own = who is not None and row.project_id == who.project_id
        return own or is_admin(who) or self._tools.shares.reaches(tx, row.id, who)

    def rules_of(self, tx: Tx, ids: list[str]) -> dict[str, list[SecurityGroupRuleRow]]:
        found: dict[str, list[SecurityGroupRuleRow]] = {}
        for row in tx.all(queries.RULES_OF, ids=ids):
            found.setdefault(row.security_group_id, []).append(row)
        return found

    def default_of(self, tx: Tx, project_id: str) -> SecurityGroupRow:
        """The project's `default` group, made when there is none. It is no part of the quota:
        whoever may have a port has it."""
        found = tx.one(queries.DEFAULT_OF, project=project_id)
        if found is not None:
            return found
        wishes = SecurityGroupWishes(name="default", description="Default security group")
        return self._insert(tx, wishes, project_id, default_of=project_id)

    def named(self, tx: Tx, project_id: str, wanted: Sequence[str]) -> list[SecurityGroupRow]:
        """Groups of a project by id or by name. Raises NotFound, or Conflict for a name that
        several have."""
        by_id = {
            row.id: row
            for row in tx.all(queries.BY_IDS, ids=list(wanted))
            if row.project_id == project_id
        }
        names = [each for each in wanted if each not in by_id]
        if "default" in names:
            self.default_of(tx, project_id)
        by_name: dict[str, list[SecurityGroupRow]] = {}
        if names:
            for row in tx.all(queries.BY_NAMES, project_id=project_id, names=names):
                by_name.setdefault(row.name, []).append(row)
        found = []
        for each in wanted:
            fitting = [by_id[each]] if each in by_id else by_name.get(each, [])
            if not fitting:
                raise not_found("security_group", each)
            if len(fitting) > 1:
                raise Conflict(
                    f"Multiple security groups found matching '{each}'. Use an ID to be more "
                    "specific.",
                    kind="NoUniqueMatch",
                )
            found.append(fitting[0])
        return found

    def create(
        self, tx: Tx, wishes: SecurityGroupWishes, who: Principal | None, project_id: str
    ) -> SecurityGroupRow:
        self.default_of(tx, project_id)
        if wishes.name == "default":
            raise Conflict(
                "Default security group already exists.", kind="SecurityGroupDefaultAlreadyExists"
            )
        self._tools.quotas.take(tx, project_id, security_group=1)
        row = self._insert(tx, wishes, project_id)
        tell(tx, "security_group", "create", row, who, name=row.name)
        return row

    def _insert(
        self, tx: Tx, wishes: SecurityGroupWishes, project_id: str, **more: Any
    ) -> SecurityGroupRow:
        row = SecurityGroupRow(
            **standard(tx, wishes, project_id),
            stateful=wishes.stateful is not False,
            **more,
        )
        tx.insert(row)
        made = [
            template
            for template in templates(tx)
            if (template.used_in_default_sg if row.default_of else template.used_in_non_default_sg)
        ]
        wanted = {each.remote_group_id for each in made} - {None, PARENT}
        found = tx.all(queries.BY_IDS, ids=sorted(map(str, wanted))) if wanted else []
        known = {PARENT, None, *(group.id for group in found)}
        # A rule about a group that is gone can be made for nobody.
        lists = {each.remote_address_group_id for each in made} - {None}
        gone = {each for each in lists if each and tx.get(AddressGroupRow, each) is None}
        made = [
            template
            for template in made
            if template.remote_group_id in known and template.remote_address_group_id not in gone
        ]
        for template in made:
            tx.insert(_from_template(tx, row, template))
        if row.default_of is None and made:
            self._tools.quotas.take(tx, project_id, security_group_rule=len(made))
        return row

    def update(
        self, tx: Tx, row: SecurityGroupRow, wishes: SecurityGroupWishes, who: Principal | None
    ) -> SecurityGroupRow:
        _refuse_foreign(row, who, "update_security_group")
        if row.default_of is not None and wishes.name not in (UNSET, row.name):
            raise Conflict(
                "Updating default security group not allowed.",
                kind="SecurityGroupCannotUpdateDefault",
            )
        if wishes.name == "default" and row.default_of is None:
            raise Conflict(
                "Default security group already exists.", kind="SecurityGroupDefaultAlreadyExists"
            )
        if wishes.stateful not in (UNSET, row.stateful) and _members(tx, row.id):
            raise Conflict(f"Security Group {row.id} in use.", kind="SecurityGroupInUse")
        after = changed(tx, row, **chosen(wishes, "name", "description", "stateful"))
        if after is not row:
            self._tools.hosts.touch_group(tx, row.id)
            if after.name != row.name:
                self._tools.onlookers.group(tx, row.id)
            tell(tx, "security_group", "update", after, who)
        return after

    def delete(self, tx: Tx, row: SecurityGroupRow, who: Principal | None) -> None:
        _refuse_foreign(row, who, "delete_security_group")
        if row.default_of is not None and not is_admin(who):
            raise Conflict(
                "Insufficient rights for removing default security group.",
                kind="SecurityGroupCannotRemoveDefault",
            )
        naming = tx.all(queries.RULES_NAMING, group_id=row.id)
        if _members(tx, row.id):
            raise Conflict(f"Security Group {row.id} in use.", kind="SecurityGroupInUse")
        own = tx.all(queries.RULES_OF, ids=[row.id])
        for rule in naming:
            if rule.security_group_id != row.id:
                # The remote group goes, and with it the rules that let its members in.
                tx.delete(rule)
                self._tools.quotas.give_back(tx, rule.project_id, security_group_rule=1)
                self._tools.hosts.rule_left(tx, rule.security_group_id, row.id)
        tx.run(queries.DROP_RULES, group=row.id)
        tx.delete(row)
        self._tools.shares.forget(tx, row.id)
        # Each to whom it was taken from: an administrator may have made some of them.
        counted = Counter(rule.project_id for rule in own if not _of_new_default(rule, row))
        for project_id, number in sorted(counted.items()):
            self._tools.quotas.give_back(tx, project_id, security_group_rule=number)
        if row.default_of is None:
            self._tools.quotas.give_back(tx, row.project_id, security_group=1)
        tell(tx, "security_group", "delete", row, who)


def _refuse_foreign(group: SecurityGroupRow, who: Principal | None, action: str) -> None:
    """Whom a group is shared to may use it, and say nothing of what it lets in. None: the cloud
    itself."""
    if who is not None and not is_admin(who) and group.project_id != who.project_id:
        raise Forbidden(f"rule:{action} is disallowed by policy")


def _members(tx: Tx, group_id: str) -> bool:
    return bool(tx.all(port_queries.MEMBERS, ids=[group_id]))


def _from_template(
    tx: Tx, group: SecurityGroupRow, template: DefaultRuleRow
) -> SecurityGroupRuleRow:
    remote = template.remote_group_id
    return SecurityGroupRuleRow(
        **standard(tx, SecurityGroupRuleWishes(), group.project_id),
        security_group_id=group.id,
        direction=template.direction,
        ethertype=template.ethertype,
        protocol=template.protocol,
        port_range_min=template.port_range_min,
        port_range_max=template.port_range_max,
        remote_ip_prefix=template.remote_ip_prefix,
        remote_group_id=group.id if remote == PARENT else remote,
        remote_address_group_id=template.remote_address_group_id,
    )


class SecurityGroupRules:
    listing = queries.RULES

    def __init__(self, tools: Tools, groups: SecurityGroups, address_groups: AddressGroups) -> None:
        self._tools = tools
        self._groups = groups
        self._address_groups = address_groups

    def get(self, tx: Tx, rule_id: str, who: Principal | None) -> SecurityGroupRuleRow:
        found = tx.get(SecurityGroupRuleRow, rule_id)
        if found is None or not self.visible(tx, found, who):
            raise not_found("security_group_rule", rule_id)
        return found

    def visible(self, tx: Tx, row: SecurityGroupRuleRow, who: Principal | None) -> bool:
        if is_admin(who) or (who is not None and row.project_id == who.project_id):
            return True
        group = tx.get(SecurityGroupRow, row.security_group_id)
        return group is not None and who is not None and group.project_id == who.project_id

    def create(
        self, tx: Tx, wishes: SecurityGroupRuleWishes, who: Principal | None, project_id: str
    ) -> SecurityGroupRuleRow:
        if wishes.security_group_id is UNSET:
            raise BadRequest(
                "Failed to parse request. Required attribute 'security_group_id' not specified",
                kind="HTTPBadRequest",
            )
        group = self._groups.get(tx, wishes.security_group_id, who)
        _refuse_foreign(group, who, "create_security_group_rule")
        side, ethertype = direction(wishes)
        row = SecurityGroupRuleRow(
            **standard(tx, wishes, project_id),
            security_group_id=group.id,
            direction=side,
            ethertype=ethertype,
            **match(wishes, ethertype),
        )
        if row.remote_address_group_id is not None:
            self._address_groups.get(tx, row.remote_address_group_id, who)
        if row.remote_group_id is not None and row.remote_group_id != group.id:
            self._groups.get(tx, row.remote_group_id, who)
        for other in tx.all(queries.RULES_OF, ids=[group.id]):
            if same(row, other):
                raise Conflict(
                    f"Security group rule already exists. Rule id is {other.id}.",
                    kind="SecurityGroupRuleExists",
                )
        self._tools.quotas.take(tx, project_id, security_group_rule=1)
        tx.insert(row)
        tx.update(group, revision_number=group.revision_number + 1, updated_at=tx.now)
        self._tools.hosts.touch_group(tx, group.id, row.remote_group_id)
        tell(tx, "security_group_rule", "create", row, who, security_group_id=group.id)
        return row

    def delete(self, tx: Tx, row: SecurityGroupRuleRow, who: Principal | None) -> None:
        group = tx.get(SecurityGroupRow, row.security_group_id)
        assert group is not None
        tx.delete(row)
        tx.update(group, revision_number=group.revision_number + 1, updated_at=tx.now)
        if not _of_new_default(row, group):
            self._tools.quotas.give_back(tx, row.project_id, security_group_rule=1)
        self._tools.hosts.rule_left(tx, group.id, row.remote_group_id)
        tell(tx, "security_group_rule", "delete", row, who, security_group_id=group.id)


def _of_new_default(row: SecurityGroupRuleRow, group: SecurityGroupRow) -> bool:
    """The rules that a default group was made with are not counted."""
    return group.default_of is not None and row.created_at == group.created_at
