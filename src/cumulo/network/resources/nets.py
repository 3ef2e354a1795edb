"""Networks and subnets in templates."""

from typing import Any

from cumulo.core.resource_types import (
    Place,
    Request,
    ResourceType,
    flag,
    items,
    mapping,
    number,
    text,
)
from cumulo.network.resources.common import BASE, NAME, SPECS, STANDARD, TAGS, Given, noun, plain

NET = noun(
    "OS::Neutron::Net",
    "networks",
    "network",
    description="A resource for managing Neutron net.",
    properties={
        "name": NAME,
        "value_specs": SPECS,
        "admin_state_up": flag("The administrative status.", default=True, update=True),
        "tenant_id": text("The project that owns it; administrators may say another's."),
        "shared": flag("Whether all projects may use it.", update=True),
        "port_security_enabled": flag("The default of its ports.", update=True),
        "dns_domain": text("DNS domain associated with this network.", update=True),
        "availability_zone_hints": items(text(), "Availability zones."),
        "tags": TAGS,
    },
    attributes={
        **STANDARD,
        "subnets": "Subnets of this network.",
        "mtu": "The maximum transmission unit size.",
        "port_security_enabled": "Port security enabled of the network.",
        "shared": "Whether all projects may use it.",
        "segments": "The segments of this network.",
        "l2_adjacency": "Whether it is one L2 segment.",
    },
    sent=lambda given, place: plain(given, {}, "tags"),
    emptied={"shared": False, "port_security_enabled": True},
)

POOL = mapping(
    {
        "start": text("First address.", required=True),
        "end": text("Last address.", required=True),
    }
)
ROUTE = mapping(
    {
        "destination": text("The destination's CIDR.", required=True),
        "nexthop": text("The next hop.", required=True),
    }
)
SUBNET = noun(
    "OS::Neutron::Subnet",
    "subnets",
    "subnet",
    description="A resource for managing Neutron subnets.",
    properties={
        "network": text("The network.", required=True, find="network"),
        "network_id": text("Deprecated.", stands_for="network", find="network"),
        "cidr": text("The CIDR."),
        "prefixlen": number("Prefix length, from a subnet pool."),
        "value_specs": SPECS,
        "name": NAME,
        "ip_version": number(
            "The IP version.", default=4, constraints=[{"allowed_values": [4, 6]}]
        ),
        "dns_nameservers": items(text(), "DNS name servers.", default=[], update=True),
        "gateway_ip": text("The gateway's address; an empty text is none.", update=True),
        "enable_dhcp": flag("Whether DHCP is on.", default=True, update=True),
        "allocation_pools": items(POOL, "The start and end of the pools.", update=True),
        "tenant_id": text("The project that owns it."),
        "host_routes": items(ROUTE, "Routes that guests get.", update=True),
        "ipv6_ra_mode": text(
            "IPv6 RA mode.",
            constraints=[{"allowed_values": ["dhcpv6-stateful", "dhcpv6-stateless", "slaac"]}],
        ),
        "ipv6_address_mode": text(
            "IPv6 address mode.",
            constraints=[{"allowed_values": ["dhcpv6-stateful", "dhcpv6-stateless", "slaac"]}],
        ),
        "subnetpool": text("The subnet pool.", find="subnetpool"),
        "tags": TAGS,
    },
    attributes={
        "name": "The name.",
        "network_id": "The network.",
        "tenant_id": "The project.",
        "allocation_pools": "The pools.",
        "gateway_ip": "The gateway's address.",
        "host_routes": "Routes.",
        "ip_version": "The IP version.",
        "cidr": "The CIDR.",
        "dns_nameservers": "DNS name servers.",
        "enable_dhcp": "Whether DHCP is on.",
    },
    sent=lambda given, place: _subnet(given),
    emptied={"allocation_pools": [], "dns_nameservers": [], "host_routes": []},
    renamed={"network": "network_id"},
)


def _subnet(given: Given) -> dict[str, Any]:
    made = plain(given, {"network": "network_id", "subnetpool": "subnetpool_id"}, "tags")
    if given.get("gateway_ip") == "":
        made["gateway_ip"] = None
    return made


def _provider(given: Given) -> dict[str, Any]:
    names = {
        "network_type": "provider:network_type",
        "physical_network": "provider:physical_network",
        "segmentation_id": "provider:segmentation_id",
        "router_external": "router:external",
    }
    return plain(given, names, "tags", "vlan_transparent")


PROVIDER_NET = noun(
    "OS::Neutron::ProviderNet",
    "networks",
    "network",
    description="A network that is mapped to a physical one; administrators only.",
    properties={
        "name": NAME,
        "value_specs": SPECS,
        "admin_state_up": NET.properties["admin_state_up"],
        "network_type": text(
            "How it is realized.",
            default="vlan",
            constraints=[{"allowed_values": ["local", "vlan", "vxlan", "gre", "geneve", "flat"]}],
        ),
        "physical_network": text("The physical network."),
        "segmentation_id": text("The VLAN's or tunnel's number."),
        "router_external": flag("Whether routers may have gateways there.", update=True),
        "shared": flag("Whether all projects may use it.", default=True, update=True),
        "port_security_enabled": NET.properties["port_security_enabled"],
        "dns_domain": NET.properties["dns_domain"],
        "availability_zone_hints": NET.properties["availability_zone_hints"],
        "tags": TAGS,
    },
    attributes={**NET.attributes, "segmentation_id": "The VLAN's or tunnel's number."},
    attribute=lambda name, body, read: (
        body["network"].get("provider:segmentation_id")
        if name == "segmentation_id" and body is not None
        else NotImplemented
    ),
    sent=lambda given, place: _provider(given),
    emptied={"router:external": False, "shared": True, "port_security_enabled": True},
    renamed={"router_external": "router:external"},
)


def _quota(given: Given, place: Place) -> Request:
    some = {n: v for n, v in given.items() if n != "project" and v is not None}
    return Request("PUT", f"{BASE}/quotas/{given['project']}", {"quota": some})


_LIMITS = (
    "subnet",
    "network",
    "floatingip",
    "security_group_rule",
    "security_group",
    "router",
    "port",
    "subnetpool",
    "rbac_policy",
)
QUOTA = ResourceType(
    "OS::Neutron::Quota",
    {
        "project": text("The project.", required=True, find="project"),
        **{
            each: number("A limit.", update=True, constraints=[{"range": {"min": -1}}])
            for each in _LIMITS
        },
    },
    _quota,
    lambda answer: "quota",
    lambda physical, given, place: None,
    lambda physical, now, changed, place: [_quota(now, place)],
    lambda physical, given, place: Request("DELETE", f"{BASE}/quotas/{given['project']}"),
    description="A project's quotas of networks; administrators only.",
    waits_for_gone=False,
    check=lambda given: None if len(given) > 1 else "At least one of the limits must be specified.",
)
