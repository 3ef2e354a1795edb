"""DNS in the dashboard: zones and their record sets."""

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
    Tab,
    column,
    delete,
    lines_of,
    part_of_path,
    ref,
)
from cumulo.core.resource_types import Request

BASE = "/dns/v2/zones"
TYPES = ("A", "AAAA", "CNAME", "MX", "TXT", "SRV", "NS", "CAA", "PTR", "SSHFP", "SPF", "NAPTR")


def _path(item: Item) -> str:
    return f"{BASE}/{part_of_path(item['id'])}"


def _dotted(name: str) -> str:
    return name if name.endswith(".") else f"{name}."


def _zone(item: Item, form: Form) -> Request:
    zone: dict[str, Any] = {"name": _dotted(form["name"]), "email": form["email"]}
    if form.get("ttl"):
        zone["ttl"] = int(form["ttl"])
    if form.get("description"):
        zone["description"] = form["description"]
    return Request("POST", BASE, zone)


def _record(item: Item, form: Form) -> Request:
    zone, name = item["of"], form.get("name", "")
    # A name without a dot at its end is below the zone; none is the zone itself.
    whole = name if name.endswith(".") else f"{name}.{zone['name']}" if name else zone["name"]
    body: dict[str, Any] = {
        "name": whole,
        "type": form["type"],
        "records": lines_of(form["records"]),
    }
    if form.get("ttl"):
        body["ttl"] = int(form["ttl"])
    return Request("POST", f"{_path(zone)}/recordsets", body)


def _edit_record(item: Item, form: Form) -> Request:
    body: dict[str, Any] = {"records": lines_of(form["records"])}
    body["ttl"] = int(form["ttl"]) if form.get("ttl") else None
    return Request("PUT", f"{_path(item['of'])}/recordsets/{part_of_path(item['id'])}", body)


def _free(item: Item) -> bool:
    return item.get("type") != "SOA" and item.get("action") != "DELETE"


RECORDS = Part(
    "records",
    "Record sets",
    lambda item, place: Request("GET", f"{_path(item)}/recordsets?limit=100"),
    "recordsets",
    (
        column("Name", "name"),
        column("Type", "type"),
        Column("Records", lambda each: each.get("records"), "list"),
        column("TTL", "ttl"),
        column("Status", "status", "status"),
    ),
    actions=(
        Action(
            "edit",
            "Edit",
            _edit_record,
            fields=(
                Field(
                    "records",
                    "Records",
                    "textarea",
                    help="One a line.",
                    default=lambda each: "\n".join(each.get("records") or ()),
                    longest=20_000,
                ),
                Field("ttl", "TTL", "number", required=False, default=lambda each: each.get("ttl")),
            ),
            allowed=_free,
        ),
        Action(
            "delete",
            "Delete",
            lambda item, form: Request(
                "DELETE", f"{_path(item['of'])}/recordsets/{part_of_path(item['id'])}"
            ),
            allowed=lambda item: _free(item) and item.get("type") != "NS",
            danger=True,
        ),
    ),
    create=(
        Action(
            "add",
            "Add record set",
            _record,
            fields=(
                Field("name", "Name", required=False, help="Below the zone; empty: the zone."),
                Field(
                    "type",
                    "Type",
                    "select",
                    default="A",
                    choices=tuple((each, each) for each in TYPES),
                ),
                Field("records", "Records", "textarea", help="One a line.", longest=20_000),
                Field("ttl", "TTL", "number", required=False),
            ),
        ),
    ),
)
ZONES = Panel(
    name="zones",
    title="DNS zones",
    group="DNS",
    order=70,
    about="Names that the cloud answers for.",
    items=Request("GET", BASE),
    key="zones",
    columns=(
        column("Name", "name", link=True, sort="name"),
        column("Status", "status", "status"),
        column("Type", "type"),
        column("Serial", "serial", sort="serial"),
        column("Created", "created_at", "time", sort="created_at"),
    ),
    search=("name=*{q}*",),
    detail=lambda id: Request("GET", f"{BASE}/{id}"),
    lines=(
        column("Id", "id", "mono"),
        column("Description", "description"),
        column("Type", "type"),
        column("E-mail", "email"),
        column("TTL", "ttl"),
        column("Serial", "serial"),
        ref("Project", "project_id", "projects"),
        column("Created", "created_at", "time"),
    ),
    create=(
        Action(
            "create",
            "Create zone",
            _zone,
            fields=(
                Field("name", "Name", help="For example example.org"),
                Field("email", "E-mail", help="Of whom to ask about the zone."),
                Field("ttl", "TTL", "number", required=False, advanced=True),
                Field("description", "Description", required=False, advanced=True),
            ),
        ),
    ),
    actions=(
        Action(
            "edit",
            "Edit",
            lambda item, form: Request(
                "PATCH",
                _path(item),
                {
                    "email": form["email"],
                    "ttl": int(form["ttl"]),
                    "description": form["description"] or None,
                },
            ),
            fields=(
                Field("email", "E-mail", default=lambda item: item.get("email")),
                Field("ttl", "TTL", "number", default=lambda item: item.get("ttl")),
                Field(
                    "description",
                    "Description",
                    required=False,
                    default=lambda item: item.get("description") or "",
                ),
            ),
            main=True,
        ),
        delete(
            _path,
            goes=(
                Goes(
                    "Record sets that go with it",
                    lambda item: Request("GET", f"{_path(item)}/recordsets?limit=100"),
                    "recordsets",
                    lambda each: f"{each['name']} {each['type']}",
                ),
            ),
        ),
    ),
    target=lambda zone: {"zone_type": zone.get("type"), "zone_shared": zone.get("shared")},
    parts=(RECORDS,),
    tabs=(
        Tab(
            "servers",
            "Name servers",
            lambda item: Request("GET", f"{_path(item)}/nameservers"),
            lambda body: "\n".join(each["hostname"] for each in body["nameservers"]),
        ),
    ),
    events="zone recordset",
)
PANELS = (ZONES,)
