"""A host's side: what it does with orders, faults, and things that are not there."""

import asyncio
from typing import Any

from cumulo.shared_file_system.agent import SharesAgent
from cumulo.shared_file_system.drivers.fake import FakeDriver, Fault
from cumulo.shared_file_system.model.orders import (
    Rule,
    WantedServer,
    WantedShare,
    WantedSnapshot,
)
from tests.support.items import Desk, worker_at

SERVER = WantedServer(
    id="server", mac="fa:16:3e:00:00:01", address="10.0.0.5/24", gateway=None, mtu=1450, tap="tapx"
)


def share(**changes: Any) -> WantedShare:
    values = {"id": "share", "generation": 1, "size_gb": 1, "server_id": "server"}
    return WantedShare(**(values | changes))


def test_a_life() -> None:
    async def body() -> None:
        driver, desk = FakeDriver(), Desk()
        worker = worker_at(desk, SharesAgent(driver))
        desk.order("server", SERVER)
        desk.order("share", share(rules=(Rule("10.0.0.7", "rw"),)))
        desk.order("snapshot", WantedSnapshot(id="snapshot", share_id="share"))
        for _ in range(3):
            await worker.once()
        assert all(desk.seen[id].done for id in ("server", "share", "snapshot"))
        assert driver.state.exports["share"] == ("server", [Rule("10.0.0.7", "rw")])
        desk.order("share", share(generation=2, size_gb=3, made=True))
        await worker.once()
        assert desk.seen["share"].state.size_gb == 3
        assert driver.state.exports["share"] == ("server", [])
        for id in ("share", "snapshot", "server"):
            desk.remove(id)
        await worker.once()
        assert await driver.names() == {}

    asyncio.run(body())


def test_a_share_waits_for_its_server() -> None:
    async def body() -> None:
        driver, desk = FakeDriver(), Desk()
        worker = worker_at(desk, SharesAgent(driver))
        desk.order("share", share())
        await worker.once()
        assert driver.state.shares == {"share": 1}
        assert not desk.seen["share"].done and desk.seen["share"].failures == 0

    asyncio.run(body())


def test_a_rule_that_fails_leaves_the_share() -> None:
    async def body() -> None:
        driver, desk = FakeDriver(faults={"export": Fault("no such rule", final=True)}), Desk()
        worker = worker_at(desk, SharesAgent(driver))
        desk.order("server", SERVER)
        desk.order("share", share())
        await worker.once()
        seen = desk.seen["share"]
        assert (seen.state.size_gb, seen.fault, seen.final) == (1, "no such rule", True)

    asyncio.run(body())


def test_what_was_there_is_not_made_anew() -> None:
    async def body() -> None:
        driver, desk = FakeDriver(), Desk()
        worker = worker_at(desk, SharesAgent(driver))
        desk.order("share", share(made=True))
        desk.order("snapshot", WantedSnapshot(id="snapshot", share_id="share", made=True))
        await worker.once()
        assert await driver.names() == {}
        for id in ("share", "snapshot"):
            assert desk.seen[id].final and desk.seen[id].state.size_gb == 0

    asyncio.run(body())


def test_it_shrinks_as_far_as_nothing_is_lost() -> None:
    async def body() -> None:
        driver, desk = FakeDriver(), Desk()
        worker = worker_at(desk, SharesAgent(driver))
        desk.order("server", SERVER)
        desk.order("share", share(size_gb=5))
        for _ in range(2):
            await worker.once()
        driver.state.used["share"] = 3
        rules = (Rule("10.0.0.7", "rw"),)
        desk.order("share", share(generation=2, size_gb=2, made=True, shrink=True, rules=rules))
        await worker.once()
        seen = desk.seen["share"]
        assert seen.failures and seen.state.data_loss and seen.state.size_gb == 5
        # Whom it is served to is as it shall be nevertheless.
        assert driver.state.exports["share"] == ("server", [*rules])
        desk.order("share", share(generation=3, size_gb=3, made=True, shrink=True))
        await worker.once()
        assert desk.seen["share"].done
        assert not desk.seen["share"].state.data_loss
        assert driver.state.shares["share"] == 3

    asyncio.run(body())


def test_it_is_reverted_once() -> None:
    async def body() -> None:
        driver, desk = FakeDriver(), Desk()
        worker = worker_at(desk, SharesAgent(driver))
        desk.order("server", SERVER)
        desk.order("share", share())
        desk.order("snapshot", WantedSnapshot(id="snapshot", share_id="share"))
        for _ in range(2):
            await worker.once()
        order = share(generation=2, made=True, revert_to="snapshot")
        desk.order("share", order)
        await worker.once()
        assert desk.seen["share"].done
        assert driver.state.reverts["share"] == ("snapshot", "share:2")
        # What is written since stays when its server has to be told again.
        driver.state.used["share"] = 1
        await driver.revert("share", "snapshot", 1, "share:2")
        assert driver.state.used["share"] == 1
        assert driver.state.exports["share"] == ("server", [])

    asyncio.run(body())


def test_a_snapshot_is_served_to_whom_may_read_it() -> None:
    async def body() -> None:
        driver, desk = FakeDriver(), Desk()
        worker = worker_at(desk, SharesAgent(driver))
        desk.order("server", SERVER)
        desk.order("share", share())
        rules = (Rule("10.0.0.7", "ro"),)
        wanted = {"id": "snapshot", "share_id": "share", "server_id": "server"}
        desk.order("snapshot", WantedSnapshot(**wanted, rules=rules))
        for _ in range(2):
            await worker.once()
        assert desk.seen["snapshot"].done
        assert await driver.snapshot_fits("snapshot", "server", rules)
        desk.order("snapshot", WantedSnapshot(**wanted, made=True))
        await worker.once()
        assert driver.state.exports["snapshot"] == ("server", [])
        desk.remove("snapshot")
        await worker.once()
        assert "snapshot" not in driver.state.exports

    asyncio.run(body())
