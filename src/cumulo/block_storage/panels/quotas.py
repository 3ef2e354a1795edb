"""Quotas of volumes."""

from cumulo.block_storage.panels.common import ask
from cumulo.core.panels import (
    Action,
    Field,
    Panel,
    at,
    column,
    part_of_path,
)
from cumulo.core.resource_types import Request

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
