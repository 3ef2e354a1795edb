"""Versions in Swift's way: its API's own rules, on the rows that S3 has in common with it.

A deletion leaves a marker only where versions are kept now; whoever deletes the current version by
its name leaves the name without one (S3 makes the version before it current again); any version can
be made the current one.
"""

from typing import NamedTuple

from cumulo.core.db.transaction import Tx
from cumulo.object_store.model.container import ContainerRow
from cumulo.object_store.model.faults import BadInput, NoSuchObject, WasDeleted
from cumulo.object_store.model.object import ObjectRow
from cumulo.object_store.model.version import (
    ENABLED,
    NULL,
    VersionRow,
    shown,
    state_of,
    version_time,
)
from cumulo.object_store.service.access import Access
from cumulo.object_store.service.containers import Containers
from cumulo.object_store.service.objects import Objects
from cumulo.object_store.service.removals import Removals
from cumulo.object_store.service.versions import Versions

DELETED = "application/x-deleted;swift_versions_deleted=1"
"""The content type of a marker."""


class Deletion(NamedTuple):
    found: bool
    """There was an object."""
    marker: str | None
    """The version that says that it was deleted."""


class ObjectVersions:
    def __init__(
        self, containers: Containers, objects: Objects, versions: Versions, removals: Removals
    ) -> None:
        self._containers = containers
        self._objects = objects
        self._versions = versions
        self._removals = removals

    def delete(
        self, tx: Tx, access: Access, container: str, name: str, *, marks: bool = True
    ) -> Deletion:
        """Where versions are kept, what is not there is marked, too, and is still not found.
        `marks`: False leaves the name without a current version, and without a marker."""
        found = self._objects.container(tx, access, container, "write", name)
        row = self._objects.current(tx, found, name)
        if state_of(found) == ENABLED and marks:
            return Deletion(row is not None, self._mark(tx, found, name, row).version)
        if row is None:
            there = not state_of(found) and self._objects.absent(tx, found, name)
            return Deletion(there, None)
        if not state_of(found):
            self._objects.delete(tx, access, container, name)
            return Deletion(True, None)
        self._let_go(tx, found, row)
        return Deletion(True, None)

    def _mark(
        self, tx: Tx, container: ContainerRow, name: str, row: ObjectRow | None
    ) -> VersionRow:
        if row is not None:
            self._let_go(tx, container, row)
        return self._versions.mark(
            tx, container, name.encode(), "" if row is None else row.timestamp
        )

    def _let_go(self, tx: Tx, container: ContainerRow, row: ObjectRow) -> None:
        """The name has no current version; what it was is kept if it is a version."""
        keeps = self._versions.replaced(tx, container, row, named=True)
        tx.delete(row)
        if not keeps:
            self._removals.of(tx, row)
        self._containers.count(tx, container, objects=-1, bytes=0 if keeps else -row.taken)

    def delete_version(
        self, tx: Tx, access: Access, container: str, name: str, version: str
    ) -> str:
        """The version that is current afterwards, or `null`. Raises NoSuchObject, BadInput."""
        access = access.of_version("s3:DeleteObject")
        found = self._objects.container(tx, access, container, "write", name)
        _check(access, found, version)
        row = tx.get(ObjectRow, found.id, name.encode())
        if row is not None and row.version == version:
            self._objects.remove(tx, found, row)
            return NULL
        older = self._versions.find(tx, found, name.encode(), version)
        if older is None:
            raise NoSuchObject()
        tx.delete(older)
        self._removals.of(tx, older)
        self._containers.count(tx, found, objects=0, bytes=-older.taken)
        return NULL if row is None else row.version

    def restore(self, tx: Tx, access: Access, container: str, name: str, version: str) -> ObjectRow:
        """A version is the current one from now on. Raises NoSuchObject, BadInput."""
        found = self._objects.container(tx, access, container, "write", name)
        if version == NULL:
            raise BadInput("Invalid version parameter")
        _check(access, found, version)
        row = tx.get(ObjectRow, found.id, name.encode())
        if row is not None and row.version == version:
            return row
        older = self._versions.find(tx, found, name.encode(), version)
        if older is None or older.marker:
            raise NoSuchObject("The specified version does not exist")
        if row is not None:
            self._let_go(tx, found, row)
        tx.delete(older)
        made = shown(older)
        tx.insert(made)
        self._containers.count(tx, found, objects=1, bytes=0)
        return made

    def seen(self, tx: Tx, access: Access, container: str, name: str, version: str) -> ObjectRow:
        """Raises NoSuchObject, BadInput; a marker's refusal says that it is one."""
        if version != NULL:
            access = access.of_version("s3:GetObject")
        found = self._objects.container(tx, access, container, "read", name)
        _check(access, found, version)
        if version == NULL:
            row = self._objects.current(tx, found, name)
        else:
            # Its time as the current one may be over: as a version it has none.
            row = tx.get(ObjectRow, found.id, name.encode())
        if row is not None and row.version == version:
            return row
        older = self._versions.find(tx, found, name.encode(), version)
        if older is None:
            raise NoSuchObject()
        if older.marker:
            raise WasDeleted(headers={"X-Object-Version-Id": version})
        return shown(older)


def _check(access: Access, container: ContainerRow, version: str) -> None:
    """Lists of the container are about current objects: versions are their owner's alone."""
    if version != NULL and not access.owner:
        raise access.refusal()
    if not state_of(container) and version != NULL:
        raise BadInput("version-aware operations require that the container is versioned")
    if not version_time(version):
        raise BadInput("Invalid version parameter")
