"""Flavors."""

from collections.abc import Sequence
from typing import Any

from cumulo.compute.panels.common import FLAVOR_LIST, ask
from cumulo.core.panels import (
    Action,
    Column,
    Field,
    Form,
    Item,
    Options,
    Panel,
    Part,
    column,
    delete,
    part_of_path,
    ref,
)
from cumulo.core.resource_types import Request


def _create(item: Item, form: Form) -> Request:
    flavor = {
        "name": form["name"],
        "vcpus": int(form["vcpus"]),
        "ram": int(form["ram"]),
        "disk": int(form["disk"]),
        "OS-FLV-EXT-DATA:ephemeral": int(form.get("ephemeral") or 0),
        "swap": int(form.get("swap") or 0),
        "os-flavor-access:is_public": form.get("public") == "yes",
    }
    return ask("POST", "/flavors", {"flavor": flavor})


def _path(item: Item) -> str:
    return f"/flavors/{part_of_path(item['id'])}"


def _rows(body: Any, item: Item) -> Sequence[Item]:
    return [{"key": key, "value": value} for key, value in sorted(body["extra_specs"].items())]


SPECS = Part(
    "specs",
    "Extra specs",
    lambda item, place: ask("GET", f"{_path(item)}/os-extra_specs"),
    "extra_specs",
    (column("Name", "key", "mono"), column("Value", "value", "mono")),
    rows=_rows,
    id="key",
    actions=(
        Action(
            "delete",
            "Delete",
            lambda item, form: ask(
                "DELETE", f"{_path(item['of'])}/os-extra_specs/{part_of_path(item['key'])}"
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
                f"{_path(item['of'])}/os-extra_specs",
                {"extra_specs": {form["key"]: form["value"]}},
            ),
            fields=(Field("key", "Name"), Field("value", "Value")),
        ),
    ),
)
ACCESS = Part(
    "access",
    "Projects that may use it",
    lambda item, place: ask("GET", f"{_path(item)}/os-flavor-access"),
    "flavor_access",
    (ref("Project", "tenant_id", "projects"),),
    id="tenant_id",
    allowed=lambda item: not item.get("os-flavor-access:is_public", True),
    actions=(
        Action(
            "remove",
            "Remove",
            lambda item, form: ask(
                "POST",
                f"{_path(item['of'])}/action",
                {"removeTenantAccess": {"tenant": item["tenant_id"]}},
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
                f"{_path(item['of'])}/action",
                {"addTenantAccess": {"tenant": form["project"]}},
            ),
            fields=(
                Field(
                    "project",
                    "Project",
                    "select",
                    options=Options(Request("GET", "/identity/v3/projects"), "projects"),
                ),
            ),
        ),
    ),
)
FLAVORS = Panel(
    name="flavors",
    title="Flavors",
    group="Compute",
    order=22,
    about="How big servers can be: processors, memory, disk.",
    items=FLAVOR_LIST,
    key="flavors",
    columns=(
        column("Name", "name", link=True, sort="name"),
        column("Processors", "vcpus"),
        column("Memory, MiB", "ram", sort="memory_mb"),
        column("Disk, GiB", "disk", sort="root_gb"),
        column("Public", "os-flavor-access:is_public", "yes"),
    ),
    detail=lambda id: ask("GET", f"/flavors/{id}"),
    detail_key="flavor",
    lines=(
        column("Id", "id", "mono"),
        column("Description", "description"),
        column("Processors", "vcpus"),
        column("Memory, MiB", "ram"),
        column("Disk, GiB", "disk"),
        column("Ephemeral disk, GiB", "OS-FLV-EXT-DATA:ephemeral"),
        Column("Swap, MiB", lambda item: item.get("swap") or 0),
        column("Public", "os-flavor-access:is_public", "yes"),
    ),
    parts=(SPECS, ACCESS),
    create=(
        Action(
            "create",
            "Create flavor",
            _create,
            fields=(
                Field("name", "Name"),
                Field("vcpus", "Processors", "number", default="1"),
                Field("ram", "Memory, MiB", "number", default="512"),
                Field("disk", "Disk, GiB", "number", default="1"),
                Field("ephemeral", "Ephemeral disk, GiB", "number", default="0", advanced=True),
                Field("swap", "Swap, MiB", "number", default="0", advanced=True),
                Field("public", "For all projects", "check", default="yes"),
            ),
        ),
    ),
    actions=(delete(lambda item: f"/compute/v2.1{_path(item)}"),),
    events="flavor",
)
