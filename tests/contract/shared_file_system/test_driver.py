"""What every driver of shares must do."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from cumulo.shared_file_system.drivers.driver import Refused, SharesDriver, Waiting
from cumulo.shared_file_system.drivers.fake import FakeDriver
from cumulo.shared_file_system.drivers.local.driver import LocalDriver
from cumulo.shared_file_system.model.orders import Rule, WantedServer
from tests.contract.shared_file_system import lab

SERVER = WantedServer(
    id="server", mac="fa:16:3e:00:00:01", address="10.0.0.5/24", gateway=None, mtu=1450, tap="tapx"
)


@pytest.fixture(params=["fake", "local"])
def kind(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "local" and lab.lacking() is not None:
        pytest.skip(str(lab.lacking()))
    yield str(request.param)
    if request.param == "local":
        asyncio.run(local(tmp_path).remove_all())


def local(data: Path) -> LocalDriver:
    return LocalDriver("cmnone", data / "host", data / "run", pool_gb=1)


def make(kind: str, data: Path) -> SharesDriver:
    return local(data) if kind == "local" else FakeDriver(data)


def test_a_share_is_made_once_and_grows(kind: str, tmp_path: Path) -> None:
    async def body() -> None:
        driver = make(kind, tmp_path)
        assert await driver.share_size("share") == 0
        assert await driver.ensure_share("share", 1, None) == 1
        assert await driver.ensure_share("share", 1, None) == 1
        assert await driver.ensure_share("share", 3, None) == 3
        assert await driver.ensure_share("share", 2, None) == 3
        # A restart of the control plane changes nothing.
        again = make(kind, tmp_path)
        assert await again.names() == {"share": "share"}
        assert await again.share_size("share") == 3

    asyncio.run(body())


def test_snapshots_outlive_their_share(kind: str, tmp_path: Path) -> None:
    async def body() -> None:
        driver = make(kind, tmp_path)
        with pytest.raises(Refused):
            await driver.ensure_snapshot("snapshot", "share")
        await driver.ensure_share("share", 1, None)
        await driver.ensure_snapshot("snapshot", "share")
        await driver.ensure_snapshot("snapshot", "share")
        await driver.remove_share("share")
        await driver.remove_share("share")
        assert await driver.names() == {"snapshot": "snapshot"}
        assert await driver.ensure_share("copy", 2, "snapshot") == 2
        with pytest.raises(Refused):
            await driver.ensure_share("other", 1, "nothing")
        await driver.remove_snapshot("snapshot")
        await driver.remove_snapshot("snapshot")
        assert not await driver.has_snapshot("snapshot")

    asyncio.run(body())


def test_it_shrinks_and_is_not_lost(kind: str, tmp_path: Path) -> None:
    async def body() -> None:
        driver = make(kind, tmp_path)
        with pytest.raises(Refused):
            await driver.shrink("share", 1)
        await driver.ensure_share("share", 3, None)
        assert await driver.shrink("share", 2) == 2
        assert await driver.shrink("share", 2) == 2
        assert await driver.shrink("share", 3) == 2
        assert await driver.share_size("share") == 2
        assert await driver.ensure_share("share", 3, None) == 3

    asyncio.run(body())


def test_it_is_reverted_once_for_each_token(kind: str, tmp_path: Path) -> None:
    async def body() -> None:
        driver = make(kind, tmp_path)
        await driver.ensure_share("share", 1, None)
        with pytest.raises(Refused):
            await driver.revert("share", "snapshot", 1, "first")
        await driver.ensure_snapshot("snapshot", "share")
        await driver.ensure_share("share", 2, None)
        await driver.revert("share", "snapshot", 1, "first")
        assert await driver.share_size("share") == 1
        await driver.ensure_share("share", 2, None)
        await driver.revert("share", "snapshot", 1, "first")
        assert await driver.share_size("share") == 2
        await driver.revert("share", "snapshot", 1, "second")
        assert await driver.share_size("share") == 1
        assert await driver.names() == {"share": "share", "snapshot": "snapshot"}
        await driver.remove_share("share")
        assert await driver.names() == {"snapshot": "snapshot"}

    asyncio.run(body())


def test_an_export_needs_its_server(kind: str, tmp_path: Path) -> None:
    async def body() -> None:
        driver = make(kind, tmp_path)
        await driver.ensure_share("share", 1, None)
        with pytest.raises(Waiting):
            await driver.export("share", "server", [Rule("10.0.0.7", "rw")])
        await driver.ensure_snapshot("snapshot", "share")
        with pytest.raises(Waiting):
            await driver.export_snapshot("snapshot", "server", [Rule("10.0.0.7", "ro")])
        assert not await driver.server_fits(SERVER)

    asyncio.run(body())


@pytest.mark.parametrize("bad", ["../x", "", "a/b", ".new-a", "a.raw", "x" * 65])
def test_an_id_is_an_id(kind: str, tmp_path: Path, bad: str) -> None:
    async def body() -> None:
        driver = make(kind, tmp_path)
        for call in (
            driver.ensure_share(bad, 1, None),
            driver.remove_share(bad),
            driver.ensure_snapshot(bad, "share"),
            driver.remove_snapshot(bad),
            driver.export(bad, "server", []),
            driver.share_fits(bad, "server", []),
            driver.shrink(bad, 1),
            driver.revert(bad, "snapshot", 1, "x"),
            driver.revert("share", bad, 1, "x"),
            driver.export_snapshot(bad, "server", []),
            driver.snapshot_fits(bad, "server", []),
            driver.remove_server(bad),
        ):
            with pytest.raises(ValueError, match="not an id"):
                await call

    asyncio.run(body())


def test_room(kind: str, tmp_path: Path) -> None:
    room = asyncio.run(make(kind, tmp_path).room())
    assert room.fault is None
    assert 0 < room.free_gb <= room.total_gb
