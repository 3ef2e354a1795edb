"""Policies of buckets: documents that say who may what."""

from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Reply
from cumulo.object_store.api.s3.asked import Asked
from cumulo.object_store.api.s3.documents import document, element
from cumulo.object_store.api.s3.lists import Read
from cumulo.object_store.model import bucket_policy
from cumulo.object_store.model.container import ContainerRow
from cumulo.object_store.model.faults import Denied, NoSuchObject
from cumulo.object_store.service.access import POLICY, PUBLIC
from cumulo.object_store.service.containers import ContainerWishes
from cumulo.object_store.service.object_store import ObjectStoreService


class PoliciesApi:
    """They are their account's owner's alone, whatever they say."""

    def __init__(self, store: ObjectStoreService, read: Read) -> None:
        self._store = store
        self._read = read

    async def get(self, call: Call) -> Reply:
        text = _policy(await self._row(self._read(call)))
        return Reply(200, raw=text.encode(), content_type="application/json")

    async def status(self, call: Call) -> Reply:
        row = await self._row(self._read(call))
        public = bucket_policy.is_public(_policy(row))
        return document("PolicyStatus", element("IsPublic", "TRUE" if public else "FALSE"))

    async def put(self, call: Call) -> Reply:
        asked = self._read(call)
        text = bucket_policy.checked(await asked.body().whole(), asked.bucket)

        def check(row: ContainerRow) -> None:
            if row.options.get(PUBLIC, {}).get("BlockPublicPolicy") and bucket_policy.is_public(
                text
            ):
                raise Denied()

        await self._set(asked, text, check)
        return Reply(204)

    async def delete(self, call: Call) -> Reply:
        await self._set(self._read(call), None, lambda row: None)
        return Reply(204)

    async def _set(self, asked: Asked, text: str | None, check: Any) -> None:
        def work(tx: Tx) -> None:
            asked.access.check_account(writing=True)
            check(self._store.containers.get(tx, asked.access.account, asked.bucket))
            wishes = ContainerWishes(options={POLICY: text})
            self._store.containers.post(tx, asked.access, asked.bucket, wishes)

        await self._store.write(work, name="object container post")

    async def _row(self, asked: Asked) -> ContainerRow:
        def look(tx: Tx) -> ContainerRow:
            asked.access.check_account(writing=False)
            return self._store.containers.get(tx, asked.access.account, asked.bucket)

        return await self._store.database.read(look)


def _policy(row: ContainerRow) -> str:
    text: str | None = row.options.get(POLICY)
    if text is None:
        raise NoSuchObject("The bucket policy does not exist", kind="NoSuchBucketPolicy")
    return text
