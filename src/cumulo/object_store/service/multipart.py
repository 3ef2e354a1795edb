"""Multipart uploads of S3: parts are blobs, and the object that they become is their list.

Nothing is copied when an upload is completed: the upload's id is the assembly of the object, and
what was uploaded and is not wanted is removed.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cumulo.core.db.transaction import Tx
from cumulo.core.ids import new_hex
from cumulo.object_store.model import checksums, limits, lock, timestamps
from cumulo.object_store.model.container import ContainerRow
from cumulo.object_store.model.faults import BadInput, NoSuchUpload
from cumulo.object_store.model.listing import END, behind
from cumulo.object_store.model.manifest import Segment
from cumulo.object_store.model.object import ObjectRow, PartRow, UploadRow
from cumulo.object_store.queries import object as queries
from cumulo.object_store.service.access import OBJECT_ACL, Access
from cumulo.object_store.service.bytes import Received
from cumulo.object_store.service.containers import Containers
from cumulo.object_store.service.objects import NewObject, Objects
from cumulo.object_store.service.removals import Removals

MOST = 10_000
"""Unfinished uploads of a bucket: whoever may write may begin them, and they count for no quota."""


class Wanted(NamedTuple):
    """A part as the completion names it."""

    number: int
    etag: str
    checksum: str | None


class Said(NamedTuple):
    """What a completion says of the object that its parts become."""

    size: int | None = None
    checksums: Mapping[str, str] = {}

    def check(self, new: NewObject) -> None:
        """Raises BadInput; what is not known of the object is not compared."""
        if self.size not in (None, new.size):
            raise BadInput(
                f"The size of the object is {new.size}, not {self.size}.", kind="InvalidRequest"
            )
        for name, found in new.extra.get("checksums", {}).items():
            if self.checksums.get(name, found) != found:
                raise BadInput(
                    f"The {name.upper()} you specified did not match the calculated checksum.",
                    kind="BadDigest",
                )


class PartOf(NamedTuple):
    start: int
    end: int
    parts: int
    """Of all parts; 0 for an object that was not made of parts."""
    checksums: dict[str, str]


class Multipart:
    def __init__(self, containers: Containers, objects: Objects, removals: Removals) -> None:
        self._containers = containers
        self._objects = objects
        self._removals = removals

    def begin(self, tx: Tx, access: Access, bucket: str, name: str, new: NewObject) -> UploadRow:
        container = self._objects.container(tx, access, bucket, "write", name)
        there = int(tx.value(queries.UPLOADS_THERE, container=container.id, most=MOST) or 0)
        if there >= MOST:
            raise BadInput(
                f"The bucket has {MOST} unfinished uploads: complete or abort some.",
                kind="InvalidRequest",
            )
        row = UploadRow(
            id=new_hex(),
            container_id=container.id,
            name=name.encode(),
            timestamp=timestamps.now(),
            owner="" if access.who is None else access.who.user_id,
            content_type=new.content_type,
            headers=new.headers,
            extra=new.extra,
        )
        tx.insert(row)
        return row

    def find(
        self, tx: Tx, access: Access, bucket: str, name: str, upload: str
    ) -> tuple[ContainerRow, UploadRow]:
        """Raises NoSuchUpload."""
        container = self._objects.container(tx, access, bucket, "write", name)
        row = tx.get(UploadRow, upload) if len(upload) == 32 else None
        if row is None or row.container_id != container.id or row.name != name.encode():
            raise NoSuchUpload("The specified upload does not exist.")
        return container, row

    def check_room(self, tx: Tx, container: ContainerRow, size: int) -> None:
        self._containers.check_room(tx, container, objects=0, bytes=size)

    def put(
        self,
        tx: Tx,
        upload: str,
        number: int,
        received: Received,
        checksums: Mapping[str, str],
    ) -> PartRow:
        """The bytes are safe; a part of the same number goes. Parts count as what they take.
        Raises NoSuchUpload, TooLarge."""
        there = tx.get(UploadRow, upload)
        container = None if there is None else tx.get(ContainerRow, there.container_id)
        if container is None:
            raise NoSuchUpload("The specified upload does not exist.")
        row = PartRow(
            upload,
            number,
            received.blob,
            received.size,
            received.md5,
            timestamps.now(),
            dict(checksums),
        )
        old = tx.get(PartRow, upload, number)
        more = received.size - (0 if old is None else old.size)
        self.check_room(tx, container, more)
        self._containers.count(tx, container, objects=0, bytes=more)
        if old is not None:
            tx.delete(old)
            if old.blob is not None:
                self._removals.blob(tx, old.blob)
        tx.insert(row)
        return row

    def parts(self, tx: Tx, upload: str, after: int, most: int) -> list[PartRow]:
        return tx.all(queries.PARTS, assembly=upload, after=after, most=most)

    def parts_of(self, tx: Tx, row: ObjectRow, after: int, most: int) -> tuple[list[PartRow], int]:
        """Some parts of an object, and how many there are in all."""
        count = int(tx.value(queries.PART_COUNT, assembly=row.assembly) or 0)
        return self.parts(tx, row.assembly or "", after, most), count

    def part_of(self, tx: Tx, row: ObjectRow, number: int) -> PartOf:
        """Where a part is in its object. Raises BadInput (InvalidPart) when there is none."""
        if row.kind != "parts":
            if number != 1:
                raise _no_part()
            return PartOf(0, row.size, 0, dict(row.extra.get("checksums", {})))
        part = tx.get(PartRow, row.assembly or "", number)
        if part is None:
            raise _no_part()
        ((_, start),) = tx.tuples(queries.PART_BEFORE, assembly=row.assembly, number=number)
        count = int(tx.value(queries.PART_COUNT, assembly=row.assembly) or 0)
        return PartOf(int(start), int(start) + part.size, count, part.checksums)

    def part_or_none(self, tx: Tx, row: ObjectRow, number: int) -> PartOf:
        """The same for Swift, which tells how many there are in any case: `start` is -1."""
        try:
            return self.part_of(tx, row, number)
        except BadInput:
            count = int(tx.value(queries.PART_COUNT, assembly=row.assembly) or 0)
            return PartOf(-1, -1, count, {})

    def uploads(
        self, tx: Tx, container: ContainerRow, prefix: str, marker: tuple[str, str], most: int
    ) -> list[UploadRow]:
        """In the order of names, then of ids; after `marker`."""
        low = prefix.encode()
        name, id = marker[0].encode(), marker[1]
        if low > name:
            name, id = low, ""
        return tx.all(
            queries.UPLOADS,
            container=container.id,
            name=name,
            id=id,
            high=behind(low) if low else END,
            most=most,
        )

    def complete(
        self,
        tx: Tx,
        access: Access,
        bucket: str,
        name: str,
        upload: str,
        wanted: Sequence[Wanted],
        conditions: Mapping[str, str],
        said: Said,
    ) -> ObjectRow:
        """The object that the parts become. Asked again, it is the same. Raises BadInput where it
        is not what the client says of it."""
        try:
            container, row = self.find(tx, access, bucket, name, upload)
        except NoSuchUpload:
            done = self._done(tx, access, bucket, name, upload)
            if done is None:
                raise
            return done
        parts = self._chosen(tx, row, wanted)
        chosen = {part.number for part in parts}
        there = tx.all(queries.PARTS, assembly=upload, after=-1, most=limits.S3_PARTS)
        # From here on the object counts.
        self._containers.count(tx, container, objects=0, bytes=-sum(part.size for part in there))
        for part in there:
            if part.number not in chosen:
                tx.delete(part)
                if part.blob is not None:
                    self._removals.blob(tx, part.blob)
        new = NewObject(
            size=sum(part.size for part in parts),
            etag=etag_of(parts),
            content_type=row.content_type,
            headers=row.headers,
            kind="parts",
            assembly=upload,
            extra=_extra(row, parts),
        )
        said.check(new)
        made = self._objects.commit(tx, container, name, new, conditions, s3=True)
        tx.delete(row)
        return made

    def _done(
        self, tx: Tx, access: Access, bucket: str, name: str, upload: str
    ) -> ObjectRow | None:
        container = self._objects.container(tx, access, bucket, "write", name)
        found = self._objects.current(tx, container, name)
        return found if found is not None and found.assembly == upload else None

    def _chosen(self, tx: Tx, row: UploadRow, wanted: Sequence[Wanted]) -> list[PartRow]:
        numbers = [each.number for each in wanted]
        if numbers != sorted(set(numbers)):
            raise BadInput(
                "The list of parts was not in ascending order. Parts must be ordered by part "
                "number.",
                kind="InvalidPartOrder",
            )
        there = tx.all(queries.PARTS, assembly=row.id, after=-1, most=limits.S3_PARTS)
        known = {part.number: part for part in there}
        chosen = []
        for each in wanted:
            part = known.get(each.number)
            sums = () if part is None else part.checksums.values()
            if (
                part is None
                or each.etag != part.etag
                or (each.checksum is not None and each.checksum not in sums)
            ):
                raise BadInput(
                    "One or more of the specified parts could not be found. The part may not have "
                    "been uploaded, or the specified entity tag may not match the part's entity "
                    "tag.",
                    kind="InvalidPart",
                )
            chosen.append(part)
        if any(part.size < limits.S3_MIN_PART for part in chosen[:-1]):
            raise BadInput(
                "Your proposed upload is smaller than the minimum allowed object size.",
                kind="EntityTooSmall",
            )
        return chosen

    def abort(self, tx: Tx, access: Access, bucket: str, name: str, upload: str) -> None:
        container, row = self.find(tx, access, bucket, name, upload)
        self._containers.drop_upload(tx, container, row)


def slo_part(segments: Sequence[Segment], number: int) -> PartOf:
    """A segment of a static large object, counted from 1; `start` is -1 when there is none."""
    if number > len(segments):
        return PartOf(-1, -1, len(segments), {})
    start = sum(each.length for each in segments[: number - 1])
    return PartOf(start, start + segments[number - 1].length, len(segments), {})


def _no_part() -> BadInput:
    return BadInput("The requested partnumber is not satisfiable", kind="InvalidPart")


def etag_of(parts: Sequence[PartRow]) -> str:
    total = hashlib.md5(usedforsecurity=False)
    for part in parts:
        total.update(bytes.fromhex(part.etag))
    return f"{total.hexdigest()}-{len(parts)}"


def _extra(row: UploadRow, parts: Sequence[PartRow]) -> dict[str, Any]:
    """Tags stay; the checksum is of the whole, or of the parts' checksums."""
    found = {
        n: v for n, v in row.extra.items() if n in ("tags", "sse", OBJECT_ACL, lock.LOCK, lock.HOLD)
    }
    algorithm = row.extra.get("checksum")
    if algorithm is None or any(algorithm not in part.checksums for part in parts):
        return found
    values = [part.checksums[algorithm] for part in parts]
    if row.extra.get("checksum_type") == "FULL_OBJECT":
        value = checksums.combined(algorithm, values, [part.size for part in parts])
    else:
        value = checksums.composite(algorithm, values)
    found["checksums"] = {algorithm: value}
    found["checksum_type"] = row.extra.get("checksum_type", "COMPOSITE")
    return found
