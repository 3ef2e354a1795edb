"""Image in the dashboard: images, uploaded, imported, shared."""

import json
from collections.abc import Sequence
from typing import Any

from cumulo.core.panels import (
    Action,
    Ask,
    Column,
    Field,
    Filter,
    Form,
    Item,
    Panel,
    Part,
    column,
    delete,
    lines_of,
    named,
    part_of_path,
    ref,
)
from cumulo.core.resource_types import Request

BASE = "/image/v2/images"
METADEFS = "/image/v2/metadefs/namespaces"
FORMATS = tuple((name, name) for name in ("qcow2", "raw", "iso", "vmdk", "vdi", "vhd", "vhdx"))
PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
_KNOWN = frozenset(
    [
        "id",
        "name",
        "status",
        "visibility",
        "disk_format",
        "container_format",
        "size",
        "virtual_size",
        "checksum",
        "owner",
        "created_at",
        "updated_at",
        "self",
        "file",
        "schema",
        "tags",
        "min_disk",
        "min_ram",
        "protected",
        "os_hidden",
        "stores",
        "os_hash_algo",
        "os_hash_value",
        "locations",
        "direct_url",
    ]
)


def _path(item: Item) -> str:
    return f"{BASE}/{part_of_path(item['id'])}"


def _new(item: Item, form: Form) -> Request:
    body: dict[str, Any] = {
        "name": form["name"],
        "disk_format": form["disk_format"],
        "container_format": "bare",
        "visibility": form.get("visibility") or "private",
        **{n: int(form[n]) for n in ("min_disk", "min_ram") if form.get(n)},
    }
    return Request("POST", BASE, body)


def _upload(item: Item, form: Form, answer: Any) -> Sequence[Request]:
    headers = {"Content-Type": "application/octet-stream"}
    return [Ask("PUT", f"{_path(answer)}/file", headers=headers, file=True)]


def _fetch(item: Item, form: Form, answer: Any) -> Sequence[Request]:
    method = {"name": "web-download", "uri": form["uri"]}
    return [Request("POST", f"{_path(answer)}/import", {"method": method})]


def _edit(item: Item, form: Form) -> Request:
    """What is other than it was: an image without a name gets none by a tag."""
    wanted = {
        "name": form["name"],
        "visibility": form["visibility"],
        "min_disk": int(form["min_disk"] or 0),
        "min_ram": int(form["min_ram"] or 0),
        "protected": form["protected"] == "yes",
        "tags": lines_of(form["tags"]),
    }
    changes = [
        {"op": "replace", "path": f"/{name}", "value": value}
        for name, value in wanted.items()
        if value != (item.get(name) or type(value)())
    ]
    return Ask("PATCH", _path(item), changes, headers=PATCH)


def _properties(item: Item) -> list[str]:
    return [f"{k}={v}" for k, v in sorted(item.items()) if k not in _KNOWN and k != "of"]


