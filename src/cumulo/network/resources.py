"""What templates can ask of network: OS::Neutron::… types, by network's own operations."""

from collections.abc import Mapping, Sequence
from typing import Any

from cumulo.core.resource_types import (
    Finder,
    Others,
    Place,
    Property,
    Reader,
    Request,
    ResourceType,
    flag,
    items,
    mapping,
    number,
    rest,
    text,
)

BASE = "/network/v2.0"
FINDERS = (
    Finder("network", f"{BASE}/networks", "network", "neutron.network"),
    Finder("subnet", f"{BASE}/subnets", "subnet", "neutron.subnet"),
    Finder("port", f"{BASE}/ports", "port", "neutron.port"),
    Finder("router", f"{BASE}/routers", "router", "neutron.router"),
    Finder("security_group", f"{BASE}/security-groups", "security_group", "neutron.security_group"),
    Finder(
        "floating_ip",
        f"{BASE}/floatingips",
        "floatingip",
        "neutron.floating_ip",
        by="floating_ip_address",
    ),
)
Given = Mapping[str, Any]


def plain(given: Given, names: Mapping[str, str], *without: str) -> dict[str, Any]:
    """Given properties under their API names."""
    return {
        names.get(name, name): value
        for name, value in given.items()
        if value is not None and name not in ("value_specs", *without)
    } | dict(given.get("value_specs") or {})


def subnets_of(network: Any, others: Others) -> list[str]:
    """The template's subnets of a network, both named in the same way."""
    if not network:
        return []
    return [
        name
        for name, given in others.get("OS::Neutron::Subnet", ())
        if network in (given.get("network"), given.get("network_id"))
    ]


def _network_of(given: Given) -> Any:
    return given.get("network") or given.get("network_id")


def _interfaces_to(port: Any, others: Others) -> list[str]:
    """The router interfaces that lead to a port; all, where it cannot be told which."""
    name = port.get("get_resource") if isinstance(port, dict) else None
    ports = [given for each, given in others.get("OS::Neutron::Port", ()) if each == name]
    subnets = subnets_of(_network_of(ports[0]), others) if ports else []
    wanted = [{"get_resource": each} for each in subnets]
    interfaces = others.get("OS::Neutron::RouterInterface", ())
    known = [
        each
        for each, given in interfaces
        if (given.get("subnet") or given.get("subnet_id")) in wanted
    ]
    return known or [each for each, _ in interfaces]


SPECS = mapping(None, "Extra parameters to include in the request.", default={}, update=True)
NAME = text("A symbolic name.", update=True)
STANDARD = {
    "status": "The status.",
    "name": "The name.",
    "tenant_id": "The project that owns it.",
    "admin_state_up": "The administrative status.",
}

