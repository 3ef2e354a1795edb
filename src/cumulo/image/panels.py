"""Image in the dashboard: images."""

from cumulo.core.panels import Column, Panel, column
from cumulo.core.resource_types import Request


def _size(item: object) -> str:
    size = item.get("size") if isinstance(item, dict) else None
    return "" if size is None else f"{size / 1048576:.1f} MiB"


IMAGES = Panel(
    name="images",
    title="Images",
    one="image",
    group="Compute",
    order=25,
    items=Request("GET", "/image/v2/images"),
    key="images",
    columns=(
        column("Name", "name", link=True),
        column("Status", "status", "status"),
        column("Visibility", "visibility"),
        column("Format", "disk_format"),
        Column("Size", _size),
        column("Created", "created_at", "time"),
    ),
    detail=lambda id: Request("GET", f"/image/v2/images/{id}"),
    lines=(
        column("Id", "id", "mono"),
        column("Status", "status", "status"),
        column("Visibility", "visibility"),
        column("Format", "disk_format"),
        Column("Size", _size),
        column("SHA-512", "os_hash_value", "mono"),
        column("Owner", "owner", "mono"),
        column("Created", "created_at", "time"),
    ),
    events="image",
)
PANELS = (IMAGES,)
