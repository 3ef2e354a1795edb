"""An older copy of the database comes back: what it does not know is kept. None comes in where
there was a cloud: nothing is begun anew over its files."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from cumulo import settings, wiring
from cumulo.core.hosts import lineage
from tests.support.cloud import TestCloud, running_cloud
from tests.support.restore import put_copy_back

CONTENT = b"only the newer database knows of it"


def having(folder: Path) -> set[str]:
    """The folders of a data directory with files that hold it."""
    found = (p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("cumulo.db"))
    return {p.relative_to(folder).parts[0] for p in found if CONTENT in p.read_bytes()}


async def _write(cloud: TestCloud) -> None:
    body = {"name": "later", "disk_format": "raw", "container_format": "bare"}
    image = (await cloud.call("POST", "/image/v2/images", json_=body)).json["id"]
    binary = {"content-type": "application/octet-stream"}
    path = f"/image/v2/images/{image}/file"
    assert (await cloud.call("PUT", path, headers=binary, body=CONTENT)).status == 204
    account = f"/object-store/v1/AUTH_{cloud.projects['demo']}/later"
    for path, body_ in ((account, b""), (f"{account}/one", CONTENT)):
        answer = await cloud.call("PUT", path, headers=binary, body=body_)
        assert answer.status == 201, answer.raw


def test_what_an_older_copy_does_not_know_is_kept(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            await cloud.token("demo")
            cloud.cloud.database.keep_copy("earlier")  # type: ignore[attr-defined]
            await _write(cloud)
        assert having(tmp_path) == {"images", "objects"}
        # What is as young as a process is taken for its own.
        for path in (*(tmp_path / "images").rglob("*"), *(tmp_path / "objects").rglob("*")):
            os.utime(path, (time.time() - 60.0,) * 2)
        put_copy_back(tmp_path, "earlier")
        # Nothing that is of this start and no other: it stays at the next one too.
        for _ in range(2):
            async with running_cloud(tmp_path) as cloud:
                assert (tmp_path / settings.RESTORED).exists()
                await _swept(cloud)
            assert having(tmp_path) == {"images", "objects"}
        (tmp_path / settings.RESTORED).unlink()
        async with running_cloud(tmp_path) as cloud:
            await _swept(cloud)
        assert having(tmp_path) == set()
        assert not (tmp_path / settings.RESTORED).exists()

    asyncio.run(main())


async def _swept(cloud: TestCloud) -> None:
    """Both services have looked for bytes that no row knows."""
    at_start = [
        each.reconciler
        for each in cloud.cloud.reconcilers
        if each.reconciler.name in ("image removals", "object removals")
    ]
    assert len(at_start) == 2
    # The object store looks at its 256 folders one by one.
    for _ in range(1200):
        if all(vars(each)["_started"] for each in at_start):
            return
        await asyncio.sleep(0.05)
    raise AssertionError("they do not come round")


def test_no_cloud_is_begun_over_anothers_files(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            await cloud.token("demo")
            await _write(cloud)

    asyncio.run(main())
    for path in tmp_path.glob("cumulo.db*"):
        path.rename(path.with_name(f"away-{path.name}"))
    with pytest.raises(lineage.EmptyDatabase, match=r"no cloud; .* is of the cloud"):
        wiring.build(settings.load(tmp_path, fake=True))
    assert having(tmp_path) >= {"images", "objects"}
