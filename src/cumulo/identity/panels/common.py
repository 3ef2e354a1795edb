"""What identity's panels have in common."""

from collections.abc import Sequence
from typing import Any

from cumulo.core.panels import (
    Action,
    Column,
    Field,
    Form,
    Item,
    Options,
    Part,
    Ref,
    Said,
    at,
    named,
    part_of_path,
)
from cumulo.core.resource_types import Request

BASE = "/identity/v3"
GROUP = "Identity"
SEARCH = ("name__icontains={q}",)


def ask(method: str, path: str, body: Any = None) -> Request:
    return Request(method, f"{BASE}{path}", body)


def patch(collection: str, key: str, *fields: Field) -> Action:
    """Other values of a thing."""

    def request(item: Item, form: Form) -> Request:
        body = {
            f.name: form[f.name] == "yes" if f.kind == "check" else form[f.name] for f in fields
        }
        return ask("PATCH", f"/{collection}/{part_of_path(item['id'])}", {key: body})

    return Action("edit", "Edit", request, fields=fields, main=True)


NAME = Field("name", "Name", default=named)
DESCRIPTION = Field(
    "description",
    "Description",
    required=False,
    default=lambda item: item.get("description") or "",
)
ENABLED = Field(
    "enabled",
    "Enabled",
    "check",
    required=False,
    default=lambda item: "yes" if item.get("enabled", True) else "",
)
PROJECTS = Options(ask("GET", "/projects?limit=500"), "projects")
USERS = Options(ask("GET", "/users?limit=500"), "users")
GROUPS = Options(ask("GET", "/groups?limit=500"), "groups")
ROLES = Options(ask("GET", "/roles"), "roles")


def who(each: Item) -> Any:
    """The user or group of an assignment."""
    for kind, panel in (("user", "users"), ("group", "groups")):
        if each.get(kind):
            return Ref(panel, each[kind]["id"], each[kind].get("name") or "")
    return None


def where(each: Item) -> Any:
    """What an assignment is in."""
    scope = each.get("scope") or {}
    if scope.get("project"):
        return Ref("projects", scope["project"]["id"], scope["project"].get("name") or "")
    if scope.get("domain"):
        return Ref("domains", scope["domain"]["id"], scope["domain"].get("name") or "")
    return Said("the whole cloud")


def _id(each: Item) -> str:
    return str((each.get("links") or {}).get("assignment") or "")


def assignment_rows(body: Any, item: Item) -> Sequence[Item]:
    return [{**each, "id": _id(each)} for each in body["role_assignments"]]


def unassign(item: Item, form: Form) -> Request:
    """Take away what a row of assignments gives: not what comes by another one."""
    scope, role = item.get("scope") or {}, part_of_path(at(item, "role.id"))
    actor = "users" if item.get("user") else "groups"
    actor_id = part_of_path(at(item, "user.id") or at(item, "group.id"))
    if scope.get("project"):
        start = f"/projects/{part_of_path(scope['project']['id'])}"
    elif scope.get("domain"):
        start = f"/domains/{part_of_path(scope['domain']['id'])}"
    else:
        start = "/system"
    if scope.get("OS-INHERIT:inherited_to"):
        return ask(
            "DELETE",
            f"/OS-INHERIT{start}/{actor}/{actor_id}/roles/{role}/inherited_to_projects",
        )
    return ask("DELETE", f"{start}/{actor}/{actor_id}/roles/{role}")


REMOVE = Action("remove", "Remove", unassign, danger=True)
EFFECTIVE = (
    Column("Who", who),
    Column("Role", lambda each: at(each, "role.name")),
    Column("Scope", where),
)


def effective(query: str, title: str = "What follows from it") -> Part:
    """Whoever may what in the end: groups, implied and inherited roles unfolded."""
    return Part(
        "effective",
        title,
        lambda item, place: ask(
            "GET",
            f"/role_assignments?effective&include_names=true&{query}={part_of_path(item['id'])}",
        ),
        "role_assignments",
        EFFECTIVE,
        rows=assignment_rows,
        about="With what comes by groups, and by roles that hold others.",
    )
