"""Conditional requests (RFC 9110, section 13): the headers against what is there."""

import math
from collections.abc import Mapping

from cumulo.object_store.model.timestamps import parse_date


def unquoted(etag: str) -> str:
    etag = etag.strip().removeprefix("W/")
    return etag[1:-1] if len(etag) > 1 and etag[0] == etag[-1] == '"' else etag


def tags(header: str) -> set[str]:
    """The entity tags of a list; Swift's clients often leave the quotes out."""
    return {unquoted(part) for part in header.split(",") if part.strip()}


def outcome(
    headers: Mapping[str, str], etag: str | None, timestamp: str | None, *, both: bool = False
) -> int:
    """200, 304 or 412 for a GET or HEAD of what has this ETag and time; None: not there.
    `both`: the time counts beside the ETag (Swift), which it does not elsewhere."""
    match = headers.get("if-match")
    if match is not None and not _matches(match, etag):
        return 412
    seconds = None if timestamp is None else math.ceil(float(timestamp))
    since = parse_date(headers.get("if-unmodified-since", ""))
    if (both or match is None) and since is not None and seconds is not None and seconds > since:
        return 412
    none = headers.get("if-none-match")
    if none is not None:
        return 304 if _matches(none, etag) else 200
    since = parse_date(headers.get("if-modified-since", ""))
    if since is not None and seconds is not None and seconds <= since:
        return 304
    return 200


def _matches(header: str, etag: str | None) -> bool:
    found = tags(header)
    return etag is not None and ("*" in found or unquoted(etag) in found)


def range_holds(headers: Mapping[str, str], etag: str, timestamp: str) -> bool:
    """`If-Range`: the range is meant only for what the client has the rest of."""
    given = headers.get("if-range")
    if given is None:
        return True
    date = parse_date(given)
    if date is not None:
        return math.ceil(float(timestamp)) <= date
    return unquoted(given) == unquoted(etag)
