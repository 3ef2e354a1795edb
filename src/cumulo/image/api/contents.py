"""Content for hosts on other machines: whoever has a ticket reads what it is for."""

from cumulo.core.blobs.content import Content, Missing
from cumulo.core.blobs.tickets import BadTicket
from cumulo.core.faults import Fault, NotFound, Unauthorized, Unavailable
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.image.api.files import content_of, wanted_of
from cumulo.image.service.image import ImageService


class ContentsApi:
    def __init__(self, images: ImageService) -> None:
        self._reading = images.reading
        self._tickets = images.tickets

    def operations(self) -> list[Operation]:
        if self._tickets is None:
            return []
        return [
            Operation(
                "GET", "/content/{ticket}", self.read, public=True, kind="stream", title="content"
            )
        ]

    async def read(self, call: Call) -> Reply:
        assert self._tickets is not None
        try:
            ticket = self._tickets.take(call.path["ticket"])
        except BadTicket:
            raise Unauthorized("This ticket is not good, or not any more.") from None
        try:
            reader = await self._reading.open(Content(ticket.content_id))
        except Missing as error:
            raise NotFound(f"Gone: {error}") from None
        except OSError as error:
            raise Unavailable(f"Not yet: {error}", headers={"Retry-After": "2"}) from None
        try:
            if reader.size is None:
                raise Unavailable("The size of the content is not known yet.")
            start, end, partial = wanted_of(call, reader.size)
        except Fault:
            await reader.close()
            raise
        headers = {"Content-Length": str(end - start), "Accept-Ranges": "bytes"}
        if partial:
            headers["Content-Range"] = f"bytes {start}-{end - 1}/{reader.size}"
        return Reply(
            206 if partial else 200,
            headers=headers,
            stream=content_of(call, reader, start, end),
            content_type="application/octet-stream",
        )
