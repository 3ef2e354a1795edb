"""Unfinished uploads, which anybody may begin where everybody writes."""

import asyncio
from pathlib import Path

import pytest

from cumulo.object_store.model.faults import BadInput
from cumulo.object_store.service import multipart
from cumulo.object_store.service.access import Access, Signed
from cumulo.object_store.service.objects import NewObject
from tests.support.cloud import running_cloud


def test_a_bucket_has_so_many_and_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(multipart, "MOST", 3)

    async def main() -> None:
        async with running_cloud(tmp_path / "data") as cloud:
            await cloud.token("demo")
            account = f"AUTH_{cloud.projects['demo']}"
            for name in ("c", "other"):
                done = await cloud.call("PUT", f"/object-store/v1/{account}/{name}")
                assert done.status == 201
            store = cloud.cloud.services.object_store
            access = Access(account, None, lambda rule: False, signed=Signed(account))

            async def begin(bucket: str) -> None:
                await store.write(
                    lambda tx: store.multipart.begin(tx, access, bucket, "k", NewObject()),
                    name="object upload",
                )

            for _ in range(3):
                await begin("c")
            with pytest.raises(BadInput):
                await begin("c")
            await begin("other")

    asyncio.run(main())
