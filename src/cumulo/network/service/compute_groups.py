"""Security groups as compute's own API asks for them (`interface.ComputeGroups`)."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from msgspec import UNSET

from cumulo.core.auth.principal import Principal
from cumulo.core.db.listing import Direction
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.network.interface import GroupInfo, RuleInfo, RuleWish
from cumulo.network.model.port import COMPUTE, PortRow
from cumulo.network.model.security_group import SecurityGroupRow, SecurityGroupRuleRow
from cumulo.network.queries import port as port_queries
from cumulo.network.queries import security_group as queries
from cumulo.network.service.port_wishes import PortWishes
from cumulo.network.service.ports import Ports
from cumulo.network.service.rules import SecurityGroupRuleWishes
from cumulo.network.service.security_groups import (
    SecurityGroupRules,
    SecurityGroups,
    SecurityGroupWishes,
)

T = TypeVar("T")


class ComputeGroups:
    def __init__(self, groups: SecurityGroups, rules: SecurityGroupRules, ports: Ports) -> None:
        self._groups = groups
        self._rules = rules
        self._ports = ports

    # --- groups -----------------------------------------------------------------------------

    def all(self, tx: Tx, who: Principal, *, everywhere: bool) -> list[GroupInfo]:
        project_id = who.project_id or ""
        self._groups.default_of(tx, project_id)
        where = {} if everywhere and who.is_admin else {"project_id": [project_id]}
        sort: list[tuple[str, Direction]] = [("created_at", "asc"), ("id", "asc")]
        return self._described(tx, self._groups.listing.page(tx, where=where, sort=sort))

    def get(self, tx: Tx, who: Principal, id: str) -> GroupInfo:
        return self._described(tx, [self._groups.get(tx, id, who)])[0]

    def create(self, tx: Tx, who: Principal, name: str, description: str) -> GroupInfo:
        wishes = SecurityGroupWishes(name=name, description=description)
        row = _in_words(lambda: self._groups.create(tx, wishes, who, who.project_id or ""))
        return self._described(tx, [row])[0]

    def update(self, tx: Tx, who: Principal, id: str, name: str, description: str) -> GroupInfo:
        row = self._groups.get(tx, id, who)
        wishes = SecurityGroupWishes(name=name, description=description)
        row = _in_words(lambda: self._groups.update(tx, row, wishes, who))
        return self._described(tx, [row])[0]

    def delete(self, tx: Tx, who: Principal, id: str) -> None:
        row = self._groups.get(tx, id, who)
        _in_words(lambda: self._groups.delete(tx, row, who))

    # --- rules ------------------------------------------------------------------------------

    def add_rule(self, tx: Tx, who: Principal, wish: RuleWish) -> RuleInfo:
        wishes = SecurityGroupRuleWishes(
            security_group_id=wish.group_id,
            direction="ingress",
            ethertype="IPv6" if wish.cidr is not None and ":" in wish.cidr else "IPv4",
            protocol=wish.protocol,
            port_range_min=wish.from_port,
            port_range_max=wish.to_port,
            remote_ip_prefix=UNSET if wish.cidr is None else wish.cidr,
            remote_group_id=UNSET if wish.remote_group_id is None else wish.remote_group_id,
        )
        row = _in_words(lambda: self._rules.create(tx, wishes, who, who.project_id or ""))
        return self._rules_described(tx, [row])[0]

    def delete_rule(self, tx: Tx, who: Principal, id: str) -> None:
        self._rules.delete(tx, self._rules.get(tx, id, who), who)

    # --- of a server ------------------------------------------------------------------------

    def of_server(self, tx: Tx, server_id: str) -> list[GroupInfo]:
        ids = [port.id for port in self._server_ports(tx, server_id)]
        found = self._ports.groups_of(tx, ids) if ids else {}
        wanted = list({group for groups in found.values() for group in groups})
        return self._described(tx, tx.all(queries.BY_IDS, ids=wanted) if wanted else [])

    def add_to_server(self, tx: Tx, who: Principal, server_id: str, name: str) -> None:
        group = self._groups.named(tx, who.project_id or "", [name])[0]
        ports = [port for port in self._server_ports(tx, server_id) if port.port_security_enabled]
        if not ports:
            raise BadRequest(
                f"Instance {server_id} has no port that security groups apply to: "
                "port security and a subnet are needed."
            )
        groups = self._ports.groups_of(tx, [port.id for port in ports])
        for port in ports:
            mine = groups.get(port.id, [])
            if group.id not in mine:
                self._set(tx, port, [*mine, group.id])

    def remove_from_server(self, tx: Tx, who: Principal, server_id: str, name: str) -> None:
        group = self._groups.named(tx, who.project_id or "", [name])[0]
        ports = self._server_ports(tx, server_id)
        groups = self._ports.groups_of(tx, [port.id for port in ports]) if ports else {}
        having = [port for port in ports if group.id in groups.get(port.id, [])]
        if not having:
            raise NotFound(f"Security group {name} not associated with the instance {server_id}")
        for port in having:
            self._set(tx, port, [each for each in groups[port.id] if each != group.id])

    def _set(self, tx: Tx, port: PortRow, groups: list[str]) -> None:
        self._ports.update(tx, port, PortWishes(security_groups=groups), None)

    def _server_ports(self, tx: Tx, server_id: str) -> list[PortRow]:
        rows = tx.all(port_queries.OF_HOLDERS, ids=[server_id])
        return [row for row in rows if row.role == COMPUTE]

    # --- views ------------------------------------------------------------------------------

    def _described(self, tx: Tx, rows: Sequence[SecurityGroupRow]) -> list[GroupInfo]:
        of_groups = self._groups.rules_of(tx, [row.id for row in rows]) if rows else {}
        every = [rule for rules in of_groups.values() for rule in rules]
        described: dict[str, list[RuleInfo]] = {}
        for rule in self._rules_described(tx, every):
            described.setdefault(rule.group_id, []).append(rule)
        return [
            GroupInfo(
                id=row.id,
                name=row.name,
                description=row.description,
                project_id=row.project_id,
                rules=tuple(described.get(row.id, [])),
            )
            for row in rows
        ]

    def _rules_described(self, tx: Tx, rows: Sequence[SecurityGroupRuleRow]) -> list[RuleInfo]:
        remote = list({row.remote_group_id for row in rows if row.remote_group_id})
        named = {row.id: row for row in tx.all(queries.BY_IDS, ids=remote)} if remote else {}
        found = []
        for row in rows:
            if row.direction != "ingress":
                continue
            far = named.get(row.remote_group_id or "")
            found.append(
                RuleInfo(
                    id=row.id,
                    group_id=row.security_group_id,
                    ethertype=row.ethertype,
                    protocol=row.protocol,
                    from_port=row.port_range_min,
                    to_port=row.port_range_max,
                    cidr=row.remote_ip_prefix,
                    remote_group=None if far is None else far.name,
                    remote_project_id=None if far is None else far.project_id,
                )
            )
        return found


def _in_words(verb: Callable[[], T]) -> T:
    """Compute's API has 400 for what is in use, or there already."""
    try:
        return verb()
    except Conflict as fault:
        raise BadRequest(fault.message) from None
