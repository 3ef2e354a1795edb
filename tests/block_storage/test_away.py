"""Backups and restores whose host is away for a while, and copies that are read for long."""

import asyncio
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cumulo.block_storage.drivers.fake import Fault
from cumulo.block_storage.jobs import backups
from cumulo.block_storage.service.backups import BACKUP, RESTORE
from cumulo.core.hosts.copies import OLD, Copies
from tests.block_storage.test_backups import BACKUPS, backup_is, begun
from tests.block_storage.test_storage import driver_of, make, run, status
from tests.support.cloud import TestCloud


@contextmanager
def away(cloud: TestCloud) -> Iterator[None]:
    """No host is connected, and a job that fails once has failed."""
    conductor = cloud.cloud.frame.conductor
    for kind in (BACKUP, RESTORE):
        cloud.cloud.frame.jobs.kinds[kind].attempts = 1
    known = dict(conductor._askers)
    conductor._askers.clear()
    try:
        yield
    finally:
        conductor._askers.update(known)


def test_a_host_that_is_away_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backups, "AWAY", 0.05, raising=False)

    async def story(cloud: TestCloud) -> None:
        volume = await make(cloud)
        await status(cloud, volume, "available")
        with away(cloud):
            backup = await begun(cloud, volume)
            await asyncio.sleep(1)
            await status(cloud, volume, "backing-up")
        await backup_is(cloud, backup, "available")
        await status(cloud, volume, "available")
        path, body = f"{BACKUPS}/{backup}/restore", {"restore": {"volume_id": volume}}
        with away(cloud):
            assert (await cloud.call("POST", path, json_=body)).status == 202
            await asyncio.sleep(1)
            await status(cloud, volume, "restoring-backup")
        await status(cloud, volume, "available")

    run(tmp_path, story)


def test_it_is_not_waited_for_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backups, "AWAY", 0.05)
    monkeypatch.setattr(backups, "PATIENCE", 0.3)

    async def story(cloud: TestCloud) -> None:
        volume = await make(cloud)
        await status(cloud, volume, "available")
        with away(cloud):
            backup = await begun(cloud, volume)
            seen = await backup_is(cloud, backup, "error")
        assert "is not connected" in seen["fail_reason"]
        await status(cloud, volume, "available")

    run(tmp_path, story)


def test_what_a_host_refuses_is_a_failure(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        cloud.cloud.frame.jobs.kinds[BACKUP].attempts = 1
        driver_of(cloud).faults["copy_out"] = Fault("the disk is on fire")
        volume = await make(cloud)
        await status(cloud, volume, "available")
        backup = await begun(cloud, volume)
        assert "on fire" in (await backup_is(cloud, backup, "error"))["fail_reason"]

    run(tmp_path, story)


def test_a_copy_that_is_read_is_not_old(tmp_path: Path) -> None:
    async def story() -> None:
        copies = Copies(tmp_path)
        for question, more in (("read_copy", {"length": 3}), ("next_data", {})):
            (tmp_path / "read").write_bytes(b"abc")
            (tmp_path / "left").write_bytes(b"abc")
            for name in ("read", "left"):
                os.utime(tmp_path / name, (time.time() - OLD - 60,) * 2)
            await copies.answer(question, {"name": "read", "offset": 0, **more})
            await copies.tidy()
            assert [each.name for each in tmp_path.iterdir()] == ["read"]

    asyncio.run(story())
