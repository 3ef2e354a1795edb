"""Volumes."""

from collections.abc import Sequence
from typing import Any

from cumulo.block_storage.panels.common import BASE, EDIT_FIELDS, SEARCH, VERSION, ask, is_, size_of
from cumulo.core.panels import (
    METADATA,
    Action,
    Column,
    Field,
    Form,
    Goes,
    Item,
    Options,
    Panel,
    Part,
    Ref,
    column,
    delete,
    given,
    named,
    pairs_of,
    part_of_path,
    ref,
)
from cumulo.core.resource_types import Request


def _path(item: Item) -> str:
    return f"/volumes/{part_of_path(item['id'])}"


def _servers(item: Item) -> list[Ref]:
    return [Ref("servers", each["server_id"]) for each in item.get("attachments") or ()]


def _create(item: Item, form: Form) -> Request:
    volume: dict[str, Any] = {"name": form["name"], "size": int(form["size"])}
    volume |= given(form, "description")
    for field, key in (
        ("image", "imageRef"),
        ("snapshot", "snapshot_id"),
        ("volume", "source_volid"),
    ):
        if form.get(field):
            volume[key] = form[field]
    if form.get("type"):
        volume["volume_type"] = form["type"]
    return ask("POST", "/volumes", {"volume": volume})


def _attach(item: Item, form: Form) -> Request:
    body = {"volumeAttachment": {"volumeId": item["id"]}}
    path = f"/compute/v2.1/servers/{part_of_path(form['server'])}/os-volume_attachments"
    return Request("POST", path, body, "2.90")


def _detach(item: Item, form: Form) -> Sequence[Request]:
    return [
        Request(
            "DELETE",
            f"/compute/v2.1/servers/{part_of_path(each['server_id'])}/os-volume_attachments/"
            f"{part_of_path(item['id'])}",
            None,
            "2.90",
        )
        for each in item.get("attachments") or ()
    ]


def _act(item: Item, body: Any) -> Request:
    return ask("POST", f"{_path(item)}/action", body)


SNAPSHOT_PART = Part(
    "snapshots",
    "Snapshots",
    lambda item, place: ask("GET", f"/snapshots/detail?volume_id={part_of_path(item['id'])}"),
    "snapshots",
    (
        Column("Name", lambda s: s.get("name") or s["id"][:8], link=True),
        column("Status", "status", "status"),
        column("Created", "created_at", "time"),
    ),
    panel="snapshots",
    create=(
        Action(
            "add",
            "Create snapshot",
            lambda item, form: ask(
                "POST",
                "/snapshots",
                {
                    "snapshot": {
                        "volume_id": item["of"]["id"],
                        "name": form["name"],
                        "force": True,
                    }
                },
            ),
            fields=(Field("name", "Name"),),
        ),
    ),
)
VOLUMES = Panel(
    name="volumes",
    title="Volumes",
    group="Storage",
    order=40,
    about="Disks that live on their own, and can be moved from server to server.",
    items=ask("GET", "/volumes/detail"),
    key="volumes",
    columns=(
        Column("Name", lambda item: item.get("name") or item["id"][:8], link=True, sort="name"),
        column("Status", "status", "status", sort="status"),
        Column("Size", size_of, sort="size"),
        Column("Attached to", _servers, "list"),
        column("Type", "volume_type"),
        column("Created", "created_at", "time", sort="created_at"),
    ),
    search=SEARCH,
    everywhere="all_tenants=1",
    everywhere_rule="admin_api",
    detail=lambda id: ask("GET", f"/volumes/{id}"),
    detail_key="volume",
    lines=(
        column("Id", "id", "mono"),
        column("Description", "description"),
        Column("Size", size_of),
        column("Type", "volume_type"),
        Column("Attached to", _servers, "list"),
        column("Bootable", "bootable"),
        ref("Snapshot", "snapshot_id", "snapshots"),
        ref("Cloned from", "source_volid", "volumes"),
        ref("Image", "volume_image_metadata.image_id", "images"),
        Column(
            "Metadata",
            lambda item: [f"{k}={v}" for k, v in (item.get("metadata") or {}).items()],
            "list",
        ),
        ref("Project", "os-vol-tenant-attr:tenant_id", "projects"),
        column("Host", "os-vol-host-attr:host"),
        column("Created", "created_at", "time"),
    ),
    create=(
        Action(
            "create",
            "Create volume",
            _create,
            fields=(
                Field("name", "Name"),
                Field("size", "Size in GiB", "number", default="1"),
                Field("description", "Description", required=False, advanced=True),
                Field(
                    "type",
                    "Type",
                    "select",
                    required=False,
                    options=Options(ask("GET", "/types"), "volume_types", value="name"),
                    advanced=True,
                ),
                Field(
                    "image",
                    "From an image",
                    "select",
                    required=False,
                    options=Options(
                        Request("GET", "/image/v2/images?status=active&limit=200"), "images"
                    ),
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
                Field(
                    "volume",
                    "From another volume",
                    "select",
                    required=False,
                    options=Options(ask("GET", "/volumes"), "volumes"),
                    advanced=True,
                ),
            ),
        ),
    ),
    actions=(
        Action(
            "attach",
            "Attach",
            _attach,
            allowed=is_("available"),
            fields=(
                Field(
                    "server",
                    "Server",
                    "select",
                    options=Options(
                        Request("GET", "/compute/v2.1/servers", None, "2.90"), "servers"
                    ),
                ),
            ),
            main=True,
        ),
        Action(
            "detach",
            "Detach",
            _detach,
            allowed=lambda item: item.get("status") == "in-use" and bool(item.get("attachments")),
            danger=True,
            about="Unmount it in the guest first.",
            main=True,
        ),
        Action(
            "backup",
            "Back up",
            lambda item, form: ask(
                "POST",
                "/backups",
                {
                    "backup": {
                        "volume_id": item["id"],
                        "name": form["name"],
                        "incremental": bool(form.get("incremental")),
                    }
                },
            ),
            fields=(
                Field("name", "Name", default=lambda item: f"{named(item)}-backup"),
                Field(
                    "incremental",
                    "Only what has changed since the last one",
                    "check",
                    required=False,
                ),
            ),
            allowed=is_("available"),
        ),
        Action(
            "extend",
            "Enlarge",
            lambda item, form: _act(item, {"os-extend": {"new_size": int(form["size"])}}),
            allowed=is_("available", "in-use"),
            fields=(Field("size", "Size in GiB", "number", default=lambda i: i.get("size")),),
        ),
        Action(
            "edit",
            "Edit",
            lambda item, form: ask(
                "PUT",
                _path(item),
                {"volume": {"name": form["name"], "description": form["description"]}},
            ),
            fields=EDIT_FIELDS,
        ),
        Action(
            "metadata",
            "Metadata",
            lambda item, form: ask(
                "PUT", f"{_path(item)}/metadata", {"metadata": pairs_of(form["metadata"])}
            ),
            fields=(METADATA,),
        ),
        Action(
            "bootable",
            "Make bootable",
            lambda item, form: _act(item, {"os-set_bootable": {"bootable": True}}),
            allowed=lambda item: item.get("bootable") in (False, "false"),
        ),
        delete(
            lambda item: f"{BASE}{_path(item)}",
            VERSION,
            goes=(
                Goes(
                    "It has snapshots, which have to go first",
                    lambda item: ask("GET", f"/snapshots?volume_id={part_of_path(item['id'])}"),
                    "snapshots",
                ),
            ),
            allowed=lambda item: item.get("status") != "in-use",
        ),
    ),
    parts=(SNAPSHOT_PART,),
    events="volume snapshot",
)
