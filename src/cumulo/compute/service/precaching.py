"""Images that hosts have before anybody asks for a server of them (API 2.81).

For a day each is an item of its host beside its guests; then it stays in the host's cache only as
long as a guest stands on it.
"""

from collections.abc import Mapping, Sequence

from cumulo.compute.model.hypervisor import AggregateRow, CachedImageRow
from cumulo.compute.model.orders import WantedGuest
from cumulo.compute.queries import hypervisor as queries
from cumulo.compute.service.servers import FORMATS, KIND
from cumulo.core.auth.principal import Principal
from cumulo.core.blobs.content import Content
from cumulo.core.clock import later
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.hosts.registry import HostRegistry
from cumulo.image.interface import ImageInfo, Images

SECONDS = 86_400.0
MOST = 10_000
"""Hosts times images of one request"""
PREFIX = "image-"
"""Of the ids of such items; a server's is a UUID."""


class Precaching:
    def __init__(self, registry: HostRegistry, images: Images) -> None:
        self._registry = registry
        self._images = images

    def cache(
        self, tx: Tx, aggregate: AggregateRow, image_ids: Sequence[str], who: Principal
    ) -> None:
        """Raises BadRequest for an image that is not there, or that no host boots."""
        if len(aggregate.hosts) * len(image_ids) > MOST:
            raise BadRequest(f"At most {MOST} images on hosts are cached by one request.")
        contents = [self._content(tx, id, who) for id in image_ids]
        for host in aggregate.hosts:
            for content in contents:
                row = CachedImageRow(host, content.id, content, later(tx.now, SECONDS))
                if not tx.insert(row, ignore_duplicate=True):
                    known = tx.get(CachedImageRow, host, content.id)
                    assert known is not None
                    tx.update(known, content=content, until=row.until)
                self._registry.touch(tx, host, KIND, PREFIX + content.id)
        emit(
            tx,
            "compute.aggregate.cache_images",
            aggregate.uuid,
            principal=who,
            images=len(contents),
            hosts=len(aggregate.hosts),
        )

    def _content(self, tx: Tx, image_id: str, who: Principal) -> Content:
        try:
            info = self._images.usable(tx, image_id, who)
        except NotFound as fault:
            raise BadRequest(fault.message) from None
        if info.status != "active" or info.disk_format not in FORMATS:
            raise BadRequest(f"Image {image_id} is not active, or no host boots it.")
        return content_of(info)

    def items(self, tx: Tx, host_id: str, ids: Sequence[str]) -> Mapping[str, WantedGuest]:
        """What the host has to have of these ids."""
        named = [id.removeprefix(PREFIX) for id in ids if id.startswith(PREFIX)]
        rows = tx.all(queries.CACHED, host=host_id, images=named) if named else []
        return {
            PREFIX + row.image_id: WantedGuest(
                id=PREFIX + row.image_id,
                generation=1,
                # An agent that knows nothing of this makes a guest of it, which stays off.
                power="off",
                image=row.content,
                cached=True,
            )
            for row in rows
        }

    def expired(self, tx: Tx, most: int) -> list[str]:
        """host/image of those whose day is over and that nobody has told so yet."""
        return [
            f"{row.host_id}/{row.image_id}"
            for row in tx.all(queries.EXPIRED, now=tx.now, most=most)
        ]

    def forget(self, tx: Tx, id: str) -> None:
        host_id, _, image_id = id.rpartition("/")
        row = tx.get(CachedImageRow, host_id, image_id)
        if row is not None and row.until <= tx.now:
            tx.delete(row)
            self._registry.remove(tx, host_id, KIND, PREFIX + image_id)

    def leave(self, tx: Tx, host_id: str) -> None:
        """The host is in no aggregate's care any more."""
        for row in tx.all(queries.CACHED_ON, host=host_id):
            tx.delete(row)
            self._registry.remove(tx, host_id, KIND, PREFIX + row.image_id)


def content_of(info: ImageInfo) -> Content:
    raw = FORMATS.get(info.disk_format or "") == "raw"
    return Content(info.id, info.sha512 or "", info.size or 0, "raw" if raw else "qcow2")
