"""The bytes of images on the wire: upload and download, streamed."""

import re
from collections.abc import AsyncIterator
from typing import Any

from cumulo.core.blobs import ranges
from cumulo.core.blobs.streams import Reader, blocks, exactly
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import (
    BadRequest,
    Fault,
    Forbidden,
    RangeNotSatisfiable,
    Unavailable,
    UnsupportedMediaType,
)
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.http.zero_copy import FileRange
from cumulo.core.wire.coercions import whole_or_none
from cumulo.image.api.envelope import allowed, target_of
from cumulo.image.model.image import ImageRow
from cumulo.image.service.image import ImageService

_CONTENT_RANGE = re.compile(r"bytes (\d{1,20}-)(\d{1,20}|\*)/(\d{1,20}|\*)")


class FilesApi:
    def __init__(self, images: ImageService, database: Database) -> None:
        self._service = images
        self._database = database

    def operations(self) -> list[Operation]:
        path = "/v2/images/{image_id}/file"
        late: dict[str, Any] = {"early": False, "kind": "stream"}
        return [
            Operation("PUT", path, self.upload, policy="upload_image", status=204, **late),
            Operation("GET", path, self.download, policy="download_image", **late),
            Operation(
                "PUT",
                "/v2/images/{image_id}/stage",
                self.stage,
                policy="upload_image",
                status=204,
                **late,
            ),
        ]

    async def upload(self, call: Call) -> None:
        stream, size, allow = self._incoming(call)
        store = call.header("X-Image-Meta-Store")
        await self._service.uploads.receive(
            call.path["image_id"], stream, call.principal, allow, store, size
        )

    async def stage(self, call: Call) -> None:
        stream, size, allow = self._incoming(call)
        await self._service.uploads.stage(
            call.path["image_id"], stream, call.principal, allow, size
        )

    def _incoming(self, call: Call) -> tuple[AsyncIterator[bytes], int | None, Any]:
        """(the body, the length that the client names, the policy check of the row)"""
        kind = (call.header("Content-Type") or "").partition(";")[0].strip().lower()
        if kind != "application/octet-stream":
            raise UnsupportedMediaType(f"Unsupported Content-Type: {kind or 'none'}")
        stream = call.stream
        assert stream is not None

        def allow(tx: Tx, row: ImageRow) -> None:
            call.allow(target_of(call, tx, self._service, row))

        length = call.header("Content-Length") or ""
        size = whole_or_none(length)
        promised = call.header("x-openstack-image-size")
        if promised is None:
            return stream, size, allow
        told = whole_or_none(promised)
        if told is None or told < 0 or (size is not None and size != told):
            raise BadRequest(f"x-openstack-image-size is not the size of the data: {promised:.40}")
        return _exactly(stream, told), told, allow

    async def download(self, call: Call) -> Reply:
        row = await self._database.read(lambda tx: allowed(call, tx, self._service))
        if row.deactivated and not call.principal.is_admin:
            raise Forbidden(
                "The requested image has been deactivated. Image data download is forbidden."
            )
        if row.content != "present":
            return Reply(204)
        try:
            reader = await self._service.reading.reader(row)
        except OSError as error:
            raise Unavailable(f"The image's store does not answer: {error}") from None
        size = row.size if row.size is not None else reader.size
        try:
            if size is None:
                raise Unavailable("The size of the image is not known yet.")
            start, end, partial = wanted_of(call, size)
        except Fault:
            await reader.close()
            raise
        headers = {"Content-Length": str(end - start), "Accept-Ranges": "bytes"}
        if partial:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
        elif row.checksum is not None:
            headers["Content-MD5"] = row.checksum
        return Reply(
            206 if partial else 200,
            headers=headers,
            stream=content_of(call, reader, start, end),
            content_type="application/octet-stream",
        )


async def _exactly(stream: AsyncIterator[bytes], size: int) -> AsyncIterator[bytes]:
    """The stream, as long as its sender has said."""
    try:
        async for piece in exactly(stream, size):
            yield piece
    except EOFError as error:
        expected, received = error.args
        raise BadRequest(
            f"Size mismatch: expected {expected} bytes, received {received} bytes"
        ) from None


def content_of(call: Call, reader: Reader, start: int, end: int) -> AsyncIterator[bytes]:
    """The bytes, or the file itself where the server sends it."""
    descriptor = reader.descriptor()
    if descriptor is None or not call.sends_files:
        return blocks(reader, start, end)

    async def whole(file: int) -> AsyncIterator[bytes]:
        try:
            yield FileRange.of(file, start, end - start)
        finally:
            await reader.close()

    return whole(descriptor)


def wanted_of(call: Call, size: int) -> tuple[int, int, bool]:
    """(start, end, partial) of the bytes that `Range` or Glance's older `Content-Range` asks."""
    asked = call.header("Range")
    older = call.header("Content-Range")
    if asked is None and older is None:
        return 0, size, False
    found: list[ranges.Range] | None = None
    if asked is not None:
        found = ranges.parse(asked, size)
    elif match := _CONTENT_RANGE.fullmatch(older or ""):
        found = ranges.parse(f"bytes={match[1]}{match[2].removesuffix('*')}", size)
    if found is not None and len(found) > 1:
        raise BadRequest("Only one range of bytes can be asked for at once.")
    if not found:
        raise RangeNotSatisfiable(
            f"The byte range is not valid for an image of {size} bytes.",
            headers={"Content-Range": f"bytes */{size}"},
        )
    return *found[0], True
