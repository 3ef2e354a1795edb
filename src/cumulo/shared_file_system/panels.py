"""Shared file systems in the dashboard: shares, their snapshots, and who may mount them."""

from typing import Any

from cumulo.core.panels import (
    Action,
    Column,
    Field,
    Form,
    Gauge,
    Item,
    Options,
    Panel,
    Part,
    column,
    delete,
    part_of_path,
    ref,
    said,
)
from cumulo.core.resource_types import Request

BASE = "/share/v2"
VERSION = "2.73"


def ask(method: str, path: str, body: Any = None) -> Request:
    return Request(method, f"{BASE}{path}", body, VERSION)


def _path(item: Item) -> str:
    return f"/shares/{part_of_path(item['id'])}"


def _size(item: Item) -> Any:
    return said("{n} GiB", n=item.get("size"))


def _create(item: Item, form: Form) -> Request:
    share: dict[str, Any] = {
        "name": form["name"],
        "share_proto": form["proto"],
        "size": int(form["size"]),
    }
    for field, key in (
        ("type", "share_type"),
        ("network", "share_network_id"),
        ("snapshot", "snapshot_id"),
        ("description", "description"),
    ):
        if form.get(field):
            share[key] = form[field]
    return ask("POST", "/shares", {"share": share})


RULES = Part(
    "rules",
    "Who may mount it",
    lambda item, place: ask("GET", f"/share-access-rules?share_id={part_of_path(item['id'])}"),
    "access_list",
    (
        column("Who", "access_to", "mono"),
        column("Kind", "access_type"),
        column("Access level", "access_level"),
        column("Status", "state", "status"),
    ),
    actions=(
        Action(
            "remove",
            "Remove",
            lambda item, form: ask(
                "POST", f"{_path(item['of'])}/action", {"deny_access": {"access_id": item["id"]}}
            ),
            danger=True,
        ),
    ),
    create=(
        Action(
            "add",
            "Allow access",
            lambda item, form: ask(
                "POST",
                f"{_path(item['of'])}/action",
                {
                    "allow_access": {
                        "access_type": form["type"],
                        "access_to": form["who"],
                        "access_level": form["level"],
                    }
                },
            ),
            fields=(
                Field(
                    "type",
                    "Kind",
                    "select",
                    default="ip",
                    choices=(("ip", "Addresses"), ("user", "User")),
                ),
                Field("who", "Who", help="For example 10.1.0.0/24"),
                Field(
                    "level",
                    "Access level",
                    "select",
                    default="rw",
                    choices=(("rw", "Read and write"), ("ro", "Read")),
                ),
            ),
        ),
    ),
)
_SHRINK = ("available", "shrinking_possible_data_loss_error")
MESSAGES = Part(
    "messages",
    "What failed",
    lambda item, place: ask("GET", f"/messages?resource_id={part_of_path(item['id'])}"),
    "messages",
    (column("Created", "created_at", "time"), column("Reason", "user_message")),
)
EXPORTS = Part(
    "exports",
    "Where to mount it from",
    lambda item, place: ask("GET", f"{_path(item)}/export_locations"),
    "export_locations",
    (column("Address", "path", "mono"), column("Preferred", "preferred", "yes")),
)
SHARES = Panel(
    name="shares",
    title="Shares",
    group="Storage",
    order=46,
    about="File systems that many servers mount at the same time, by NFS.",
    items=ask("GET", "/shares/detail"),
    key="shares",
    columns=(
        Column("Name", lambda item: item.get("name") or item["id"][:8], link=True, sort="name"),
        column("Status", "status", "status", sort="status"),
        Column("Size", _size, sort="size"),
        column("Protocol", "share_proto"),
        column("Created", "created_at", "time", sort="created_at"),
    ),
    search=("name~={q}",),
    everywhere="all_tenants=1",
    everywhere_rule="context_is_admin",
    detail=lambda id: ask("GET", f"/shares/{id}"),
    detail_key="share",
    lines=(
        column("Id", "id", "mono"),
        column("Description", "description"),
        Column("Size", _size),
        column("Protocol", "share_proto"),
        column("Type", "share_type_name"),
        column("Zone", "availability_zone"),
        ref("Project", "project_id", "projects"),
        column("Created", "created_at", "time"),
    ),
    create=(
        Action(
            "create",
            "Create share",
            _create,
            fields=(
                Field("name", "Name"),
                Field("size", "Size in GiB", "number", default="1"),
                Field("proto", "Protocol", "select", default="NFS", choices=(("NFS", "NFS"),)),
                Field(
                    "network",
                    "Share network",
                    "select",
                    required=False,
                    help="The network whose servers mount it.",
                    options=Options(ask("GET", "/share-networks/detail"), "share_networks"),
                ),
                Field(
                    "type",
                    "Type",
                    "select",
                    required=False,
                    options=Options(ask("GET", "/types"), "share_types"),
                    advanced=True,
                ),
                Field(
                    "snapshot",
                    "From a snapshot",
                    "select",
                    required=False,
                    options=Options(ask("GET", "/snapshots"), "snapshots"),
                    advanced=True,
                ),
                Field("description", "Description", required=False, advanced=True),
            ),
        ),
    ),
    actions=(
        Action(
            "extend",
            "Enlarge",
            lambda item, form: ask(
                "POST", f"{_path(item)}/action", {"extend": {"new_size": int(form["size"])}}
            ),
            fields=(Field("size", "Size in GiB", "number", default=lambda i: i.get("size")),),
            allowed=lambda item: item.get("status") == "available",
        ),
        Action(
            "shrink",
            "Make smaller",
            lambda item, form: ask(
                "POST", f"{_path(item)}/action", {"shrink": {"new_size": int(form["size"])}}
            ),
            fields=(Field("size", "Size in GiB", "number", default=lambda i: i.get("size")),),
            allowed=lambda item: item.get("status") in _SHRINK and item.get("size", 0) > 1,
        ),
        Action(
            "snapshot",
            "Create snapshot",
            lambda item, form: ask(
                "POST",
                "/snapshots",
                {"snapshot": {"share_id": item["id"], "name": form["name"]}},
            ),
            fields=(Field("name", "Name"),),
            allowed=lambda item: item.get("status") == "available",
        ),
        Action(
            "edit",
            "Edit",
            lambda item, form: ask(
                "PUT",
                _path(item),
                {
                    "share": {
                        "display_name": form["name"],
                        "display_description": form["description"],
                    }
                },
            ),
            fields=(
                Field("name", "Name", required=False, default=lambda item: item.get("name") or ""),
                Field(
                    "description",
                    "Description",
                    required=False,
                    default=lambda item: item.get("description") or "",
                ),
            ),
        ),
        delete(lambda item: f"{BASE}{_path(item)}", VERSION),
    ),
    parts=(EXPORTS, RULES, MESSAGES),
    events="share",
)
SNAPSHOTS = Panel(
    name="sharesnapshots",
    title="Snapshots of shares",
    group="Storage",
    order=47,
    about="Shares as they were at a moment.",
    items=ask("GET", "/snapshots/detail"),
    key="snapshots",
    columns=(
        Column("Name", lambda item: item.get("name") or item["id"][:8], link=True),
        column("Status", "status", "status"),
        Column("Size", lambda item: said("{n} GiB", n=item.get("share_size"))),
        ref("Share", "share_id", "shares"),
        column("Created", "created_at", "time"),
    ),
    search=("name~={q}",),
    detail=lambda id: ask("GET", f"/snapshots/{id}"),
    detail_key="snapshot",
    lines=(
        column("Id", "id", "mono"),
        column("Description", "description"),
        ref("Share", "share_id", "shares"),
        column("Created", "created_at", "time"),
    ),
    actions=(
        Action(
            "revert",
            "Take its share back to it",
            lambda item, form: ask(
                "POST",
                f"/shares/{part_of_path(item['share_id'])}/action",
                {"revert": {"snapshot_id": item["id"]}},
            ),
            allowed=lambda item: item.get("status") == "available",
            danger=True,
        ),
        delete(lambda item: f"{BASE}/snapshots/{part_of_path(item['id'])}", VERSION),
    ),
    events="share_snapshot",
)
NETWORKS = Panel(
    name="sharenetworks",
    title="Share networks",
    group="Storage",
    order=48,
    about="Networks that shares can be mounted on.",
    items=ask("GET", "/share-networks/detail"),
    key="share_networks",
    columns=(
        column("Name", "name", link=True),
        ref("Network", "neutron_net_id", "networks"),
        ref("Subnet", "neutron_subnet_id", "subnets"),
        column("Created", "created_at", "time"),
    ),
    search=("name~={q}",),
    detail=lambda id: ask("GET", f"/share-networks/{id}"),
    detail_key="share_network",
    lines=(
        column("Id", "id", "mono"),
        column("Description", "description"),
        column("Created", "created_at", "time"),
    ),
    create=(
        Action(
            "create",
            "Create share network",
            lambda item, form: ask(
                "POST",
                "/share-networks",
                {
                    "share_network": {
                        "name": form["name"],
                        "neutron_net_id": form["network"],
                        "neutron_subnet_id": form["subnet"],
                    }
                },
            ),
            fields=(
                Field("name", "Name"),
                Field(
                    "network",
                    "Network",
                    "select",
                    options=Options(
                        Request("GET", "/network/v2.0/networks?router:external=false&limit=500"),
                        "networks",
                    ),
                ),
                Field(
                    "subnet",
                    "Subnet",
                    "select",
                    options=Options(
                        Request("GET", "/network/v2.0/subnets?limit=500"),
                        "subnets",
                        lambda s: f"{s.get('name') or ''} {s['cidr']}".strip(),
                    ),
                ),
            ),
        ),
    ),
    actions=(delete(lambda item: f"{BASE}/share-networks/{part_of_path(item['id'])}", VERSION),),
    events="share_network",
)
PANELS = (SHARES, SNAPSHOTS, NETWORKS)
GAUGES = (
    Gauge(
        "Shares",
        ask("GET", "/limits"),
        lambda body: body["limits"]["absolute"]["totalSharesUsed"],
        lambda body: body["limits"]["absolute"]["maxTotalShares"],
    ),
)
