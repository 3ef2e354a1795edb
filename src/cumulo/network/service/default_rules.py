"""The rules that new security groups are made with: a list that administrators keep.

A cloud begins with those of the real service. They are rows from the first time on that somebody
asks, so that they can be removed like any other.
"""

import msgspec
from msgspec import UNSET

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Conflict
from cumulo.core.ids import child_id
from cumulo.core.wire.shapes import Unset
from cumulo.network.model.address_group import AddressGroupRow
from cumulo.network.model.security_group import DefaultRuleRow
from cumulo.network.queries import default_rule as queries
from cumulo.network.queries.number import last_number, next_number
from cumulo.network.service.refusals import not_found
from cumulo.network.service.rules import SecurityGroupRuleWishes, direction, match, same
from cumulo.network.service.tools import Tools, standard, tell

PARENT = "PARENT"
_BEGUN = "default rules"
_FIRST = (
    ("egress", "IPv4"),
    ("egress", "IPv6"),
    ("ingress", "IPv4"),
    ("ingress", "IPv6"),
)


def templates(tx: Tx) -> list[DefaultRuleRow]:
    """The rules, in the order in which they were made. Needs a transaction that may write."""
    found = tx.all(queries.ALL)
    if found or last_number(tx, _BEGUN):
        return found
    next_number(tx, _BEGUN)
    for side, ethertype in _FIRST:
        inward = side == "ingress"
        row = DefaultRuleRow(
            id=child_id(_BEGUN, f"{side} {ethertype}"),
            project_id="",
            name="",
            description=f"Legacy default SG rule for {side} traffic",
            tags=[],
            revision_number=1,
            created_at=tx.now,
            updated_at=tx.now,
            direction=side,
            ethertype=ethertype,
            remote_group_id=PARENT if inward else None,
            used_in_default_sg=True,
            used_in_non_default_sg=not inward,
        )
        tx.insert(row, ignore_duplicate=True)
    return tx.all(queries.ALL)


class DefaultRuleWishes(msgspec.Struct, kw_only=True):
    direction: str | Unset = UNSET
    ethertype: str | Unset = UNSET
    protocol: str | int | Unset | None = UNSET
    port_range_min: int | Unset | None = UNSET
    port_range_max: int | Unset | None = UNSET
    remote_ip_prefix: str | Unset | None = UNSET
    remote_group_id: str | Unset | None = UNSET
    remote_address_group_id: str | Unset | None = UNSET
    description: str | Unset = UNSET
    used_in_default_sg: bool | Unset = UNSET
    used_in_non_default_sg: bool | Unset = UNSET


class DefaultRules:
    listing = queries.DEFAULT_RULES

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def get(self, tx: Tx, id: str, who: Principal | None) -> DefaultRuleRow:
        found = tx.get(DefaultRuleRow, id)
        if found is None:
            raise not_found("default_security_group_rule", id)
        return found

    def create(
        self, tx: Tx, wishes: DefaultRuleWishes, who: Principal | None, project_id: str
    ) -> DefaultRuleRow:
        fields = msgspec.structs.asdict(wishes)
        used = {name: fields.pop(name) for name in ("used_in_default_sg", "used_in_non_default_sg")}
        like = SecurityGroupRuleWishes(**fields)
        side, ethertype = direction(like)
        row = DefaultRuleRow(
            **standard(tx, like, ""),
            direction=side,
            ethertype=ethertype,
            **match(like, ethertype),
            **{name: value for name, value in used.items() if value is not UNSET},
        )
        wanted = row.remote_address_group_id
        if wanted is not None and tx.get(AddressGroupRow, wanted) is None:
            raise not_found("address_group", wanted)
        for other in templates(tx):
            both = (row.used_in_default_sg and other.used_in_default_sg) or (
                row.used_in_non_default_sg and other.used_in_non_default_sg
            )
            if both and same(row, other):
                raise Conflict(
                    f"Default Security group rule already exists. Rule id is {other.id}.",
                    kind="DefaultSecurityGroupRuleExists",
                )
        tx.insert(row)
        tell(tx, "default_security_group_rule", "create", row, who)
        return row

    def delete(self, tx: Tx, row: DefaultRuleRow, who: Principal | None) -> None:
        tx.delete(row)
        tell(tx, "default_security_group_rule", "delete", row, who)
