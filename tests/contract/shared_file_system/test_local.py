"""Real shares: served by a real NFS server, mounted by a client that is not ours."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from cumulo.core.run.daemons import Daemon
from cumulo.shared_file_system.drivers.driver import Waiting
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
    big = tmp_path / "big"
    with big.open("wb") as file:
        for _ in range(1100):
            file.write(os.urandom(1 << 20))

    async def body(driver: LocalDriver) -> None:
        await driver.ensure_server(lab.SERVER)
        await driver.ensure_share("share", 1, None)
        await driver.export("share", lab.SERVER.id, [A])
        assert not lab.copy("a", str(big), "share", "/first")
        assert await driver.ensure_share("share", 3, None) == 3
        assert await driver.share_size("share") == 3

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


def test_narrow_rules_stand_first() -> None:
    rules = [Rule("0.0.0.0/0", "ro"), Rule("fd00::/64", "ro"), Rule("10.0.0.7", "rw"),
             Rule("10.0.0.0/24", "ro")]  # fmt: skip
    text = export_text(3, "share", Path("/x/share"), rules)
    order = [line.split()[4] for line in text.splitlines() if "CLIENT" in line]
    assert order == ["10.0.0.7;", "10.0.0.0/24;", "0.0.0.0/0;", "fd00::/64;"]
    assert "Access_Type = NONE;" in text.splitlines()[1]
