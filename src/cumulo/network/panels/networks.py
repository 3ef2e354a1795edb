"""Networks and their subnets."""

from collections.abc import Sequence
from typing import Any

from cumulo.core.panels import (
    Action,
    Column,
    Field,
    Form,
    Goes,
    Item,
    Panel,
    Part,
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
)

SUBNET_FIELDS = (
    Field("cidr", "Addresses", help="For example 10.1.0.0/24"),
    Field("subnet_name", "Name of the subnet", required=False, advanced=True),
    Field("gateway_ip", "Gateway", required=False, help="Empty: the first address.", advanced=True),
    Field(
        "dns",
        "Name servers",
        "textarea",
        required=False,
        help="One a line.",
        longest=1000,
        advanced=True,
    ),
    Field(
        "pool",
        "Range to give out",
        required=False,
        help="For example 10.1.0.10-10.1.0.99",
        advanced=True,
    ),
    Field("no_dhcp", "Without DHCP", "check", required=False, advanced=True),
)


def _subnet(network: str, form: Form) -> Request:
    subnet: dict[str, Any] = {
        "network_id": network,
        "cidr": form["cidr"],
        "ip_version": 6 if ":" in form["cidr"] else 4,
        "enable_dhcp": form.get("no_dhcp") != "yes",
    }
    if form.get("subnet_name"):
        subnet["name"] = form["subnet_name"]
    if form.get("gateway_ip"):
        subnet["gateway_ip"] = form["gateway_ip"]
    if form.get("dns"):
        subnet["dns_nameservers"] = lines_of(form["dns"])
    if form.get("pool"):
        start, _, end = form["pool"].partition("-")
        subnet["allocation_pools"] = [{"start": start.strip(), "end": end.strip()}]
    return Request("POST", f"{BASE}/subnets", {"subnet": subnet})


def _create(item: Item, form: Form) -> Request:
    return Request("POST", f"{BASE}/networks", {"network": {"name": form["name"]}})


def _then(item: Item, form: Form, answer: Any) -> Sequence[Request]:
    """The subnet, if its addresses were filled in."""
    return [_subnet(answer["network"]["id"], form)] if form.get("cidr") else []


