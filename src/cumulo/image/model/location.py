"""Where the bytes of images are: a row for each copy."""

from typing import Annotated

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, Key, References, Row, Unique, table

STAGING = "os_glance_staging_store"
"""The name, in removals, of the folder where imports wait: Glance's reserved name for it."""


@table("image_locations", Unique("image_id", "store", "key"))
class LocationRow(Row, frozen=True):
    id: Annotated[str, Key()]
    image_id: Annotated[str, References("images.id", on_delete="CASCADE"), Index()]
    store: str
    key: str
    """What the store calls it: the image's id, or a URL in a store that only reads."""
    metadata: dict[str, str]
    created_at: Moment


@table("image_removals")
class RemovalRow(Row, frozen=True):
    """Bytes that no image has any more and that are still in a store: work until the row is
    gone."""

    image_id: Annotated[str, Key()]
    store: Annotated[str, Key()]
    attempts: int
    due: Annotated[Moment, Index()]
    reason: str | None


@table("image_cache")
class CacheRow(Row, frozen=True):
    """A copy on this machine's disk of an image that is elsewhere, or the wish for one."""

    image_id: Annotated[str, Key()]
    cached: bool
    size: int
    hits: int
    queued_at: Moment
    cached_at: Moment | None
    used_at: Moment
    attempts: int
    due: Annotated[Moment, Index()]
    reason: str | None
