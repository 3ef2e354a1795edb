"""What clients wish of ports, and whether it can be: attributes that need more than their type."""

import re
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.core.faults import BadRequest, Conflict
from cumulo.core.wire.shapes import Unset
from cumulo.network.model.ipam import parse_network
from cumulo.network.model.orders import AddressPair
from cumulo.network.service.addresses import FixedIpWish
from cumulo.network.service.names import checked_domain
from cumulo.network.service.refusals import unfit

Name = Annotated[str, msgspec.Meta(max_length=255)]
VNIC_TYPES = ("normal", "direct", "macvtap", "baremetal", "direct-physical", "virtio-forwarder")
MOST_PAIRS = 32
_MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
_OPTION = re.compile(r"[a-z0-9-]{1,64}")
_VALUE = re.compile(r"[ -~]{1,255}")
"""Printable, in one line: they become lines of a DHCP server's configuration."""
_LABEL = re.compile(r"(?!-)[a-zA-Z0-9-]{0,63}(?<!-)")

_ENCODED = {
    "host_id": "binding:host_id",
    "vnic_type": "binding:vnic_type",
    "profile": "binding:profile",
}


class PairWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    ip_address: str
    mac_address: str | None = None


class DhcpOption(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    opt_name: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    opt_value: Annotated[str, msgspec.Meta(max_length=255)] | None = None
    ip_version: int = 4


_FEW = msgspec.Meta(max_length=100)


class PortWishes(msgspec.Struct, kw_only=True, rename=_ENCODED):
    network_id: str | Unset = UNSET
    name: Name | Unset = UNSET
    description: Name | Unset = UNSET
    admin_state_up: bool | Unset = UNSET
    mac_address: str | Unset = UNSET
    fixed_ips: list[FixedIpWish] | Unset | None = UNSET
    device_id: Name | Unset = UNSET
    device_owner: Name | Unset = UNSET
    security_groups: Annotated[list[str], _FEW] | Unset | None = UNSET
    port_security_enabled: bool | Unset = UNSET
    allowed_address_pairs: list[PairWish] | Unset | None = UNSET
    extra_dhcp_opts: Annotated[list[DhcpOption], _FEW] | Unset | None = UNSET
    dns_name: Name | Unset = UNSET
    dns_domain: Name | Unset = UNSET
    host_id: str | Unset | None = UNSET
    vnic_type: str | Unset = UNSET
    profile: dict[str, Any] | Unset | None = UNSET
    qos_policy_id: str | Unset | None = UNSET


CREATE_ONLY = frozenset({"network_id"})


def clean_mac(given: str) -> str:
    mac = given.lower().replace("-", ":")
    if _MAC.fullmatch(mac) is None or int(mac[:2], 16) & 1 or mac == "00:00:00:00:00:00":
        raise unfit("mac_address", f"'{given}' is not a valid MAC address")
    return mac


def pairs_need_security() -> Conflict:
    return Conflict(
        "Port Security must be enabled in order to have allowed address pairs on a port.",
        kind="AddressPairAndPortSecurityRequired",
    )


def checked(wishes: PortWishes) -> dict[str, Any]:
    """Columns whose values need more than their type."""
    found: dict[str, Any] = {}
    if wishes.allowed_address_pairs is not UNSET:
        found["allowed_address_pairs"] = _pairs(wishes.allowed_address_pairs or [])
    if wishes.extra_dhcp_opts is not UNSET:
        options = wishes.extra_dhcp_opts or []
        if any(option.ip_version not in (4, 6) for option in options):
            raise unfit("extra_dhcp_opts", "ip_version is not in [4, 6]")
        for option in options:
            value = option.opt_value
            if _OPTION.fullmatch(option.opt_name) is None or (
                value is not None and _VALUE.fullmatch(value) is None
            ):
                raise unfit("extra_dhcp_opts", f"'{option.opt_name}' is not a valid DHCP option")
        found["extra_dhcp_opts"] = [
            msgspec.to_builtins(option) for option in options if option.opt_value is not None
        ]
    if wishes.profile is not UNSET:
        found["profile"] = wishes.profile or {}
    if wishes.vnic_type is not UNSET and wishes.vnic_type not in VNIC_TYPES:
        raise unfit("binding:vnic_type", f"'{wishes.vnic_type}' is not in {list(VNIC_TYPES)}")
    if wishes.dns_name is not UNSET:
        if _LABEL.fullmatch(wishes.dns_name) is None:
            raise unfit("dns_name", f"'{wishes.dns_name}' is not a valid label")
        found["dns_name"] = wishes.dns_name.lower()
    if wishes.dns_domain is not UNSET:
        found["dns_domain"] = checked_domain(wishes.dns_domain)
    return found


def _pairs(wishes: Sequence[PairWish]) -> list[AddressPair]:
    if len(wishes) > MOST_PAIRS:
        raise BadRequest(
            f"The number of allowed address pair exceeds the maximum {MOST_PAIRS}.",
            kind="AllowedAddressPairExhausted",
        )
    found: list[AddressPair] = []
    for wish in wishes:
        try:
            net = parse_network(wish.ip_address)
        except ValueError:
            raise unfit(
                "allowed_address_pairs", f"'{wish.ip_address}' is not a valid IP subnet"
            ) from None
        alone = net.num_addresses == 1 and "/" not in wish.ip_address
        mac = None if wish.mac_address is None else clean_mac(wish.mac_address)
        pair = AddressPair(str(net.network_address) if alone else str(net), mac)
        if pair in found:
            raise BadRequest(
                "Request contains duplicate address pair: mac_address "
                f"{wish.mac_address} ip_address {wish.ip_address}.",
                kind="DuplicateAddressPairInRequest",
            )
        found.append(pair)
    return found
