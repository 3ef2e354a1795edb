"""Lifecycle: what the rules of buckets take away, a page at a time, each in its transaction."""

import time
from functools import partial

from cumulo.core.db.transaction import Database, Tx
from cumulo.object_store.model import lifecycle
from cumulo.object_store.model.container import ContainerRow
from cumulo.object_store.model.lifecycle import Rule
from cumulo.object_store.model.object import ObjectRow, UploadRow
from cumulo.object_store.model.version import VersionRow
from cumulo.object_store.queries import object as object_queries
from cumulo.object_store.queries import version as version_queries
from cumulo.object_store.service.containers import Containers
from cumulo.object_store.service.objects import Objects

PAGE = 200
UPLOADS = 10_000
OPTION = "s3-lifecycle"


class Lifecycle:
    def __init__(self, database: Database, containers: Containers, objects: Objects) -> None:
        self._database = database
        self._containers = containers
        self._objects = objects

    async def once(self, now: float | None = None) -> int:
        """Through all containers; how much went. `now`: seconds since the epoch."""
        moment, after, gone = time.time() if now is None else now, "", 0
        while True:
            rows = await self._database.read(partial(self._containers.after, id=after, most=PAGE))
            for row in rows:
                rules = lifecycle.load(row.options.get(OPTION))
                if rules:
                    gone += await self._container(row, rules, moment)
            if len(rows) < PAGE:
                return gone
            after = rows[-1].id

    async def _container(self, row: ContainerRow, rules: list[Rule], now: float) -> int:
        gone = await self._current(row, rules, now)
        gone += await self._older(row, rules, now)
        return gone + await self._uploads(row, rules, now)

    async def _current(self, row: ContainerRow, rules: list[Rule], now: float) -> int:
        after, gone = b"", 0
        while True:
            found = await self._database.read(partial(_objects, row.id, after))
            for each in found:
                if lifecycle.expires(rules, each.text, each.size, each.extra, each.timestamp, now):
                    gone += await self._goes(row, each, current=True)
            if len(found) < PAGE:
                return gone
            after = found[-1].name

    async def _older(self, row: ContainerRow, rules: list[Rule], now: float) -> int:
        name, before, gone = b"", "", 0
        newer, since = 0, ""
        while True:
            found = await self._database.read(partial(_versions, row.id, name, before))
            for each in found:
                first = each.name != name or not since
                if first:
                    name, newer = each.name, 0
                    since = await self._replaced(row, each)
                over = lifecycle.older_goes(
                    rules, each.text, each.size, each.extra, since, newer, now
                )
                if each.marker and first and since == each.timestamp:
                    # It says what the name is now: it stays as long as there is something behind.
                    alone = await self._database.read(partial(_stands_alone, row.id, each))
                    over = alone and lifecycle.marker_goes(rules, each.text)
                if over:
                    gone += await self._goes(row, each, current=False)
                newer += 0 if each.marker else 1
                since, before = each.timestamp, each.timestamp
            if len(found) < PAGE:
                return gone

    async def _replaced(self, row: ContainerRow, newest: VersionRow) -> str:
        """When the newest older version of a name was replaced; empty: it has not been, by a
        current one (a marker counts from its own time)."""
        current = await self._database.read(lambda tx: tx.get(ObjectRow, row.id, newest.name))
        return newest.timestamp if current is None else current.timestamp

    async def _goes(self, row: ContainerRow, each: ObjectRow | VersionRow, *, current: bool) -> int:
        def work(tx: Tx) -> bool:
            now = tx.get(ContainerRow, row.id)
            return now is not None and self._objects.outlived(
                tx, now, each.name, each.version, current=current
            )

        return int(await self._database.write(work, name="object outlived"))

    async def _uploads(self, row: ContainerRow, rules: list[Rule], now: float) -> int:
        found = await self._database.read(partial(_uploads, row.id))
        gone = 0
        for each in found:
            if not lifecycle.upload_goes(rules, each.text, each.timestamp, now):
                continue

            def work(tx: Tx, id: str = each.id) -> bool:
                container, upload = tx.get(ContainerRow, row.id), tx.get(UploadRow, id)
                if container is None or upload is None:
                    return False
                self._containers.drop_upload(tx, container, upload)
                return True

            gone += int(await self._database.write(work, name="object upload outlived"))
        return gone


def _objects(container: str, after: bytes, tx: Tx) -> list[ObjectRow]:
    return tx.all(object_queries.AFTER, container=container, after=after, most=PAGE)


def _versions(container: str, name: bytes, before: str, tx: Tx) -> list[VersionRow]:
    return tx.all(version_queries.AFTER, container=container, name=name, before=before, most=PAGE)


def _uploads(container: str, tx: Tx) -> list[UploadRow]:
    return tx.all(object_queries.ALL_UPLOADS, container=container, most=UPLOADS)


def _stands_alone(container: str, marker: VersionRow, tx: Tx) -> bool:
    """Nothing but it is left of the name."""
    if tx.get(ObjectRow, container, marker.name) is not None:
        return False
    rows = tx.all(version_queries.AFTER, container=container, name=marker.name, before="z", most=2)
    return [each.version for each in rows if each.name == marker.name] == [marker.version]
