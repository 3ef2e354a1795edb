"""Listings: pages that are asked of the database a thousand rows at a time, so that a page of ten
thousand holds up nobody."""

import asyncio
import heapq
import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from cumulo.core.db.transaction import Database, Tx
from cumulo.object_store.model.listing import Page, Wanted, Wish
from cumulo.object_store.model.version import FIRST, list_bound, list_key
from cumulo.object_store.queries import container as container_queries
from cumulo.object_store.queries import object as object_queries
from cumulo.object_store.queries import version as version_queries

Rows = Sequence[tuple[Any, ...]]


class Listings:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def containers(self, account: str, wish: Wish) -> Page:
        """Entries: (name, objects, bytes, last change, policy, made)."""

        def ask(tx: Tx, wanted: Wanted) -> Rows:
            text = container_queries.BACKWARD if wanted.reverse else container_queries.FORWARD
            return tx.tuples(
                text, account=account, low=wanted.low, high=wanted.high, most=wanted.most
            )

        return await self._fill(Page(wish), ask)

    async def objects(self, container_id: str, wish: Wish) -> Page:
        """Entries: (name, size, etag, content type, timestamp, kind, extra as JSON, version)."""

        def ask(tx: Tx, wanted: Wanted) -> Rows:
            return objects_of(tx, container_id, wanted)

        return await self._fill(Page(wish), ask)

    async def versions(self, container_id: str, wish: Wish) -> Page:
        """Entries: (key, name, version, size, etag, content type, timestamp, kind, extra as JSON,
        is a marker, is the latest); markers of the wish are keys, too (model.version.list_key)."""

        def ask(tx: Tx, wanted: Wanted) -> Rows:
            return _versions_of(tx, container_id, wanted)

        return await self._fill(Page(wish), ask)

    async def _fill(self, page: Page, ask: Callable[[Tx, Wanted], Rows]) -> Page:
        while (wanted := page.wanted()) is not None:
            page.feed(await self._database.read(partial(_asked, ask, wanted)), wanted)
            await asyncio.sleep(0)
        return page


def _asked(ask: Callable[[Tx, Wanted], Rows], wanted: Wanted, tx: Tx) -> Rows:
    return ask(tx, wanted)


def _versions_of(tx: Tx, container_id: str, wanted: Wanted) -> Rows:
    """Of both tables, in one order."""
    # Names alone are bounds at `low`, and already behind at `high`.
    low, low_version = list_bound(wanted.low, none=FIRST)
    high, high_version = list_bound(wanted.high, none=FIRST)
    given = {
        "container": container_id,
        "low": low,
        "low_version": low_version,
        "high": high,
        "high_version": high_version,
        "most": wanted.most,
    }
    now = int(time.time())
    current = tx.tuples(version_queries.LIST_CURRENT[wanted.reverse], now=now, **given)
    older = tx.tuples(version_queries.LIST_OLDER[wanted.reverse], **given)
    rows = heapq.merge(_keyed(current), _keyed(older), key=_first, reverse=wanted.reverse)
    return list(itertools.islice(rows, wanted.most))


def _keyed(rows: Rows) -> Iterator[tuple[Any, ...]]:
    return ((list_key(row[0], row[1]), *row) for row in rows)


def _first(row: tuple[Any, ...]) -> bytes:
    key: bytes = row[0]
    return key


def objects_of(tx: Tx, container_id: str, wanted: Wanted) -> Rows:
    text = object_queries.BACKWARD if wanted.reverse else object_queries.FORWARD
    return tx.tuples(
        text,
        container=container_id,
        low=wanted.low,
        high=wanted.high,
        most=wanted.most,
        now=int(time.time()),
    )
