"""Ports and floating addresses in templates."""

from typing import Any

from cumulo.core.resource_types import (
    Place,
    Reader,
    Request,
    ResourceType,
    flag,
    items,
    mapping,
    text,
)
from cumulo.network.resources.common import (
    BASE,
    NAME,
    SPECS,
    STANDARD,
    TAGS,
    Given,
    interfaces_to,
    network_of,
    noun,
    plain,
    subnets_of,
)

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
    made = plain(
        given, PORT_NAMES, "tags", "replacement_policy", "no_fixed_ips", "propagate_uplink_status"
    )
    if "fixed_ips" in made:
        made["fixed_ips"] = [
            {"subnet_id" if key == "subnet" else key: value for key, value in each.items()}
            for each in made["fixed_ips"]
        ]
        for each in made["fixed_ips"]:
            for name in [name for name, value in each.items() if value is None]:
                del each[name]
    if given.get("no_fixed_ips"):
        made["fixed_ips"] = []
    return made


PORT = noun(
    "OS::Neutron::Port",
    "ports",
    "port",
    description="A resource for managing Neutron ports.",
    properties={
        "network": text("The network.", find="network", required=True),
        "network_id": text("Deprecated.", stands_for="network", find="network"),
        "name": NAME,
        "value_specs": SPECS,
        "admin_state_up": flag("The administrative state.", default=True, update=True),
        "fixed_ips": items(FIXED_IP, "Desired addresses.", update=True),
        "no_fixed_ips": flag("Whether it has no address.", update=True),
        "mac_address": text("MAC address to give to this port.", update=True),
        "device_id": text("Device ID of this port.", default="", update=True),
        "device_owner": text("Name of the network owning the port.", default="", update=True),
        "security_groups": items(
            text("A group.", find="security_group"), "Security groups.", update=True
        ),
        "allowed_address_pairs": items(PAIR, "Additional addresses.", update=True),
        "port_security_enabled": flag("Anti-spoofing on.", update=True),
        "binding:vnic_type": text("The vnic type.", default="normal", update=True),
        "dns_name": text("DNS name associated with the port.", update=True),
        "tags": TAGS,
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
    sent=_port,
    emptied={
        "security_groups": [],
        "allowed_address_pairs": [],
        "fixed_ips": [],
        "dns_name": "",
        "port_security_enabled": True,
        "device_id": "",
        "device_owner": "",
    },
    renamed={"no_fixed_ips": "fixed_ips"},
    attribute=lambda name, body, read: _port_attribute(name, body, read),
    exclusive=("mac_address", "fixed_ips"),
    stands_on=lambda given, others: subnets_of(network_of(given), others),
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


FLOATING_IP = noun(
    "OS::Neutron::FloatingIP",
    "floatingips",
    "floatingip",
    description="A resource for managing Neutron floating ip.",
    named=False,
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
        "tags": TAGS,
    },
    attributes={
        "router_id": "The router.",
        "tenant_id": "The project.",
        "floating_network_id": "The network.",
        "fixed_ip_address": "Address of the port.",
        "floating_ip_address": "The allocated address.",
        "port_id": "The port.",
    },
    sent=lambda given, place: plain(
        given,
        {"floating_network": "floating_network_id", "floating_subnet": "subnet_id"},
        "tags",
    ),
    stands_on=lambda given, others: [
        *subnets_of(given.get("floating_network") or given.get("floating_network_id"), others),
        *(interfaces_to(given["port_id"], others) if given.get("port_id") else ()),
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
    stands_on=lambda given, others: interfaces_to(given.get("port_id"), others),
    waits_for_gone=False,
    exclusive=("floatingip_id",),
)
