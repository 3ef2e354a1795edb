"""Address groups: addresses that security groups' rules name together."""

from cumulo.core.db.rows import table
from cumulo.network.model.standard import Standard


@table("network_address_groups")
class AddressGroupRow(Standard, frozen=True):
    addresses: list[str] = []
    """CIDRs, each once, as they came."""
