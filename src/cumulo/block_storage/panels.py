"""Block storage in the dashboard: volumes."""

from collections.abc import Mapping

from cumulo.core.panels import Action, Column, Field, Item, Options, Panel, column
from cumulo.core.resource_types import Request

BASE = "/volume/v3"
VERSION = "3.59"


def _attach(item: Item, form: Mapping[str, str]) -> Request:
    body = {"volumeAttachment": {"volumeId": item["id"]}}
    path = f"/compute/v2.1/servers/{form['server']}/os-volume_attachments"
    return Request("POST", path, body, "2.1")


VOLUMES = Panel(
    name="volumes",
    title="Volumes",
    one="volume",
    group="Storage",
    order=40,
    items=Request("GET", f"{BASE}/volumes/detail", None, VERSION),
    key="volumes",
    columns=(
        Column("Name", lambda item: item.get("name") or item["id"][:8], link=True),
        column("Status", "status", "status"),
        Column("Size", lambda item: f"{item.get('size')} GiB"),
        Column(
            "Attached to",
            lambda item: [each["server_id"][:8] for each in item.get("attachments") or ()],
            "list",
        ),
        column("Created", "created_at", "time"),
    ),
    detail=lambda id: Request("GET", f"{BASE}/volumes/{id}", None, VERSION),
    detail_key="volume",
    lines=(
        column("Id", "id", "mono"),
        column("Status", "status", "status"),
        Column("Size", lambda item: f"{item.get('size')} GiB"),
        column("Type", "volume_type"),
        column("Bootable", "bootable"),
        column("Created", "created_at", "time"),
    ),
    create=Action(
        "create",
        "Make volume",
        lambda item, form: Request(
            "POST",
            f"{BASE}/volumes",
            {"volume": {"name": form["name"], "size": int(form["size"])}},
            VERSION,
        ),
        fields=(
            Field("name", "Name"),
            Field("size", "Size in GiB", "number", default="1"),
        ),
    ),
    actions=(
        Action(
            "attach",
            "Attach",
            _attach,
            allowed=lambda item: item.get("status") == "available",
            fields=(
                Field(
                    "server",
                    "Server",
                    "select",
                    options=Options(
                        Request("GET", "/compute/v2.1/servers", None, "2.79"), "servers"
                    ),
                ),
            ),
        ),
        Action(
            "delete",
            "Delete",
            lambda item, form: Request("DELETE", f"{BASE}/volumes/{item['id']}", None, VERSION),
            danger=True,
        ),
    ),
    events="volume",
)
PANELS = (VOLUMES,)
