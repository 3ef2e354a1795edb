"""Accounts on the wire: Swift v1."""

from collections.abc import Mapping
from xml.sax.saxutils import escape, quoteattr

import msgspec

from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.object_store.api.asked import FORMATS, Asked, empty, format_of, listed, shown, wish_of
from cumulo.object_store.api.texts import xml_text
from cumulo.object_store.model import names, timestamps
from cumulo.object_store.model.account import AccountRow
from cumulo.object_store.model.container import POLICY
from cumulo.object_store.model.faults import NotHere
from cumulo.object_store.model.headers import header_name, metadata
from cumulo.object_store.model.listing import Page
from cumulo.object_store.service.accounts import QUOTAS
from cumulo.object_store.service.object_store import ObjectStoreService

PATH = "/v1/{account}"


class AccountsApi:
    def __init__(self, store: ObjectStoreService) -> None:
        self._store = store

    def operations(self) -> list[Operation]:
        return [
            Operation("GET", PATH, self.index, kind="stream"),
            Operation("HEAD", PATH, self.show, kind="stream"),
            Operation("POST", PATH, self.post, kind="stream"),
            Operation("PUT", PATH, self.put, kind="stream"),
            Operation("DELETE", PATH, self.put, kind="stream"),
        ]

    async def index(self, call: Call) -> Reply:
        asked = Asked(call)
        wish, kind = wish_of(call), format_of(call)
        row = await self._row(asked)
        page = await self._store.listings.containers(row.name, wish)
        return listed(call, kind, _BODIES[kind](row.name, page), self._headers(asked, row))

    async def show(self, call: Call) -> Reply:
        asked = Asked(call)
        kind = format_of(call)
        row = await self._row(asked)
        headers = {**self._headers(asked, row), "Content-Length": "0", "Vary": "Accept"}
        return Reply(204, headers=headers, raw=b"", content_type=FORMATS[kind])

    async def post(self, call: Call) -> Reply:
        asked = Asked(call)
        changes = metadata(asked.headers, "account") | _quotas(asked.headers)
        names.check_account(asked.place.account)
        await self._store.write(
            lambda tx: self._store.accounts.post(tx, asked.place.account, changes, asked.access),
            name="object account post",
        )
        return empty(204)

    async def put(self, call: Call) -> Reply:
        """Accounts come by themselves, and nobody removes their own."""
        asked = Asked(call)
        if call.operation.method == "DELETE" or not asked.access.owner:
            raise asked.access.refusal()
        raise NotHere(headers={"Allow": "GET, HEAD, POST, OPTIONS"})

    async def _row(self, asked: Asked) -> AccountRow:
        asked.access.check_account(writing=False)
        return await self._store.database.read(
            lambda tx: self._store.accounts.show(tx, asked.place.account)
        )

    def _headers(self, asked: Asked, row: AccountRow) -> dict[str, str]:
        counts = {
            "Container-Count": row.containers,
            "Object-Count": row.objects,
            "Bytes-Used": row.bytes,
        }
        found = {f"X-Account-{name}": str(value) for name, value in counts.items()}
        found["X-Timestamp"] = row.timestamp
        if row.containers:
            policy = f"X-Account-Storage-Policy-{POLICY.capitalize()}"
            found |= {f"{policy}-{name}": str(value) for name, value in counts.items()}
        found |= shown(row.metadata, "Account", owner=asked.access.keeps_keys)
        found |= {
            f"X-Account-{header_name(name)}": row.metadata[name]
            for name in QUOTAS
            if name in row.metadata
        }
        found["Accept-Ranges"] = "bytes"
        return found


def _quotas(headers: Mapping[str, str]) -> dict[str, str]:
    """Swift's newer names for them: `X-Account-Quota-Count`."""
    found = {name: "" for name in QUOTAS if f"x-remove-account-{name}" in headers}
    given = {
        name: headers[f"x-account-{name}"] for name in QUOTAS if f"x-account-{name}" in headers
    }
    return {**found, **given}


def _plain(account: str, page: Page) -> bytes:
    return b"".join(each[0] + b"\n" for each in page.entries)


def _json(account: str, page: Page) -> bytes:
    found = []
    for each in page.entries:
        if len(each) == 1:
            found.append({"subdir": each[0].decode()})
            continue
        name, objects, size, changed, policy, _ = each
        found.append(
            {
                "name": name.decode(),
                "count": objects,
                "bytes": size,
                "last_modified": timestamps.iso(changed),
                "storage_policy": policy,
            }
        )
    return msgspec.json.encode(found)


def _xml(account: str, page: Page) -> bytes:
    lines = [f'<?xml version="1.0" encoding="UTF-8"?>\n<account name={quoteattr(account)}>\n']
    for each in page.entries:
        if len(each) == 1:
            lines.append(f"<subdir name={quoteattr(each[0].decode())} />\n")
            continue
        name, objects, size, changed, policy, _ = each
        lines.append(
            f"<container><name>{escape(name.decode())}</name><count>{objects}</count>"
            f"<bytes>{size}</bytes><last_modified>{timestamps.iso(changed)}</last_modified>"
            f"<storage_policy>{escape(policy)}</storage_policy></container>\n"
        )
    lines.append("</account>")
    return xml_text("".join(lines)).encode()


_BODIES = {"plain": _plain, "json": _json, "xml": _xml}
