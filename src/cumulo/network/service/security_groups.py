"""Security groups and their rules."""

import ipaddress
from collections import Counter
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict, Forbidden
from cumulo.core.wire.coercions import whole_or_none
from cumulo.core.wire.shapes import Unset
from cumulo.network.model.ipam import parse_network
from cumulo.network.model.security_group import SecurityGroupRow, SecurityGroupRuleRow
from cumulo.network.model.standard import changed
from cumulo.network.queries import port as port_queries
from cumulo.network.queries import security_group as queries
from cumulo.network.service.refusals import not_found, unfit
from cumulo.network.service.tools import Tools, chosen, is_admin, standard, tell

Name = Annotated[str, msgspec.Meta(max_length=255)]

NUMBERS = {
    "ah": 51, "dccp": 33, "egp": 8, "esp": 50, "gre": 47, "hopopt": 0, "icmp": 1, "igmp": 2,
    "ipip": 4, "ipv6-encap": 41, "ipv6-frag": 44, "ipv6-icmp": 58, "ipv6-nonxt": 59,
    "ipv6-opts": 60, "ipv6-route": 43, "ospf": 89, "pgm": 113, "rsvp": 46, "sctp": 132, "tcp": 6,
    "udp": 17, "udplite": 136, "vrrp": 112, "icmpv6": 58,
}  # fmt: skip
"""The protocol names of the API (networking API, security group rules), with IANA's numbers."""
WITH_PORTS = {6, 17, 33, 132, 136}
ONLY_IPV6 = {name for name in NUMBERS if name.startswith("ipv6-")} | {"icmpv6"}


class SecurityGroupWishes(msgspec.Struct, kw_only=True):
    name: Name | Unset = UNSET
    description: Name | Unset = UNSET
    stateful: bool | Unset = UNSET


class SecurityGroupRuleWishes(msgspec.Struct, kw_only=True):
    security_group_id: str | Unset = UNSET
    direction: str | Unset = UNSET
    ethertype: str | Unset = UNSET
    protocol: str | int | Unset | None = UNSET
    port_range_min: int | Unset | None = UNSET
    port_range_max: int | Unset | None = UNSET
    remote_ip_prefix: str | Unset | None = UNSET
    remote_group_id: str | Unset | None = UNSET
    description: Name | Unset = UNSET


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
        row = self._insert(tx, wishes, project_id, default_of=project_id)
        for ethertype in ("IPv4", "IPv6"):
            tx.insert(_rule(tx, row, "ingress", ethertype, remote_group_id=row.id))
        return row

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
        self._tools.quotas.take(tx, project_id, security_group_rule=2)
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
        for ethertype in ("IPv4", "IPv6"):
            tx.insert(_rule(tx, row, "egress", ethertype))
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


def _rule(
    tx: Tx,
    group: SecurityGroupRow,
    direction: str,
    ethertype: str,
    *,
    description: str = "",
    remote_group_id: str | None = None,
) -> SecurityGroupRuleRow:
    return SecurityGroupRuleRow(
        **standard(tx, SecurityGroupRuleWishes(description=description), group.project_id),
        security_group_id=group.id,
        direction=direction,
        ethertype=ethertype,
        remote_group_id=remote_group_id,
    )


class SecurityGroupRules:
    listing = queries.RULES

    def __init__(self, tools: Tools, groups: SecurityGroups) -> None:
        self._tools = tools
        self._groups = groups

    def get(self, tx: Tx, rule_id: str, who: Principal | None) -> SecurityGroupRuleRow:
        found = tx.get(SecurityGroupRuleRow, rule_id)
        if found is None or not self.visible(found, who):
            raise not_found("security_group_rule", rule_id)
        return found

    def visible(self, row: SecurityGroupRuleRow, who: Principal | None) -> bool:
        return is_admin(who) or (who is not None and row.project_id == who.project_id)

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
        row = _rule(tx, group, *_direction(wishes), **chosen(wishes, "description"))
        row = msgspec.structs.replace(row, project_id=project_id, **_match(wishes, row.ethertype))
        if row.remote_group_id is not None and row.remote_group_id != group.id:
            self._groups.get(tx, row.remote_group_id, who)
        for other in tx.all(queries.RULES_OF, ids=[group.id]):
            if _same(row, other):
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


def _direction(wishes: SecurityGroupRuleWishes) -> tuple[str, str]:
    """(direction, ethertype)"""
    if wishes.direction not in ("ingress", "egress"):
        if wishes.direction is UNSET:
            raise BadRequest(
                "Failed to parse request. Required attribute 'direction' not specified",
                kind="HTTPBadRequest",
            )
        raise unfit("direction", f"'{wishes.direction}' is not in ['ingress', 'egress']")
    given = "IPv4" if wishes.ethertype is UNSET else wishes.ethertype
    ethertype = {"ipv4": "IPv4", "ipv6": "IPv6"}.get(given.lower())
    if ethertype is None:
        raise BadRequest(
            f"Security group rule for ethertype '{given}' not supported. Allowed values are "
            "['IPv4', 'IPv6'].",
            kind="SecurityGroupRuleInvalidEtherType",
        )
    return wishes.direction, ethertype


