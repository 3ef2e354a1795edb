"""Forms: fields of a POST, files of any size, and the proof that the page was ours."""

import re
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from cumulo.core.faults import BadRequest, Forbidden, TooLarge
from cumulo.core.http.operations import Call
from cumulo.dashboard.api.html import same_text

MOST_BYTES = 256 * 1024
MOST_FIELDS = 1200
HEAD_BYTES = 8 * 1024
_NAME = re.compile(r'(?:^|;)\s*(name|filename)="((?:[^"\\\r\n]|\\.)*)"')


@dataclass
class Filled:
    """A form as it was sent. Of fields that are there several times all values, one a line."""

    fields: dict[str, str] = field(default_factory=dict)
    file: AsyncIterator[bytes] | None = None
    file_name: str = ""


async def form_of(call: Call) -> dict[str, str]:
    """The fields of a form without a file. Raises BadRequest, TooLarge."""
    return (await filled(call)).fields


async def filled(call: Call) -> Filled:
    """A form; its file, the last of its parts, is still to be read. Raises BadRequest, TooLarge."""
    assert call.stream is not None
    kind = call.header("Content-Type") or ""
    if kind.lower().startswith("multipart/form-data"):
        _, _, boundary = kind.partition("boundary=")
        boundary = boundary.partition(";")[0].strip().strip('"')
        if not 1 <= len(boundary) <= 70:
            raise BadRequest("The form cannot be read.")
        return await _Multipart(call.stream, boundary.encode("latin-1", "replace")).read()
    raw = await call.whole_body(MOST_BYTES, TooLarge("The form is too large."))
    try:
        pairs = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise BadRequest("The form cannot be read.") from None
    form = Filled()
    for name, value in pairs:
        _add(form, name, value)
    return form


def _add(form: Filled, name: str, value: str) -> None:
    # Browsers end the lines of a text with both; a script that is run with both is not found.
    value = value.replace("\r\n", "\n")
    known = form.fields.get(name)
    form.fields[name] = value if not known else f"{known}\n{value}"


class _Multipart:
    """Reads fields into memory, and stops at the first file."""

    def __init__(self, stream: AsyncIterator[bytes], boundary: bytes) -> None:
        self._stream = stream
        self._mark = b"\r\n--" + boundary
        self._kept = bytearray(b"\r\n")
        self._over = False

    async def _more(self) -> None:
        """Raises BadRequest at the stream's end."""
        async for piece in self._stream:
            self._kept += piece
            return
        raise BadRequest("The form ended early.")

    async def _until(self, mark: bytes, most: int) -> bytes:
        while (found := self._kept.find(mark)) < 0:
            if len(self._kept) > most:
                raise TooLarge("The form is too large.")
            await self._more()
        before = bytes(self._kept[:found])
        del self._kept[: found + len(mark)]
        return before

    async def read(self) -> Filled:
        form, total = Filled(), 0
        await self._until(self._mark, HEAD_BYTES)
        for _ in range(MOST_FIELDS):
            while len(self._kept) < 2:
                await self._more()
            if self._kept.startswith(b"--"):
                return form
            head = await self._until(b"\r\n\r\n", HEAD_BYTES)
            names = dict(_NAME.findall(_disposition(head)))
            if "filename" in names:
                form.file_name = names["filename"].replace("\\", "/").rpartition("/")[2]
                form.file = self._pieces() if form.file_name else None
                return form
            value = await self._until(self._mark, MOST_BYTES)
            total += len(value)
            if total > MOST_BYTES:
                raise TooLarge("The form is too large.")
            _add(form, names.get("name", ""), value.decode("utf-8", "replace"))
        raise BadRequest("The form has too many fields.")

    async def _pieces(self) -> AsyncIterator[bytes]:
        """The file, up to its boundary."""
        keep = len(self._mark)
        while (found := self._kept.find(self._mark)) < 0:
            if len(self._kept) > keep:
                piece = bytes(self._kept[:-keep])
                del self._kept[:-keep]
                yield piece
            await self._more()
        if found:
            yield bytes(self._kept[:found])
        async for _ in self._stream:
            pass


def _disposition(head: bytes) -> str:
    for line in head.decode("utf-8", "replace").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-disposition":
            return value
    return ""


def hosts_of(call: Call, base_url: str) -> set[str]:
    """What this dashboard is called: by the request, by a trusted front, by the settings."""
    found = (call.header("Host"), urlsplit(call.base_url).netloc, urlsplit(base_url).netloc)
    return {each for each in found if each}


def origin_of(call: Call) -> str | None:
    """The host of the page that sent a form; empty for one that hides it (`null`: a sandbox, or
    a page without a referrer); None where the browser says nothing."""
    origin = call.header("Origin") or call.header("Referer")
    return None if origin is None else urlsplit(origin).netloc


def check_csrf(form: Mapping[str, str], wanted: str, call: Call, own: Collection[str]) -> None:
    """`own`: `hosts_of`. Raises Forbidden for a form of another site."""
    given = form.get("csrf") or form.get("csrfmiddlewaretoken") or call.header("X-CSRFToken") or ""
    if not wanted or not same_text(given, wanted):
        raise Forbidden("This form is not from a page of this dashboard, or is too old.")
    # Browsers say where a form comes from; what says nothing has shown the token at least.
    if (origin_of(call) or next(iter(own))) not in own:
        raise Forbidden("This form is of another site.")


def cookies_of(call: Call) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in (call.header("Cookie") or "")[:8192].split(";"):
        name, equals, value = part.strip().partition("=")
        if equals and name not in found:
            found[name] = value
    return found


def cookie(
    name: str,
    value: str,
    path: str,
    *,
    secure: bool,
    seconds: int | None = None,
    script: bool = False,
) -> str:
    """`script`: the browser's scripts may read it."""
    made = f"{name}={value}; Path={path}; SameSite=Lax" + ("" if script else "; HttpOnly")
    if secure:
        made += "; Secure"
    return made if seconds is None else f"{made}; Max-Age={seconds}"
