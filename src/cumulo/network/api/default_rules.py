"""Default security group rules on the wire: networking API v2.0,
`default-security-group-rules`."""

from collections.abc import Sequence
from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call
from cumulo.network.api.attributes import Noun
from cumulo.network.api.collection import Collection
from cumulo.network.model.security_group import DefaultRuleRow
from cumulo.network.service.default_rules import DefaultRuleWishes, templates
from cumulo.network.service.network import NetworkService

SHOWN = frozenset(
    {
        "id",
        "description",
        "direction",
        "ethertype",
        "protocol",
        "port_range_min",
        "port_range_max",
        "remote_ip_prefix",
        "remote_group_id",
        "remote_address_group_id",
        "used_in_default_sg",
        "used_in_non_default_sg",
    }
)


def default_rules(network: NetworkService) -> Noun[DefaultRuleRow]:
    return Noun(
        name="default_security_group_rule",
        plural="default_security_group_rules",
        path="default-security-group-rules",
        verbs=network.default_rules,
        show=show,
        shown=SHOWN,
        wishes=DefaultRuleWishes,
        target=lambda tx, row: {},
        tags=False,
        updates=False,
        writes_list=True,
    )


def show(tx: Tx, rows: Sequence[DefaultRuleRow]) -> list[dict[str, Any]]:
    return [{name: getattr(row, name) for name in sorted(SHOWN)} for row in rows]


class DefaultRulesCollection(Collection):
    """Asking for them is a need: those that a cloud begins with are there from then on."""

    def index(self, call: Call, tx: Tx) -> Any:
        templates(tx)
        return super().index(call, tx)
