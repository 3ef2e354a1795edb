"""Domains and limits, for operators."""

from typing import Any

from cumulo.core.panels import (
    Action,
    Field,
    Form,
    Item,
    Options,
    Panel,
    column,
    delete,
    part_of_path,
    ref,
)
from cumulo.core.resource_types import Request
from cumulo.identity.panels.common import DESCRIPTION, ENABLED, NAME, PROJECTS, SEARCH, ask, patch

DOMAINS = Panel(
    name="domains",
    title="Domains",
    group="Identity",
    order=825,
    about="Users, groups and projects of one organisation, apart from those of others.",
    items=ask("GET", "/domains"),
    key="domains",
    columns=(
        column("Name", "name", link=True),
        column("Description", "description"),
        column("Enabled", "enabled", "yes"),
    ),
    search=SEARCH,
    detail=lambda id: ask("GET", f"/domains/{id}"),
    detail_key="domain",
    lines=(
        column("Id", "id", "mono"),
        column("Description", "description"),
        column("Enabled", "enabled", "yes"),
    ),
    create=(
        Action(
            "create",
            "Create domain",
            lambda item, form: ask(
                "POST",
                "/domains",
                {"domain": {"name": form["name"], "description": form.get("description", "")}},
            ),
            fields=(
                Field("name", "Name", longest=64),
                Field("description", "Description", required=False),
            ),
        ),
    ),
    actions=(
        patch("domains", "domain", NAME, DESCRIPTION, ENABLED),
        delete(
            lambda item: f"/identity/v3/domains/{part_of_path(item['id'])}",
            allowed=lambda item: not item.get("enabled"),
            about="With its users, groups and projects. It has to be disabled first.",
        ),
    ),
    events="domain",
)


def _registered(item: Item, form: Form) -> Request:
    limit = {
        "service_id": form["service"],
        "resource_name": form["resource"],
        "default_limit": int(form["limit"]),
    }
    return ask("POST", "/registered_limits", {"registered_limits": [limit]})


def _limit(item: Item, form: Form) -> Request:
    limit: dict[str, Any] = {
        "service_id": form["service"],
        "resource_name": form["resource"],
        "resource_limit": int(form["limit"]),
        "project_id": form["project"],
    }
    return ask("POST", "/limits", {"limits": [limit]})


def _services() -> Field:
    options = Options(ask("GET", "/services"), "services", lambda each: str(each["type"]))
    return Field("service", "Service", "select", options=options)


LIMITS = Panel(
    name="limits",
    title="Unified limits",
    group="Identity",
    order=830,
    about="How much a project may have, where that differs from the default.",
    items=ask("GET", "/limits"),
    key="limits",
    columns=(
        column("What", "resource_name", link=True),
        ref("Project", "project_id", "projects"),
        column("Limit", "resource_limit"),
    ),
    detail=lambda id: ask("GET", f"/limits/{id}"),
    detail_key="limit",
    lines=(
        column("Id", "id", "mono"),
        ref("Project", "project_id", "projects"),
        column("Limit", "resource_limit"),
        column("Description", "description"),
    ),
    label=lambda item: str(item.get("resource_name")),
    create=(
        Action(
            "create",
            "Set limit",
            _limit,
            fields=(
                Field("project", "Project", "select", options=PROJECTS),
                _services(),
                Field("resource", "What"),
                Field("limit", "Limit", "number"),
            ),
        ),
    ),
    actions=(delete(lambda item: f"/identity/v3/limits/{part_of_path(item['id'])}"),),
    events="limit",
    marker=False,
)
REGISTERED_LIMITS = Panel(
    name="registeredlimits",
    title="Default limits",
    group="Identity",
    order=831,
    about="How much each project may have of a thing, unless it has a limit of its own.",
    items=ask("GET", "/registered_limits"),
    key="registered_limits",
    columns=(
        column("What", "resource_name", link=True),
        column("Limit", "default_limit"),
        column("Region", "region_id"),
    ),
    detail=lambda id: ask("GET", f"/registered_limits/{id}"),
    detail_key="registered_limit",
    lines=(
        column("Id", "id", "mono"),
        column("Limit", "default_limit"),
        column("Description", "description"),
    ),
    label=lambda item: str(item.get("resource_name")),
    create=(
        Action(
            "create",
            "Set default",
            _registered,
            fields=(_services(), Field("resource", "What"), Field("limit", "Limit", "number")),
        ),
    ),
    actions=(delete(lambda item: f"/identity/v3/registered_limits/{part_of_path(item['id'])}"),),
    events="registered_limit",
    marker=False,
    rule="identity:create_registered_limits",
)
