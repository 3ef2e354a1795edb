"""Volume types."""

from collections.abc import Sequence
from typing import Any

from cumulo.block_storage.panels.common import BASE, VERSION, ask
from cumulo.core.panels import (
    Action,
    Field,
    Item,
    Panel,
    Part,
    column,
    delete,
    part_of_path,
)


def _spec_rows(body: Any, item: Item) -> Sequence[Item]:
    return [{"key": key, "value": value} for key, value in sorted(body["extra_specs"].items())]


TYPES = Panel(
    name="volumetypes",
    title="Volume types",
    group="Storage",
    order=42,
    about="Kinds of volumes: which storage they are on, and what it promises.",
    items=ask("GET", "/types?is_public=none"),
    key="volume_types",
    columns=(
        column("Name", "name", link=True),
        column("Description", "description"),
        column("Public", "is_public", "yes"),
    ),
    detail=lambda id: ask("GET", f"/types/{id}"),
    detail_key="volume_type",
    lines=(
        column("Id", "id", "mono"),
        column("Description", "description"),
        column("Public", "is_public", "yes"),
    ),
    parts=(
        Part(
            "specs",
            "Extra specs",
            lambda item, place: ask("GET", f"/types/{part_of_path(item['id'])}/extra_specs"),
            "extra_specs",
            (column("Name", "key", "mono"), column("Value", "value", "mono")),
            rows=_spec_rows,
            id="key",
            actions=(
                Action(
                    "delete",
                    "Delete",
                    lambda item, form: ask(
                        "DELETE",
                        f"/types/{part_of_path(item['of']['id'])}/extra_specs/"
                        f"{part_of_path(item['key'])}",
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
                        f"/types/{part_of_path(item['of']['id'])}/extra_specs",
                        {"extra_specs": {form["key"]: form["value"]}},
                    ),
                    fields=(Field("key", "Name"), Field("value", "Value")),
                ),
            ),
        ),
    ),
    create=(
        Action(
            "create",
            "Create volume type",
            lambda item, form: ask(
                "POST",
                "/types",
                {
                    "volume_type": {
                        "name": form["name"],
                        "description": form.get("description") or None,
                        "os-volume-type-access:is_public": form.get("public") == "yes",
                    }
                },
            ),
            fields=(
                Field("name", "Name"),
                Field("description", "Description", required=False),
                Field("public", "For all projects", "check", default="yes"),
            ),
        ),
    ),
    actions=(delete(lambda item: f"{BASE}/types/{part_of_path(item['id'])}", VERSION),),
    marker=False,
    events="volume_type",
)
