"""Roles, and who has them where."""

from cumulo.core.panels import Action, Column, Field, Panel, Part, at, column, delete, part_of_path
from cumulo.identity.panels.common import (
    DESCRIPTION,
    EFFECTIVE,
    NAME,
    ask,
    assignment_rows,
    patch,
)
from cumulo.identity.panels.common import (
    ROLES as ROLE_OPTIONS,
)

IMPLIED = Part(
    "implied",
    "Roles that it holds",
    lambda item, place: ask("GET", f"/roles/{part_of_path(item['id'])}/implies"),
    "implies",
    (column("Name", "name", link=True),),
    rows=lambda body, item: body["role_inference"]["implies"],
    panel="roles",
    actions=(
        Action(
            "remove",
            "Remove",
            lambda item, form: ask(
                "DELETE",
                f"/roles/{part_of_path(item['of']['id'])}/implies/{part_of_path(item['id'])}",
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
                f"/roles/{part_of_path(item['of']['id'])}/implies/{part_of_path(form['role'])}",
            ),
            fields=(Field("role", "Role", "select", options=ROLE_OPTIONS),),
        ),
    ),
)
ROLES = Panel(
    name="roles",
    title="Roles",
    group="Identity",
    order=815,
    about="What rights are named by. Which one may do what is said by the policy.",
    items=ask("GET", "/roles"),
    key="roles",
    columns=(column("Name", "name", link=True), column("Description", "description")),
    detail=lambda id: ask("GET", f"/roles/{id}"),
    detail_key="role",
    lines=(column("Id", "id", "mono"), column("Description", "description")),
    create=(
        Action(
            "create",
            "Create role",
            lambda item, form: ask(
                "POST",
                "/roles",
                {
                    "role": {
                        "name": form["name"],
                        "description": form.get("description") or None,
                    }
                },
            ),
            fields=(Field("name", "Name"), Field("description", "Description", required=False)),
        ),
    ),
    actions=(
        patch("roles", "role", NAME, DESCRIPTION),
        delete(lambda item: f"/identity/v3/roles/{part_of_path(item['id'])}"),
    ),
    parts=(
        IMPLIED,
        Part(
            "assignments",
            "Who has it",
            lambda item, place: ask(
                "GET", f"/role_assignments?include_names=true&role.id={part_of_path(item['id'])}"
            ),
            "role_assignments",
            (EFFECTIVE[0], EFFECTIVE[2]),
            rows=assignment_rows,
        ),
    ),
    events="role",
)
ASSIGNMENTS = Panel(
    name="assignments",
    title="Role assignments",
    group="Identity",
    order=820,
    about="Who has which role in which project, domain, or in the whole cloud.",
    items=ask("GET", "/role_assignments?include_names=true"),
    key="role_assignments",
    columns=(
        *EFFECTIVE,
        Column(
            "For projects below",
            lambda each: (
                (each.get("scope") or {}).get("OS-INHERIT:inherited_to") is not None or None
            ),
            "yes",
        ),
    ),
    rows=lambda body: assignment_rows(body, {}),
    label=lambda each: f"{at(each, 'user.name') or at(each, 'group.name')} {at(each, 'role.name')}",
    events="assignment",
    marker=False,
    found=False,
)