def _match(wishes: SecurityGroupRuleWishes, ethertype: str) -> dict[str, Any]:
    """What the rule matches, checked. Raises BadRequest."""
    protocol = _protocol(wishes.protocol, ethertype)
    number = number_of(protocol)
    low = None if wishes.port_range_min is UNSET else wishes.port_range_min
    high = None if wishes.port_range_max is UNSET else wishes.port_range_max
    if low is not None or high is not None:
        low, high = _ports(number, protocol, low, high)
    prefix, group = wishes.remote_ip_prefix or None, wishes.remote_group_id or None
    if prefix is not None and group is not None:
        raise BadRequest(
            "Only remote_ip_prefix or remote_group_id may be provided.",
            kind="SecurityGroupMultipleRemoteEntities",
        )
    return {
        "protocol": protocol,
        "port_range_min": low,
        "port_range_max": high,
        "remote_ip_prefix": None if prefix is None else _prefix(prefix, ethertype),
        "remote_group_id": group,
    }


def _protocol(given: str | int | Unset | None, ethertype: str) -> str | None:
    if given is UNSET or given is None or str(given).lower() in ("", "any", "-1"):
        return None
    text = str(given).lower()
    number = whole_or_none(text)
    if number is not None and 0 <= number <= 255:
        return str(number)
    if text not in NUMBERS:
        raise _no_protocol(given)
    if text in ONLY_IPV6 and ethertype == "IPv4":
        raise BadRequest(
            f"Invalid ethertype {ethertype} for protocol {text}.",
            kind="SecurityGroupEthertypeConflictWithProtocol",
        )
    if text == "icmp" and ethertype == "IPv6":
        return "ipv6-icmp"
    return "ipv6-icmp" if text == "icmpv6" else text


def _no_protocol(given: object) -> BadRequest:
    names = sorted(NUMBERS)
    shown = str(given)[:80]
    return BadRequest(
        f"Security group rule protocol {shown} not supported. Only protocol values {names} and "
        "integer representations [0 to 255] are supported.",
        kind="SecurityGroupRuleInvalidProtocol",
    )


def number_of(protocol: str | None) -> int | None:
    if protocol is None:
        return None
    number = whole_or_none(protocol)
    return NUMBERS[protocol] if number is None else number


def _ports(
    number: int | None, protocol: str | None, low: int | None, high: int | None
) -> tuple[int | None, int | None]:
    if number in (1, 58):
        for name, value in (("port_range_min", low), ("port_range_max", high)):
            if value is not None and not 0 <= value <= 255:
                kind = "type" if name == "port_range_min" else "code"
                raise BadRequest(
                    f"Invalid value for ICMP {kind} ({name}) {value}. It must be 0 to 255.",
                    kind="SecurityGroupInvalidIcmpValue",
                )
        if low is None:
            raise BadRequest(
                f"ICMP code (port-range-max) {high} is provided but ICMP type (port-range-min) is "
                "missing.",
                kind="SecurityGroupMissingIcmpType",
            )
        return low, high
    if number is None:
        raise BadRequest(
            "Must also specify protocol if port range is given.",
            kind="SecurityGroupProtocolRequiredWithPorts",
        )
    if number not in WITH_PORTS:
        raise BadRequest(
            f"Invalid protocol {protocol} for port range, only supported for DCCP, SCTP, TCP, "
            "UDP, and UDPLITE.",
            kind="SecurityGroupInvalidProtocolForPort",
        )
    if low is None or high is None or not 1 <= low <= high <= 65535:
        for value in (low, high):
            if value is not None and not 0 <= value <= 65535:
                raise BadRequest(
                    f"Invalid value for port {value}", kind="SecurityGroupInvalidPortValue"
                )
        raise BadRequest(
            "For TCP/UDP protocols, port_range_min must be <= port_range_max",
            kind="SecurityGroupInvalidPortRange",
        )
    return low, high


def _prefix(given: str, ethertype: str) -> str:
    try:
        found = parse_network(given)
    except ValueError:
        raise unfit("remote_ip_prefix", f"'{given}' is not a valid IP subnet") from None
    if f"IPv{found.version}" != ethertype:
        raise BadRequest(
            f"Conflicting value ethertype {ethertype} for CIDR {given}.",
            kind="SecurityGroupRuleParameterConflict",
        )
    # As it was given, host bits too; `normalized_cidr` shows the network.
    return str(ipaddress.ip_interface(given))


def _same(one: SecurityGroupRuleRow, other: SecurityGroupRuleRow) -> bool:
    return _meaning(one) == _meaning(other)


def _meaning(rule: SecurityGroupRuleRow) -> tuple[object, ...]:
    return (
        rule.direction,
        rule.ethertype,
        number_of(rule.protocol),
        rule.port_range_min,
        rule.port_range_max,
        _from_where(rule.remote_ip_prefix),
        rule.remote_group_id,
    )


def _from_where(prefix: str | None) -> str | None:
    """None: from anywhere, which has two names."""
    if prefix is None:
        return None
    found = parse_network(prefix)
    return str(found) if found.prefixlen else None
