"""Routers: interfaces, gateway, routes."""

from collections.abc import Sequence
from typing import Any

from cumulo.core.panels import (
    Action,
    Column,
    Field,
    Form,
    Item,
    Options,
    Panel,
    Part,
    Ref,
    column,
    delete,
    lines_of,
    part_of_path,
    ref,
)
from cumulo.core.resource_types import Request
from cumulo.network.panels.common import (
    BASE,
    EVERYWHERE,
    OWN,
    SEARCH,
    check,
    collection_of,
    edit,
    networks,
    path_of,
    subnet_label,
)

_EXTERNAL = networks("router:external=true")


def _gateway(item: Item) -> Any:
    found = item.get("external_gateway_info")
    return Ref("networks", found["network_id"]) if found else None


def _outside(item: Item) -> list[str]:
    found = item.get("external_gateway_info") or {}
    return [each["ip_address"] for each in found.get("external_fixed_ips") or ()]


def _create(item: Item, form: Form) -> Request:
    router: dict[str, Any] = {"name": form["name"]}
    if form.get("network"):
        router["external_gateway_info"] = {"network_id": form["network"]}
    return Request("POST", f"{BASE}/routers", {"router": router})


def _routes(form: Form) -> Sequence[Any]:
    made = []
    for line in lines_of(form["routes"]):
        destination, _, hop = line.partition("=")
        made.append({"destination": destination.strip(), "nexthop": hop.strip()})
    return made


INTERFACES = Part(
    "interfaces",
    "Interfaces",
    lambda item, place: Request(
        "GET",
        f"{BASE}/ports?device_id={part_of_path(item['id'])}&device_owner=network:router_interface",
    ),
    "ports",
    (
        Column("Addresses", lambda p: [a["ip_address"] for a in p["fixed_ips"]], "list"),
        column("Status", "status", "status"),
        ref("Network", "network_id", "networks"),
        Column(
            "Subnet", lambda p: [Ref("subnets", a["subnet_id"]) for a in p["fixed_ips"]], "list"
        ),
    ),
    actions=(
        Action(
            "remove",
            "Remove",
            lambda item, form: Request(
                "PUT",
                f"{path_of('routers', item['of'])}/remove_router_interface",
                {"port_id": item["id"]},
            ),
            danger=True,
        ),
    ),
    create=(
        Action(
            "add",
            "Add interface",
            lambda item, form: Request(
                "PUT",
                f"{path_of('routers', item['of'])}/add_router_interface",
                {"subnet_id": form["subnet"]},
            ),
            fields=(
                Field(
                    "subnet",
                    "Subnet",
                    "select",
                    options=Options(
                        Request("GET", f"{BASE}/subnets?limit=500&project_id={{project}}"),
                        "subnets",
                        subnet_label,
                    ),
                ),
            ),
        ),
    ),
)
ROUTERS = Panel(
    name="routers",
    title="Routers",
    group="Network",
    order=33,
    about="They connect networks with one another and, by a gateway, with the outside.",
    items=Request("GET", f"{BASE}/routers"),
    key="routers",
    columns=(
        column("Name", "name", link=True, sort="name"),
        column("Status", "status", "status"),
        Column("Gateway", _gateway),
        Column("Addresses", _outside, "list"),
    ),
    search=SEARCH,
    everywhere=EVERYWHERE,
    everywhere_rule="context_is_admin",
    own=OWN,
    detail=lambda id: Request("GET", f"{BASE}/routers/{id}"),
    detail_key="router",
    lines=(
        column("Id", "id", "mono"),
        column("Description", "description"),
        Column("Gateway", _gateway),
        Column("Addresses", _outside, "list"),
        Column(
            "Routes",
            lambda r: [f"{x['destination']} → {x['nexthop']}" for x in r.get("routes") or ()],
            "list",
        ),
        column("Created", "created_at", "time"),
    ),
    create=(
        Action(
            "create",
            "Create router",
            _create,
            fields=(
                Field("name", "Name"),
                Field(
                    "network",
                    "Gateway",
                    "select",
                    required=False,
                    help="The external network that it leads to.",
                    options=_EXTERNAL,
                ),
            ),
        ),
    ),
    actions=(
        Action(
            "gateway",
            "Set gateway",
            lambda item, form: Request(
                "PUT",
                path_of("routers", item),
                {"router": {"external_gateway_info": {"network_id": form["network"]}}},
            ),
            fields=(Field("network", "External network", "select", options=_EXTERNAL),),
            allowed=lambda item: not item.get("external_gateway_info"),
            main=True,
        ),
        Action(
            "no_gateway",
            "Remove gateway",
            lambda item, form: Request(
                "PUT", path_of("routers", item), {"router": {"external_gateway_info": None}}
            ),
            allowed=lambda item: bool(item.get("external_gateway_info")),
            danger=True,
        ),
        Action(
            "routes",
            "Routes",
            lambda item, form: Request(
                "PUT", path_of("routers", item), {"router": {"routes": _routes(form)}}
            ),
            fields=(
                Field(
                    "routes",
                    "Routes",
                    "textarea",
                    required=False,
                    help="One a line: 10.9.0.0/24=10.1.0.7",
                    default=lambda r: "\n".join(
                        f"{x['destination']}={x['nexthop']}" for x in r.get("routes") or ()
                    ),
                    longest=8000,
                ),
            ),
        ),
        edit("routers", "router", check("admin_state_up", "On")),
        delete(collection_of("routers")),
    ),
    parts=(INTERFACES,),
    events="router",
)
