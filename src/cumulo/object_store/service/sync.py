"""Passes of container sync: what a container has and the other one has not is sent, what it has no
more is deleted there. Newest wins on both sides.

What was sent is a row, so that a pass looks only for differences, whichever way an object was
written, and a kill in its middle costs nothing. What came by sync is noted like what was sent: it
is not sent back.
"""

import asyncio
import logging
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import Protocol
from urllib.parse import quote, urlsplit

import msgspec

from cumulo.core.db.transaction import Database, Tx
from cumulo.object_store.model import limits, manifest, timestamps
from cumulo.object_store.model.container import ContainerRow
from cumulo.object_store.model.faults import BadInput, StoreFault
from cumulo.object_store.model.headers import header_name
from cumulo.object_store.model.object import ObjectRow
from cumulo.object_store.model.sync import (
    OPTION,
    Realm,
    Realms,
    SyncedRow,
    SyncRow,
    header,
    target_of,
)
from cumulo.object_store.queries import object as object_queries
from cumulo.object_store.queries import sync as queries
from cumulo.object_store.service.access import Access, Signed
from cumulo.object_store.service.object_store import ObjectStoreService
from cumulo.object_store.service.synced import note

log = logging.getLogger("cumulo.object_store")

PAGE = 500
AT_ONCE = 4
MOST = 200
"""Containers that are looked at at once."""
CONTAINERS = 4
"""That are sent at once, of as many accounts."""
LONGEST = 300.0
"""Seconds after which an account's containers begin with no other object: the others wait."""
LONGEST_OBJECT = 3600.0
"""Seconds of one object."""
MOST_FAILURES = 8
"""Objects without an answer, or with one that the other side does not work: it is away."""
SHARE = 20
"""A pass may take one part in so many of the time: large containers are looked at less often."""
GONE = (404, 409)
"""Answers to a deletion that say that there is nothing older to delete."""


class Sender(Protocol):
    """Of drivers.clusters."""

    async def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: AsyncIterator[bytes] | None = None,
    ) -> int: ...


class _Refused(Exception):
    """The other side said no; the text says to what."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


class Sync:
    def __init__(
        self,
        database: Database,
        store: ObjectStoreService,
        realms: Realms,
        sender: Sender,
        *,
        interval: float,
    ) -> None:
        self._database = database
        self._store = store
        self._realms = realms
        self._sender = sender
        self._interval = interval

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            began = time.monotonic()
            try:
                await self.once()
            except Exception:  # the database is away: the next pass sees the same
                log.exception("containers were not synced")
            await asyncio.sleep(max(self._interval, SHARE * (time.monotonic() - began)))

    async def once(self) -> None:
        after = ""
        while True:
            rows = await self._database.read(
                partial(_syncs, after=after)  # no row of it is held while others are sent
            )
            # In any order: whose turn has not come now comes first another time.
            random.shuffle(turns := list(rows))
            accounts = defaultdict[str, _Account](_Account)
            room = asyncio.Semaphore(CONTAINERS)
            async with asyncio.TaskGroup() as group:
                for row in turns:
                    group.create_task(self._container(row, accounts, room))
            if len(rows) < MOST:
                return
            after = rows[-1].container_id

    async def _container(
        self, row: SyncRow, accounts: "dict[str, _Account]", room: asyncio.Semaphore
    ) -> None:
        found = await self._database.read(lambda tx: tx.get(ContainerRow, row.container_id))
        wish = None if found is None else found.options.get(OPTION)
        if found is None or not wish or not wish.get("to") or not wish.get("key"):
            return
        account = accounts[found.account]
        async with account.one, room:
            if account.end == 0.0:
                account.end = time.monotonic() + LONGEST
            if time.monotonic() < account.end:
                await self._sent(row, found, wish, account.end)

    async def _sent(
        self, row: SyncRow, found: ContainerRow, wish: Mapping[str, str], end: float
    ) -> None:
        reason = ""
        try:
            target = target_of(wish["to"], self._realms)
            realm = self._realms[target.realm]
            base = realm.clusters[target.cluster].rstrip("/")
            url = f"{base}/{quote(target.account)}/{quote(target.container)}"
            work = _Pass(self, found, target.realm, realm, wish["key"], url)
            await work.run(end)
            reason = work.said
        except (BadInput, StoreFault) as fault:
            reason = fault.message
        except Exception as problem:
            # The other containers are looked at all the same.
            log.exception("container %s is not synced", found.text)
            reason = type(problem).__name__
        if reason != row.reason:
            if reason:
                log.warning("container %s is not synced: %s", found.text, reason)
            await self._database.write(
                lambda tx: _note(tx, row.container_id, reason), name="container sync"
            )


class _Account:
    """Its containers, one after the other: nobody's many keep others waiting."""

    def __init__(self) -> None:
        self.one = asyncio.Lock()
        self.end = 0.0


