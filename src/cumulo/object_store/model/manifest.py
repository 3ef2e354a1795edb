"""Manifests of static large objects (SLO): what a client may write, and what is kept of it.

A client sends a JSON list of segments, `{"path": "/container/object", "etag": …, "size_bytes": …,
"range": "0-9"}` or `{"data": base64}`; kept is a list of `Segment`, checked against what is there.
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from cumulo.object_store.model import limits, ranges
from cumulo.object_store.model.faults import BadInput, TooLarge

WISH_KEYS = frozenset({"path", "etag", "size_bytes", "range", "data"})


class Wish(msgspec.Struct):
    """A segment as a client asks for it, checked for its form."""

    container: str = ""
    name: str = ""
    etag: str | None = None
    size: int | None = None
    range: str | None = None
    data: bytes | None = None

    @property
    def path(self) -> str:
        return f"/{self.container}/{self.name}"


class Segment(msgspec.Struct, omit_defaults=True):
    """A segment as it is kept: all of `size` bytes, from `start` to `end` of them."""

    size: int
    etag: str
    end: int
    start: int = 0
    container: str = ""
    name: str = ""
    range: str = ""
    content_type: str = "application/octet-stream"
    modified: str = ""
    nested: bool = False
    data: bytes | None = None

    @property
    def length(self) -> int:
        return self.end - self.start


def read(raw: bytes) -> list[Wish]:
    """Raises BadInput with one line for each thing that is wrong, TooLarge for too many."""
    try:
        found = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BadInput("Manifest must be valid JSON.\n") from None
    if not isinstance(found, list):
        raise BadInput("Manifest must be a list.\n")
    if len(found) > limits.MAX_SEGMENTS:
        raise TooLarge(f"Number of object-backed segments must be <= {limits.MAX_SEGMENTS}")
    errors: list[str] = []
    wishes = []
    for index, each in enumerate(found):
        try:
            wishes.append(_wish(each))
        except ValueError as error:
            errors.append(f"Index {index}: {error}")
    if wishes and not errors and all(each.data is not None for each in wishes):
        errors.append("Inline data segments require at least one object-backed segment.")
    if errors:
        raise BadInput("".join(f"{line}\n" for line in errors[:100]))
    return wishes


def _wish(found: Any) -> Wish:
    if not isinstance(found, dict):
        raise ValueError("not a JSON object")
    unknown = sorted(set(found) - WISH_KEYS)
    if unknown:
        raise ValueError(f"extraneous keys {', '.join(repr(key)[:60] for key in unknown[:5])}")
    if "data" in found:
        return _inline(found)
    path, etag, size, wanted = (found.get(k) for k in ("path", "etag", "size_bytes", "range"))
    if not isinstance(path, str):
        raise ValueError("path must be a string" if "path" in found else "missing key 'path'")
    container, _, name = path.lstrip("/").partition("/")
    if not container or not name or "\0" in path:
        raise ValueError("path does not refer to an object: it must be /container/object.")
    if etag is not None and not isinstance(etag, str):
        raise ValueError("etag must be a string or null")
    if isinstance(size, str) and size.isdecimal() and len(size) < 19:
        size = int(size)
    if size is not None and (isinstance(size, bool) or not isinstance(size, int)):
        raise ValueError("invalid size_bytes")
    if size is not None and size < 1:
        raise ValueError("too small; each segment must be at least 1 byte.")
    if wanted is not None:
        parsed = ranges.parse(f"bytes={wanted}") if isinstance(wanted, str) else None
        if parsed is None:
            raise ValueError("invalid range")
        if len(parsed) > 1:
            raise ValueError("multiple ranges (only one allowed)")
    return Wish(container, name, etag or None, size, wanted or None)


def _inline(found: dict[str, Any]) -> Wish:
    if len(found) > 1:
        raise ValueError("data segments take no other keys")
    try:
        data = base64.b64decode(found["data"], validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise ValueError("data must be valid base64") from None
    if not data:
        raise ValueError("too small; each segment must be at least 1 byte.")
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    return Wish(data=data, size=len(data), etag=md5)


def etag_of(segments: Sequence[Segment]) -> str:
    """Of the large object: the hash of its segments' ETags, ranges included."""
    total = hashlib.md5(usedforsecurity=False)
    for each in segments:
        total.update(each.etag.encode())
        if each.range:
            total.update(f":{each.range};".encode())
    return total.hexdigest()


def size_of(segments: Sequence[Segment]) -> int:
    return sum(each.length for each in segments)


def shown(segments: Sequence[Segment]) -> list[dict[str, Any]]:
    """For `?multipart-manifest=get`."""
    found: list[dict[str, Any]] = []
    for each in segments:
        if each.data is not None:
            found.append({"data": base64.b64encode(each.data).decode()})
            continue
        entry: dict[str, Any] = {
            "name": f"/{each.container}/{each.name}",
            "bytes": each.size,
            "hash": each.etag,
            "content_type": each.content_type,
            "last_modified": each.modified,
        }
        if each.range:
            entry["range"] = each.range
        if each.nested:
            entry["sub_slo"] = True
        found.append(entry)
    return found


def raw(segments: Sequence[Segment]) -> list[dict[str, Any]]:
    """For `?multipart-manifest=get&format=raw`: what can be PUT again."""
    found: list[dict[str, Any]] = []
    for each in segments:
        if each.data is not None:
            found.append({"data": base64.b64encode(each.data).decode()})
            continue
        entry: dict[str, Any] = {"etag": each.etag, "path": f"/{each.container}/{each.name}"}
        if each.range:
            entry["range"] = each.range
        found.append({**entry, "size_bytes": each.size})
    return found


def dump(segments: Sequence[Segment]) -> bytes:
    return msgspec.json.encode(list(segments))


def load(stored: bytes) -> list[Segment]:
    return msgspec.json.decode(stored, type=list[Segment])


def quoted(segment: Wish | Segment) -> str:
    """A segment's path as the answers about it write it."""
    return quote(f"/{segment.container}/{segment.name}")
