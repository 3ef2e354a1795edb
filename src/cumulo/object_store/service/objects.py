"""Objects: written in two steps (bytes, then the row), read, changed, copied, removed."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cumulo.core.db.transaction import Tx
from cumulo.object_store.model import lock, timestamps
from cumulo.object_store.model.conditions import outcome
from cumulo.object_store.model.container import ContainerRow
from cumulo.object_store.model.faults import (
    Changed,
    NoSuchContainer,
    NoSuchObject,
    NothingMatches,
    PreconditionFailed,
)
from cumulo.object_store.model.names import check_object
from cumulo.object_store.model.object import Kind, ObjectRow, taken
from cumulo.object_store.model.sync import OPTION
from cumulo.object_store.model.version import ENABLED, NULL, SUSPENDED, VersionRow, state_of
from cumulo.object_store.queries import object as queries
from cumulo.object_store.service.access import BYPASS, Access
from cumulo.object_store.service.archived import Archives
from cumulo.object_store.service.containers import Containers
from cumulo.object_store.service.removals import Removals
from cumulo.object_store.service.synced import note
from cumulo.object_store.service.versions import Versions

EMPTY = "d41d8cd98f00b204e9800998ecf8427e"


@dataclass(slots=True)
class NewObject:
    """All of an object but its name and its time."""

    size: int = 0
    etag: str = EMPTY
    content_type: str = "application/octet-stream"
    headers: dict[str, str] = field(default_factory=dict)
    kind: Kind = "plain"
    blob: str | None = None
    assembly: str | None = None
    delete_at: int | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    timestamp: str = ""
    """When it was written elsewhere, for what is sent on; empty: now."""

    @property
    def taken(self) -> int:
        return taken(self.kind, self.size, self.extra)


class Objects:
    def __init__(self, containers: Containers, removals: Removals, versions: Versions) -> None:
        self._containers = containers
        self._removals = removals
        self._versions = versions
        self._archives = Archives(containers)

    def current(self, tx: Tx, container: ContainerRow, name: str) -> ObjectRow | None:
        """The object of a name, unless its time is over."""
        try:
            found = tx.get(ObjectRow, container.id, name.encode())
        except UnicodeEncodeError:
            return None
        if found is None or (found.delete_at is not None and found.delete_at <= time.time()):
            return None
        return found

    def container(
        self,
        tx: Tx,
        access: Access,
        container: str,
        verb: Literal["read", "write"],
        name: str = "",
    ) -> ContainerRow:
        """The container of an object (`name`) that this caller reads or writes. Raises Denied,
        NeedsLogin, NoSuchContainer."""
        found = self._containers.find(tx, access.account, container)
        access.check(verb, found, container, name)
        if found is None:
            raise NoSuchContainer()
        return found

    def seen(self, tx: Tx, access: Access, container: str, name: str) -> ObjectRow:
        """For a GET or HEAD, or a copy. Raises as `container`, and NoSuchObject."""
        place = self._containers.find(tx, access.account, container)
        open_ = access.may("read", place, container, name)
        if place is None:
            raise NoSuchContainer() if open_ else access.refusal()
        found = self.current(tx, place, name)
        if not open_ and not (found is not None and access.may_read(place, name, found.extra)):
            raise access.refusal()
        if found is None:
            raise NoSuchObject()
        return found

    def begin(
        self,
        tx: Tx,
        access: Access,
        container: str,
        name: str,
        size: int | None,
        conditions: Mapping[str, str],
    ) -> ContainerRow:
        """Before bytes are taken: may they come, and is there room? `size`: what the client says.
        Raises PreconditionFailed, TooLarge …"""
        check_object(name)
        found = self.container(tx, access, container, "write", name)
        self._check(tx, found, name, size or 0, conditions)
        return found

    def commit(
        self,
        tx: Tx,
        container: ContainerRow,
        name: str,
        new: NewObject,
        conditions: Mapping[str, str],
        *,
        s3: bool = False,
    ) -> ObjectRow:
        """The bytes are safe: the name means them from now on. What it meant before goes, or is a
        version, in the way of the face that it came by. Raises NoSuchContainer when that was
        removed meanwhile."""
        check_object(name)
        now = tx.get(ContainerRow, container.id)
        if now is None:
            raise NoSuchContainer()
        old = self._check(tx, now, name, new.taken, conditions)
        there = tx.get(ObjectRow, container.id, name.encode()) if old is None else old
        state = state_of(now)
        when = self._time(tx, now, name, there)
        if new.timestamp:
            # Also than a version or a marker: what was deleted since stays so.
            if self._last(tx, now, name, there) >= new.timestamp:
                raise Changed()
            when = new.timestamp
            if now.options.get(OPTION):
                # It is not sent back.
                note(tx, now.id, name.encode(), when)
        row = ObjectRow(
            container_id=container.id,
            name=name.encode(),
            timestamp=when,
            version=when if state == ENABLED else NULL,
            size=new.size,
            etag=new.etag,
            content_type=new.content_type,
            headers=new.headers,
            kind=new.kind,
            blob=new.blob,
            assembly=new.assembly,
            delete_at=new.delete_at,
            extra=lock.applied(now.options, new.extra),
        )
        if there is None:
            tx.insert(row)
            self._containers.count(tx, now, objects=1, bytes=new.taken)
        else:
            keeps = self._versions.replaced(tx, now, there, named=not s3)
            if old is not None:
                self._archives.replaced(tx, now, old)
            changed = {each: getattr(row, each) for each in row.__struct_fields__[2:]}
            tx.update(there, **changed)
            if not keeps and (there.blob, there.assembly) != (new.blob, new.assembly):
                self._removals.of(tx, there)
            freed = 0 if keeps else there.taken
            self._containers.count(tx, now, objects=0, bytes=new.taken - freed)
        if state == SUSPENDED:
            # It is the one that has no name now, whichever face it came by.
            self._drop_null(tx, now, name)
        return row

    def _time(self, tx: Tx, container: ContainerRow, name: str, there: ObjectRow | None) -> str:
        """Later than all that the name ever meant."""
        last = self._last(tx, container, name, there)
        return timestamps.after(last) if last else timestamps.now()

    def _last(self, tx: Tx, container: ContainerRow, name: str, there: ObjectRow | None) -> str:
        """When the name was last written or deleted, as far as that is known."""
        last = "" if there is None else there.timestamp
        if state_of(container):
            older = self._versions.newest(tx, container, name.encode())
            last = max(last, "" if older is None else older.timestamp)
        return last

    def _drop_null(self, tx: Tx, container: ContainerRow, name: str) -> None:
        freed = self._versions.drop_null(tx, container, name.encode())
        self._containers.count(tx, container, objects=0, bytes=-freed)

    def _check(
        self, tx: Tx, container: ContainerRow, name: str, size: int, conditions: Mapping[str, str]
    ) -> ObjectRow | None:
        """The current object, if the client's conditions hold for it."""
        old = self.current(tx, container, name)
        if conditions:
            etag = None if old is None else old.etag
            if outcome(conditions, etag, None if old is None else old.timestamp) != 200:
                raise PreconditionFailed() if old is not None else NothingMatches()
        more = 1 if old is None else 0
        freed = 0 if old is None or self._stays(container, old) else old.taken
        self._containers.check_room(tx, container, objects=more, bytes=size - freed)
        return old

    def _stays(self, container: ContainerRow, old: ObjectRow) -> bool:
        """What is replaced goes on taking its room: it is a version, or is archived."""
        return self._versions.keeps(container, old) or self._archives.keeps(container, old)

    def post(
        self,
        tx: Tx,
        access: Access,
        container: str,
        name: str,
        headers: Mapping[str, str],
        content_type: str | None,
        delete_at: int | None,
    ) -> None:
        """New metadata in place of all the old."""
        found = self.container(tx, access, container, "write", name)
        row = self.current(tx, found, name)
        if row is None:
            raise NoSuchObject()
        tx.update(
            row,
            headers=dict(headers),
            content_type=content_type or row.content_type,
            timestamp=timestamps.after(row.timestamp),
            delete_at=delete_at,
        )

    def check_there(
        self,
        tx: Tx,
        access: Access,
        container: str,
        name: str,
        version: str | None,
        conditions: Mapping[str, str],
    ) -> None:
        """Before a deletion that has conditions. Raises PreconditionFailed, also where there is
        nothing."""
        found = self.container(tx, access, container, "write", name)
        row = self.version(tx, found, name, version)
        etag, when = (None, None) if row is None else (row.etag, row.timestamp)
        if outcome(conditions, etag, when) != 200:
            raise PreconditionFailed()

    def delete(
        self, tx: Tx, access: Access, container: str, name: str, *, absent_too: bool = False
    ) -> VersionRow | None:
        """The marker that stands for it now, where versions are kept; with `absent_too` also for
        what is not there. Raises NoSuchObject."""
        found = self.container(tx, access, container, "write", name)
        row = self.current(tx, found, name)
        if row is None and not (absent_too and state_of(found)):
            raise NoSuchObject()
        if state_of(found):
            return self._mark(tx, found, name, row)
        assert row is not None
        if self._archives.deleted(tx, found, row):
            return None
        self.remove(tx, found, row)
        return None

    def absent(self, tx: Tx, container: ContainerRow, name: str) -> bool:
        """Somebody deletes what is not there: older versions elsewhere take note. True when one of
        them is current now."""
        return self._archives.absent(tx, container, name.encode())

    def _mark(
        self, tx: Tx, container: ContainerRow, name: str, row: ObjectRow | None
    ) -> VersionRow:
        if row is not None:
            keeps = self._versions.replaced(tx, container, row)
            tx.delete(row)
            if not keeps:
                self._removals.of(tx, row)
            self._containers.count(tx, container, objects=-1, bytes=0 if keeps else -row.taken)
        if state_of(container) == SUSPENDED:
            self._drop_null(tx, container, name)
        newest = "" if row is None else row.timestamp
        return self._versions.mark(tx, container, name.encode(), newest)

    def delete_version(
        self,
        tx: Tx,
        access: Access,
        container: str,
        name: str,
        version: str,
        *,
        bypass: bool = False,
    ) -> bool:
        """Remove a version for good; was it a marker? `bypass`: although it is governed. Raises
        NoSuchObject, Denied for what is locked."""
        access = access.of_version("s3:DeleteObject")
        found = self.container(tx, access, container, "write", name)
        bypass = bypass and access.may_do(BYPASS, found, name)
        key = name.encode()
        current = tx.get(ObjectRow, found.id, key)
        if current is not None and current.version == version:
            self.remove(tx, found, current, bypass=bypass)
            self._promote(tx, found, key)
            return False
        row = self._versions.find(tx, found, key, version)
        if row is None:
            raise NoSuchObject()
        tx.delete(row)
        self._removals.of(tx, row, bypass=bypass)
        self._containers.count(tx, found, objects=0, bytes=-row.taken)
        if current is None:
            self._promote(tx, found, key)
        return row.marker

    def _promote(self, tx: Tx, container: ContainerRow, name: bytes) -> None:
        if self._versions.promoted(tx, container, name) is not None:
            self._containers.count(tx, container, objects=1, bytes=0)

    def seen_version(
        self, tx: Tx, access: Access, container: str, name: str, version: str | None
    ) -> ObjectRow:
        """As `seen`; a version by its name, unless it is None."""
        if version is None:
            return self.seen(tx, access, container, name)
        access = access.of_version("s3:GetObject")
        place = self._containers.find(tx, access.account, container)
        open_ = access.may("read", place, container, name)
        if place is None:
            raise NoSuchContainer() if open_ else access.refusal()
        row = self.current(tx, place, name)
        if row is None or row.version != version:
            older = self._versions.find(tx, place, name.encode(), version)
            extra = {} if older is None else older.extra
            row = None
        else:
            extra = row.extra
        if not open_ and not access.may_read(place, name, extra):
            raise access.refusal()
        return row or self._versions.readable(tx, place, name.encode(), version)

    def remove(
        self, tx: Tx, container: ContainerRow, row: ObjectRow, *, bypass: bool = False
    ) -> None:
        """The current version, for good. Raises Denied for what is locked."""
        tx.delete(row)
        self._removals.of(tx, row, bypass=bypass)
        self._containers.count(tx, container, objects=-1, bytes=-row.taken)

    def set_tags(
        self,
        tx: Tx,
        access: Access,
        container: str,
        name: str,
        tags: Mapping[str, str],
        version: str | None = None,
    ) -> None:
        """Tags are no part of the object's time. Raises NoSuchObject."""

        def change(extra: dict[str, Any]) -> dict[str, Any]:
            rest = {key: value for key, value in extra.items() if key != "tags"}
            return {**rest, "tags": dict(tags)} if tags else rest

        self.change_extra(tx, access, container, name, change, version)

    def change_extra(
        self,
        tx: Tx,
        access: Access,
        container: str,
        name: str,
        change: Callable[[dict[str, Any]], dict[str, Any]],
        version: str | None,
        *,
        allow: Callable[[ContainerRow, dict[str, Any]], None] | None = None,
    ) -> None:
        """Of the current object, or of a version. `allow`: who may, if not those who write; it is
        told what there is. Raises NoSuchObject."""
        if allow is None:
            found = self.container(tx, access, container, "write", name)
        else:
            found = self._containers.get(tx, access.account, container)
        row = self.version(tx, found, name, version)
        if allow is not None:
            allow(found, {} if row is None else dict(row.extra))
        if row is None:
            raise NoSuchObject(kind=None if version is None else "NoSuchVersion")
        tx.update(row, extra=change(dict(row.extra)))

    def version(
        self, tx: Tx, container: ContainerRow, name: str, version: str | None
    ) -> ObjectRow | VersionRow | None:
        """The current one, or that of a name; a marker is none."""
        row: ObjectRow | VersionRow | None = self.current(tx, container, name)
        if version is not None and (row is None or row.version != version):
            row = self._versions.find(tx, container, name.encode(), version)
        return None if isinstance(row, VersionRow) and row.marker else row

    def outlived(
        self, tx: Tx, container: ContainerRow, name: bytes, version: str, *, current: bool
    ) -> bool:
        """A lifecycle rule takes a version away, if it is still what it was; False when it is
        locked or another one."""
        if current:
            row = tx.get(ObjectRow, container.id, name)
            if row is None or row.version != version:
                return False
            if state_of(container):
                self._mark(tx, container, name.decode(), row)
            else:
                self.remove(tx, container, row)
            return True
        older = self._versions.find(tx, container, name, version)
        if older is None or lock.is_locked(older.extra):
            return False
        tx.delete(older)
        self._removals.of(tx, older)
        self._containers.count(tx, container, objects=0, bytes=-older.taken)
        return True

    def expired(self, tx: Tx, most: int) -> list[tuple[str, bytes]]:
        """(container's id, name) of objects whose time is over."""
        return [(c, n) for c, n in tx.tuples(queries.EXPIRED, now=int(time.time()), most=most)]

    def expire(self, tx: Tx, container_id: str, name: bytes) -> None:
        row, container = tx.get(ObjectRow, container_id, name), tx.get(ContainerRow, container_id)
        if row is None or container is None:
            return
        if row.delete_at is not None and row.delete_at <= time.time():
            if state_of(container) and self._versions.replaced(tx, container, row, named=True):
                # The name has no object any more; what it was is a version as before.
                tx.delete(row)
                self._containers.count(tx, container, objects=-1, bytes=0)
            else:
                self.remove(tx, container, row)
