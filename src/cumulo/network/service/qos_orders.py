"""QoS policies as hosts are told of them."""

from collections.abc import Iterable

from cumulo.core.db.transaction import Tx
from cumulo.network.model.orders import Limit, Qos
from cumulo.network.model.qos import BANDWIDTH, DSCP, PACKETS, QosRuleRow
from cumulo.network.queries import qos as queries

LEAST_BURST = 128 * 1024
"""A guest sends frames of up to 64 KiB at once, which no limit may stop for good."""


def qos_of(tx: Tx, policy_ids: Iterable[str | None]) -> dict[str, Qos]:
    """What each of these policies says. One statement, and none where there is no policy."""
    ids = sorted({id for id in policy_ids if id is not None})
    rules: dict[str, list[QosRuleRow]] = {}
    for row in tx.all(queries.RULES_OF, ids=ids) if ids else ():
        rules.setdefault(row.policy_id, []).append(row)
    return {id: _qos(rows) for id, rows in rules.items()}


def _qos(rows: Iterable[QosRuleRow]) -> Qos:
    limits: list[Limit] = []
    dscp = None
    for row in rows:
        inward = row.values.get("direction") == "ingress"
        if row.kind == BANDWIDTH and row.values["max_kbps"]:
            rate = row.values["max_kbps"] * 125
            # Without a word about bursts: four fifths of what passes in a second.
            burst = row.values["max_burst_kbps"] * 125 or rate * 4 // 5
            limits.append(Limit(rate, max(burst, LEAST_BURST), inward=inward))
        elif row.kind == PACKETS and row.values["max_kpps"]:
            rate = row.values["max_kpps"] * 1000
            burst = row.values["max_burst_kpps"] * 1000 or rate * 4 // 5
            limits.append(Limit(rate, max(burst, 1), packets=True, inward=inward))
        elif row.kind == DSCP:
            dscp = int(row.values["dscp_mark"])
    return Qos(tuple(limits), dscp)
