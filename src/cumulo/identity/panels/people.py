"""Users and groups."""

from typing import Any

from cumulo.core.panels import (
    Action,
    Field,
    Form,
    Item,
    Panel,
    Part,
    column,
    delete,
    given,
    part_of_path,
    ref,
)
from cumulo.core.resource_types import Request
from cumulo.identity.panels.common import (
    DESCRIPTION,
    EFFECTIVE,
    ENABLED,
    NAME,
    PROJECTS,
    REMOVE,
    ROLES,
    SEARCH,
    ask,
    assignment_rows,
    effective,
    patch,
)
from cumulo.identity.panels.common import (
    USERS as USER_OPTIONS,
)


def _create(item: Item, form: Form) -> Request:
    user: dict[str, Any] = {
        "name": form["name"],
        "password": form["password"],
        "enabled": form.get("enabled") == "yes",
        **given(form, "email", "description"),
    }
    if form.get("project"):
        user["default_project_id"] = form["project"]
    return ask("POST", "/users", {"user": user})


def _then(item: Item, form: Form, answer: Any) -> list[Request]:
    """A role in the project, if both were chosen."""
    if not (form.get("project") and form.get("role")):
        return []
    user, project = part_of_path(answer["user"]["id"]), part_of_path(form["project"])
    path = f"/projects/{project}/users/{user}/roles/{part_of_path(form['role'])}"
    return [ask("PUT", path)]


def _path(item: Item) -> str:
    return f"/users/{part_of_path(item['id'])}"


USERS = Panel(
    name="users",
    title="Users",
    group="Identity",
    order=805,
    about="People and programs that sign in.",
    items=ask("GET", "/users"),
    key="users",
    columns=(
        column("Name", "name", link=True),
        column("E-mail", "email"),
        column("Enabled", "enabled", "yes"),
        ref("Domain", "domain_id", "domains", "domain_id"),
    ),
    search=SEARCH,
    detail=lambda id: ask("GET", f"/users/{id}"),
    detail_key="user",
    lines=(
        column("Id", "id", "mono"),
        column("E-mail", "email"),
        column("Description", "description"),
        column("Enabled", "enabled", "yes"),
        ref("Domain", "domain_id", "domains", "domain_id"),
        ref("Default project", "default_project_id", "projects"),
        column("Password expires", "password_expires_at", "time"),
    ),
    create=(
        Action(
            "create",
            "Create user",
            _create,
            fields=(
                Field("name", "Name"),
                Field("password", "Password", "password"),
                Field("email", "E-mail", required=False),
                Field("project", "Project", "select", required=False, options=PROJECTS),
                Field("role", "Role", "select", required=False, options=ROLES),
                Field("enabled", "Enabled", "check", default="yes"),
            ),
            then=_then,
            undo=lambda answer: ask("DELETE", _path(answer["user"])),
        ),
    ),
    actions=(
        patch("users", "user", NAME, DESCRIPTION, ENABLED),
        Action(
            "password",
            "Set password",
            lambda item, form: ask("PATCH", _path(item), {"user": {"password": form["password"]}}),
            fields=(Field("password", "New password", "password"),),
        ),
        delete(lambda item: f"/identity/v3{_path(item)}"),
    ),
    parts=(
        Part(
            "assignments",
            "Roles",
            lambda item, place: ask(
                "GET",
                f"/role_assignments?include_names=true&user.id={part_of_path(item['id'])}",
            ),
            "role_assignments",
            EFFECTIVE[1:],
            rows=assignment_rows,
            actions=(REMOVE,),
            create=(
                Action(
                    "add",
                    "Add role",
                    lambda item, form: ask(
                        "PUT",
                        f"/projects/{part_of_path(form['project'])}{_path(item['of'])}"
                        f"/roles/{part_of_path(form['role'])}",
                    ),
                    fields=(
                        Field("project", "Project", "select", options=PROJECTS),
                        Field("role", "Role", "select", options=ROLES),
                    ),
                ),
            ),
        ),
        effective("user.id"),
        Part(
            "groups",
            "Groups",
            lambda item, place: ask("GET", f"{_path(item)}/groups"),
            "groups",
            (column("Name", "name", link=True), column("Description", "description")),
            panel="groups",
        ),
    ),
    events="user assignment",
)
GROUPS = Panel(
    name="groups",
    title="Groups",
    group="Identity",
    order=810,
    about="Users who get the same roles.",
    items=ask("GET", "/groups"),
    key="groups",
    columns=(
        column("Name", "name", link=True),
        column("Description", "description"),
        ref("Domain", "domain_id", "domains", "domain_id"),
    ),
    search=SEARCH,
    detail=lambda id: ask("GET", f"/groups/{id}"),
    detail_key="group",
    lines=(
        column("Id", "id", "mono"),
        column("Description", "description"),
        ref("Domain", "domain_id", "domains", "domain_id"),
    ),
    create=(
        Action(
            "create",
            "Create group",
            lambda item, form: ask(
                "POST",
                "/groups",
                {"group": {"name": form["name"], "description": form.get("description", "")}},
            ),
            fields=(
                Field("name", "Name", longest=64),
                Field("description", "Description", required=False),
            ),
        ),
    ),
    actions=(
        patch("groups", "group", NAME, DESCRIPTION),
        delete(lambda item: f"/identity/v3/groups/{part_of_path(item['id'])}"),
    ),
    parts=(
        Part(
            "users",
            "Members",
            lambda item, place: ask("GET", f"/groups/{part_of_path(item['id'])}/users"),
            "users",
            (column("Name", "name", link=True), column("Enabled", "enabled", "yes")),
            panel="users",
            actions=(
                Action(
                    "remove",
                    "Remove",
                    lambda item, form: ask(
                        "DELETE", f"/groups/{part_of_path(item['of']['id'])}{_path(item)}"
                    ),
                    danger=True,
                ),
            ),
            create=(
                Action(
                    "add",
                    "Add",
                    lambda item, form: ask(
                        "PUT",
                        f"/groups/{part_of_path(item['of']['id'])}/users/"
                        f"{part_of_path(form['user'])}",
                    ),
                    fields=(Field("user", "User", "select", options=USER_OPTIONS),),
                ),
            ),
        ),
        effective("group.id"),
    ),
    events="group assignment",
)