VISIBILITY = Field(
    "visibility",
    "Visibility",
    "select",
    default=lambda item: item.get("visibility") or "private",
    choices=(
        ("private", "This project"),
        ("shared", "Projects that it is shared with"),
        ("community", "Everybody who looks for it"),
        ("public", "Everybody"),
    ),
)
COMMON = (
    Field("name", "Name"),
    Field("disk_format", "Format", "select", default="qcow2", choices=FORMATS),
    VISIBILITY,
    Field("min_disk", "Smallest disk, GiB", "number", required=False, advanced=True),
    Field("min_ram", "Least memory, MiB", "number", required=False, advanced=True),
)
MEMBERS = Part(
    "members",
    "Shared with",
    lambda item, place: Request("GET", f"{_path(item)}/members"),
    "members",
    (ref("Project", "member_id", "projects"), column("Answer", "status", "status")),
    id="member_id",
    allowed=lambda item: item.get("visibility") == "shared",
    actions=(
        Action(
            "remove",
            "Remove",
            lambda item, form: Request(
                "DELETE", f"{_path(item['of'])}/members/{part_of_path(item['member_id'])}"
            ),
            danger=True,
        ),
    ),
    create=(
        Action(
            "add",
            "Add",
            lambda item, form: Request(
                "POST", f"{_path(item['of'])}/members", {"member": form["project"]}
            ),
            fields=(Field("project", "Id of the project"),),
        ),
    ),
)
IMAGES = Panel(
    name="images",
    title="Images",
    group="Compute",
    order=15,
    about="What servers start from: disks with an operating system on them.",
    items=Request("GET", BASE),
    key="images",
    columns=(
        column("Name", "name", link=True, sort="name"),
        column("Status", "status", "status", sort="status"),
        column("Visibility", "visibility"),
        column("Format", "disk_format"),
        column("Size", "size", "bytes", sort="size"),
        column("Created", "created_at", "time", sort="created_at"),
    ),
    filters=(
        Filter(
            "visibility",
            "Any visibility",
            (
                ("private", "This project"),
                ("shared", "Projects that it is shared with"),
                ("public", "Everybody"),
            ),
        ),
        Filter("member_status", "Offered to me", (("pending", "Not answered yet"),)),
    ),
    search=("id={id}", "name~={q}"),
    detail=lambda id: Request("GET", f"{BASE}/{id}"),
    lines=(
        column("Id", "id", "mono"),
        column("Visibility", "visibility"),
        column("Format", "disk_format"),
        column("Size", "size", "bytes"),
        Column("Smallest disk, GiB", lambda item: item.get("min_disk") or None),
        Column("Least memory, MiB", lambda item: item.get("min_ram") or None),
        column("Protected", "protected", "yes"),
        Column("Tags", lambda item: item.get("tags"), "list"),
        Column("Properties", _properties, "list"),
        column("SHA-512", "os_hash_value", "mono"),
        ref("Project", "owner", "projects"),
        column("Created", "created_at", "time"),
        column("Changed", "updated_at", "time"),
    ),
    create=(
        Action(
            "upload",
            "Upload image",
            _new,
            fields=(*COMMON, Field("file", "File", "file")),
            then=_upload,
            undo=lambda answer: Request("DELETE", _path(answer)),
            about="The file goes straight to the cloud; it may be as large as your quota allows.",
        ),
        Action(
            "import",
            "Import from a URL",
            _new,
            fields=(*COMMON, Field("uri", "URL", longest=2000)),
            then=_fetch,
            undo=lambda answer: Request("DELETE", _path(answer)),
            about="The cloud fetches it by itself.",
        ),
    ),
    actions=(
        Action(
            "edit",
            "Edit",
            _edit,
            fields=(
                Field("name", "Name", required=False, default=lambda item: item.get("name") or ""),
                VISIBILITY,
                Field(
                    "min_disk",
                    "Smallest disk, GiB",
                    "number",
                    default=lambda item: item.get("min_disk") or 0,
                ),
                Field(
                    "min_ram",
                    "Least memory, MiB",
                    "number",
                    default=lambda item: item.get("min_ram") or 0,
                ),
                Field(
                    "tags",
                    "Tags",
                    "textarea",
                    required=False,
                    help="One a line.",
                    default=lambda item: "\n".join(item.get("tags") or ()),
                    longest=4000,
                ),
                Field(
                    "protected",
                    "Protected from being deleted",
                    "check",
                    required=False,
                    default=lambda item: "yes" if item.get("protected") else "",
                ),
            ),
            main=True,
        ),
        Action(
            "download",
            "Download",
            lambda item, form: Request("GET", f"{_path(item)}/file"),
            allowed=lambda item: item.get("status") == "active",
            download=lambda item: f"{named(item)}.{item.get('disk_format') or 'img'}",
        ),
        Action(
            "accept",
            "Accept",
            lambda item, form: Request(
                "PUT", f"{_path(item)}/members/{{project}}", {"status": "accepted"}
            ),
            allowed=lambda item: item.get("visibility") == "shared",
            about="It is in this project's list from then on.",
        ),
        Action(
            "deactivate",
            "Deactivate",
            lambda item, form: Request("POST", f"{_path(item)}/actions/deactivate"),
            allowed=lambda item: item.get("status") == "active",
        ),
        Action(
            "reactivate",
            "Reactivate",
            lambda item, form: Request("POST", f"{_path(item)}/actions/reactivate"),
            allowed=lambda item: item.get("status") == "deactivated",
        ),
        delete(_path, allowed=lambda item: not item.get("protected")),
    ),
    parts=(MEMBERS,),
    events="image",
)


def _namespace(item: Item) -> str:
    return f"{METADEFS}/{part_of_path(item['namespace'])}"


def _definitions(item: Item, form: Form) -> Request:
    body: Any = json.loads(form["definitions"])
    if not isinstance(body, dict):
        raise ValueError("an object was expected")
    return Request("POST", METADEFS, body)


DEFINITIONS = Panel(
    name="metadefs",
    title="Metadata definitions",
    group="Compute",
    order=24,
    about="Properties that images, flavors and volumes can have, and what they mean.",
    items=Request("GET", METADEFS),
    key="namespaces",
    columns=(
        column("Name", "namespace", link=True),
        column("Title", "display_name"),
        column("Visibility", "visibility"),
        Column(
            "For",
            lambda item: [each["name"] for each in item.get("resource_type_associations") or ()],
            "list",
        ),
    ),
    id="namespace",
    label=lambda item: str(item.get("namespace")),
    detail=lambda id: Request("GET", f"{METADEFS}/{id}"),
    lines=(
        column("Title", "display_name"),
        column("Description", "description"),
        column("Visibility", "visibility"),
        column("Protected", "protected", "yes"),
    ),
    parts=(
        Part(
            "properties",
            "Properties",
            lambda item, place: Request("GET", f"{_namespace(item)}/properties"),
            "properties",
            (
                column("Name", "name", "mono"),
                column("Title", "title"),
                column("Type", "type"),
                Column("Values", lambda each: each.get("enum"), "list"),
                column("Description", "description"),
            ),
            rows=lambda body, item: [
                {"name": name, **value} for name, value in sorted(body["properties"].items())
            ],
            id="name",
        ),
        Part(
            "objects",
            "Objects",
            lambda item, place: Request("GET", f"{_namespace(item)}/objects"),
            "objects",
            (
                column("Name", "name"),
                column("Description", "description"),
                Column("Properties", lambda each: sorted(each.get("properties") or ()), "list"),
            ),
            id="name",
        ),
    ),
    create=(
        Action(
            "create",
            "Import definitions",
            _definitions,
            fields=(
                Field(
                    "definitions",
                    "Definitions as JSON",
                    "textarea",
                    default='{"namespace": "OWN", "properties": {}}',
                    longest=200_000,
                ),
            ),
        ),
    ),
    actions=(delete(_namespace, allowed=lambda item: not item.get("protected")),),
    events="metadef",
    marker=False,
)
PANELS = (IMAGES, DEFINITIONS)
