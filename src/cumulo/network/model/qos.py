"""QoS policies: how much, how often and with which mark a port may send and be sent."""

from typing import Annotated, Any

from cumulo.core.db.rows import Index, Key, References, Row, table
from cumulo.network.model.standard import Standard

BANDWIDTH = "bandwidth_limit"
DSCP = "dscp_marking"
PACKETS = "packet_rate_limit"
MINIMUM = "minimum_bandwidth"
SUPPORTED = (BANDWIDTH, DSCP, PACKETS)
"""What a host can do. Rules of other types may be in a policy, which no port can have then."""

DSCP_MARKS = (0, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32, 34, 36, 38, 40, 44, 46, 48, 56)

FIELDS: dict[str, tuple[str, ...]] = {
    BANDWIDTH: ("max_kbps", "max_burst_kbps", "direction"),
    DSCP: ("dscp_mark",),
    PACKETS: ("max_kpps", "max_burst_kpps", "direction"),
    MINIMUM: ("min_kbps", "direction"),
}
"""What a rule of each type says."""


@table("network_qos_policies")
class QosPolicyRow(Standard, frozen=True):
    shared: bool = False
    is_default: bool = False
    """Networks of its project are made with it."""


@table("network_qos_rules")
class QosRuleRow(Row, frozen=True):
    id: Annotated[str, Key()]
    project_id: str
    """The policy's."""
    policy_id: Annotated[str, Index(), References("network_qos_policies.id", on_delete="CASCADE")]
    kind: str
    values: dict[str, Any]
    """As FIELDS names them."""
