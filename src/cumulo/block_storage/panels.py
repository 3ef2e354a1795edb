"""Block storage in the dashboard: volumes, snapshots, types, quotas."""

from collections.abc import Sequence
from typing import Any

from cumulo.core.panels import (
    METADATA,
    Action,
    Column,
    Field,
    Form,
    Gauge,
    Goes,
    Item,
    Options,
    Panel,
    Part,
    Ref,
    at,
    column,
    delete,
    given,
    named,
    pairs_of,
    part_of_path,
    ref,
    said,
)
from cumulo.core.resource_types import Request

BASE = "/volume/v3"
VERSION = "3.59"
SEARCH = ("id={id}", "name~={q}")


def ask(method: str, path: str, body: Any = None) -> Request:
    return Request(method, f"{BASE}{path}", body, VERSION)


def _path(item: Item) -> str:
    return f"/volumes/{part_of_path(item['id'])}"


def _size(item: Item) -> Any:
    return said("{n} GiB", n=item.get("size"))


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


def _is(*words: str) -> Any:
    return lambda item: item.get("status") in words


EDIT_FIELDS = (
    Field("name", "Name", required=False, default=lambda item: item.get("name") or ""),
    Field(
        "description",
        "Description",
        required=False,
        default=lambda item: item.get("description") or "",
    ),
)
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
        Column("Size", _size, sort="size"),
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
        Column("Size", _size),
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
            allowed=_is("available"),
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
            "extend",
            "Enlarge",
            lambda item, form: _act(item, {"os-extend": {"new_size": int(form["size"])}}),
            allowed=_is("available", "in-use"),
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
SNAPSHOTS = Panel(
    name="snapshots",
    title="Snapshots",
    group="Storage",
    order=41,
    about="Volumes as they were at a moment: for going back, and for making others of.",
    items=ask("GET", "/snapshots/detail"),
    key="snapshots",
    columns=(
        Column("Name", lambda item: item.get("name") or item["id"][:8], link=True, sort="name"),
        column("Status", "status", "status", sort="status"),
        Column("Size", _size, sort="size"),
        ref("Volume", "volume_id", "volumes"),
        column("Created", "created_at", "time", sort="created_at"),
    ),
    search=SEARCH,
    everywhere="all_tenants=1",
    everywhere_rule="admin_api",
    detail=lambda id: ask("GET", f"/snapshots/{id}"),
    detail_key="snapshot",
    lines=(
        column("Id", "id", "mono"),
        column("Description", "description"),
        Column("Size", _size),
        ref("Volume", "volume_id", "volumes"),
        column("Created", "created_at", "time"),
    ),
    actions=(
        Action(
            "volume",
            "Create volume from it",
            lambda item, form: ask(
                "POST",
                "/volumes",
                {
                    "volume": {
                        "name": form["name"],
                        "size": int(form["size"]),
                        "snapshot_id": item["id"],
                    }
                },
            ),
            fields=(
                Field("name", "Name", default=lambda item: f"{named(item)}-volume"),
                Field("size", "Size in GiB", "number", default=lambda item: item.get("size")),
            ),
            allowed=_is("available"),
            main=True,
        ),
        Action(
            "edit",
            "Edit",
            lambda item, form: ask(
                "PUT",
                f"/snapshots/{part_of_path(item['id'])}",
                {"snapshot": {"name": form["name"], "description": form["description"]}},
            ),
            fields=EDIT_FIELDS,
        ),
        delete(lambda item: f"{BASE}/snapshots/{part_of_path(item['id'])}", VERSION),
    ),
    events="snapshot",
)


def _spec_rows(body: Any, item: Item) -> Sequence[Item]:
    return [{"key": key, "value": value} for key, value in sorted(body["extra_specs"].items())]


