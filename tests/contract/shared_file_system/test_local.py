"""Real shares: served by a real NFS server, mounted by a client that is not ours."""

import asyncio
import errno
import os
import signal
import subprocess
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from cumulo.core.run.daemons import Daemon
from cumulo.shared_file_system.drivers.driver import DataLoss, Waiting
from cumulo.shared_file_system.drivers.local.driver import LocalDriver
from cumulo.shared_file_system.drivers.local.server import export_text
from cumulo.shared_file_system.model.orders import Rule
from tests.contract.shared_file_system import lab

A, B = (Rule(address, "rw") for address in lab.CLIENTS.values())
needs_a_machine = pytest.mark.skipif(lab.lacking() is not None, reason=str(lab.lacking()))


RUN = Path(f"/run/{lab.PREFIX}-test")
"""Short: the path of a socket has 107 characters at most."""


def make(tmp_path: Path) -> LocalDriver:
    return LocalDriver(lab.PREFIX, tmp_path / "host", RUN, pool_gb=4)


def fill(share: str, megabytes: int) -> bool:
    """A file of so many megabytes in a share, past its server; whether it has the room."""
    with (RUN / "pool" / "shares" / share / "big").open("wb") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, megabytes << 20)
        except OSError as error:
            assert error.errno in (errno.EDQUOT, errno.ENOSPC)
            return False
    return True


