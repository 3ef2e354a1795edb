"""Containers as web sites (StaticWeb): index pages, listings and error pages for visitors.

It is for those who show no token (or ask for it by `X-Web-Mode: true`), and gives them nothing that
the container's access list does not. Settings are metadata of the container: `Web-Index`,
`Web-Error`, `Web-Listings`, `Web-Listings-CSS`.
"""

from collections.abc import Mapping
from html import escape
from urllib.parse import quote, unquote

from cumulo.core.http.operations import Reply
from cumulo.object_store.api import texts
from cumulo.object_store.api.asked import Asked
from cumulo.object_store.api.objects import headers_of
from cumulo.object_store.api.sending import send
from cumulo.object_store.model import timestamps
from cumulo.object_store.model.container import ContainerRow
from cumulo.object_store.model.faults import NoSuchObject, StoreFault
from cumulo.object_store.model.listing import Page, Wish
from cumulo.object_store.service.object_store import ObjectStoreService

TRUE = ("true", "1", "yes", "on", "t", "y")


class StaticWeb:
    def __init__(self, store: ObjectStoreService) -> None:
        self._store = store

    async def container(self, asked: Asked) -> Reply | None:
        """The answer to a visitor of a container; None where it is no site."""
        row = await self._site(asked)
        if row is None:
            return None
        settings = row.metadata
        if not asked.call.raw_path.endswith("/"):
            return _moved(asked)
        if settings.get("web-index"):
            found = await self._object(asked, settings["web-index"])
            if found is not None:
                return found
        return await self._listing(asked, row, "") or await self._error(asked, row, 404)

    async def missing(self, asked: Asked) -> Reply | None:
        """The answer to a visitor of an object that is not there; None for the usual one."""
        row = await self._site(asked)
        if row is None:
            return None
        name = asked.place.object
        if not name.endswith("/"):
            page = await self._page(row, Wish(prefix=f"{name}/", limit=1))
            return _moved(asked) if page.entries else await self._error(asked, row, 404)
        index = row.metadata.get("web-index")
        found = await self._object(asked, name + index) if index else None
        return found or await self._listing(asked, row, name) or await self._error(asked, row, 404)

    async def _site(self, asked: Asked) -> ContainerRow | None:
        if asked.access.who is not None and not asked.flag("x-web-mode"):
            return None
        if asked.access.signed is not None:
            return None
        place = asked.place
        row = await self._store.database.read(
            lambda tx: self._store.containers.find(tx, place.account, place.container)
        )
        if row is None or not asked.access.may("read", row, place.container):
            return None
        wanted = ("web-index", "web-error", "web-listings")
        return row if any(row.metadata.get(name) for name in wanted) else None

    async def _object(self, asked: Asked, name: str, status: int = 200) -> Reply | None:
        place = asked.place
        try:
            row = await self._store.database.read(
                lambda tx: self._store.objects.seen(tx, asked.access, place.container, name)
            )
        except NoSuchObject:
            return None
        content = await self._store.contents.of(row, asked.access)
        reply = await send(
            self._store,
            asked.call,
            content,
            asked.access,
            headers_of(content),
            content_type=row.content_type,
            etag=content.etag,
        )
        if status != 200:
            reply.status = status
        return reply

    async def _error(self, asked: Asked, row: ContainerRow, status: int) -> Reply:
        """The container's own page for a status; raises the usual one."""
        suffix = row.metadata.get("web-error")
        if suffix:
            try:
                found = await self._object(asked, f"{status}{suffix}", status)
            except StoreFault:
                found = None
            if found is not None:
                return found
        raise NoSuchObject()

    async def _listing(self, asked: Asked, row: ContainerRow, prefix: str) -> Reply | None:
        if row.metadata.get("web-listings", "").lower() not in TRUE:
            return None
        access = asked.access.doing("s3:ListBucket")
        said = {**asked.access.said(), "s3:prefix": prefix, "s3:delimiter": "/"}
        access.said = lambda: said
        if not access.may("list", row, asked.place.container):
            return None
        page = await self._page(row, Wish(prefix=prefix, delimiter="/"))
        if not page.entries:
            return None
        body = _html(asked, row.metadata, prefix, page).encode()
        headers = {"Content-Length": str(len(body))}
        return Reply(200, headers=headers, raw=body, content_type=texts.HTML)

    async def _page(self, row: ContainerRow, wish: Wish) -> Page:
        return await self._store.listings.objects(row.id, wish)


def _moved(asked: Asked) -> Reply:
    """To the same with a slash at its end."""
    place = f"{asked.call.url}/"
    return Reply(301, headers={"Location": place}, raw=b"", content_type=texts.HTML)


def _html(asked: Asked, settings: Mapping[str, str], prefix: str, page: Page) -> str:
    path = unquote(asked.call.raw_path.removeprefix(asked.call.face.mount))
    title = escape(f"Listing of {path.rstrip('/')}/")
    lines = [
        "<!DOCTYPE html>",
        f"<html><head><title>{title}</title>",
        _style(settings.get("web-listings-css"), prefix),
        f'</head><body><h1 id="title">{title}</h1><table id="listing">',
        '<tr id="heading"><th class="colname">Name</th><th class="colsize">Size</th>'
        '<th class="coldate">Date</th></tr>',
    ]
    if prefix:
        lines.append('<tr id="parent" class="item"><td><a href="../">../</a></td></tr>')
    for each in page.entries:
        name = each[0].decode()[len(prefix) :]
        link = f'<a href="./{quote(name)}">{escape(name)}</a>'
        if len(each) == 1:
            lines.append(f'<tr class="item subdir"><td class="colname">{link}</td></tr>')
        elif name:
            lines.append(
                f'<tr class="item"><td class="colname">{link}</td>'
                f'<td class="colsize">{each[1]}</td>'
                f'<td class="coldate">{timestamps.iso(each[4])[:19]}</td></tr>'
            )
    lines.append("</table></body></html>")
    return "\n".join(lines) + "\n"


def _style(sheet: str | None, prefix: str) -> str:
    if not sheet:
        return "<style>th, td { padding: 0 1em 0 0; text-align: left }</style>"
    # A sheet of the container itself is named from its root.
    up = "" if "://" in sheet or sheet.startswith("/") else "../" * prefix.count("/")
    return f'<link rel="stylesheet" type="text/css" href="{escape(up + sheet)}" />'
