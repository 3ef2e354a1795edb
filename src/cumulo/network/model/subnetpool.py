"""Subnet pools and address scopes: where the addresses of new subnets come from."""

from typing import Annotated

from cumulo.core.db.rows import Index, References, table
from cumulo.network.model.standard import Standard


@table("network_address_scopes")
class AddressScopeRow(Standard, frozen=True):
    """Addresses in a scope are unique: its pools do not overlap."""

    ip_version: int
    shared: bool = False


@table("network_subnetpools")
class SubnetPoolRow(Standard, frozen=True):
    ip_version: int
    prefixes: list[str]
    """Disjoint, in order."""
    default_prefixlen: int
    min_prefixlen: int
    max_prefixlen: int
    default_quota: int | None = None
    """How much each project may have, in addresses (IPv4) or /64 networks (IPv6)."""
    is_default: bool = False
    shared: bool = False
    address_scope_id: Annotated[str | None, Index(), References("network_address_scopes.id")] = None
    allocations: int = 0
    """Counts up with each allocation: whoever allocates has the row, and no two do at once."""
