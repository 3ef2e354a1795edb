"""Reading a request: its body, its token, the microversion that it asks for."""

import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl

from cumulo.core.faults import BadRequest, NotAcceptable, TooLarge, UnsupportedMediaType
from cumulo.core.http.connection import Connection
from cumulo.core.http.front import Front
from cumulo.core.http.load import Load
from cumulo.core.http.operations import Call, Face, Header, Interrupted, Query
from cumulo.core.wire.depth import MOST_DEPTH, too_deep
from cumulo.core.wire.shapes import Version

BODY_LIMIT = 1024 * 1024
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""A NUL as JSON writes it: its backslash is not itself escaped."""
MOST_FIELDS = 1000
"""Of a query string or a form."""


def fill(call: Call, req: Any, front: Front) -> None:
    """What a call says of its request, but for the path's fields, the body and who asks."""
    call.header = req.get_header
    call.headers = lambda: req.headers_lower
    call.token = _token(call.face, req.get_header)
    if req.query_string:
        call.query_string = req.query_string
        call.query = Query(query_pairs(req.query_string))
    call.raw_path = req.scope["raw_path"].decode("ascii", "replace")
    call.address, call.vouched = front.read(req.remote_addr, req.get_header)
    prefix = f"{req.scheme}://{req.netloc}"
    if front.trusts(req.remote_addr):
        prefix = f"{req.forwarded_scheme}://{req.forwarded_host}"
    call.base_url = prefix + call.face.mount
    call.url = prefix + (call.raw_path if call.operation.is_raw else req.path)


def query_pairs(text: str) -> list[tuple[str, str]]:
    """The names and values of a query or a form, in their order. Raises BadRequest."""
    try:
        return parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
    except ValueError:
        raise BadRequest(f"More than {MOST_FIELDS} fields.") from None


def _token(face: Face, header: Header) -> str | None:
    names = face.authentication.token_headers
    for name in names:
        found = header(name)
        if found is not None:
            return found
    if not names:
        return None
    # As clients of OAuth 2 send it.
    kind, _, token = (header("Authorization") or "").partition(" ")
    return token.strip() if kind.lower() == "bearer" and token else None


async def read_json(req: Any, limit: int, load: Load) -> bytes:
    """The body, refused by its length before it is read where the client names one."""
    limit = limit or BODY_LIMIT
    length = req.content_length
    if length is not None and length > limit:
        raise TooLarge("Request is too large.")
    with load.reading(limit if length is None else length):
        raw: bytes = await req.stream.read(limit + 1)
    if len(raw) > limit:
        raise TooLarge("Request is too large.")
    kind = (req.content_type or "application/json").partition(";")[0].strip().lower()
    if raw and not (kind.endswith(("json", "json-patch")) or kind in ("", "text/plain")):
        raise UnsupportedMediaType(f"Unsupported Content-Type: {kind:.80}")
    if too_deep(raw):
        raise BadRequest(f"Malformed request body: more than {MOST_DEPTH} levels deep, or not JSON")
    if b"\\u0000" in raw and _NUL.search(raw):
        # No text of PostgreSQL can hold it, and both engines refuse the same.
        raise BadRequest("A null character is no part of any value.", kind="HTTPBadRequest")
    return raw


def refuse_types(req: Any) -> None:
    """For a face whose clients speak JSON only. Raises UnsupportedMediaType, NotAcceptable."""
    kind = (req.content_type or "").partition(";")[0].strip().lower()
    if req.method in ("POST", "PUT", "PATCH") and kind and not kind.endswith("json"):
        raise UnsupportedMediaType(f"Unsupported Media Type: {kind:.80}")
    accepted = req.get_header("Accept")
    if accepted and not req.client_accepts("application/json"):
        raise NotAcceptable("406 Not Acceptable: the answer is application/json.")


async def pieces_of(req: Any, connection: Connection) -> AsyncIterator[bytes]:
    """The body in pieces. Falcon ends its stream alike for a whole body and for a client that
    went away, so the connection is asked."""
    got = 0
    async for piece in req.stream:
        got += len(piece)
        yield piece
    if connection.gone or got < (req.content_length or 0):
        raise Interrupted


def negotiate(face: Face, header: Header) -> Version | None:
    """The microversion that the request asks for; 400 for nonsense, 406 outside the range."""
    known = face.microversions
    if known is None:
        return None
    asked = _asked_version(header("OpenStack-API-Version"), known.service_type)
    if asked is None and known.legacy_header is not None:
        asked = header(known.legacy_header)
    if asked is None:
        return known.minimum
    asked = asked.strip()
    if asked == "latest":
        return known.maximum
    try:
        version = Version.parse(asked)
    except ValueError:
        raise BadRequest(
            f"API Version String '{asked}' is of invalid format. Must be of format "
            "MajorNum.MinorNum."
        ) from None
    if not known.minimum <= version <= known.maximum:
        raise NotAcceptable(
            f"Version {asked} is not supported by the API. Minimum is {known.minimum} and "
            f"maximum is {known.maximum}.",
            details={"max_version": str(known.maximum), "min_version": str(known.minimum)},
            headers=known.range_told,
        )
    return version


def _asked_version(header: str | None, service_type: str) -> str | None:
    """`OpenStack-API-Version: compute 2.79, volume 3.50` asks each service for its own."""
    if header is None:
        return None
    for part in header.split(","):
        name, _, version = part.strip().partition(" ")
        if name.lower() == service_type and version:
            return version
    return None