def run_with(tmp_path: Path, body: Callable[[LocalDriver], Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        driver = make(tmp_path)
        try:
            await body(driver)
        finally:
            await driver.remove_all()
        assert await driver.names() == {}
        assert not RUN.exists()

    with lab.plane():
        asyncio.run(main())


@needs_a_machine
def test_a_share_is_written_read_and_cut_off(tmp_path: Path) -> None:
    hello = tmp_path / "hello"
    hello.write_text("hello\n")

    async def body(driver: LocalDriver) -> None:
        await driver.ensure_server(lab.SERVER)
        await driver.ensure_server(lab.SERVER)
        assert await driver.server_fits(lab.SERVER)
        await driver.ensure_share("share", 1, None)
        await driver.export("share", lab.SERVER.id, [])
        assert lab.listing("a", "share") is None
        # The narrower rule counts, whatever the order.
        everybody = Rule("10.9.0.0/24", "ro")
        await driver.export("share", lab.SERVER.id, [everybody, A])
        assert lab.copy("a", str(hello), "share", "/hello")
        assert lab.listing("b", "share") == ["hello"]
        assert not lab.copy("b", str(hello), "share", "/other")
        await driver.ensure_snapshot("snapshot", "share")
        await driver.export("share", lab.SERVER.id, [B])
        assert lab.listing("a", "share") is None
        assert lab.copy("b", str(hello), "share", "/other")
        # What it was is in the snapshot, and in what is made from it.
        await driver.ensure_share("copy", 1, "snapshot")
        await driver.export("copy", lab.SERVER.id, [A])
        assert lab.listing("a", "copy") == ["hello"]
        assert lab.listing("b", "copy") is None
        await driver.remove_share("share")
        assert lab.listing("b", "share") is None
        assert lab.listing("a", "copy") == ["hello"]

    run_with(tmp_path, body)


@needs_a_machine
def test_a_share_ends_at_its_size_and_grows(tmp_path: Path) -> None:
    async def body(driver: LocalDriver) -> None:
        await driver.ensure_server(lab.SERVER)
        await driver.ensure_share("share", 1, None)
        await driver.export("share", lab.SERVER.id, [A])
        assert not fill("share", 1100)
        assert await driver.ensure_share("share", 3, None) == 3
        assert fill("share", 1100)
        assert await driver.share_size("share") == 3

    run_with(tmp_path, body)


@needs_a_machine
def test_it_becomes_smaller_than_it_was_and_what_it_was_before(tmp_path: Path) -> None:
    hello = tmp_path / "hello"
    hello.write_text("hello\n")

    async def body(driver: LocalDriver) -> None:
        await driver.ensure_server(lab.SERVER)
        await driver.ensure_share("share", 3, None)
        await driver.export("share", lab.SERVER.id, [A])
        assert lab.copy("a", str(hello), "share", "/hello")
        await driver.ensure_snapshot("snapshot", "share")
        # Who may read the snapshot, and nobody writes into it.
        await driver.export_snapshot("snapshot", lab.SERVER.id, [B])
        assert lab.listing("b", "snapshot", "snapshots") == ["hello"]
        assert lab.listing("a", "snapshot", "snapshots") is None
        assert await driver.snapshot_fits("snapshot", lab.SERVER.id, [B])
        assert fill("share", 1100)
        with pytest.raises(DataLoss):
            await driver.shrink("share", 1)
        assert await driver.share_size("share") == 3
        assert await driver.shrink("share", 2) == 2
        # Back to when it held only the first file; its clients need no other path.
        await driver.revert("share", "snapshot", 1, "t")
        await driver.export("share", lab.SERVER.id, [A])
        assert lab.listing("a", "share") == ["hello"]
        assert await driver.share_size("share") == 1
        assert not fill("share", 1100)
        await driver.remove_snapshot("snapshot")
        assert lab.listing("b", "snapshot", "snapshots") is None
        assert lab.listing("a", "share") is not None

    run_with(tmp_path, body)


@needs_a_machine
def test_a_reversion_that_is_interrupted_loses_neither(tmp_path: Path) -> None:
    """Its renamings, stopped at each: the share is there with one of the two contents, and nothing
    else is left."""

    async def body(driver: LocalDriver) -> None:
        await driver.ensure_share("share", 1, None)
        await driver.ensure_snapshot("snapshot", "share")
        top = RUN / "pool"
        share, new, old = top / "shares" / "share", top / "new" / "share", top / "old" / "share"
        for token in ("first", "second"):
            (share / "now").write_text("now")
            await driver.revert("share", "snapshot", 1, token)
            assert not (share / "now").exists()
        for stopped in ("made", "moved", "renamed"):
            (share / "now").write_text("now")
            subprocess.run(["btrfs", "subvolume", "snapshot", top / "snapshots" / "snapshot", new],
                           check=True, capture_output=True, timeout=20)  # fmt: skip
            if stopped != "made":
                share.rename(old)
            if stopped == "renamed":
                new.rename(share)
            again = make(tmp_path)
            names = await again.names()
            await again.share_size("share")
            assert share.is_dir() and not new.exists() and not old.exists(), stopped
            assert names == {"share": "share", "snapshot": "snapshot"}
            assert (share / "now").exists() is (stopped == "made"), stopped

    run_with(tmp_path, body)


@needs_a_machine
def test_it_is_reached_in_several_subnets_and_by_ipv6(tmp_path: Path) -> None:
    async def body(driver: LocalDriver) -> None:
        await driver.ensure_server(lab.WIDE)
        assert await driver.server_fits(lab.WIDE)
        await driver.ensure_share("share", 1, None)
        await driver.export("share", lab.WIDE.id, [A, Rule(lab.SIX["a"], "rw")])
        assert lab.listing("a", "share") == []
        assert lab.listing("a", "share", address=lab.SIX_SERVER) == []
        assert lab.listing("b", "share", address=lab.SIX_SERVER) is None

    run_with(tmp_path, body)


@needs_a_machine
def test_it_is_reached_by_ipv6_alone(tmp_path: Path) -> None:
    async def body(driver: LocalDriver) -> None:
        await driver.ensure_server(lab.ONLY_SIX)
        assert await driver.server_fits(lab.ONLY_SIX)
        await driver.ensure_share("share", 1, None)
        await driver.export("share", lab.ONLY_SIX.id, [Rule("fd09::/64", "ro")])
        assert lab.listing("a", "share", address=lab.SIX_SERVER) == []

    run_with(tmp_path, body)


@needs_a_machine
def test_a_killed_server_serves_again_what_it_served(tmp_path: Path) -> None:
    async def body(driver: LocalDriver) -> None:
        await driver.ensure_server(lab.SERVER)
        await driver.ensure_share("share", 1, None)
        await driver.export("share", lab.SERVER.id, [A])
        daemon = Daemon.load(RUN / "servers" / lab.SERVER.id / "ganesha.pid")
        assert daemon is not None
        daemon.send(signal.SIGKILL)
        assert daemon.wait(5.0)
        assert not await driver.server_fits(lab.SERVER)
        assert not await driver.share_fits("share", lab.SERVER.id, [A])
        with pytest.raises(Waiting):
            await driver.export("share", lab.SERVER.id, [A, B])
        # Another control plane finds it so, and makes it whole.
        again = make(tmp_path)
        await again.ensure_server(lab.SERVER)
        assert await again.share_fits("share", lab.SERVER.id, [A])
        assert lab.listing("a", "share") == []
        assert lab.listing("b", "share") is None

    run_with(tmp_path, body)


@needs_a_machine
def test_a_pool_grows_with_its_setting_and_never_shrinks(tmp_path: Path) -> None:
    async def body(driver: LocalDriver) -> None:
        await driver.ensure_share("share", 1, None)
        assert (await driver.room()).total_gb == 4
        file = RUN / "pool" / "shares" / "share" / "kept"
        file.write_text("kept")
        # While it is in use, after a crash in between, and after a restart of the machine.
        for size, before in ((6, None), (8, "cut"), (9, "stopped"), (5, None)):
            if before == "cut":
                os.truncate(tmp_path / "host" / "pool.img", 8 << 30)
            if before == "stopped":
                await driver.stop()
            again = LocalDriver(lab.PREFIX, tmp_path / "host", RUN, pool_gb=size)
            await again.names()
            assert (await again.room()).total_gb == max(size, 9 if size == 5 else size)
            assert file.read_text() == "kept" and await again.share_size("share") == 1

    run_with(tmp_path, body)


@needs_a_machine
def test_what_clients_make_is_nothing_on_the_machine(tmp_path: Path) -> None:
    async def body(driver: LocalDriver) -> None:
        await driver.ensure_server(lab.SERVER)
        await driver.ensure_share("share", 1, None)
        await driver.export("share", lab.SERVER.id, [A])
        for place in ("pool", "exports/share"):
            argv = ["findmnt", "-n", "-o", "OPTIONS", str(RUN / place)]
            options = subprocess.run(argv, capture_output=True, text=True, timeout=10).stdout
            assert {"nosuid", "nodev", "noexec"} <= set(options.strip().split(",")), place

    run_with(tmp_path, body)


def test_narrow_rules_stand_first() -> None:
    rules = [Rule("0.0.0.0/0", "ro"), Rule("fd00::/64", "ro"), Rule("10.0.0.7", "rw"),
             Rule("10.0.0.0/24", "ro")]  # fmt: skip
    text = export_text(3, "share", Path("/x/share"), rules)
    order = [line.split()[4] for line in text.splitlines() if "CLIENT" in line]
    assert order == ["10.0.0.7;", "10.0.0.0/24;", "0.0.0.0/0;", "fd00::/64;"]
    assert "Access_Type = NONE;" in text.splitlines()[1]
