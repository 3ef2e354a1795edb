"""Ports."""

from typing import Any

from cumulo.core.panels import (
    Action,
    Column,
    Field,
    Form,
    Item,
    Options,
    Panel,
    Ref,
    column,
    delete,
    given,
    lines_of,
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

_OWN_GROUPS = Options(
    Request("GET", f"{BASE}/security-groups?project_id={{project}}"), "security_groups"
)


def _addresses(port: Item) -> list[str]:
    return [each["ip_address"] for each in port.get("fixed_ips") or ()]


def _device(port: Item) -> Any:
    owner, id = str(port.get("device_owner") or ""), port.get("device_id")
    if id and owner.startswith("compute:"):
        return Ref("servers", id)
    if id and owner.startswith("network:router"):
        return Ref("routers", id)
    return owner


def _create(item: Item, form: Form) -> Request:
    port: dict[str, Any] = {"network_id": form["network"], **given(form, "name")}
    if form.get("address"):
        port["fixed_ips"] = [{"ip_address": form["address"]}]
    if form.get("groups"):
        port["security_groups"] = lines_of(form["groups"])
    return Request("POST", f"{BASE}/ports", {"port": port})


PORTS = Panel(
    name="ports",
    title="Ports",
    group="Network",
    order=32,
    about="Plugs on networks: each has a MAC, addresses and security groups.",
    items=Request("GET", f"{BASE}/ports"),
    key="ports",
    columns=(
        Column("Name", lambda p: p.get("name") or p["id"][:8], link=True, sort="name"),
        Column("Addresses", _addresses, "list"),
        column("MAC", "mac_address", "mono"),
        column("Status", "status", "status"),
        Column("Belongs to", _device),
        ref("Network", "network_id", "networks"),
    ),
    label=lambda item: str(item.get("name") or ", ".join(_addresses(item)) or item.get("id")),
    search=(*SEARCH, "fixed_ips=ip_address={ip}", "mac_address={q}"),
    everywhere=EVERYWHERE,
    everywhere_rule="context_is_admin",
    own=OWN,
    detail=lambda id: Request("GET", f"{BASE}/ports/{id}"),
    detail_key="port",
    lines=(
        column("Id", "id", "mono"),
        Column("Addresses", _addresses, "list"),
        column("MAC", "mac_address", "mono"),
        ref("Network", "network_id", "networks"),
        Column("Belongs to", _device),
        Column(
            "Security groups",
            lambda p: [Ref("securitygroups", id) for id in p.get("security_groups") or ()],
            "list",
        ),
        Column(
            "Addresses allowed besides",
            lambda p: [a["ip_address"] for a in p.get("allowed_address_pairs") or ()],
            "list",
        ),
        column("Port security", "port_security_enabled", "yes"),
        column("Host", "binding:host_id"),
        column("Created", "created_at", "time"),
    ),
    create=(
        Action(
            "create",
            "Create port",
            _create,
            fields=(
                Field("network", "Network", "select", options=networks()),
                Field("name", "Name", required=False),
                Field("address", "Address", required=False, help="Empty: a free one."),
                Field(
                    "groups",
                    "Security groups",
                    "many",
                    required=False,
                    options=_OWN_GROUPS,
                    longest=4000,
                ),
            ),
        ),
    ),
    actions=(
        edit("ports", "port", check("admin_state_up", "On")),
        Action(
            "groups",
            "Security groups",
            lambda item, form: Request(
                "PUT",
                path_of("ports", item),
                {"port": {"security_groups": lines_of(form["groups"])}},
            ),
            fields=(
                Field(
                    "groups",
                    "Security groups",
                    "many",
                    required=False,
                    options=_OWN_GROUPS,
                    default=lambda p: "\n".join(p.get("security_groups") or ()),
                    longest=4000,
                ),
            ),
        ),
        Action(
            "pairs",
            "Addresses allowed besides",
            lambda item, form: Request(
                "PUT",
                path_of("ports", item),
                {
                    "port": {
                        "allowed_address_pairs": [
                            {"ip_address": line} for line in lines_of(form["pairs"])
                        ]
                    }
                },
            ),
            fields=(
                Field(
                    "pairs",
                    "Addresses",
                    "textarea",
                    required=False,
                    help="One a line.",
                    default=lambda p: "\n".join(
                        a["ip_address"] for a in p.get("allowed_address_pairs") or ()
                    ),
                    longest=2000,
                ),
            ),
        ),
        delete(collection_of("ports")),
    ),
    events="port",
)
