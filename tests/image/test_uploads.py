"""Uploads and removals when something comes between."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from cumulo.core.blobs.content import Content, Missing
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Fault, Gone, QuotaExceeded, TooLarge
from cumulo.identity.interface import FirstUsers
from cumulo.image.api.files import _exactly
from cumulo.image.interface import NewImage
from cumulo.image.model.image import ImageRow
from cumulo.image.model.location import RemovalRow
from cumulo.image.reconcile import ImageRemovals
from tests.support.cloud import TestCloud, running_cloud


def run(tmp_path: Path, story: Any) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            await cloud.token("demo")
            await story(cloud)

    asyncio.run(main())


async def new(cloud: TestCloud, **more: Any) -> str:
    body = {"name": "x", "disk_format": "raw", "container_format": "bare", **more}
    answer = await cloud.call("POST", "/image/v2/images", json_=body)
    assert answer.status == 201, answer.raw
    return str(answer.json["id"])


async def row_of(cloud: TestCloud, image_id: str) -> Any:
    return await cloud.cloud.database.read(lambda tx: tx.get(ImageRow, image_id))


async def receive(cloud: TestCloud, image_id: str, body: AsyncIterator[bytes]) -> None:
    operator = await cloud.cloud.database.read(
        lambda tx: cloud.cloud.frame.get(FirstUsers).operator(tx)
    )
    uploads = cloud.cloud.services.image.uploads
    await uploads.receive(image_id, body, operator, lambda tx, row: None)


def files(cloud: TestCloud) -> list[str]:
    folder = cloud.cloud.settings.data_dir / "images"
    return sorted(path.name for path in folder.iterdir())


def test_a_broken_upload_leaves_nothing(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        image_id, before = await new(cloud), files(cloud)

        async def broken() -> AsyncIterator[bytes]:
            yield b"x" * 3_000_000
            raise ConnectionError("gone")

        with pytest.raises(ConnectionError):
            await receive(cloud, image_id, broken())
        assert (await row_of(cloud, image_id)).status == "queued"
        assert files(cloud) == before

    run(tmp_path, story)


def test_a_client_that_goes_away(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        image_id, before = await new(cloud), files(cloud)
        answer = await cloud.call(
            "PUT",
            f"/image/v2/images/{image_id}/file",
            headers={"content-type": "application/octet-stream", "content-length": "100"},
            body=b"x" * 10,
        )
        assert answer.status == 400
        assert (await row_of(cloud, image_id)).status == "queued"
        assert files(cloud) == before

    run(tmp_path, story)


def test_deleted_during_the_upload(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        image_id = await new(cloud)

        async def slow() -> AsyncIterator[bytes]:
            yield b"x" * 2_000_000
            answer = await cloud.call("DELETE", f"/image/v2/images/{image_id}")
            assert answer.status == 204
            yield b"y"

        with pytest.raises(Gone):
            await receive(cloud, image_id, slow())
        assert image_id not in files(cloud)
        usage = await cloud.call("GET", "/image/v2/info/usage")
        assert {u["usage"] for u in usage.json["usage"].values()} == {0}

    run(tmp_path, story)


def test_an_upload_over_the_quota(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        image_id, project = await new(cloud), cloud.projects["demo"]
        quotas = cloud.cloud.services.image.images.quotas
        await cloud.cloud.database.write(
            lambda tx: quotas.set_limits(tx, project, {"image_size_total": 1})
        )

        async def large() -> AsyncIterator[bytes]:
            yield b"x" * 2_000_000

        with pytest.raises(TooLarge):
            await receive(cloud, image_id, large())
        assert (await row_of(cloud, image_id)).status == "queued"
        await cloud.cloud.database.write(
            lambda tx: quotas.set_limits(tx, project, {"image_count_total": 1})
        )
        answer = await cloud.call("POST", "/image/v2/images", json_={})
        assert answer.status == 413
        assert issubclass(QuotaExceeded, Fault)

    run(tmp_path, story)


def test_what_a_killed_process_left_is_put_right(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        service, database = cloud.cloud.services.image, cloud.cloud.database
        image_id = await new(cloud)
        # As after a kill between the renaming of the bytes and the commit.
        operator = await database.read(lambda tx: cloud.cloud.frame.get(FirstUsers).operator(tx))
        run, _, _ = await database.write(
            lambda tx: service.uploads._begin(tx, image_id, operator, lambda *_: None, "file", None)
        )
        writer = service.stores.default.content.writer(image_id)
        await writer.write(b"bytes")
        await writer.finish()
        await writer.keep()
        jobs = cloud.cloud.frame.jobs
        jobs.let_go(run)

        def end_of_lease(tx: Tx) -> None:
            tx.update(run.still(tx), due=tx.now)

        await database.write(end_of_lease)
        jobs.wakeup.ring()
        await cloud.until(f"/image/v2/images/{image_id}", lambda a: a.json["status"] == "queued")
        # The cloud's own loop removes too; whoever comes second finds nothing to do.
        removals = ImageRemovals(database, service)
        while waiting := await database.read(lambda tx: removals.due(tx, 10)):
            for id in waiting:
                await removals.step(id)
        assert image_id not in files(cloud)
        answer = await cloud.call(
            "PUT",
            f"/image/v2/images/{image_id}/file",
            headers={"content-type": "application/octet-stream"},
            body=b"hello",
        )
        assert answer.status == 204

    run(tmp_path, story)


def test_bytes_that_somebody_removed_are_not_waited_for(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        image_id = await new(cloud)
        path = f"/image/v2/images/{image_id}/file"
        binary = {"content-type": "application/octet-stream"}
        await cloud.call("PUT", path, headers=binary, body=b"hello")
        folder = cloud.cloud.settings.data_dir / "images"
        (folder / image_id).unlink()
        reading = cloud.cloud.services.image.reading
        with pytest.raises(Missing, match="No image data could be found"):
            await reading.open(Content(image_id))
        assert (await cloud.call("GET", path)).status == 404

    run(tmp_path, story)


def test_removed_bytes_are_gone_and_the_work_too(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        image_id = await new(cloud)
        await cloud.call(
            "PUT",
            f"/image/v2/images/{image_id}/file",
            headers={"content-type": "application/octet-stream"},
            body=b"hello",
        )
        assert image_id in files(cloud)
        await cloud.call("DELETE", f"/image/v2/images/{image_id}")
        for _ in range(200):
            left = await cloud.cloud.database.read(lambda tx: tx.get(RemovalRow, image_id, "file"))
            if left is None:
                break
            await asyncio.sleep(0.01)
        assert left is None and image_id not in files(cloud)
        await cloud.cloud.first_run()
        listed = await cloud.call("GET", "/image/v2/images")
        assert [image["name"] for image in listed.json["images"]] == ["cumulo-guest"]

    run(tmp_path, story)


def test_an_image_that_another_service_makes(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        service, database = cloud.cloud.services.image, cloud.cloud.database
        operator = await database.read(lambda tx: cloud.cloud.frame.get(FirstUsers).operator(tx))
        wish = NewImage(name="snap", disk_format="raw", properties={"instance_uuid": "s"})
        image_id = await database.write(lambda tx: service.images.reserve(tx, operator, wish))

        async def body() -> AsyncIterator[bytes]:
            yield b"disk"

        await receive(cloud, image_id, body())
        info = await database.read(lambda tx: service.images.usable(tx, image_id, operator))
        assert (info.status, info.size, info.properties["instance_uuid"]) == ("active", 4, "s")
        reader = await service.reading.open(Content(image_id, info.sha512 or "", 4))
        assert await reader.read(0, 10) == b"disk"
        await reader.close()

    run(tmp_path, story)


def test_a_stream_that_is_not_as_long_as_it_was_said(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(3):
                yield b"x" * 10

        for promised, whole in ((30, True), (29, False), (31, False)):
            found = b""
            try:
                async for piece in _exactly(pieces(), promised):
                    found += piece
                assert whole and len(found) == 30
            except BadRequest:
                assert not whole and len(found) <= promised

    run(tmp_path, story)