class _Pass:
    """One container, once, in the order of names."""

    def __init__(
        self, sync: Sync, container: ContainerRow, realm_name: str, realm: Realm, key: str, url: str
    ) -> None:
        self._sync = sync
        self._container = container
        self._realm_name, self._realm, self._key, self._url = realm_name, realm, key, url
        self._access = Access(
            container.account, None, lambda rule: False, signed=Signed(container.account)
        )
        self._room = asyncio.Semaphore(AT_ONCE)
        self._end = 0.0
        self._reasons: list[str] = []
        self._failures = 0

    @property
    def said(self) -> str:
        """Why not all was sent; empty: it was, as far as the time went."""
        if not self._reasons:
            return ""
        more = len(self._reasons) - 1
        return min(self._reasons) + (f" (and {more} more)" if more else "")

    @property
    def _over(self) -> bool:
        return self._failures >= MOST_FAILURES or time.monotonic() >= self._end

    async def run(self, end: float) -> None:
        """What is refused keeps nothing else waiting. `end`: on the monotonic clock."""
        self._end = end
        after = b""
        while not self._over:
            here, there = await self._sync._database.read(
                partial(_page, container=self._container.id, after=after)
            )
            full = [rows[-1].name for rows in (here, there) if len(rows) == PAGE]
            # Behind the end of a full page the other list says nothing yet.
            last = min(full) if full else None
            async with asyncio.TaskGroup() as group:
                for work in self._differences(here, there, last):
                    group.create_task(self._tried(work))
            if last is None:
                return
            after = last

    def _differences(
        self, here: Sequence[ObjectRow], there: Sequence[SyncedRow], last: bytes | None
    ) -> "list[ObjectRow | SyncedRow]":
        inside = [row for row in here if (last is None or row.name <= last) and _lives(row)]
        known = {row.name: row for row in there if last is None or row.name <= last}
        found: list[ObjectRow | SyncedRow] = []
        for row in inside:
            was = known.pop(row.name, None)
            if was is None or was.timestamp != row.timestamp:
                found.append(row)
        return [*known.values(), *found]

    async def _tried(self, row: ObjectRow | SyncedRow) -> None:
        async with self._room:
            if self._over:
                return
            try:
                async with asyncio.timeout(LONGEST_OBJECT):
                    if isinstance(row, ObjectRow):
                        await self._put(row)
                    else:
                        await self._delete(row)
            except _Refused as problem:
                self._reasons.append(str(problem))
                if problem.status == 401:
                    self._failures = MOST_FAILURES
                elif problem.status >= 500:
                    self._failures += 1
            except OSError as problem:
                self._reasons.append(str(problem) or type(problem).__name__)
                self._failures += 1
            except StoreFault as problem:
                self._reasons.append(f"{row.name.decode(errors='replace')}: {problem.message}")

    async def _put(self, row: ObjectRow) -> None:
        store = self._sync._store
        headers = _headers(row)
        query = ""
        if row.kind == "slo":
            segments = await store.contents.segments(row)
            raw = msgspec.json.encode(manifest.raw(segments))
            query, body = "?multipart-manifest=put", _of(raw)
            headers["Content-Length"] = str(len(raw))
        else:
            content = await store.contents.of(row, self._access, as_it_is=True)
            if content.size > limits.MAX_FILE_SIZE:
                name = row.name.decode(errors="replace")
                raise _Refused(f"{name}: more than 5 GiB are not sent at once")
            pieces = store.contents.pieces(content, self._access, 0, content.size)
            body = store.bytes.read(pieces)
            headers["Content-Length"] = str(content.size)
        await self._send("PUT", row.name, row.timestamp, headers, body, (), query)
        await self._keep(row.name, row.timestamp)

    async def _delete(self, row: SyncedRow) -> None:
        # Not later than that: what the other side has written since stays.
        when = timestamps.of(float(row.timestamp) + timestamps.STEP)
        await self._send("DELETE", row.name, when, {}, None, GONE, "")
        await self._keep(row.name, None)

    async def _send(
        self,
        method: str,
        name: bytes,
        timestamp: str,
        headers: dict[str, str],
        body: AsyncIterator[bytes] | None,
        fine: tuple[int, ...],
        query: str,
    ) -> None:
        url = f"{self._url}/{quote(name)}"
        path = urlsplit(url).path
        signed = header(self._realm_name, self._realm, method, path, timestamp, self._key)
        named = {"X-Container-Sync-Auth": signed, "X-Timestamp": timestamp, **headers}
        status = await self._sync._sender.send(method, url + query, named, body)
        if not 200 <= status < 300 and status not in fine:
            raise _Refused(f"{method} {name.decode(errors='replace')}: HTTP {status}", status)

    async def _keep(self, name: bytes, timestamp: str | None) -> None:
        id = self._container.id
        await self._sync._database.write(
            lambda tx: note(tx, id, name, timestamp), name="object synced"
        )


def _note(tx: Tx, container_id: str, reason: str) -> None:
    row = tx.get(SyncRow, container_id)
    if row is not None:
        tx.update(row, reason=reason[:500])


def _syncs(tx: Tx, after: str) -> list[SyncRow]:
    return tx.all(queries.AFTER, after=after, most=MOST)


def _page(tx: Tx, container: str, after: bytes) -> tuple[list[ObjectRow], list[SyncedRow]]:
    here = tx.all(object_queries.AFTER, container=container, after=after, most=PAGE)
    return here, tx.all(queries.PAGE, container=container, after=after, most=PAGE)


def _lives(row: ObjectRow) -> bool:
    return row.delete_at is None or row.delete_at > time.time()


def _headers(row: ObjectRow) -> dict[str, str]:
    found = {header_name(name): value for name, value in row.headers.items()}
    found["Content-Type"] = row.content_type
    if row.kind == "plain":
        found["Etag"] = row.etag
    if row.delete_at is not None:
        found["X-Delete-At"] = str(row.delete_at)
    return found


async def _of(raw: bytes) -> AsyncIterator[bytes]:
    yield raw
