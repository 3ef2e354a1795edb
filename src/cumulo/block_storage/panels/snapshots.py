"""Snapshots of volumes."""

from cumulo.block_storage.panels.common import BASE, EDIT_FIELDS, SEARCH, VERSION, ask, is_, size_of
from cumulo.core.panels import (
    Action,
    Column,
    Field,
    Panel,
    column,
    delete,
    named,
    part_of_path,
    ref,
)

SNAPSHOTS = Panel(
    name="snapshots",
    title="Snapshots",
    group="Storage",
    order=41,
    about="Volumes as they were at a moment: for going back, and for making others of.",
    items=ask("GET", "/snapshots/detail"),
    key="snapshots",
    columns=(
        Column("Name", lambda item: item.get("name") or item["id"][:8], link=True, sort="name"),
        column("Status", "status", "status", sort="status"),
        Column("Size", size_of, sort="size"),
        ref("Volume", "volume_id", "volumes"),
        column("Created", "created_at", "time", sort="created_at"),
    ),
    search=SEARCH,
    everywhere="all_tenants=1",
    everywhere_rule="admin_api",
    detail=lambda id: ask("GET", f"/snapshots/{id}"),
    detail_key="snapshot",
    lines=(
        column("Id", "id", "mono"),
        column("Description", "description"),
        Column("Size", size_of),
        ref("Volume", "volume_id", "volumes"),
        column("Created", "created_at", "time"),
    ),
    actions=(
        Action(
            "volume",
            "Create volume from it",
            lambda item, form: ask(
                "POST",
                "/volumes",
                {
                    "volume": {
                        "name": form["name"],
                        "size": int(form["size"]),
                        "snapshot_id": item["id"],
                    }
                },
            ),
            fields=(
                Field("name", "Name", default=lambda item: f"{named(item)}-volume"),
                Field("size", "Size in GiB", "number", default=lambda item: item.get("size")),
            ),
            allowed=is_("available"),
            main=True,
        ),
        Action(
            "edit",
            "Edit",
            lambda item, form: ask(
                "PUT",
                f"/snapshots/{part_of_path(item['id'])}",
                {"snapshot": {"name": form["name"], "description": form["description"]}},
            ),
            fields=EDIT_FIELDS,
        ),
        delete(lambda item: f"{BASE}/snapshots/{part_of_path(item['id'])}", VERSION),
    ),
    events="snapshot",
)
