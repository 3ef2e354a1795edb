"""Static large objects: a manifest is checked against what is there."""

from collections.abc import Sequence

from cumulo.core.db.transaction import Tx
from cumulo.object_store.model import ranges, timestamps
from cumulo.object_store.model.faults import BadInput, StoreFault
from cumulo.object_store.model.manifest import Segment, Wish, quoted
from cumulo.object_store.model.object import ObjectRow
from cumulo.object_store.service import links
from cumulo.object_store.service.access import Access
from cumulo.object_store.service.objects import Objects


class Manifests:
    def __init__(self, objects: Objects) -> None:
        self._objects = objects

    def check(self, tx: Tx, access: Access, wishes: Sequence[Wish]) -> list[Segment]:
        """The segments as they are now. Raises BadInput with all that is wrong."""
        found: list[Segment] = []
        errors: list[str] = []
        for wish in wishes:
            try:
                found.append(self._segment(tx, access, wish))
            except StoreFault as fault:
                why = fault.message or f"{fault.status} {fault.title}"
                errors.append(f"{quoted(wish)}, {why}\n")
        if errors:
            raise BadInput("Errors:\n" + "".join(errors))
        return found

    def _segment(self, tx: Tx, access: Access, wish: Wish) -> Segment:
        if wish.data is not None:
            size = len(wish.data)
            return Segment(size, wish.etag or "", size, data=wish.data)
        row = self._objects.seen(tx, access, wish.container, wish.name)
        row = links.followed(tx, self._objects, access, row)
        if wish.size is not None and wish.size != row.size:
            raise BadInput("Size Mismatch")
        if wish.etag is not None and wish.etag.strip('"') != row.etag:
            raise BadInput("Etag Mismatch")
        start, end = 0, row.size
        if wish.range is not None:
            parts = ranges.satisfied(ranges.parse(f"bytes={wish.range}") or [], row.size)
            if not parts:
                raise BadInput("Unsatisfiable Range")
            start, end = parts[0]
        if start == end:
            raise BadInput("Too Small; each segment must be at least 1 byte.")
        text = "" if (start, end) == (0, row.size) else f"{start}-{end - 1}"
        return Segment(
            size=row.size,
            etag=row.etag,
            end=end,
            start=start,
            container=wish.container,
            name=wish.name,
            range=text,
            content_type=row.content_type,
            modified=timestamps.iso(timestamps.of(float(int(float(row.timestamp) + 0.99999)))),
            nested=row.kind == "slo",
        )

    def find(
        self, tx: Tx, access: Access, container: str, name: str, version: str | None
    ) -> ObjectRow:
        """A manifest that is to be removed with its segments."""
        self._objects.container(tx, access, container, "write", name)
        return self._objects.seen_version(tx, access, container, name, version)
