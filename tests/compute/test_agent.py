"""The compute agent against a simulated host: idempotence, waits, failures, what nobody knows."""

import asyncio
import hashlib
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec

from cumulo.compute.agent import ComputeAgent, samples_of
from cumulo.compute.drivers.driver import GuestSpec, GuestState, GuestUsage, RootDisk
from cumulo.compute.drivers.fake import FakeDriver, Fault
from cumulo.compute.drivers.machine import SIMULATED, used_now
from cumulo.compute.drivers.qemu import taps
from cumulo.compute.model.orders import WantedDisk, WantedGuest, WantedNic
from cumulo.core.blobs.content import Content
from cumulo.core.blobs.shelf import Shelf
from cumulo.core.hosts.messages import Seen
from cumulo.core.hosts.worker import Worker
from cumulo.telemetry.service.samples import UNITS
from tests.support.contents import Store, shelf_at
from tests.support.items import Desk, until, worker_at

CONTENT = b"qcow2"
IMAGE = Content("image-of-one", hashlib.sha512(CONTENT).hexdigest(), len(CONTENT), "qcow2")
NIC = WantedNic("port", "fa:16:3e:00:00:01", "tap1", 1500)
ONE = WantedGuest(id="one", generation=1, name="one", memory_mb=128, image=IMAGE)


