"""Oneself: password, application credentials, keys for S3 and EC2."""

from collections.abc import Sequence
from typing import Any

from cumulo.core.panels import (
    Action,
    Column,
    Field,
    Form,
    Item,
    Options,
    Panel,
    Part,
    Shown,
    column,
    given,
    lines_of,
    part_of_path,
    ref,
)
from cumulo.core.resource_types import Request
from cumulo.identity.panels.common import ask


def _credential(item: Item, form: Form) -> Request:
    wanted: dict[str, Any] = {
        "name": form["name"],
        "unrestricted": form.get("unrestricted") == "yes",
        **given(form, "description", "expires_at"),
    }
    if form.get("roles"):
        wanted["roles"] = [{"name": name} for name in lines_of(form["roles"])]
    rules = []
    for line in lines_of(form.get("rules", "")):
        service, method, path = ([*line.split(), "", ""])[:3]
        rules.append({"service": service, "method": method, "path": path})
    if rules:
        wanted["access_rules"] = rules
    return ask("POST", "/users/{user}/application_credentials", {"application_credential": wanted})


def _shown(body: Any) -> Sequence[Shown]:
    found = body["application_credential"]
    return [Shown("Id", found["id"]), Shown("Secret", found["secret"], f"{found['name']}.txt")]


def _keys(body: Any) -> Sequence[Shown]:
    found = body["credential"]
    return [Shown("Access key", found["access"]), Shown("Secret key", found["secret"])]


CREDENTIALS = Part(
    "credentials",
    "Application credentials",
    lambda item, place: ask("GET", "/users/{user}/application_credentials"),
    "application_credentials",
    (
        column("Name", "name"),
        column("Id", "id", "mono"),
        Column("Roles", lambda each: [role["name"] for role in each.get("roles") or ()], "list"),
        Column(
            "What it may ask for",
            lambda each: [
                f"{r['method']} {r['service']} {r['path']}" for r in each.get("access_rules") or ()
            ],
            "list",
        ),
        column("Expires", "expires_at", "time"),
        ref("Project", "project_id", "projects"),
    ),
    about="For programs: they sign in with it instead of your password.",
    actions=(
        Action(
            "delete",
            "Delete",
            lambda item, form: ask(
                "DELETE", f"/users/{{user}}/application_credentials/{part_of_path(item['id'])}"
            ),
            danger=True,
        ),
    ),
    create=(
        Action(
            "add",
            "Create application credential",
            _credential,
            fields=(
                Field("name", "Name"),
                Field("description", "Description", required=False),
                Field(
                    "expires_at", "Expires", required=False, help="For example 2030-12-31T00:00:00"
                ),
                Field(
                    "roles",
                    "Roles",
                    "textarea",
                    required=False,
                    help="One a line. Empty: yours.",
                    longest=2000,
                ),
                Field(
                    "rules",
                    "What it may ask for",
                    "textarea",
                    required=False,
                    help="One a line: compute GET /v2.1/servers. Empty: all that its roles may.",
                    longest=8000,
                    advanced=True,
                ),
                Field(
                    "unrestricted",
                    "It may make other credentials",
                    "check",
                    required=False,
                    advanced=True,
                ),
            ),
            shows=_shown,
        ),
    ),
)
KEYS = Part(
    "keys",
    "Keys for S3 and EC2",
    lambda item, place: ask("GET", "/users/{user}/credentials/OS-EC2"),
    "credentials",
    (column("Access key", "access", "mono"), ref("Project", "tenant_id", "projects")),
    id="access",
    actions=(
        Action(
            "delete",
            "Delete",
            lambda item, form: ask(
                "DELETE", f"/users/{{user}}/credentials/OS-EC2/{part_of_path(item['access'])}"
            ),
            danger=True,
        ),
    ),
    create=(
        Action(
            "add",
            "Create keys",
            lambda item, form: ask(
                "POST",
                "/users/{user}/credentials/OS-EC2",
                {"tenant_id": form["project"]},
            ),
            fields=(
                Field(
                    "project",
                    "Project",
                    "select",
                    options=Options(ask("GET", "/auth/projects"), "projects"),
                ),
            ),
            shows=_keys,
        ),
    ),
)
ME = Panel(
    name="me",
    title="Password and credentials",
    group="Identity",
    order=799,
    about="You, and what signs in as you.",
    items=ask("GET", "/users/{user}"),
    key="user",
    rows=lambda body: [body["user"]],
    columns=(
        column("Name", "name", link=True),
        column("E-mail", "email"),
        column("Password expires", "password_expires_at", "time"),
    ),
    # Whoever may look at others does not take this page for theirs: what it does is one's own.
    detail=lambda id: ask("GET", "/users/{user}"),
    detail_key="user",
    pick=lambda body, id: body["user"] if body["user"]["id"] == id else None,
    lines=(
        column("Id", "id", "mono"),
        column("E-mail", "email"),
        column("Password expires", "password_expires_at", "time"),
    ),
    actions=(
        Action(
            "password",
            "Change password",
            lambda item, form: ask(
                "POST",
                "/users/{user}/password",
                {"user": {"original_password": form["old"], "password": form["new"]}},
            ),
            fields=(
                Field("old", "Current password", "password"),
                Field("new", "New password", "password"),
            ),
            about="All your sessions end; sign in again with the new one.",
            main=True,
        ),
    ),
    parts=(CREDENTIALS, KEYS),
    events="user credential application_credential",
    told=False,
    marker=False,
    found=False,
)
