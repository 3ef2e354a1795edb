"""Network in the dashboard: networks, routers, floating IPs, security groups."""

from collections.abc import Mapping

from cumulo.core.panels import Action, Column, Field, Item, Options, Panel, column
from cumulo.core.resource_types import Request

BASE = "/network/v2.0"


def _delete(collection: str) -> Action:
    return Action(
        "delete",
        "Delete",
        lambda item, form: Request("DELETE", f"{BASE}/{collection}/{item['id']}"),
        danger=True,
    )


def _associate(item: Item, form: Mapping[str, str]) -> Request:
    body = {"floatingip": {"port_id": form["port"] or None}}
    return Request("PUT", f"{BASE}/floatingips/{item['id']}", body)


NETWORKS = Panel(
    name="networks",
    title="Networks",
    one="network",
    group="Network",
    order=30,
    items=Request("GET", f"{BASE}/networks"),
    key="networks",
    columns=(
        column("Name", "name", link=True),
        column("Status", "status", "status"),
        Column("Shared", lambda item: "yes" if item.get("shared") else ""),
        Column("External", lambda item: "yes" if item.get("router:external") else ""),
        Column("Subnets", lambda item: len(item.get("subnets") or ())),
    ),
    detail=lambda id: Request("GET", f"{BASE}/networks/{id}"),
    detail_key="network",
    lines=(
        column("Id", "id", "mono"),
        column("Status", "status", "status"),
        column("MTU", "mtu"),
        column("Subnets", "subnets", "list"),
        column("Project", "project_id", "mono"),
        column("Created", "created_at", "time"),
    ),
    create=Action(
        "create",
        "Make network",
        lambda item, form: Request("POST", f"{BASE}/networks", {"network": {"name": form["name"]}}),
        fields=(Field("name", "Name"),),
    ),
    actions=(
        Action(
            "subnet",
            "Add subnet",
            lambda item, form: Request(
                "POST",
                f"{BASE}/subnets",
                {
                    "subnet": {
                        "network_id": item["id"],
                        "cidr": form["cidr"],
                        "ip_version": 6 if ":" in form["cidr"] else 4,
                    }
                },
            ),
            fields=(Field("cidr", "Addresses", help="For example 10.1.0.0/24"),),
        ),
        _delete("networks"),
    ),
    events="network",
)
FLOATING_IPS = Panel(
    name="floatingips",
    title="Floating IPs",
    one="floating IP",
    group="Network",
    order=35,
    items=Request("GET", f"{BASE}/floatingips"),
    key="floatingips",
    columns=(
        column("Address", "floating_ip_address", link=True),
        column("Status", "status", "status"),
        column("Leads to", "fixed_ip_address"),
    ),
    detail=lambda id: Request("GET", f"{BASE}/floatingips/{id}"),
    detail_key="floatingip",
    lines=(
        column("Id", "id", "mono"),
        column("Address", "floating_ip_address"),
        column("Status", "status", "status"),
        column("Leads to", "fixed_ip_address"),
        column("Port", "port_id", "mono"),
    ),
    create=Action(
        "create",
        "Get address",
        lambda item, form: Request(
            "POST",
            f"{BASE}/floatingips",
            {"floatingip": {"floating_network_id": form["network"]}},
        ),
        fields=(
            Field(
                "network",
                "From",
                "select",
                options=Options(
                    Request("GET", f"{BASE}/networks?router:external=true"), "networks"
                ),
            ),
        ),
    ),
    actions=(
        Action(
            "associate",
            "Lead to",
            _associate,
            fields=(
                Field(
                    "port",
                    "Port",
                    "select",
                    required=False,
                    options=Options(
                        Request("GET", f"{BASE}/ports?device_owner=compute:nova"),
                        "ports",
                        lambda p: ", ".join(a["ip_address"] for a in p["fixed_ips"]) or p["id"],
                    ),
                ),
            ),
        ),
        _delete("floatingips"),
    ),
    events="floatingip",
    label=lambda item: str(item.get("floating_ip_address")),
)
SECURITY_GROUPS = Panel(
    name="securitygroups",
    title="Security groups",
    one="security group",
    group="Network",
    order=36,
    items=Request("GET", f"{BASE}/security-groups"),
    key="security_groups",
    columns=(
        column("Name", "name", link=True),
        column("Description", "description"),
        Column("Rules", lambda item: len(item.get("security_group_rules") or ())),
    ),
    detail=lambda id: Request("GET", f"{BASE}/security-groups/{id}"),
    detail_key="security_group",
    lines=(
        column("Id", "id", "mono"),
        column("Description", "description"),
        Column("Rules", lambda item: [_said(r) for r in item["security_group_rules"]], "list"),
    ),
    actions=(
        Action(
            "rule",
            "Let in",
            lambda item, form: Request(
                "POST",
                f"{BASE}/security-group-rules",
                {
                    "security_group_rule": {
                        "security_group_id": item["id"],
                        "direction": "ingress",
                        "protocol": "tcp",
                        "port_range_min": form["port"],
                        "port_range_max": form["port"],
                    }
                },
            ),
            fields=(Field("port", "TCP port", "number", default="22"),),
        ),
        _delete("security-groups"),
    ),
    events="security_group",
)


def _said(rule: Item) -> str:
    """A rule in words."""
    way = "lets in" if rule["direction"] == "ingress" else "lets out"
    what = rule.get("protocol") or "anything"
    low, high = rule.get("port_range_min"), rule.get("port_range_max")
    if low is not None:
        what += f" port {low}" if low == high else f" ports {low} to {high}"
    other = rule.get("remote_ip_prefix") or (
        "members of a group" if rule.get("remote_group_id") else "anybody"
    )
    side = "from" if rule["direction"] == "ingress" else "to"
    return f"{way} {what} {side} {other} ({rule['ethertype']})"


PANELS = (NETWORKS, FLOATING_IPS, SECURITY_GROUPS)
