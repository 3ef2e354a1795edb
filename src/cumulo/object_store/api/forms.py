"""Uploads from a browser's form (FormPost): the form is signed with a key of the account.

`multipart/form-data`, read as it comes: fields first, then files, each of which becomes an object
whose name is the form's path and the file's name.
"""

import hmac
import re
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from html import escape
from typing import NamedTuple
from urllib.parse import quote

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Reply
from cumulo.core.wire.coercions import whole_or_none
from cumulo.object_store.api import texts
from cumulo.object_store.api.asked import VERSION, Asked
from cumulo.object_store.api.object_writes import FORM, body_of, delete_at
from cumulo.object_store.api.objects import content_type_of
from cumulo.object_store.model import limits, names
from cumulo.object_store.model.container import ContainerRow
from cumulo.object_store.model.faults import (
    BadInput,
    NeedsLogin,
    NoSuchContainer,
    TooLarge,
)
from cumulo.object_store.model.tempurl import digest_of
from cumulo.object_store.service.access import Signed
from cumulo.object_store.service.accounts import url_keys
from cumulo.object_store.service.object_store import ObjectStoreService
from cumulo.object_store.service.objects import NewObject

MAX_FIELD = 64 * 1024
MAX_HEAD = 8 * 1024
MAX_FIELDS = 100
_QUOTED = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_BOUNDARY = re.compile(r'boundary="?([^";,\s]{1,200})"?')


class Part(NamedTuple):
    headers: Mapping[str, str]
    name: str
    filename: str | None
    body: AsyncIterator[bytes]


