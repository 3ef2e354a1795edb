"""Older versions: kept when an object is replaced or deleted, found, removed, and current again.

With versions on, a deletion removes nothing: it leaves a marker. Whoever deletes a version by its
name removes it for good; when that was the newest one, the one before it is current again.
"""

import heapq
from collections.abc import Iterator
from typing import NamedTuple

from cumulo.core.db.transaction import Tx
from cumulo.object_store.model import timestamps
from cumulo.object_store.model.container import ContainerRow
from cumulo.object_store.model.faults import NoSuchObject
from cumulo.object_store.model.listing import END, behind
from cumulo.object_store.model.object import ObjectRow
from cumulo.object_store.model.version import (
    ENABLED,
    NULL,
    SUSPENDED,
    VersionRow,
    kept,
    marker,
    shown,
    state_of,
)
from cumulo.object_store.queries import version as queries
from cumulo.object_store.service.removals import Removals


class Version(NamedTuple):
    """One line of a list of versions."""

    row: ObjectRow | VersionRow
    newest: bool

    @property
    def is_marker(self) -> bool:
        return isinstance(self.row, VersionRow) and self.row.marker


class Versions:
    def __init__(self, removals: Removals) -> None:
        self._removals = removals

    def replaced(
        self, tx: Tx, container: ContainerRow, row: ObjectRow, *, named: bool = False
    ) -> bool:
        """The current object makes place; True when it is kept as a version. `named`: with a name
        of its own (Swift), where S3 keeps one version as `null`."""
        keeps = self.keeps(container, row)
        if keeps:
            own = row.timestamp if named and row.version == NULL else row.version
            tx.insert(kept(row, own))
        return keeps

    def keeps(self, container: ContainerRow, row: ObjectRow) -> bool:
        """What is replaced in it is kept as a version."""
        state = state_of(container)
        return state == ENABLED or (state == SUSPENDED and row.version != NULL)

    def drop_null(self, tx: Tx, container: ContainerRow, name: bytes) -> int:
        """The version `null` makes place for another one; how many bytes that frees."""
        row = tx.get(VersionRow, container.id, name, NULL)
        if row is None:
            return 0
        tx.delete(row)
        self._removals.of(tx, row)
        return row.taken

    def mark(self, tx: Tx, container: ContainerRow, name: bytes, newest: str) -> VersionRow:
        """Say that the object is deleted. `newest`: the time of what it was."""
        last = tx.one(queries.NEWEST, container=container.id, name=name)
        when = timestamps.after(max(newest, "" if last is None else last.timestamp))
        version = when if state_of(container) == ENABLED else NULL
        row = marker(container.id, name, version, when)
        tx.insert(row)
        return row

    def find(self, tx: Tx, container: ContainerRow, name: bytes, version: str) -> VersionRow | None:
        return tx.get(VersionRow, container.id, name, version)

    def newest(self, tx: Tx, container: ContainerRow, name: bytes) -> VersionRow | None:
        return tx.one(queries.NEWEST, container=container.id, name=name)

    def readable(self, tx: Tx, container: ContainerRow, name: bytes, version: str) -> ObjectRow:
        """An older version. Raises NoSuchObject, also for a marker."""
        row = self.find(tx, container, name, version)
        if row is None:
            raise NoSuchObject("The specified version does not exist.", kind="NoSuchVersion")
        if row.marker:
            raise NoSuchObject(kind="MethodNotAllowed", headers={"x-amz-delete-marker": "true"})
        return shown(row)

    def promoted(self, tx: Tx, container: ContainerRow, name: bytes) -> ObjectRow | None:
        """The newest version is current again, unless it is a marker (None)."""
        row = self.newest(tx, container, name)
        if row is None or row.marker:
            return None
        tx.delete(row)
        found = shown(row)
        tx.insert(found)
        return found

    def holds_any(self, tx: Tx, container: ContainerRow) -> bool:
        return tx.value(queries.ANY, container=container.id) is not None

    def page(
        self, tx: Tx, container: ContainerRow, prefix: str, marker: tuple[bytes, str], most: int
    ) -> list[Version]:
        """In the order of names, of each the newest first, behind `marker` (name, timestamp)."""
        low = prefix.encode()
        name, before = marker
        wanted = {
            "container": container.id,
            "low": max(low, name),
            "high": behind(low) if low else END,
            "name": name,
            "before": before,
            "most": most,
        }
        current = tx.all(queries.CURRENT, **wanted)
        older = tx.all(queries.OLDER, **wanted)
        return list(_merged(current, older, name))[:most]


def _merged(current: list[ObjectRow], older: list[VersionRow], last: bytes) -> Iterator[Version]:
    """The current one of a name first. `last`: the name that the page before has ended with."""
    lines: list[Iterator[tuple[bytes, int, ObjectRow | VersionRow]]] = [
        ((row.name, 0, row) for row in current),
        ((row.name, 1, row) for row in older),
    ]
    for name, _, row in heapq.merge(*lines, key=lambda each: each[:2]):
        yield Version(row, name != last)
        last = name