NET = rest(
    "OS::Neutron::Net",
    f"{BASE}/networks",
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
        "tags": items(text(), "Tags of the network.", update=True),
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
    body=lambda given, place: plain(given, {}, "tags"),
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
SUBNET = rest(
    "OS::Neutron::Subnet",
    f"{BASE}/subnets",
    "subnet",
    description="A resource for managing Neutron subnets.",
    names={"network": "network_id"},
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
        "subnetpool": text("The subnet pool."),
        "tags": items(text(), "Tags.", update=True),
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
    body=lambda given, place: _subnet(given),
)


def _subnet(given: Given) -> dict[str, Any]:
    made = plain(given, {"network": "network_id", "subnetpool": "subnetpool_id"}, "tags")
    if given.get("gateway_ip") == "":
        made["gateway_ip"] = None
    return made


FIXED_IP = mapping(
    {
        "subnet": text("Subnet in which to allocate the address.", find="subnet"),
        "subnet_id": text("Deprecated.", stands_for="subnet", find="subnet"),
        "ip_address": text("The address."),
    }
)
PAIR = mapping(
    {"mac_address": text("The MAC."), "ip_address": text("Address or CIDR.", required=True)}
)
PORT_NAMES = {"network": "network_id", "fixed_ips": "fixed_ips"}


def _port(given: Given, place: Place | None = None) -> dict[str, Any]:
    made = plain(given, PORT_NAMES, "tags", "replacement_policy", "dns_name")
    if "fixed_ips" in made:
        made["fixed_ips"] = [
            {"subnet_id" if key == "subnet" else key: value for key, value in each.items()}
            for each in made["fixed_ips"]
        ]
    return made


PORT = rest(
    "OS::Neutron::Port",
    f"{BASE}/ports",
    "port",
    description="A resource for managing Neutron ports.",
    names=PORT_NAMES,
    properties={
        "network": text("The network.", find="network", required=True),
        "network_id": text("Deprecated.", stands_for="network", find="network"),
        "name": NAME,
        "value_specs": SPECS,
        "admin_state_up": flag("The administrative state.", default=True, update=True),
        "fixed_ips": items(FIXED_IP, "Desired addresses.", update=True),
        "mac_address": text("MAC address to give to this port."),
        "device_id": text("Device ID of this port.", default="", update=True),
        "device_owner": text("Name of the network owning the port.", default="", update=True),
        "security_groups": items(
            text("A group.", find="security_group"), "Security groups.", update=True
        ),
        "allowed_address_pairs": items(PAIR, "Additional addresses.", update=True),
        "port_security_enabled": flag("Anti-spoofing on.", update=True),
        "binding:vnic_type": text("The vnic type.", default="normal", update=True),
        "dns_name": text("DNS name associated with the port.", update=True),
        "tags": items(text(), "Tags.", update=True),
        "replacement_policy": text("Deprecated.", default="AUTO", update=True),
    },
    attributes={
        **STANDARD,
        "device_id": "Unique identifier for the device.",
        "device_owner": "Name of the network owning the port.",
        "fixed_ips": "Fixed IP addresses.",
        "mac_address": "MAC address of the port.",
        "network_id": "The network.",
        "security_groups": "A list of security groups.",
        "allowed_address_pairs": "Additional addresses.",
        "port_security_enabled": "Port security enabled.",
        "subnets": "A list of all subnet attributes for the port.",
        "network": "The attributes of the network owning the port.",
        "dns_assignment": "The DNS assigned to this port.",
    },
    body=_port,
    attribute=lambda name, body, read: _port_attribute(name, body, read),
    stands_on=lambda given, others: subnets_of(_network_of(given), others),
)


def _port_attribute(name: str, body: Any, read: Reader) -> Any:
    if body is None or name not in ("subnets", "network"):
        return NotImplemented
    port = body["port"]
    if name == "network":
        found = read(f"{BASE}/networks/{port['network_id']}")
        return found and found["network"]
    ids = dict.fromkeys(each["subnet_id"] for each in port["fixed_ips"])
    found_subnets = [read(f"{BASE}/subnets/{each}") for each in ids]
    return [each["subnet"] for each in found_subnets if each is not None]


GATEWAY = mapping(
    {
        "network": text("The external network.", required=True, find="network"),
        "enable_snat": flag("Enables Source NAT on the router gateway."),
        "external_fixed_ips": items(
            mapping({"ip_address": text("Address."), "subnet": text("Subnet.", find="subnet")}),
            "External fixed IP addresses for the gateway.",
        ),
    }
)


def _router(given: Given, place: Place | None = None) -> dict[str, Any]:
    made = plain(given, {}, "tags")
    gateway = made.get("external_gateway_info")
    if gateway is not None:
        kept = {key: value for key, value in gateway.items() if value is not None}
        kept["network_id"] = kept.pop("network")
        if "external_fixed_ips" in kept:
            kept["external_fixed_ips"] = [
                {"subnet_id" if k == "subnet" else k: v for k, v in each.items() if v is not None}
                for each in kept["external_fixed_ips"]
            ]
        made["external_gateway_info"] = kept
    return made


def _update_router(physical: str, now: Given, changed: Given, place: Place) -> Sequence[Request]:
    body = _router(changed)
    if "external_gateway_info" in changed and changed["external_gateway_info"] is None:
        body["external_gateway_info"] = {}
    return [Request("PUT", f"{BASE}/routers/{physical}", {"router": body})]


ROUTER = rest(
    "OS::Neutron::Router",
    f"{BASE}/routers",
    "router",
    description="A resource that implements Neutron router.",
    properties={
        "name": NAME,
        "value_specs": SPECS,
        "external_gateway_info": Property(
            "map", "External network gateway.", update=True, schema=GATEWAY.schema
        ),
        "admin_state_up": flag("The administrative state.", default=True, update=True),
        "distributed": flag("Distributed; only administrators say so."),
        "ha": flag("High availability; only administrators say so."),
        "tags": items(text(), "Tags.", update=True),
    },
    attributes={
        **STANDARD,
        "external_gateway_info": "Gateway network for the router.",
    },
    body=_router,
    update=_update_router,
    stands_on=lambda given, others: (
        subnets_of(_network_of(given["external_gateway_info"]), others)
        if isinstance(given.get("external_gateway_info"), dict)
        else []
    ),
)


def _add_interface(given: Given, place: Place) -> Request:
    body = {"port_id": given["port"]} if given.get("port") else {"subnet_id": given.get("subnet")}
    return Request("PUT", f"{BASE}/routers/{given['router']}/add_router_interface", body)


def _interface_id(answer: Any) -> str:
    """What it takes to remove it again."""
    return f"{answer['id']}:port_id={answer['port_id']}"


def _remove_interface(physical: str, given: Given, place: Place) -> Request:
    router, _, port = physical.partition(":port_id=")
    return Request("PUT", f"{BASE}/routers/{router}/remove_router_interface", {"port_id": port})


ROUTER_INTERFACE = ResourceType(
    "OS::Neutron::RouterInterface",
    {
        "router": text("The router.", required=True, find="router"),
        "router_id": text("Deprecated.", stands_for="router", find="router"),
        "subnet": text("The subnet; either this or the port.", find="subnet"),
        "subnet_id": text("Deprecated.", stands_for="subnet", find="subnet"),
        "port": text("The port; either this or the subnet.", find="port"),
        "port_id": text("Deprecated.", stands_for="port", find="port"),
    },
    _add_interface,
    _interface_id,
    lambda physical, given, place: None,
    lambda physical, now, changed, place: [],
    _remove_interface,
    description="A resource for managing Neutron router interfaces.",
    waits_for_gone=False,
    check=lambda given: (
        None
        if bool(given.get("subnet")) != bool(given.get("port"))
        else "At least one of the following properties must be specified: subnet, port."
    ),
)

FLOATING_IP = rest(
    "OS::Neutron::FloatingIP",
    f"{BASE}/floatingips",
    "floatingip",
    description="A resource for managing Neutron floating ip.",
    named=False,
    names={"floating_network": "floating_network_id"},
    properties={
        "floating_network": text(
            "Network to allocate the address from.", required=True, find="network"
        ),
        "floating_network_id": text("Deprecated.", stands_for="floating_network", find="network"),
        "floating_subnet": text("Subnet to allocate from.", find="subnet"),
        "value_specs": SPECS,
        "port_id": text("The port that it leads to.", update=True, find="port"),
        "fixed_ip_address": text("The port's address, if it has several.", update=True),
        "floating_ip_address": text("The address; administrators only."),
        "dns_name": text("DNS name."),
        "dns_domain": text("DNS domain."),
    },
    attributes={
        "router_id": "The router.",
        "tenant_id": "The project.",
        "floating_network_id": "The network.",
        "fixed_ip_address": "Address of the port.",
        "floating_ip_address": "The allocated address.",
        "port_id": "The port.",
    },
    body=lambda given, place: plain(
        given,
        {"floating_network": "floating_network_id", "floating_subnet": "subnet_id"},
        "dns_name",
        "dns_domain",
    ),
    stands_on=lambda given, others: [
        *subnets_of(given.get("floating_network") or given.get("floating_network_id"), others),
        *(_interfaces_to(given["port_id"], others) if given.get("port_id") else ()),
    ],
)


def _associate(given: Given, place: Place) -> Request:
    body = {"port_id": given["port_id"]}
    if given.get("fixed_ip_address"):
        body["fixed_ip_address"] = given["fixed_ip_address"]
    return Request("PUT", f"{BASE}/floatingips/{given['floatingip_id']}", {"floatingip": body})


FLOATING_IP_ASSOCIATION = ResourceType(
    "OS::Neutron::FloatingIPAssociation",
    {
        "floatingip_id": text("The floating IP.", required=True, update=True, find="floating_ip"),
        "port_id": text("The port.", required=True, update=True, find="port"),
        "fixed_ip_address": text("The port's address, if it has several.", update=True),
    },
    _associate,
    lambda answer: str(answer["floatingip"]["id"]),
    lambda physical, given, place: None,
    lambda physical, now, changed, place: [_associate(now, place)],
    lambda physical, given, place: Request(
        "PUT", f"{BASE}/floatingips/{physical}", {"floatingip": {"port_id": None}}
    ),
    description="A resource for associating floating ips and ports.",
    stands_on=lambda given, others: _interfaces_to(given.get("port_id"), others),
    waits_for_gone=False,
)

RULE = {
    "direction": text("Ingress or egress.", default="ingress"),
    "ethertype": text("IPv4 or IPv6.", default="IPv4"),
    "port_range_min": number("First port, or ICMP type."),
    "port_range_max": number("Last port, or ICMP code."),
    "protocol": text("The protocol."),
    "remote_mode": text("What the rule matches: remote_ip_prefix or remote_group_id."),
    "remote_group_id": text("The group whose members are matched.", find="security_group"),
    "remote_ip_prefix": text("The prefix that is matched."),
}


def _rule(given: Given) -> dict[str, Any]:
    return {
        name: value
        for name, value in given.items()
        if value is not None and name not in ("remote_mode", "remote_group", "security_group")
    }


def _group_rules(group: str, rules: Sequence[Given]) -> list[Request]:
    made = []
    for each in rules:
        rule = _rule(each) | {"security_group_id": group}
        if each.get("remote_mode") == "remote_group_id" and not each.get("remote_group_id"):
            rule["remote_group_id"] = group
        made.append(Request("POST", f"{BASE}/security-group-rules", {"security_group_rule": rule}))
    return made


SECURITY_GROUP_RULE = rest(
    "OS::Neutron::SecurityGroupRule",
    f"{BASE}/security-group-rules",
    "security_group_rule",
    description="A resource for managing Neutron security group rules.",
    named=False,
    properties={
        "security_group": text("The group.", required=True, find="security_group"),
        "description": text("A description."),
        "direction": RULE["direction"],
        "ethertype": RULE["ethertype"],
        "port_range_min": RULE["port_range_min"],
        "port_range_max": RULE["port_range_max"],
        "protocol": RULE["protocol"],
        "remote_group": text("The group whose members are matched.", find="security_group"),
        "remote_ip_prefix": RULE["remote_ip_prefix"],
    },
    body=lambda given, place: (
        _rule(given)
        | {"security_group_id": given["security_group"]}
        | ({"remote_group_id": given["remote_group"]} if given.get("remote_group") else {})
    ),
)

SECURITY_GROUP = rest(
    "OS::Neutron::SecurityGroup",
    f"{BASE}/security-groups",
    "security_group",
    description="A resource for managing Neutron security groups.",
    properties={
        "name": NAME,
        "description": text("Description of the security group.", update=True),
        "rules": items(mapping(RULE), "List of rules.", default=[], update=True),
    },
    body=lambda given, place: plain(given, {}, "rules"),
    after=lambda physical, given, body, place: _first_rules(physical, given, body),
    update=lambda physical, now, changed, place: (
        [
            Request(
                "PUT",
                f"{BASE}/security-groups/{physical}",
                {"security_group": {k: v for k, v in changed.items() if k != "rules"}},
            )
        ]
        if set(changed) - {"rules"}
        else []
    ),
)


def _first_rules(group: str, given: Given, body: Any) -> list[Request]:
    """The rules as the template has them: what the group lets out by itself goes where the template
    speaks of what goes out."""
    existing = ((body or {}).get("security_group") or {}).get("security_group_rules") or []
    speaks = any(each.get("direction") == "egress" for each in given.get("rules") or ())
    gone = [
        Request("DELETE", f"{BASE}/security-group-rules/{each['id']}")
        for each in existing
        if each["direction"] == "ingress" or speaks
    ]
    return [*gone, *_group_rules(group, given.get("rules") or ())]


TYPES = (
    NET,
    SUBNET,
    PORT,
    ROUTER,
    ROUTER_INTERFACE,
    FLOATING_IP,
    FLOATING_IP_ASSOCIATION,
    SECURITY_GROUP,
    SECURITY_GROUP_RULE,
)