SUBNET_PART = Part(
    "subnets",
    "Subnets",
    lambda item, place: Request("GET", f"{BASE}/subnets?network_id={part_of_path(item['id'])}"),
    "subnets",
    (
        column("Name", "name", link=True),
        column("Addresses", "cidr", "mono"),
        column("Gateway", "gateway_ip", "mono"),
        column("DHCP", "enable_dhcp", "yes"),
    ),
    panel="subnets",
    actions=(delete(collection_of("subnets")),),
    create=(
        Action(
            "add",
            "Add subnet",
            lambda item, form: _subnet(item["of"]["id"], form),
            fields=SUBNET_FIELDS,
        ),
    ),
)
PORT_PART = Part(
    "ports",
    "Ports",
    lambda item, place: Request(
        "GET", f"{BASE}/ports?limit=100&network_id={part_of_path(item['id'])}"
    ),
    "ports",
    (
        Column("Name", lambda p: p.get("name") or p["id"][:8], link=True),
        Column("Addresses", lambda p: [a["ip_address"] for a in p["fixed_ips"]], "list"),
        column("Status", "status", "status"),
        column("Belongs to", "device_owner"),
    ),
    panel="ports",
)
NETWORKS = Panel(
    name="networks",
    title="Networks",
    group="Network",
    order=30,
    about="What servers are connected by. A subnet says which addresses there are on it.",
    items=Request("GET", f"{BASE}/networks"),
    key="networks",
    columns=(
        column("Name", "name", link=True, sort="name"),
        column("Status", "status", "status"),
        Column("Shared", lambda item: item.get("shared") or None, "yes"),
        Column("External", lambda item: item.get("router:external") or None, "yes"),
        Column("Subnets", lambda item: len(item.get("subnets") or ())),
    ),
    search=SEARCH,
    everywhere=EVERYWHERE,
    everywhere_rule="context_is_admin",
    detail=lambda id: Request("GET", f"{BASE}/networks/{id}"),
    detail_key="network",
    lines=(
        column("Id", "id", "mono"),
        column("Description", "description"),
        column("MTU", "mtu"),
        Column("Shared", lambda item: item.get("shared"), "yes"),
        Column("External", lambda item: item.get("router:external"), "yes"),
        column("Kind", "provider:network_type"),
        column("Segment", "provider:segmentation_id"),
        ref("Project", "project_id", "projects"),
        column("Created", "created_at", "time"),
    ),
    create=(
        Action(
            "create",
            "Create network",
            _create,
            fields=(
                Field("name", "Name"),
                Field(
                    "cidr",
                    "Addresses",
                    required=False,
                    help="For example 10.1.0.0/24. Empty: a subnet comes later.",
                ),
                *SUBNET_FIELDS[1:],
            ),
            then=_then,
            undo=lambda answer: Request("DELETE", path_of("networks", answer["network"])),
        ),
    ),
    actions=(
        edit("networks", "network", check("admin_state_up", "On")),
        delete(
            collection_of("networks"),
            goes=(
                Goes(
                    "Subnets that go with it",
                    lambda item: Request(
                        "GET", f"{BASE}/subnets?network_id={part_of_path(item['id'])}"
                    ),
                    "subnets",
                    lambda s: str(s["cidr"]),
                ),
            ),
        ),
    ),
    parts=(SUBNET_PART, PORT_PART),
    events="network subnet port",
)
SUBNETS = Panel(
    name="subnets",
    title="Subnets",
    group="Network",
    order=31,
    about="Ranges of addresses on networks.",
    items=Request("GET", f"{BASE}/subnets"),
    key="subnets",
    columns=(
        Column("Name", lambda s: s.get("name") or s["cidr"], link=True, sort="name"),
        column("Addresses", "cidr", "mono", sort="cidr"),
        ref("Network", "network_id", "networks"),
        column("Gateway", "gateway_ip", "mono"),
        column("DHCP", "enable_dhcp", "yes"),
    ),
    label=lambda item: str(item.get("name") or item.get("cidr")),
    search=("id={id}", "cidr={q}", "name~={q}"),
    everywhere=EVERYWHERE,
    everywhere_rule="context_is_admin",
    own=OWN,
    detail=lambda id: Request("GET", f"{BASE}/subnets/{id}"),
    detail_key="subnet",
    lines=(
        column("Id", "id", "mono"),
        column("Addresses", "cidr", "mono"),
        ref("Network", "network_id", "networks"),
        column("Gateway", "gateway_ip", "mono"),
        column("DHCP", "enable_dhcp", "yes"),
        Column("Name servers", lambda s: s.get("dns_nameservers"), "list"),
        Column(
            "Ranges to give out",
            lambda s: [f"{p['start']} - {p['end']}" for p in s.get("allocation_pools") or ()],
            "list",
        ),
        Column(
            "Routes",
            lambda s: [f"{r['destination']} → {r['nexthop']}" for r in s.get("host_routes") or ()],
            "list",
        ),
        column("Created", "created_at", "time"),
    ),
    create=(
        Action(
            "create",
            "Create subnet",
            lambda item, form: _subnet(form["network"], form),
            fields=(
                Field("network", "Network", "select", options=networks()),
                *SUBNET_FIELDS,
            ),
        ),
    ),
    actions=(
        Action(
            "edit",
            "Edit",
            lambda item, form: Request(
                "PUT",
                path_of("subnets", item),
                {
                    "subnet": {
                        "name": form["name"],
                        "gateway_ip": form["gateway_ip"] or None,
                        "dns_nameservers": lines_of(form["dns"]),
                        "enable_dhcp": form.get("enable_dhcp") == "yes",
                    }
                },
            ),
            fields=(
                Field("name", "Name", required=False, default=lambda item: item.get("name")),
                Field(
                    "gateway_ip", "Gateway", required=False, default=lambda s: s.get("gateway_ip")
                ),
                Field(
                    "dns",
                    "Name servers",
                    "textarea",
                    required=False,
                    default=lambda s: "\n".join(s.get("dns_nameservers") or ()),
                    longest=1000,
                ),
                check("enable_dhcp", "DHCP"),
            ),
        ),
        delete(collection_of("subnets")),
    ),
    events="subnet",
)
