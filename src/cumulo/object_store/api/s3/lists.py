"""Lists of S3: buckets, and objects in both versions of the list."""

import base64
import binascii
from collections.abc import Callable
from urllib.parse import quote

from cumulo.core.http.operations import Call, Reply
from cumulo.object_store.api.s3.asked import Asked, number
from cumulo.object_store.api.s3.documents import document, element, text
from cumulo.object_store.model import limits, timestamps
from cumulo.object_store.model.account import project_of
from cumulo.object_store.model.faults import BadInput
from cumulo.object_store.model.listing import Entry, Page, Wish
from cumulo.object_store.service.object_store import ObjectStoreService

WRONG_TOKEN = "The continuation token provided is incorrect"
Read = Callable[[Call], Asked]


class ListsApi:
    def __init__(self, store: ObjectStoreService, read: Read) -> None:
        self._store = store
        self._read = read

    async def buckets(self, call: Call) -> Reply:
        asked = self._read(call)
        asked.access.check_account(writing=False)
        most = number(call.query.get("max-buckets"), limits.LISTING_LIMIT, 1, 10_000, "max-buckets")
        token = _token(call.query.get("continuation-token"))
        wish = Wish(prefix=call.query.get("prefix") or "", marker=token, limit=most)
        page = await self._store.listings.containers(asked.access.account, wish)
        found = "".join(
            element(
                "Bucket",
                text("Name", each[0].decode()),
                element("CreationDate", timestamps.s3_iso(each[5])),
            )
            for each in page.entries
        )
        more = ""
        if page.more:
            more = element("ContinuationToken", _as_token(page.entries[-1][0].decode()))
        return document("ListAllMyBucketsResult", owner(asked), f"<Buckets>{found}</Buckets>", more)

    async def objects(self, call: Call) -> Reply:
        asked = self._read(call)
        query = call.query
        encode = encoder(query.get("encoding-type"))
        most = number(query.get("max-keys"), limits.S3_LISTING_LIMIT, 0, 1000, "max-keys")
        second = query.get("list-type") == "2"
        token = query.get("continuation-token")
        if second:
            if token == "":
                raise BadInput(
                    "The continuation token provided is incorrect", kind="InvalidArgument"
                )
            marker = _token(token) or query.get("start-after") or ""
        else:
            marker = query.get("marker") or ""
        prefix, delimiter = query.get("prefix") or "", query.get("delimiter") or ""
        row = await self._store.database.read(
            lambda tx: self._store.containers.seen(tx, asked.access, asked.bucket)
        )
        wish = Wish(storable(prefix), storable(delimiter), storable(marker), limit=most)
        page = await self._store.listings.objects(row.id, wish)
        shows_owner = not second or query.get("fetch-owner") == "true"
        head = [
            text("Name", asked.bucket),
            text("Prefix", encode(prefix)),
            element("MaxKeys", most),
            element("IsTruncated", "true" if page.more and most else "false"),
        ]
        if delimiter:
            head.append(text("Delimiter", encode(delimiter)))
        if query.get("encoding-type") == "url":
            head.append(element("EncodingType", "url"))
        last = page.entries[-1][0].decode() if page.entries else ""
        if second:
            head.append(element("KeyCount", len(page.entries)))
            if token:
                head.append(text("ContinuationToken", token))
            if query.get("start-after") is not None:
                head.append(text("StartAfter", encode(query.get("start-after") or "")))
            if page.more and last:
                head.append(element("NextContinuationToken", _as_token(last)))
        else:
            head.append(text("Marker", encode(marker)))
            if page.more and delimiter and last:
                head.append(text("NextMarker", encode(last)))
        return document("ListBucketResult", *head, *_entries(asked, page, encode, shows_owner))


def _entries(
    asked: Asked, page: Page, encode: Callable[[str], str], shows_owner: bool
) -> list[str]:
    who = owner(asked) if shows_owner else ""
    objects = [_object(each, encode, who) for each in page.entries if len(each) > 1]
    folders = [
        f"<CommonPrefixes>{text('Prefix', encode(each[0].decode()))}</CommonPrefixes>"
        for each in page.entries
        if len(each) == 1
    ]
    return [*objects, *folders]


def _object(entry: Entry, encode: Callable[[str], str], who: str) -> str:
    name, size, etag, _, timestamp, *_ = entry
    return (
        f"<Contents>{text('Key', encode(name.decode()))}"
        f"<LastModified>{timestamps.s3_iso(timestamp)}</LastModified>"
        f"<ETag>&quot;{etag}&quot;</ETag><Size>{size}</Size>{who}"
        "<StorageClass>STANDARD</StorageClass></Contents>"
    )


def owner(asked: Asked, tag: str = "Owner") -> str:
    """Whose it is: of whoever asks, if it is theirs; else the project's."""
    who, project = asked.who, project_of(asked.access.account) or ""
    if who is None or who.project_id != project:
        return element(tag, text("ID", project), text("DisplayName", project))
    return element(tag, element("ID", who.user_id), text("DisplayName", who.user_name))


def encoder(kind: str | None) -> Callable[[str], str]:
    if kind is None:
        return str
    if kind != "url":
        raise BadInput("Invalid Encoding Method specified in Request", kind="InvalidArgument")
    return lambda value: quote(value, safe="/-_.~*")


def _as_token(name: str) -> str:
    return base64.urlsafe_b64encode(name.encode()).decode()


def _token(token: str | None) -> str:
    if not token:
        return ""
    try:
        return base64.urlsafe_b64decode(token.encode()).decode()
    except (binascii.Error, ValueError, UnicodeError):
        raise BadInput(WRONG_TOKEN, kind="InvalidArgument") from None


def storable(value: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadInput("Invalid UTF-8", kind="InvalidArgument") from None
    return value
