"""Containers: made, changed, removed when they are empty, and counted."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.ids import new_hex
from cumulo.object_store.meters import CONTAINERS
from cumulo.object_store.model import acl, lock, timestamps
from cumulo.object_store.model.account import project_of
from cumulo.object_store.model.container import POLICY, ContainerRow
from cumulo.object_store.model.faults import BadInput, Denied, NoSuchContainer, NotEmpty
from cumulo.object_store.model.headers import merged
from cumulo.object_store.model.names import check_container
from cumulo.object_store.model.object import ObjectRow, UploadRow
from cumulo.object_store.model.sync import OPTION
from cumulo.object_store.model.version import ENABLED
from cumulo.object_store.queries import container as queries
from cumulo.object_store.queries import object as object_queries
from cumulo.object_store.queries import version as version_queries
from cumulo.object_store.service.access import KEYS, PUBLIC, Access
from cumulo.object_store.service.accounts import Accounts, check_quotas, check_room
from cumulo.object_store.service.removals import Removals
from cumulo.object_store.service.synced import follow

MOST_UPLOADS = 1000
"""Unfinished uploads that go with their container; more have to be ended first."""


@dataclass(slots=True)
class ContainerWishes:
    """What a PUT or POST says; None leaves a list as it is."""

    metadata: Mapping[str, str] = field(default_factory=dict)
    read_acl: str | None = None
    write_acl: str | None = None
    policy: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    """None as a value takes an option away."""


class Containers:
    def __init__(self, accounts: Accounts, removals: Removals) -> None:
        self._accounts = accounts
        self._removals = removals

    def find(self, tx: Tx, account: str, name: str) -> ContainerRow | None:
        return tx.one(queries.NAMED, account=account, name=name.encode())

    def get(self, tx: Tx, account: str, name: str) -> ContainerRow:
        """Raises NoSuchContainer."""
        found = self.find(tx, account, name)
        if found is None:
            raise NoSuchContainer()
        return found

    def seen(self, tx: Tx, access: Access, name: str) -> ContainerRow:
        """For a GET or HEAD of it by this caller. Raises Denied, NeedsLogin, NoSuchContainer."""
        found = self.find(tx, access.account, name)
        access.check("list", found, name)
        if found is None:
            raise NoSuchContainer()
        return found

    def put(self, tx: Tx, access: Access, name: str, wishes: ContainerWishes) -> bool:
        """Make or change it; True when it is new."""
        access.check_account(writing=True)
        access.check_keys(_keys(wishes))
        check_container(name)
        _check(wishes)
        found = self.find(tx, access.account, name)
        if found is not None:
            access.check_bucket(found)
            self._change(tx, found, wishes)
            return False
        self._accounts.there(tx, access.account)
        now = timestamps.now()
        row = ContainerRow(
            id=new_hex(),
            account=access.account,
            name=name.encode(),
            timestamp=now,
            put_timestamp=now,
            objects=0,
            bytes=0,
            metadata=merged({}, wishes.metadata),
            read_acl=wishes.read_acl or "",
            write_acl=wishes.write_acl or "",
            policy=POLICY,
            options=_options({}, wishes.options),
        )
        tx.insert(row)
        follow(tx, None, row)
        self._accounts.count(tx, access.account, containers=1)
        self._emit(tx, "create", row, access)
        return True

    def post(self, tx: Tx, access: Access, name: str, wishes: ContainerWishes) -> None:
        access.check_account(writing=True)
        access.check_keys(_keys(wishes))
        _check(wishes)
        found = self.get(tx, access.account, name)
        access.check_bucket(found)
        self._change(tx, found, wishes)

    def change(self, tx: Tx, row: ContainerRow, wishes: ContainerWishes) -> None:
        """For whoever has been asked about already."""
        self._change(tx, row, wishes)

    def _change(self, tx: Tx, row: ContainerRow, wishes: ContainerWishes) -> None:
        if (wishes.policy or row.policy).lower() != row.policy:
            raise NotEmpty("The storage policy of a container cannot be changed.")
        _check_kinds({**row.options, **wishes.options})
        lists = {"read_acl": wishes.read_acl, "write_acl": wishes.write_acl}
        blocks = row.options.get(PUBLIC, {}).get("BlockPublicAcls")
        if blocks and any(acl.is_public(text) for text in lists.values() if text):
            raise Denied()
        new = tx.update(
            row,
            metadata=merged(row.metadata, wishes.metadata),
            put_timestamp=timestamps.after(row.put_timestamp),
            options=_options(row.options, wishes.options),
            **{name: value for name, value in lists.items() if value is not None},
        )
        follow(tx, row, new)

    def delete(self, tx: Tx, access: Access, name: str) -> None:
        """Raises NotEmpty."""
        access.check_account(writing=True)
        row = self.get(tx, access.account, name)
        access.check_bucket(row)
        if tx.value(object_queries.ANY, container=row.id, now=int(time.time())) is not None:
            raise NotEmpty()
        if tx.value(version_queries.ANY, container=row.id) is not None:
            raise NotEmpty()
        self._drop_expired(tx, row)
        uploads = tx.all(object_queries.ALL_UPLOADS, container=row.id, most=MOST_UPLOADS + 1)
        if len(uploads) > MOST_UPLOADS:
            raise NotEmpty()
        for upload in uploads:
            self.drop_upload(tx, row, upload)
        tx.delete(row)
        follow(tx, row, None)
        CONTAINERS.changed(tx, row, None)
        self._accounts.count(tx, access.account, containers=-1)
        self._emit(tx, "delete", row, access)

    def after(self, tx: Tx, id: str, most: int) -> list[ContainerRow]:
        """Containers of everybody in the order of their ids, for who goes through them all."""
        return tx.all(queries.AFTER, after=id, most=most)

    def say(self, tx: Tx, ids: Sequence[str]) -> None:
        """What is in these now, for whoever reckons what it costs."""
        for id in ids:
            row = tx.get(ContainerRow, id)
            if row is not None:
                CONTAINERS.changed(tx, None, row)

    def drop(self, tx: Tx, container: ContainerRow, row: ObjectRow) -> None:
        """An object, for good."""
        tx.delete(row)
        self._removals.of(tx, row)
        self.count(tx, container, objects=-1, bytes=-row.taken)

    def drop_upload(self, tx: Tx, container: ContainerRow, row: UploadRow) -> None:
        """An upload that is not completed, with its parts."""
        parts = int(tx.value(object_queries.PARTS_SIZE, assembly=row.id) or 0)
        self.count(tx, container, objects=0, bytes=-parts)
        self._removals.parts(tx, row.id)
        tx.delete(row)

    def _drop_expired(self, tx: Tx, row: ContainerRow) -> None:
        """Objects whose time is over are not there for anybody, and go with their container."""
        found = tx.all(object_queries.ALL_OBJECTS, container=row.id, most=MOST_UPLOADS + 1)
        if len(found) > MOST_UPLOADS or any(lock.is_locked(each.extra) for each in found):
            raise NotEmpty()
        for each in found:
            tx.delete(each)
            self._removals.of(tx, each)
        self.count(tx, row, objects=-len(found), bytes=-sum(each.taken for each in found))

    def count(self, tx: Tx, row: ContainerRow, *, objects: int, bytes: int) -> None:
        """In the container and in its account."""
        if objects or bytes:
            tx.run(queries.COUNT, container=row.id, objects=objects, bytes=bytes)
            self._accounts.count(tx, row.account, objects=objects, bytes=bytes)

    def check_room(self, tx: Tx, row: ContainerRow, *, objects: int, bytes: int) -> None:
        """Raises TooLarge when a quota of the container or the account has no room."""
        self.check_own_room(row, objects=objects, bytes=bytes)
        self._accounts.check_room(tx, row.account, objects=objects, bytes=bytes)

    def check_own_room(self, row: ContainerRow, *, objects: int, bytes: int) -> None:
        """For what comes from another container of the account."""
        check_room(row, objects=objects, bytes=bytes)

    def count_all(self, tx: Tx) -> int:
        return int(tx.value(queries.COUNT_ALL) or 0)

    def _emit(self, tx: Tx, verb: str, row: ContainerRow, access: Access) -> None:
        emit(
            tx,
            f"object_store.container.{verb}",
            row.id,
            principal=access.who,
            project_id=project_of(row.account),
            name=row.text,
        )


def _keys(wishes: ContainerWishes) -> list[str]:
    """The names of what is set; a place to send all to, and the word for it, are keys as well."""
    return [*wishes.metadata, *(KEYS[:1] if OPTION in wishes.options else ())]


def _check(wishes: ContainerWishes) -> None:
    check_quotas(wishes.metadata)
    if (wishes.policy or POLICY).lower() != POLICY:
        raise BadInput(f"Invalid X-Storage-Policy '{wishes.policy}'")


def _check_kinds(options: Mapping[str, Any]) -> None:
    """A container keeps versions in one way; where they can be locked, it does. Raises BadInput."""
    if lock.OPTION in options and options.get("versioning") != ENABLED:
        raise BadInput("Object Lock is on: versions are kept.", kind="InvalidBucketState")
    if options.get("archive") and options.get("versioning"):
        raise BadInput(
            "Cannot enable object versioning on a container that is already using the legacy "
            "versioned writes feature."
        )


def clean(header: str, value: str | None) -> str | None:
    return None if value is None else acl.cleaned(header, value)


def _options(old: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**old, **changes}.items() if value is not None}
