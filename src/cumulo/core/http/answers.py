"""From what a handler returns or raises to an answer: status, headers, bytes."""

import logging
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import msgspec

from cumulo.core.faults import Fault, QuotaExceeded
from cumulo.core.http import faults as envelopes
from cumulo.core.http.operations import TOKENS, Call, Face, Reply
from cumulo.core.wire.shapes import Version, trim

log = logging.getLogger("cumulo.http")

_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")
_KEPT = "".join(chr(code) for code in range(32, 127))


@dataclass(slots=True)
class Answer:
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str | None = envelopes.JSON
    """None: there is no body, and nothing is said of its type (clients would try to read it)."""
    data: bytes | None = None
    stream: AsyncIterator[bytes] | None = None


def answer_of(call: Call, returned: Any) -> Answer:
    """What a handler returned, in the call's version."""
    made = Answer(call.operation.status)
    if isinstance(returned, Reply):
        if returned.status is not None:
            made.status = returned.status
        made.headers = dict(returned.headers)
        if returned.stream is not None or returned.raw is not None:
            there = returned.stream is not None or returned.raw
            made.content_type = returned.content_type or (envelopes.JSON if there else None)
            made.data, made.stream = returned.raw, returned.stream
            return made
        returned = returned.body
    if returned is not None:
        if call.version is not None:
            trim(returned, call.version)
        made.data = msgspec.json.encode(returned)
    else:
        made.content_type = None
    return made


def refusal_of(face: Face, fault: Fault, request_id: str, accept: str = "") -> Answer:
    """A fault in the words of the service. `accept`: the header of the request."""
    status = face.quota_status if isinstance(fault, QuotaExceeded) else fault.status
    # The token check stands in front of the services and words its refusal alike for all.
    tokens = status == 401 and face.authentication is TOKENS
    word = envelopes.identity if tokens else face.faults
    if not tokens and face.json_faults is not None and envelopes.prefers_json(accept):
        word = face.json_faults
    content_type, body = word(fault, status, request_id)
    headers = dict(fault.headers)
    if status == 401 and face.challenge:
        headers.setdefault("WWW-Authenticate", face.challenge)
    return Answer(status, headers, content_type, body)


class CutOff(Exception):
    """An answer that has begun cannot be ended: what it was made of has gone. It has been logged,
    and the server closes the connection, so that the client sees that something is missing."""


async def ending(stream: AsyncIterator[bytes], what: str) -> AsyncIterator[bytes]:
    """The stream of an answer; what goes wrong in the middle of it is one line of the log."""
    try:
        async for piece in stream:
            yield piece
    except (Fault, OSError, EOFError) as error:
        log.warning("%s: the answer was cut off: %s", what, error)
        raise CutOff(what) from None
    finally:
        close = getattr(stream, "aclose", None)
        if close is not None:
            await close()


def header_value(name: str, text: str) -> str:
    """As it may stand in a header: names of things end up there, and nothing of them may end the
    line, or be what no header can hold. Addresses are ASCII; others may have bytes of their own,
    as Latin-1."""
    if text.isascii() and text.isprintable():
        return text
    if name != "Location" and not _CONTROL.search(text):
        try:
            text.encode("latin-1")
            return text
        except UnicodeEncodeError:
            pass
    return quote(text.encode("utf-8", "surrogatepass"), safe=_KEPT)


def announce(face: Face, headers: dict[str, str], version: Version) -> None:
    """The microversion that was used."""
    known = face.microversions
    assert known is not None
    headers["OpenStack-API-Version"] = f"{known.service_type} {version}"
    names = ["OpenStack-API-Version"]
    if known.legacy_header is not None:
        headers[known.legacy_header] = str(version)
        names.insert(0 if known.legacy_first else 1, known.legacy_header)
    headers.update(known.range_told)
    headers["Vary"] = ", ".join(names)
