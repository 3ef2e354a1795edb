"""Routers, their interfaces, gateways and routes in templates."""

from collections.abc import Sequence
from typing import Any

from cumulo.core.resource_types import (
    Others,
    Place,
    Property,
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
    network_of,
    noun,
    plain,
    subnets_of,
)

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
    made = plain(given, {}, "tags", "l3_agent_ids", "l3_agent_id")
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


ROUTER = noun(
    "OS::Neutron::Router",
    "routers",
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
        "availability_zone_hints": items(text(), "Availability zones."),
        "l3_agent_ids": items(text(), "Kept for old templates."),
        "l3_agent_id": text("Kept for old templates."),
        "tags": TAGS,
    },
    attributes={
        **STANDARD,
        "external_gateway_info": "Gateway network for the router.",
    },
    sent=_router,
    emptied={"external_gateway_info": {}},
    stands_on=lambda given, others: (
        subnets_of(network_of(given["external_gateway_info"]), others)
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
    exclusive=("router", "subnet", "port"),
    check=lambda given: (
        None
        if bool(given.get("subnet")) != bool(given.get("port"))
        else "At least one of the following properties must be specified: subnet, port."
    ),
)


def _gateway(given: Given, place: Place) -> Request:
    body = {"external_gateway_info": {"network_id": given["network"]}}
    return Request("PUT", f"{BASE}/routers/{given['router_id']}", {"router": body})


ROUTER_GATEWAY = ResourceType(
    "OS::Neutron::RouterGateway",
    {
        "router_id": text("The router.", required=True, find="router"),
        "network": text("The external network.", find="network"),
        "network_id": text("Deprecated.", stands_for="network", find="network"),
    },
    _gateway,
    lambda answer: f"{answer['router']['id']}:gateway",
    lambda physical, given, place: None,
    lambda physical, now, changed, place: [],
    lambda physical, given, place: Request(
        "PUT",
        f"{BASE}/routers/{physical.partition(':')[0]}",
        {"router": {"external_gateway_info": {}}},
    ),
    description="The gateway of a router; `external_gateway_info` of the router does the same.",
    waits_for_gone=False,
    exclusive=("router_id", "network"),
    stands_on=lambda given, others: [
        *subnets_of(network_of(given), others),
        *(
            name
            for name, one in others.get("OS::Neutron::RouterInterface", ())
            if (one.get("router") or one.get("router_id")) == given.get("router_id")
        ),
    ],
    check=lambda given: None if given.get("network") else "Property network not assigned",
)


def _routes(router: str, place: Place) -> list[dict[str, str]]:
    found = None if place.read is None else place.read(f"{BASE}/routers/{router}")
    return list(((found or {}).get("router") or {}).get("routes") or ())


def _routed(router: str, place: Place, gone: Sequence[Any], new: Sequence[Any]) -> Request:
    """The router's routes, without those and with these: others' stay."""
    kept = [each for each in _routes(router, place) if each not in gone]
    routes = kept + [dict(each) for each in new if each not in kept]
    return Request("PUT", f"{BASE}/routers/{router}", {"router": {"routes": routes}})


def _interfaces_of(router: Any, others: Others) -> list[str]:
    return [
        name
        for name, given in others.get("OS::Neutron::RouterInterface", ())
        if (given.get("router") or given.get("router_id")) == router
    ]


EXTRA_ROUTE = ResourceType(
    "OS::Neutron::ExtraRoute",
    {
        "router_id": text("The router.", required=True, find="router"),
        "destination": text("Network in CIDR notation.", required=True),
        "nexthop": text("Nexthop IP address.", required=True),
    },
    lambda given, place: _routed(
        given["router_id"],
        place,
        (),
        [{"destination": given["destination"], "nexthop": given["nexthop"]}],
    ),
    lambda answer: f"{answer['router']['id']}:route",
    lambda physical, given, place: None,
    lambda physical, now, changed, place: [],
    lambda physical, given, place: _routed(
        given["router_id"],
        place,
        [{"destination": given["destination"], "nexthop": given["nexthop"]}],
        (),
    ),
    description="One more route of a router.",
    waits_for_gone=False,
    stands_on=lambda given, others: _interfaces_of(given.get("router_id"), others),
)
ROUTE = mapping(
    {
        "destination": text("The destination's CIDR.", required=True),
        "nexthop": text("The next hop.", required=True),
    }
)
EXTRA_ROUTE_SET = ResourceType(
    "OS::Neutron::ExtraRouteSet",
    {
        "router": text("The router.", required=True, find="router"),
        "routes": items(ROUTE, "More routes of the router.", default=[], update=True),
    },
    lambda given, place: _routed(given["router"], place, (), given["routes"]),
    lambda answer: f"{answer['router']['id']}:routes",
    lambda physical, given, place: None,
    lambda physical, now, changed, place: [
        _routed(now["router"], place, place.before.get("routes") or (), now["routes"])
    ],
    lambda physical, given, place: _routed(given["router"], place, given.get("routes") or (), ()),
    description="More routes of a router.",
    waits_for_gone=False,
    stands_on=lambda given, others: _interfaces_of(given.get("router"), others),
)
