"""A request to Swift, read: its place, its headers, who makes it, the format of its answer."""

import functools
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cumulo.core.faults import NotAcceptable
from cumulo.core.http.operations import Call, Reply
from cumulo.object_store.api import texts
from cumulo.object_store.model import limits, names
from cumulo.object_store.model.account import project_of
from cumulo.object_store.model.faults import PreconditionFailed
from cumulo.object_store.model.headers import header_name
from cumulo.object_store.model.listing import Wish
from cumulo.object_store.service.access import NAMES_IN, Access, Signed

VERSION = "/v1/"
FORMATS = {
    "plain": "text/plain; charset=utf-8",
    "json": "application/json; charset=utf-8",
    "xml": "application/xml; charset=utf-8",
}
_ACCEPTED = {
    "text/plain": "plain",
    "application/json": "json",
    "application/xml": "xml",
    "text/xml": "xml",
    "text/*": "plain",
    "application/*": "json",
    "*/*": "plain",
}
OWNERS_ONLY = ("temp-url-key", "temp-url-key-2")


class Asked:
    __slots__ = ("access", "call", "headers", "place")

    def __init__(self, call: Call) -> None:
        self.call = call
        self.headers: Mapping[str, str] = call.headers()
        tail = call.raw_path.removeprefix(call.face.mount).removeprefix(VERSION)
        self.place = names.split(tail)
        self.access = access_of(call, self.place.account, _action(call, self.place))

    @property
    def query(self) -> Any:
        return self.call.query

    def flag(self, name: str) -> bool:
        return (self.headers.get(name) or "").lower() in ("true", "1", "yes", "on", "t", "y")

    def fresh(self, account: str) -> Access:
        """The same caller at another account."""
        return access_of(self.call, account, self.access.action)


def _action(call: Call, place: names.Place) -> str:
    """What it is in the words of buckets' policies."""
    method = call.operation.method
    if place.object:
        read = "s3:GetObject"
        return {"GET": read, "HEAD": read, "DELETE": "s3:DeleteObject"}.get(method, "s3:PutObject")
    listing = "s3:ListBucket"
    return {"GET": listing, "HEAD": listing, "DELETE": "s3:DeleteBucket"}.get(method, "")


_QUERY = ("prefix", "delimiter", "max-keys")
_HEADERS = (
    *("x-amz-acl", "x-amz-copy-source", "x-amz-metadata-directive", "x-amz-content-sha256"),
)


def said_of(call: Call) -> dict[str, str]:
    """What a request says that policies of buckets may ask for (model.bucket_policy.KEYS)."""
    headers, now = call.headers(), datetime.now(UTC)
    who = call.maybe_principal
    found: dict[str, str | None] = {
        "aws:sourceip": call.address or None,
        "aws:securetransport": "true" if call.base_url.startswith("https:") else "false",
        "aws:useragent": headers.get("user-agent"),
        "aws:referer": headers.get("referer"),
        "aws:currenttime": now.isoformat(timespec="seconds"),
        "aws:epochtime": str(int(now.timestamp())),
        # Of other domains somebody may have made one of the same name.
        "aws:username": None if who is None or who.user_domain_id != NAMES_IN else who.user_name,
        "aws:userid": None if who is None else who.user_id,
        "aws:principalaccount": None if who is None else who.project_id,
        "s3:versionid": call.query.get("versionId") or call.query.get("version-id"),
        **{f"s3:{name}": call.query.get(name) for name in _QUERY},
        **{f"s3:{name}": headers.get(name) for name in _HEADERS},
    }
    return {name: value for name, value in found.items() if value is not None}


def _said_to_swift(call: Call) -> dict[str, str]:
    """With the prefix that the list has: `path` comes before `prefix`."""
    found = said_of(call)
    path = call.query.get("path")
    if path is not None:
        found["s3:prefix"], found["s3:delimiter"] = _prefix_of(path), "/"
    return found


def _prefix_of(path: str) -> str:
    return f"{path.rstrip('/')}/" if path else ""


def access_of(call: Call, account: str, action: str = "") -> Access:
    project = project_of(account)

    def rule(name: str) -> bool:
        return call.allowed(name, {"project_id": project, "tenant_id": project})

    signed = call.grant if isinstance(call.grant, Signed) else None
    return Access(
        account,
        None if signed is not None else call.maybe_principal,
        functools.cache(rule),
        call.header("Referer") or "",
        signed,
        action,
        functools.cache(functools.partial(_said_to_swift, call)),
    )


def wish_of(call: Call) -> Wish:
    """The list that the query asks for. Raises PreconditionFailed."""
    query = {
        name: _utf8(value, allowed="\0" if name in ("marker", "end_marker") else "")
        for name, value in call.query.pairs
    }
    limit = query.get("limit", "")
    most = int(limit) if limit.isdecimal() and len(limit) < 19 else limits.LISTING_LIMIT
    if most > limits.LISTING_LIMIT:
        raise PreconditionFailed(f"Maximum limit is {limits.LISTING_LIMIT}")
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    path = query.get("path")
    if path is not None:
        prefix = _prefix_of(path)
        delimiter = "/"
    reverse = query.get("reverse", "").lower() in ("true", "1", "yes", "on", "t", "y")
    return Wish(
        prefix,
        delimiter,
        query.get("marker", ""),
        query.get("end_marker", ""),
        reverse,
        most,
        path is not None,
    )


def _utf8(value: str, *, allowed: str = "") -> str:
    if "\ufffd" in value or ("\0" in value and not allowed):
        raise PreconditionFailed("Invalid UTF8 or contains NULL")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise PreconditionFailed("Invalid UTF8 or contains NULL") from None
    return value


def format_of(call: Call) -> str:
    """`plain`, `json` or `xml`. Raises NotAcceptable."""
    wanted = call.query.get("format")
    if wanted is not None:
        return wanted if wanted in FORMATS else "plain"
    accept = call.header("Accept")
    if not accept:
        return "plain"
    best, found = -1.0, ""
    for part in accept.split(","):
        kind, *parameters = (each.strip() for each in part.split(";"))
        known = _ACCEPTED.get(kind.lower())
        quality = 1.0
        for each in parameters:
            if each.startswith("q="):
                try:
                    quality = float(each[2:])
                except ValueError:
                    quality = 0.0
        if known is not None and quality > max(best, 0.0):
            best, found = quality, known
    if not found:
        raise NotAcceptable("")
    return found


def shown(metadata: Mapping[str, str], kind: str, *, owner: bool) -> dict[str, str]:
    """Metadata of an account or container as headers."""
    return {
        f"X-{kind}-Meta-{header_name(name)}": value
        for name, value in metadata.items()
        if owner or name not in OWNERS_ONLY
    }


def empty(status: int, headers: Mapping[str, str] | None = None) -> Reply:
    """An answer without a body, as Swift's: with a type and a length."""
    return Reply(
        status,
        headers={"Content-Length": "0", **(headers or {})},
        raw=b"",
        content_type=texts.HTML,
    )


def listed(call: Call, kind: str, body: bytes, headers: Mapping[str, str]) -> Reply:
    """A list; an empty one of names is 204."""
    found = dict(headers)
    if call.query.get("format") is None:
        found["Vary"] = "Accept"
    status = 200 if body or kind != "plain" else 204
    found["Content-Length"] = str(len(body))
    return Reply(status, headers=found, raw=body, content_type=FORMATS[kind])
