"""Security groups: which packets may come to a port and leave it."""

from typing import Annotated

from cumulo.core.db.rows import Index, IndexOn, Key, References, Row, Unique, table
from cumulo.network.model.standard import Standard


@table("network_security_groups", Unique("default_of"))
class SecurityGroupRow(Standard, frozen=True):
    stateful: bool = True
    default_of: str | None = None
    """The project whose `default` group this is. Unique: a project has one at the most."""


@table("network_security_group_rules")
class SecurityGroupRuleRow(Standard, frozen=True):
    security_group_id: Annotated[
        str, Index(), References("network_security_groups.id", on_delete="CASCADE")
    ]
    direction: str
    ethertype: str
    protocol: str | None = None
    """A name or a number as text, None for any."""
    port_range_min: int | None = None
    """For ICMP the type, and the maximum the code."""
    port_range_max: int | None = None
    remote_ip_prefix: str | None = None
    remote_group_id: Annotated[str | None, Index(), References("network_security_groups.id")] = None
    remote_address_group_id: Annotated[
        str | None, Index(), References("network_address_groups.id")
    ] = None


@table("network_default_rules")
class DefaultRuleRow(Standard, frozen=True):
    """A rule that new security groups are made with."""

    direction: str
    ethertype: str
    protocol: str | None = None
    port_range_min: int | None = None
    port_range_max: int | None = None
    remote_ip_prefix: str | None = None
    remote_group_id: str | None = None
    """A group, or the word PARENT: the new group itself."""
    remote_address_group_id: str | None = None
    used_in_default_sg: bool = False
    used_in_non_default_sg: bool = True


@table("network_group_changes", IndexOn("pending", where="pending"))
class GroupChangeRow(Row, frozen=True):
    """How often the members of a group changed, as hosts are told; `pending`: not told yet."""

    group_id: Annotated[str, Key(), References("network_security_groups.id", on_delete="CASCADE")]
    number: int
    pending: bool