TYPES = Panel(
    name="volumetypes",
    title="Volume types",
    group="Storage",
    order=42,
    about="Kinds of volumes: which storage they are on, and what it promises.",
    items=ask("GET", "/types?is_public=none"),
    key="volume_types",
    columns=(
        column("Name", "name", link=True),
        column("Description", "description"),
        column("Public", "is_public", "yes"),
    ),
    detail=lambda id: ask("GET", f"/types/{id}"),
    detail_key="volume_type",
    lines=(
        column("Id", "id", "mono"),
        column("Description", "description"),
        column("Public", "is_public", "yes"),
    ),
    parts=(
        Part(
            "specs",
            "Extra specs",
            lambda item, place: ask("GET", f"/types/{part_of_path(item['id'])}/extra_specs"),
            "extra_specs",
            (column("Name", "key", "mono"), column("Value", "value", "mono")),
            rows=_spec_rows,
            id="key",
            actions=(
                Action(
                    "delete",
                    "Delete",
                    lambda item, form: ask(
                        "DELETE",
                        f"/types/{part_of_path(item['of']['id'])}/extra_specs/"
                        f"{part_of_path(item['key'])}",
                    ),
                    danger=True,
                ),
            ),
            create=(
                Action(
                    "add",
                    "Add",
                    lambda item, form: ask(
                        "POST",
                        f"/types/{part_of_path(item['of']['id'])}/extra_specs",
                        {"extra_specs": {form["key"]: form["value"]}},
                    ),
                    fields=(Field("key", "Name"), Field("value", "Value")),
                ),
            ),
        ),
    ),
    create=(
        Action(
            "create",
            "Create volume type",
            lambda item, form: ask(
                "POST",
                "/types",
                {
                    "volume_type": {
                        "name": form["name"],
                        "description": form.get("description") or None,
                        "os-volume-type-access:is_public": form.get("public") == "yes",
                    }
                },
            ),
            fields=(
                Field("name", "Name"),
                Field("description", "Description", required=False),
                Field("public", "For all projects", "check", default="yes"),
            ),
        ),
    ),
    actions=(delete(lambda item: f"{BASE}/types/{part_of_path(item['id'])}", VERSION),),
    marker=False,
    events="volume_type",
)
_QUOTA = {"volumes": "Volumes", "gigabytes": "Volumes, GiB", "snapshots": "Snapshots"}


def _quota(name: str, label: str) -> Field:
    return Field(name, label, "number", default=lambda item: at(item, name))


QUOTAS = Panel(
    name="volumequotas",
    title="Quotas of volumes",
    group="Cloud",
    order=922,
    about="How much each project may have. -1: no limit.",
    items=Request("GET", "/identity/v3/projects"),
    key="projects",
    columns=(column("Project", "name", link=True), column("Id", "id", "mono")),
    search=("name__icontains={q}",),
    detail=lambda id: ask("GET", f"/os-quota-sets/{id}"),
    detail_key="quota_set",
    lines=tuple(column(label, name) for name, label in _QUOTA.items()),
    actions=(
        Action(
            "edit",
            "Edit",
            lambda item, form: ask(
                "PUT",
                f"/os-quota-sets/{part_of_path(item['id'])}",
                {"quota_set": {name: int(value) for name, value in form.items()}},
            ),
            fields=tuple(_quota(name, label) for name, label in _QUOTA.items()),
            main=True,
        ),
        Action(
            "reset",
            "Back to the defaults",
            lambda item, form: ask("DELETE", f"/os-quota-sets/{part_of_path(item['id'])}"),
            danger=True,
        ),
    ),
    found=False,
)
PANELS = (VOLUMES, SNAPSHOTS, TYPES, QUOTAS)
_LIMITS = ask("GET", "/limits")


def _gauge(title: str, used: str, most: str, unit: str = "") -> Gauge:
    return Gauge(
        title,
        _LIMITS,
        lambda body: body["limits"]["absolute"][used],
        lambda body: body["limits"]["absolute"][most],
        unit,
    )


GAUGES = (
    _gauge("Volumes", "totalVolumesUsed", "maxTotalVolumes"),
    _gauge("Volumes, GiB", "totalGigabytesUsed", "maxTotalVolumeGigabytes", "GiB"),
)
