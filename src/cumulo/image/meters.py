"""What image is paid for: content, by its size."""

from typing import Any

from cumulo.core.usage import Metered
from cumulo.image.model.image import ImageRow


def _facts(row: ImageRow) -> dict[str, Any] | None:
    if row.content != "present" or not row.size:
        return None
    return {
        "size": round(row.size / 2**30, 6),
        "disk_format": row.disk_format,
        "container_format": row.container_format,
    }


IMAGES: Metered[ImageRow] = Metered("image", "image.usage", _facts, lambda row: row.name)
METERS = (IMAGES,)
