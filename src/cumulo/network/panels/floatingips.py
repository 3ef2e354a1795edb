"""Floating IPs."""

from cumulo.core.panels import Action, Column, Field, Item, Options, Panel, Ref, column, delete, ref
from cumulo.core.resource_types import Request
from cumulo.network.panels.common import (
    BASE,
    EVERYWHERE,
    OWN,
    collection_of,
    networks,
    path_of,
)


def _port(port: Item) -> str:
    addresses = ", ".join(each["ip_address"] for each in port.get("fixed_ips") or ())
    return f"{addresses or port['id']} {port.get('name') or ''}".strip()


def _server(item: Item) -> object:
    found = item.get("port_details") or {}
    owner = str(found.get("device_owner") or "")
    return Ref("servers", found["device_id"]) if owner.startswith("compute:") else None


FLOATING_IPS = Panel(
    name="floatingips",
    title="Floating IPs",
    group="Network",
    order=35,
    about="Addresses of the outside that lead to a server, and can move to another one.",
    items=Request("GET", f"{BASE}/floatingips"),
    key="floatingips",
    columns=(
        column("Address", "floating_ip_address", link=True, sort="floating_ip_address"),
        column("Status", "status", "status"),
        column("Leads to", "fixed_ip_address", "mono"),
        Column("Server", _server),
        column("Description", "description"),
    ),
    search=("id={id}", "floating_ip_address={ip}", "fixed_ip_address={ip}"),
    everywhere=EVERYWHERE,
    everywhere_rule="context_is_admin",
    own=OWN,
    detail=lambda id: Request("GET", f"{BASE}/floatingips/{id}"),
    detail_key="floatingip",
    lines=(
        column("Id", "id", "mono"),
        column("Address", "floating_ip_address", "mono"),
        column("Leads to", "fixed_ip_address", "mono"),
        Column("Server", _server),
        ref("Port", "port_id", "ports"),
        ref("Router", "router_id", "routers"),
        ref("Network", "floating_network_id", "networks"),
        column("Description", "description"),
        column("Created", "created_at", "time"),
    ),
    create=(
        Action(
            "create",
            "Allocate address",
            lambda item, form: Request(
                "POST",
                f"{BASE}/floatingips",
                {
                    "floatingip": {
                        "floating_network_id": form["network"],
                        "description": form.get("description", ""),
                    }
                },
            ),
            fields=(
                Field("network", "From", "select", options=networks("router:external=true")),
                Field("description", "Description", required=False),
            ),
        ),
    ),
    actions=(
        Action(
            "associate",
            "Associate",
            lambda item, form: Request(
                "PUT",
                path_of("floatingips", item),
                {"floatingip": {"port_id": form["port"]}},
            ),
            fields=(
                Field(
                    "port",
                    "Port",
                    "select",
                    options=Options(
                        Request("GET", f"{BASE}/ports?limit=500&project_id={{project}}"),
                        "ports",
                        _port,
                        only=lambda port, item: (
                            not str(port.get("device_owner") or "").startswith("network:")
                        ),
                    ),
                ),
            ),
            main=True,
        ),
        Action(
            "disassociate",
            "Disassociate",
            lambda item, form: Request(
                "PUT", path_of("floatingips", item), {"floatingip": {"port_id": None}}
            ),
            allowed=lambda item: bool(item.get("port_id")),
            main=True,
        ),
        delete(collection_of("floatingips"), label="Release"),
    ),
    events="floatingip",
    label=lambda item: str(item.get("floating_ip_address")),
)