def run(story: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(asyncio.wait_for(story(), 20))  # type: ignore[arg-type]


class Host:
    """A simulated host, its worker, and the desk that orders."""

    def __init__(self, driver: FakeDriver | None = None, shelf: Shelf | None = None) -> None:
        self.driver = driver or FakeDriver()
        self.agent = ComputeAgent(self.driver, SIMULATED, shelf, folder=Path("/nonexistent"))
        self.desk = Desk()
        self.worker: Worker = worker_at(self.desk, self.agent)

    async def order(self, **changes: Any) -> Seen:
        guest = msgspec.structs.replace(ONE, **changes)
        self.desk.order(guest.id, guest)
        await self.worker.once()
        return self.desk.seen[guest.id]

    async def __aenter__(self) -> "Host":
        self._task = asyncio.create_task(self.worker.run())
        return self

    async def __aexit__(self, *error: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


def test_start_stop_reboot_remove() -> None:
    async def story() -> None:
        host = Host()
        seen = await host.order()
        assert (seen.state.power, seen.done, seen.version) == ("on", True, 1)
        assert host.desk.host == SIMULATED
        pid = (await host.driver.inspect("one")).pid
        reports = len(host.desk.reports)
        await host.worker.once()
        assert (await host.driver.inspect("one")).pid == pid, "a guest as desired is not touched"
        assert len(host.desk.reports) == reports, "and not spoken of"
        seen = await host.order(generation=2, power="off")
        assert (seen.state.power, seen.done) == ("off", True)
        seen = await host.order(generation=3, reboot_nonce=1, reboot_kind="hard")
        assert (seen.state.power, seen.done, seen.state.reboot_done) == ("on", True, 1)
        host.desk.remove("one")
        await host.worker.once()
        assert host.desk.seen["one"].gone and await host.driver.names() == []

    run(story)


def test_a_killed_guest_is_reported_and_not_started_again() -> None:
    async def story() -> None:
        host = Host()
        async with host:
            host.desk.order("one", ONE)
            host.worker.bell.ring()
            await until(lambda: "one" in host.desk.seen and host.desk.seen["one"].done)
            host.agent.driver._on_change = host.agent.guest_changed  # type: ignore[attr-defined]
            host.driver.kill("one")
            await until(lambda: host.desk.seen["one"].state.power == "crashed", 3)
            assert host.desk.seen["one"].done
            assert "signal 9" in host.desk.seen["one"].state.reason

    run(story)


def test_a_missing_tap_is_waited_for() -> None:
    async def story() -> None:
        host = Host(FakeDriver(missing_taps=["tap1"]))
        seen = await host.order(nics=[NIC])
        assert (seen.state.power, seen.done, seen.step) == ("off", False, "networking")
        assert seen.fault is None and host.worker.unsettled() == ["one"]
        host.driver.missing_taps.clear()
        host.worker.nudge()
        await until(lambda: not host.worker.unsettled(), 1)
        await host.worker.reporter.report()
        assert host.desk.seen["one"].done and host.desk.seen["one"].state.power == "on"

    run(story)


def test_a_volume_that_is_not_connected_is_waited_for() -> None:
    async def story() -> None:
        host = Host()
        disk = WantedDisk("volume", "attachment", "vdb", 1, False, None)
        seen = await host.order(disks=[disk])
        found = (seen.state.power, seen.step, seen.done)
        assert found == ("absent", "block_device_mapping", False)
        ready = WantedDisk("volume", "attachment", "vdb", 1, False, {"driver": "null-co"})
        seen = await host.order(disks=[ready])
        assert (seen.state.power, seen.done, seen.state.disks) == ("on", True, ["attachment"])
        assert seen.step is None

    run(story)


def test_an_image_that_cannot_be_had_yet_is_a_wait(tmp_path: Path) -> None:
    async def story() -> None:
        store = Store(tmp_path / "store", away="it is being copied from a remote store")
        host = Host(shelf=shelf_at(tmp_path, store))
        host.desk.order("one", ONE)
        async with host:
            await until(lambda: len(store.opened) > 2)
            assert host.desk.seen["one"].fault is None and not host.desk.seen["one"].done
            store.put(IMAGE.id, CONTENT)
            store.away = ""
            await until(lambda: host.desk.seen["one"].done)
            assert (tmp_path / "cache" / IMAGE.sha512).read_bytes() == CONTENT

    run(story)


def test_an_image_may_be_had_ahead(tmp_path: Path) -> None:
    async def story() -> None:
        store = Store(tmp_path / "store")
        store.put(IMAGE.id, CONTENT)
        host = Host(shelf=shelf_at(tmp_path, store))
        ahead = WantedGuest(id="image-one", generation=1, power="off", image=IMAGE, cached=True)
        host.desk.order(ahead.id, ahead)
        await host.worker.once()
        assert host.desk.seen[ahead.id].done
        assert host.desk.seen[ahead.id].state.power == "absent"
        assert (tmp_path / "cache" / IMAGE.sha512).read_bytes() == CONTENT
        assert await host.driver.names() == []
        host.desk.remove(ahead.id)
        await host.worker.once()
        assert host.desk.gone == {} or ahead.id not in host.desk.items

    run(story)


def test_a_lost_image_is_said_and_needed_ones_are_kept(tmp_path: Path) -> None:
    async def story() -> None:
        store = Store(tmp_path / "store")
        host = Host(shelf=shelf_at(tmp_path, store))
        store.put(IMAGE.id, CONTENT)
        assert (await host.order()).done
        (store.folder / IMAGE.id).unlink()
        assert (await host.order(generation=2)).done, "its host has it"
        seen = await host.order(id="two", image=Content("another-image", "cd" * 64))
        assert seen.failures == 1 and "not there any more" in str(seen.fault)
        (tmp_path / "cache" / ("ef" * 64)).write_text("of nobody")
        await host.worker.once()
        assert [path.name for path in (tmp_path / "cache").iterdir()] == [IMAGE.sha512]

    run(story)


def test_failures_are_counted_and_tried_again() -> None:
    async def story() -> None:
        host = Host(FakeDriver(faults={"spawn": Fault("no memory", count=2)}))
        seen = await host.order()
        assert (seen.fault, seen.failures, seen.done) == ("no memory", 1, False)
        async with host:
            await until(lambda: host.desk.seen["one"].done)
        seen = host.desk.seen["one"]
        assert (seen.state.power, seen.fault, seen.failures) == ("on", None, 0)

    run(story)


def test_guests_that_nobody_knows_go_on(tmp_path: Path) -> None:
    async def story() -> None:
        store = Store(tmp_path / "store")
        store.put(IMAGE.id, CONTENT)
        host = Host(shelf=shelf_at(tmp_path, store))
        root = RootDisk("/nowhere", "qcow2")
        spec = GuestSpec(
            id="lost", generation=1, name="lost", vcpus=1, memory_mb=64, power="on", root=root
        )
        await host.driver.ensure(spec)
        base = tmp_path / "cache" / ("ef" * 64)
        base.parent.mkdir()
        base.write_text("what it may stand on")
        await host.order()
        assert (await host.driver.inspect("lost")).power == "on" and base.exists()
        assert host.desk.unknown["lost"]["power"] == "on"
        host.desk.remove("lost")
        await host.worker.once()
        assert await host.driver.names() == ["one"] and host.desk.unknown == {}
        assert not base.exists()

    run(story)


class Frozen(FakeDriver):
    """Guests whose names say so do not answer."""

    async def inspect(self, guest_id: str) -> GuestState:
        if guest_id.startswith("frozen") and guest_id in self._guests:
            await asyncio.sleep(3600)
        return await super().inspect(guest_id)


def test_frozen_guests_hold_up_no_other() -> None:
    async def story() -> None:
        host = Host(Frozen())
        async with host:
            for number in range(6):
                guest = msgspec.structs.replace(ONE, id=f"frozen{number}")
                host.desk.order(guest.id, guest)
            host.worker.bell.ring()
            await until(lambda: len([s for s in host.desk.seen.values() if s.done]) == 6)
            host.agent._ring(None)
            await asyncio.sleep(0.1)
            for number in range(20):
                guest = msgspec.structs.replace(ONE, id=f"good{number}")
                host.desk.order(guest.id, guest)
            host.worker.bell.ring()
            good = [f"good{number}" for number in range(20)]
            await until(
                lambda: all(g in host.desk.seen and host.desk.seen[g].done for g in good), 3
            )

    run(story)


def test_a_new_agent_finds_what_the_old_one_made(tmp_path: Path) -> None:
    async def story() -> None:
        first = Host(FakeDriver(tmp_path))
        await first.order()
        pid = (await first.driver.inspect("one")).pid
        second = Host(FakeDriver(tmp_path))
        seen = await second.order()
        assert (seen.state.power, seen.done) == ("on", True)
        assert (await second.driver.inspect("one")).pid == pid, "the guest survived its agent"

    run(story)


def test_questions() -> None:
    async def story() -> None:
        host = Host()
        await host.order()
        text = await host.agent.answer("console_log", {"id": "one", "lines": None})
        assert "login" in text
        assert (await host.agent.answer("diagnostics", {"id": "one"}))["power"] == "on"

    run(story)


def test_what_went_through_taps() -> None:
    """Of the interfaces that are asked for, in or out as their guest sees it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        before = taps.counters(None, ["lo", "tap-none"])
        with socket.create_connection(server.getsockname()):
            [after] = taps.counters(None, ["lo"])
    assert [each.name for each in before] == ["lo"]
    assert after.incoming_packets > before[0].incoming_packets
    assert after.outgoing_bytes > before[0].outgoing_bytes
    used = GuestUsage(cpu_ns=1, memory_bytes=2**20, nics=[after])
    made = {each.metric: each for each in samples_of("g", used, 1.0)}
    assert made["network.incoming.bytes"].value == after.incoming_bytes
    assert made["network.incoming.bytes"].resource_id == "g-lo"
    assert set(made) <= set(UNITS)


def test_what_the_machine_itself_does() -> None:
    found = used_now()
    assert set(found) <= set(UNITS)
    assert 0 < found["hardware.memory.used"] < found["hardware.memory.total"]
    assert found["hardware.cpu.busy"] > 0
