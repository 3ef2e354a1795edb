"""Swift's older versions: what is replaced in one container goes to another one, as an object of
its own (`X-Versions-Location`, `X-History-Location`).

With a stack, a deletion brings the last one back; with a history, it leaves a note that there was
one.
"""

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.object_store.model import lock, timestamps
from cumulo.object_store.model.container import ContainerRow
from cumulo.object_store.model.faults import PreconditionFailed
from cumulo.object_store.model.listing import behind
from cumulo.object_store.model.object import ObjectRow
from cumulo.object_store.model.version import NULL
from cumulo.object_store.queries import object as queries
from cumulo.object_store.service.containers import Containers

DYNAMIC = "x-object-manifest"
STACK, HISTORY = "stack", "history"
DELETED = "application/x-deleted;swift_versions_deleted=1"
EMPTY = "d41d8cd98f00b204e9800998ecf8427e"


class Archives:
    def __init__(self, containers: Containers) -> None:
        self._containers = containers

    def _place(
        self, tx: Tx, container: ContainerRow, *, leaving: bool = False
    ) -> tuple[str, ContainerRow] | None:
        """(kind, container of the older ones). Raises PreconditionFailed when that is gone, unless
        nothing is to be kept."""
        wish = container.options.get("archive")
        if not wish:
            return None
        found = self._containers.find(tx, container.account, wish["location"])
        if found is None:
            if wish["kind"] == STACK and leaving:
                return None
            raise PreconditionFailed()
        return str(wish["kind"]), found

    def keeps(self, container: ContainerRow, row: ObjectRow) -> bool:
        """What is replaced in it goes elsewhere: a dynamic one's name stands for objects that are
        there now, an older one says nothing (Swift)."""
        return bool(container.options.get("archive")) and DYNAMIC not in row.headers

    def replaced(self, tx: Tx, container: ContainerRow, row: ObjectRow) -> None:
        """Raises TooLarge when there is no room for it."""
        place = self._place(tx, container)
        if place is not None and self.keeps(container, row):
            self._containers.check_own_room(place[1], objects=1, bytes=row.taken)
            self._keep(tx, place[1], row)

    def deleted(self, tx: Tx, container: ContainerRow, row: ObjectRow) -> bool:
        """True when something else is current now."""
        place = self._place(tx, container, leaving=True)
        if place is None:
            return False
        kind, target = place
        if kind == STACK:
            return self._restored(tx, container, target, row.name, row)
        if self.keeps(container, row):
            self._keep(tx, target, row)
        self._note(tx, target, row.name, row.timestamp)
        return False

    def absent(self, tx: Tx, container: ContainerRow, name: bytes) -> bool:
        """Somebody deletes what is not there: with a history that is noted, with a stack the last
        one comes back. True when something is current now."""
        place = self._place(tx, container, leaving=True)
        if place is None:
            return False
        kind, target = place
        if kind == STACK:
            return self._restored(tx, container, target, name, None)
        self._note(tx, target, name, "")
        return False

    def _note(self, tx: Tx, target: ContainerRow, name: bytes, last: str) -> None:
        when = timestamps.after(last)
        self._keep(
            tx,
            target,
            ObjectRow(
                container_id=target.id,
                name=name,
                timestamp=when,
                version=NULL,
                size=0,
                etag=EMPTY,
                content_type=DELETED,
                headers={},
                kind="plain",
                blob=None,
                assembly=None,
                delete_at=None,
                extra={},
            ),
        )

    def _keep(self, tx: Tx, target: ContainerRow, row: ObjectRow) -> None:
        name = _prefix(row.name) + row.timestamp.encode()
        kept = msgspec.structs.replace(row, container_id=target.id, name=name, version=NULL)
        if tx.insert(kept, ignore_duplicate=True):
            self._containers.count(tx, target, objects=1, bytes=row.taken)

    def _restored(
        self,
        tx: Tx,
        container: ContainerRow,
        target: ContainerRow,
        name: bytes,
        row: ObjectRow | None,
    ) -> bool:
        last = self._pop(tx, target, name)
        if last is not None and last.content_type == DELETED and row is None:
            # That it was deleted is undone: what it was before comes back.
            last = self._pop(tx, target, name)
        if last is None:
            return False
        if row is not None:
            self._containers.drop(tx, container, row)
        if last.content_type == DELETED:
            return True
        tx.insert(msgspec.structs.replace(last, container_id=container.id, name=name))
        self._containers.count(tx, container, objects=1, bytes=last.taken)
        return True

    def _pop(self, tx: Tx, target: ContainerRow, name: bytes) -> ObjectRow | None:
        """The newest of an object's older versions, no more in their container."""
        prefix = _prefix(name)
        found = tx.tuples(
            queries.BACKWARD,
            container=target.id,
            low=prefix,
            high=behind(prefix),
            most=1,
            now=0,
        )
        last = tx.get(ObjectRow, target.id, found[0][0]) if found else None
        if last is not None and lock.is_locked(last.extra):
            # A name that looks like an older version's is no way to what is locked.
            return None
        if last is not None:
            tx.delete(last)
            self._containers.count(tx, target, objects=-1, bytes=-last.taken)
        return last


def _prefix(name: bytes) -> bytes:
    """Of the names of an object's older versions."""
    return b"%03x%s/" % (len(name), name)