class Form:
    """The parts of a form, one after the other: read each before the next one."""

    def __init__(self, stream: AsyncIterator[bytes], boundary: str) -> None:
        self._stream = stream
        self._mark = b"\r\n--" + boundary.encode("latin-1")
        # As if a line had ended before the first mark.
        self._buffer = bytearray(b"\r\n")
        self._ended = False

    async def parts(self) -> AsyncIterator[Part]:
        async for _ in self._until_mark():
            """What stands before the first mark is nobody's."""
        while not await self._last():
            headers = await self._head()
            said = dict(_QUOTED.findall(headers.get("content-disposition", "")))
            filename = said.get("filename")
            body = self._until_mark()
            yield Part(headers, said.get("name", ""), filename, body)
            async for _ in body:
                """What its reader left of it."""

    async def _more(self) -> None:
        piece = await anext(self._stream, None)
        if piece is None:
            raise BadInput("FormPost: the form ends early")
        self._buffer += piece

    async def _until_mark(self) -> AsyncIterator[bytes]:
        while True:
            at = self._buffer.find(self._mark)
            if at >= 0:
                block = bytes(self._buffer[:at])
                del self._buffer[: at + len(self._mark)]
                if block:
                    yield block
                return
            # The end may be the beginning of a mark.
            size = len(self._buffer) - len(self._mark)
            if size > 0:
                block = bytes(self._buffer[:size])
                del self._buffer[:size]
                yield block
            await self._more()

    async def _last(self) -> bool:
        while len(self._buffer) < 2:
            await self._more()
        end = bytes(self._buffer[:2])
        del self._buffer[:2]
        return end == b"--"

    async def _head(self) -> Mapping[str, str]:
        while (at := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > MAX_HEAD:
                raise BadInput("FormPost: a part's headers are too long")
            await self._more()
        lines = bytes(self._buffer[:at]).decode("utf-8", "replace").split("\r\n")
        del self._buffer[: at + 4]
        pairs = (line.partition(":") for line in lines)
        return {name.strip().lower(): value.strip() for name, mark, value in pairs if mark}


class FormsApi:
    def __init__(self, store: ObjectStoreService) -> None:
        self._store = store

    def is_form(self, call: Call) -> bool:
        return (call.header("Content-Type") or "").lower().startswith(FORM)

    async def post(self, call: Call) -> Reply:
        asked = Asked(call)
        boundary = _BOUNDARY.search(call.header("Content-Type") or "")
        if boundary is None or not asked.place.container:
            raise BadInput("FormPost: invalid starting boundary")
        fields: dict[str, str] = {}
        files = 0
        container: ContainerRow | None = None
        async for part in Form(body_of(call), boundary[1]).parts():
            if part.filename is None:
                # What the signature was looked at with counts; later words change nothing.
                if container is None:
                    if len(fields) >= MAX_FIELDS:
                        raise BadInput("FormPost: too many fields")
                    fields[part.name.lower()] = await _text(part.body)
                continue
            if not part.filename:
                continue
            if container is None:
                container = await self._store.database.read(
                    lambda tx: self._container(tx, asked, fields)
                )
            files += 1
            if files > (whole_or_none(fields.get("max_file_count", "")) or 0):
                return _reply(fields, 400, "max file count exceeded")
            try:
                await self._keep(asked, container, fields, part)
            except TooLarge:
                return _reply(fields, 413, "max_file_size exceeded")
        if container is None:
            return _reply(fields, 400, "no files to process")
        return _reply(fields, 201, "")

    def _container(self, tx: Tx, asked: Asked, fields: Mapping[str, str]) -> ContainerRow:
        """Raises NeedsLogin for a form that is not signed as it stands."""
        place = asked.place
        expires = whole_or_none(fields.get("expires", ""))
        if expires is None or expires < time.time():
            raise NeedsLogin("FormPost: Form Expired")
        row = self._store.containers.find(tx, place.account, place.container)
        keys = self._store.accounts.keys(tx, place.account)
        keys += [] if row is None else url_keys(row.metadata)
        if not _is_signed(asked, fields, keys):
            raise NeedsLogin("FormPost: Invalid Signature")
        if row is None:
            raise NoSuchContainer()
        return row

    async def _keep(
        self, asked: Asked, row: ContainerRow, fields: Mapping[str, str], part: Part
    ) -> None:
        name = asked.place.object + (part.filename or "")
        names.check_object(name)
        most = whole_or_none(fields.get("max_file_size", "")) or 0
        # What a policy denies, it denies to whoever has a signature, too.
        signed = Signed(asked.place.account, asked.place.container)
        access = replace(asked.access, who=None, signed=signed, action="s3:PutObject")
        access.check("write", row, row.text, name)
        await self._store.database.read(
            lambda tx: self._store.containers.check_room(tx, row, objects=0, bytes=0)
        )
        received = await self._store.bytes.receive(part.body, min(most, limits.MAX_FILE_SIZE))
        times = {"x-delete-at": "x_delete_at", "x-delete-after": "x_delete_after"}
        given = {header: fields[field] for header, field in times.items() if field in fields}
        new = NewObject(
            received.size,
            received.md5,
            content_type_of(part.headers, name, guess=False),
            blob=received.blob,
            delete_at=delete_at(given),
        )
        await self._store.keep(
            new.blob,
            lambda tx: self._store.objects.commit(tx, row, name, new, {}),
            name="object put",
        )


def _is_signed(asked: Asked, fields: Mapping[str, str], keys: list[str]) -> bool:
    found = digest_of(fields.get("signature", ""))
    if found is None:
        return False
    digest, signature = found
    wanted = ("redirect", "max_file_size", "max_file_count", "expires")
    rest = "\n".join(fields.get(name, "") for name in wanted)
    below = f"{VERSION}{asked.place.path.removeprefix('/')}"
    if asked.place.container and not asked.place.object and asked.call.raw_path.endswith("/"):
        below += "/"
    paths = (below, asked.call.face.mount + below)
    return any(
        hmac.compare_digest(
            hmac.digest(key.encode("latin-1"), f"{path}\n{rest}".encode(), digest).hex(), signature
        )
        for key in keys
        for path in paths
    )


async def _text(body: AsyncIterator[bytes]) -> str:
    found = bytearray()
    async for block in body:
        found += block
        if len(found) > MAX_FIELD:
            raise BadInput("FormPost: a field is too long")
    return found.decode("utf-8", "replace")


def _reply(fields: Mapping[str, str], status: int, message: str) -> Reply:
    redirect = fields.get("redirect")
    title = {201: "Created", 400: "Bad Request", 413: "Request Entity Too Large"}[status]
    if redirect and not any(c < " " for c in redirect):
        mark = "&" if "?" in redirect else "?"
        place = f"{redirect}{mark}status={status}&message={quote(message)}"
        safe = quote(place, safe="/:?&=%#+,;@!$'()*[]~")
        page = f'<html><body><p><a href="{escape(safe)}">Click to continue...</a></p></body></html>'
        return Reply(303, headers={"Location": safe}, raw=page.encode(), content_type=texts.HTML)
    body = f"{status} {title}\n{message}".rstrip().encode()
    return Reply(status, raw=body, content_type=texts.PLAIN)
