"""Backups of volumes."""

from cumulo.block_storage.panels.common import BASE, EDIT_FIELDS, SEARCH, VERSION, ask, is_, size_of
from cumulo.core.panels import (
    Action,
    Column,
    Field,
    Item,
    Panel,
    column,
    delete,
    named,
    part_of_path,
    ref,
)


def _path(item: Item) -> str:
    return f"/backups/{part_of_path(item['id'])}"


BACKUPS = Panel(
    name="volumebackups",
    title="Backups",
    group="Storage",
    order=41,
    about="Volumes as they were, kept apart from the storage that they are on.",
    items=ask("GET", "/backups/detail"),
    key="backups",
    columns=(
        Column("Name", lambda item: item.get("name") or item["id"][:8], link=True, sort="name"),
        column("Status", "status", "status", sort="status"),
        Column("Size", size_of, sort="size"),
        ref("Volume", "volume_id", "volumes"),
        column("Incremental", "is_incremental", "yes"),
        column("Created", "created_at", "time", sort="created_at"),
    ),
    search=SEARCH,
    everywhere="all_tenants=1",
    everywhere_rule="admin_api",
    detail=lambda id: ask("GET", f"/backups/{id}"),
    detail_key="backup",
    lines=(
        column("Id", "id", "mono"),
        column("Description", "description"),
        Column("Size", size_of),
        ref("Volume", "volume_id", "volumes"),
        column("Incremental", "is_incremental", "yes"),
        column("Reason", "fail_reason"),
        column("Created", "created_at", "time"),
    ),
    actions=(
        Action(
            "restore",
            "Restore",
            lambda item, form: ask(
                "POST", f"{_path(item)}/restore", {"restore": {"name": form["name"]}}
            ),
            fields=(Field("name", "Name", default=lambda item: f"{named(item)}-volume"),),
            allowed=is_("available"),
            about="To a new volume.",
            main=True,
        ),
        Action(
            "edit",
            "Edit",
            lambda item, form: ask(
                "PUT",
                _path(item),
                {"backup": {"name": form["name"], "description": form["description"]}},
            ),
            fields=EDIT_FIELDS,
        ),
        delete(
            lambda item: f"{BASE}{_path(item)}",
            VERSION,
            allowed=lambda item: not item.get("has_dependent_backups"),
        ),
    ),
    events="backup",
)
