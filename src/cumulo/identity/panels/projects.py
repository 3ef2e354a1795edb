"""Projects, and who may what in them."""

from typing import Any

from cumulo.core.panels import (
    Action,
    Column,
    Field,
    Form,
    Item,
    Panel,
    Part,
    column,
    delete,
    part_of_path,
    ref,
)
from cumulo.core.resource_types import Request
from cumulo.identity.panels.common import (
    DESCRIPTION,
    EFFECTIVE,
    ENABLED,
    GROUPS,
    NAME,
    REMOVE,
    ROLES,
    SEARCH,
    USERS,
    ask,
    assignment_rows,
    effective,
    patch,
)


def _assign(item: Item, form: Form) -> Request:
    kind, id = ("users", form.get("user")) if form.get("user") else ("groups", form.get("group"))
    path = f"/projects/{part_of_path(item['of']['id'])}/{kind}/{part_of_path(id)}"
    return ask("PUT", f"{path}/roles/{part_of_path(form['role'])}")


def _create(item: Item, form: Form) -> Request:
    project: dict[str, Any] = {
        "name": form["name"],
        "description": form.get("description", ""),
        "enabled": form.get("enabled") == "yes",
    }
    if form.get("domain"):
        project["domain_id"] = form["domain"]
    return ask("POST", "/projects", {"project": project})


MEMBERS = Part(
    "members",
    "Who works here",
    lambda item, place: ask(
        "GET", f"/role_assignments?include_names=true&scope.project.id={part_of_path(item['id'])}"
    ),
    "role_assignments",
    EFFECTIVE,
    rows=assignment_rows,
    actions=(REMOVE,),
    create=(
        Action(
            "add",
            "Add",
            _assign,
            fields=(
                Field("user", "User", "select", required=False, options=USERS),
                Field("group", "Or a group", "select", required=False, options=GROUPS),
                Field("role", "Role", "select", options=ROLES),
            ),
        ),
    ),
)
PROJECTS = Panel(
    name="projects",
    title="Projects",
    group="Identity",
    order=800,
    about="Things belong to a project; people work in it with roles.",
    items=ask("GET", "/projects"),
    key="projects",
    columns=(
        column("Name", "name", link=True),
        column("Description", "description"),
        column("Enabled", "enabled", "yes"),
        ref("Domain", "domain_id", "domains", "domain_id"),
    ),
    search=SEARCH,
    detail=lambda id: ask("GET", f"/projects/{id}"),
    detail_key="project",
    lines=(
        column("Id", "id", "mono"),
        column("Description", "description"),
        column("Enabled", "enabled", "yes"),
        ref("Domain", "domain_id", "domains", "domain_id"),
        Column("Tags", lambda item: item.get("tags"), "list"),
    ),
    create=(
        Action(
            "create",
            "Create project",
            _create,
            fields=(
                Field("name", "Name", longest=64),
                Field("description", "Description", required=False),
                Field("enabled", "Enabled", "check", default="yes"),
            ),
        ),
    ),
    actions=(
        patch("projects", "project", NAME, DESCRIPTION, ENABLED),
        delete(
            lambda item: f"/identity/v3/projects/{part_of_path(item['id'])}",
            about="What is in it stays in the cloud: delete that first.",
        ),
    ),
    parts=(MEMBERS, effective("scope.project.id")),
    events="project assignment",
)
