"""Containers on the wire: Swift v1."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape, quoteattr

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.object_store.api import symlinks, sync, texts
from cumulo.object_store.api.asked import (
    FORMATS,
    Asked,
    empty,
    format_of,
    listed,
    shown,
    wish_of,
)
from cumulo.object_store.api.forms import FormsApi
from cumulo.object_store.api.static_web import StaticWeb
from cumulo.object_store.api.sync import SyncApi
from cumulo.object_store.api.versions import VersionsApi, utf8
from cumulo.object_store.model import grants, timestamps
from cumulo.object_store.model.container import ContainerRow
from cumulo.object_store.model.faults import BadInput
from cumulo.object_store.model.headers import metadata
from cumulo.object_store.model.listing import Page
from cumulo.object_store.model.names import decoded
from cumulo.object_store.model.version import ENABLED, NULL, SUSPENDED, state_of
from cumulo.object_store.service.access import ACL, granted
from cumulo.object_store.service.archived import HISTORY, STACK
from cumulo.object_store.service.containers import ContainerWishes, clean
from cumulo.object_store.service.object_store import ObjectStoreService

PATH = "/v1/{account}/{container}"


class ContainersApi:
    def __init__(
        self, store: ObjectStoreService, web: StaticWeb, forms: FormsApi, sync: SyncApi
    ) -> None:
        self._sync = sync
        self._store = store
        self._web = web
        self._forms = forms
        self._versions = VersionsApi(store)

    def operations(self) -> list[Operation]:
        return [
            Operation("GET", PATH, self.index, kind="stream"),
            Operation("HEAD", PATH, self.show, kind="stream"),
            Operation("PUT", PATH, self.put, kind="stream"),
            Operation("POST", PATH, self.post, kind="stream"),
            Operation("DELETE", PATH, self.delete, kind="stream"),
        ]

    async def index(self, call: Call) -> Reply:
        asked = Asked(call)
        site = await self._web.container(asked)
        if site is not None:
            return site
        if call.query.get("versions") is not None:
            row = await self._row(asked)
            return await self._versions.index(asked, row, self._headers(asked, row))
        wish, kind = wish_of(call), format_of(call)
        row = await self._row(asked)
        page = await self._store.listings.objects(row.id, wish)
        return listed(
            call, kind, BODIES[kind](f"/{row.account}/{row.text}", page), self._headers(asked, row)
        )

    async def show(self, call: Call) -> Reply:
        asked = Asked(call)
        kind = format_of(call)
        row = await self._row(asked)
        headers = {**self._headers(asked, row), "Content-Length": "0", "Vary": "Accept"}
        return Reply(204, headers=headers, raw=b"", content_type=FORMATS[kind])

    async def put(self, call: Call) -> Reply:
        asked = Asked(call)
        wishes = _wishes(asked)

        def put(tx: Tx) -> bool:
            self._follow(tx, asked, wishes)
            return self._store.containers.put(tx, asked.access, asked.place.container, wishes)

        new = await self._store.write(put, name="object container put")
        if new:
            return empty(201)
        return Reply(202, raw=texts.ACCEPTED, content_type=texts.HTML)

    async def post(self, call: Call) -> Reply:
        if self._forms.is_form(call):
            return await self._forms.post(call)
        asked = Asked(call)
        wishes = _wishes(asked)

        def post(tx: Tx) -> None:
            self._follow(tx, asked, wishes)
            self._store.containers.post(tx, asked.access, asked.place.container, wishes)

        await self._store.write(post, name="object container post")
        return empty(204)

    async def delete(self, call: Call) -> Reply:
        asked = Asked(call)
        await self._store.write(
            lambda tx: self._store.containers.delete(tx, asked.access, asked.place.container),
            name="object container delete",
        )
        return empty(204)

    def _follow(self, tx: Tx, asked: Asked, wishes: ContainerWishes) -> None:
        """Where it is sent on to: a key or a place alone leaves the other one as it is."""
        asked.access.check_account(writing=True)
        row = self._store.containers.find(tx, asked.access.account, asked.place.container)
        wishes.options = {**wishes.options, **self._sync.wishes(asked.headers, row)}

    async def _row(self, asked: Asked) -> ContainerRow:
        of_versions = asked.query.get("versions") is not None
        access = asked.access.doing("s3:ListBucketVersions") if of_versions else asked.access
        return await self._store.database.read(
            lambda tx: self._store.containers.seen(tx, access, asked.place.container)
        )

    def _headers(self, asked: Asked, row: ContainerRow) -> dict[str, str]:
        owner = asked.access.owner
        found = {
            "X-Container-Object-Count": str(row.objects),
            "X-Container-Bytes-Used": str(row.bytes),
            "X-Timestamp": row.timestamp,
            "Last-Modified": timestamps.http_date(row.put_timestamp),
            "Accept-Ranges": "bytes",
            "X-Storage-Policy": row.policy,
            **shown(row.metadata, "Container", owner=asked.access.keeps_keys),
        }
        archive = row.options.get("archive")
        if archive:
            name = "X-Versions-Location" if archive["kind"] == STACK else "X-History-Location"
            found[name] = quote(archive["location"])
        if state_of(row):
            found["X-Versions-Enabled"] = "True" if state_of(row) == ENABLED else "False"
        if asked.access.keeps_keys:
            found |= sync.shown(row)
        if owner and row.read_acl:
            found["X-Container-Read"] = row.read_acl
        # Swift has no word for everybody who writes, which only S3 gives.
        everybody = ".r:*" if grants.anybody_writes(granted(row)) else ""
        write = ",".join(filter(None, (everybody, row.write_acl)))
        if owner and write:
            found["X-Container-Write"] = write
        return found


def _wishes(asked: Asked) -> ContainerWishes:
    headers = asked.headers
    read, write = _list(headers, "read"), _list(headers, "write")
    # Whoever sets a list here sees nothing of what S3's gives besides: it goes.
    lists = {} if read is None and write is None else {ACL: None}
    return ContainerWishes(
        metadata=metadata(headers, "container"),
        read_acl=read,
        write_acl=write,
        policy=headers.get("x-storage-policy") or None,
        options={**_versions(headers), **lists},
    )


def _versions(headers: Mapping[str, str]) -> dict[str, Any]:
    """How older versions are kept: in the container, or as objects of another one."""
    found: dict[str, Any] = {}
    for name, kind in (("x-versions-location", STACK), ("x-history-location", HISTORY)):
        remove = f"x-remove-{name.removeprefix('x-')}"
        if headers.get(name):
            if "archive" in found:
                raise BadInput("Only one of X-Versions-Location and X-History-Location is allowed")
            location = decoded(headers[name].encode("latin-1").decode("utf-8", "replace"))
            if "/" in location:
                raise BadInput("Container name cannot contain slashes")
            found["archive"] = {"kind": kind, "location": location}
        elif name in headers or remove in headers:
            found["archive"] = None
    enabled = headers.get("x-versions-enabled")
    if enabled is not None:
        if found.get("archive"):
            raise BadInput("Cannot use both kinds of versions in one container.")
        yes = enabled.lower() in ("true", "1", "yes", "on", "t", "y")
        found["versioning"] = ENABLED if yes else SUSPENDED
    return found


def _list(headers: Mapping[str, str], kind: str) -> str | None:
    """An access list; what is removed is empty."""
    given = clean(f"X-Container-{kind.capitalize()}", headers.get(f"x-container-{kind}"))
    if given is None and f"x-remove-container-{kind}" in headers:
        return ""
    return given


def _plain(place: str, page: Page) -> bytes:
    return b"".join(each[0] + b"\n" for each in page.entries)


def _json(place: str, page: Page) -> bytes:
    found: list[dict[str, Any]] = []
    for each in page.entries:
        if len(each) == 1:
            found.append({"subdir": each[0].decode()})
            continue
        name, size, etag, kind, timestamp, sort, extra, version = each
        entry = {
            "bytes": size,
            "hash": etag,
            "name": name.decode(),
            "content_type": utf8(kind),
            "last_modified": timestamps.iso(timestamp),
        }
        more = msgspec.json.decode(extra) if extra != "{}" else {}
        entry |= symlinks.listed(more)
        if version != NULL and "symlink" not in more:
            entry["version_symlink"] = True
            path = quote(f"/v1{place}/{entry['name']}")
            entry["symlink_path"] = f"{path}?version-id={version}"
        if sort == "slo":
            entry["hash"] = more.get("manifest_etag", etag)
            entry["slo_etag"] = f'"{etag}"'
        found.append(entry)
    return msgspec.json.encode(found)


def _xml(place: str, page: Page) -> bytes:
    container = place.rpartition("/")[2]
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<container name={quoteattr(container)}'
    if not page.entries:
        return texts.xml_text(f"{head} />").encode()
    lines = [head, ">"]
    for each in page.entries:
        if len(each) == 1:
            text = each[0].decode()
            lines.append(f"<subdir name={quoteattr(text)}><name>{escape(text)}</name></subdir>")
            continue
        name, size, etag, kind, timestamp, sort, extra, _ = each
        if sort == "slo":
            etag = msgspec.json.decode(extra).get("manifest_etag", etag)
        lines.append(
            f"<object><name>{escape(name.decode())}</name><hash>{etag}</hash><bytes>{size}</bytes>"
            f"<content_type>{escape(utf8(kind))}</content_type>"
            f"<last_modified>{timestamps.iso(timestamp)}</last_modified></object>"
        )
    lines.append("</container>")
    return texts.xml_text("".join(lines)).encode()


BODIES = {"plain": _plain, "json": _json, "xml": _xml}
