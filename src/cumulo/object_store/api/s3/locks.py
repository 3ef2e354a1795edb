"""Retention and legal holds of objects of S3."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Reply
from cumulo.object_store.api.s3.asked import Asked
from cumulo.object_store.api.s3.documents import document, element, name_of, parsed, value_of
from cumulo.object_store.api.s3.lists import Read
from cumulo.object_store.api.s3.settings import kept_in, malformed
from cumulo.object_store.model import lock
from cumulo.object_store.model.container import ContainerRow
from cumulo.object_store.model.faults import BadInput, NoSuchObject
from cumulo.object_store.model.object import ObjectRow
from cumulo.object_store.service.access import BYPASS
from cumulo.object_store.service.object_store import ObjectStoreService

PREFIX = "x-amz-object-lock-"


def bypass(asked: Asked) -> bool:
    return asked.headers.get("x-amz-bypass-governance-retention", "").lower() == "true"


def wanted(headers: Mapping[str, str]) -> dict[str, Any]:
    """What a write says of it, as it is kept in `extra`. Raises BadInput."""
    mode, until = (headers.get(f"{PREFIX}{name}") for name in ("mode", "retain-until-date"))
    found: dict[str, Any] = {}
    if (mode is None) != (until is None):
        raise BadInput(
            "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
            kind="InvalidArgument",
        )
    if mode is not None and until is not None:
        found[lock.LOCK] = lock.retention(mode, lock.seconds(until))
    hold = headers.get(f"{PREFIX}legal-hold")
    if hold not in (None, "ON", "OFF"):
        raise BadInput("Legal Hold must be either of 'ON' or 'OFF'", kind="InvalidArgument")
    if hold == "ON":
        found[lock.HOLD] = True
    return found


def headers_of(row: ObjectRow) -> dict[str, str]:
    found = {}
    kept = row.extra.get(lock.LOCK)
    if kept:
        found[f"{PREFIX}mode"] = kept["mode"]
        found[f"{PREFIX}retain-until-date"] = lock.date(kept["until"])
    if row.extra.get(lock.HOLD):
        found[f"{PREFIX}legal-hold"] = "ON"
    return found


def check(asked: Asked, container: ContainerRow) -> None:
    """Whoever may write may not therefore lock what the owner pays for. Raises Denied."""
    headers = asked.headers
    wished = {
        "s3:PutObjectRetention": f"{PREFIX}mode" in headers,
        "s3:PutObjectLegalHold": f"{PREFIX}legal-hold" in headers,
    }
    for action, is_wished in wished.items():
        if is_wished and not asked.access.may_do(action, container, asked.key):
            raise asked.access.refusal()


class LocksApi:
    def __init__(self, store: ObjectStoreService, read: Read) -> None:
        self._store = store
        self._read = read

    async def retention(self, call: Call) -> Reply:
        row = await self._row(self._read(call))
        kept = row.extra.get(lock.LOCK)
        if not kept:
            raise _not_set()
        until = element("RetainUntilDate", lock.date(kept["until"]))
        return document("Retention", element("Mode", kept["mode"]), until)

    async def put_retention(self, call: Call) -> Reply:
        asked = self._read(call)
        node = parsed(await asked.body().whole())
        if node is None or name_of(node) != "Retention":
            raise malformed()
        mode, until = value_of(node, "Mode"), value_of(node, "RetainUntilDate")
        if (mode is None) != (until is None):
            raise malformed()
        made = None
        if mode is not None and until is not None:
            made = lock.retention(mode, lock.seconds(until))

        def change(tx: Tx, extra: dict[str, Any]) -> dict[str, Any]:
            row = self._store.containers.get(tx, asked.access.account, asked.bucket)
            forced = bypass(asked) and asked.access.may_do(BYPASS, row, asked.key)
            lock.check_change(extra, made, bypass=forced)
            rest = {name: value for name, value in extra.items() if name != lock.LOCK}
            return rest if made is None else {**rest, lock.LOCK: made}

        return await self._change(asked, change)

    async def hold(self, call: Call) -> Reply:
        row = await self._row(self._read(call))
        return document("LegalHold", element("Status", "ON" if row.extra.get(lock.HOLD) else "OFF"))

    async def put_hold(self, call: Call) -> Reply:
        asked = self._read(call)
        node = parsed(await asked.body().whole())
        status = None if node is None else value_of(node, "Status")
        if node is None or name_of(node) != "LegalHold" or status not in ("ON", "OFF"):
            raise malformed()

        def change(tx: Tx, extra: dict[str, Any]) -> dict[str, Any]:
            rest = {name: value for name, value in extra.items() if name != lock.HOLD}
            return {**rest, lock.HOLD: True} if status == "ON" else rest

        return await self._change(asked, change)

    async def _row(self, asked: Asked) -> ObjectRow:
        def look(tx: Tx) -> ObjectRow:
            self._check_bucket(tx, asked)
            return self._store.objects.seen_version(
                tx, asked.access, asked.bucket, asked.key, asked.query.get("versionId")
            )

        return await self._store.database.read(look)

    async def _change(self, asked: Asked, change: Any) -> Reply:
        def work(tx: Tx) -> None:
            self._check_bucket(tx, asked)
            self._store.objects.change_extra(
                *(tx, asked.access, asked.bucket, asked.key, partial(change, tx)),
                asked.query.get("versionId"),
            )

        await self._store.write(work, name="object lock")
        return Reply(200, raw=b"")

    def _check_bucket(self, tx: Tx, asked: Asked) -> None:
        row = self._store.containers.get(tx, asked.access.account, asked.bucket)
        if kept_in(row, "object-lock") is None:
            raise BadInput("Bucket is missing Object Lock Configuration", kind="InvalidRequest")


def _not_set() -> NoSuchObject:
    return NoSuchObject(
        "The specified object does not have a ObjectLock configuration",
        kind="NoSuchObjectLockConfiguration",
    )
