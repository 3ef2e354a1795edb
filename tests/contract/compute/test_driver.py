"""What every compute driver must do: the same tests for the simulated host and for real QEMU."""

import asyncio
import functools
import json
import os
import shutil
import struct
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cumulo.block_storage.model.qos import throttle_of
from cumulo.compute.drivers.driver import (
    NotPossible,
    NotReady,
    RebootOrder,
    RootDisk,
    SnapshotFailed,
    StaleOrder,
)
from cumulo.compute.drivers.qemu.driver import QemuDriver
from cumulo.compute.drivers.qemu.monitor import Monitor
from cumulo.core.run.commands import run
from cumulo.core.run.daemons import Daemon

from .hosts import TINY_GUEST, FakeHost, Host, QemuHost


@pytest.fixture(params=["fake", pytest.param("qemu", marks=pytest.mark.guest)])
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    made: Host = FakeHost() if request.param == "fake" else QemuHost()
    yield made
    made.clean_up()


def contract(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run an asynchronous test, and let the driver go of its guests at the end."""

    @functools.wraps(test)
    def run(self: Any, host: Host, **parameters: Any) -> None:
        async def body() -> None:
            try:
                await test(self, host, **parameters)
            finally:
                await host.driver.close()

        asyncio.run(body())

    return run


async def roots(host: Host) -> list[int]:
    """The versions of the guest's root disk that are on the host."""
    if isinstance(host, QemuHost):
        names = [path.stem for path in (host.data / "guests" / host.id / "q").glob("root*.qcow2")]
        return sorted(int(name.removeprefix("root").removeprefix("-") or 0) for name in names)
    assert isinstance(host, FakeHost)
    return host.fake._guests[host.id].roots


def ephemerals(host: Host, guest_id: str) -> list[tuple[int, int]]:
    """(place, GiB) of a guest's ephemeral disks that are on the host."""
    if isinstance(host, QemuHost):
        folder = host.data / "guests" / guest_id / "q"
        names = [path.stem.split("-")[1:] for path in folder.glob("ephemeral*.raw")]
        return sorted((int(place), int(size)) for place, size in names)
    assert isinstance(host, FakeHost)
    return host.fake._guests[guest_id].ephemerals


class TestDriver:
    @contract
    async def test_a_guest_starts_once(self, host: Host) -> None:
        first = await host.driver.ensure(host.spec(1))
        again = await host.driver.ensure(host.spec(1))
        assert (first.power, first.fault, first.generation, first.converged) == (
            "on",
            None,
            1,
            True,
        )
        assert again == first
        assert await host.driver.list() == [first]

    @contract
    async def test_ephemeral_disks_grow_beside_themselves_and_travel(self, host: Host) -> None:
        off: dict[str, Any] = {"power": "off", "swap_mb": 8}
        state = await host.driver.ensure(host.spec(1, ephemerals=[1, 2], **off))
        assert (state.fault, ephemerals(host, host.id)) == (None, [(0, 1), (1, 2)])
        written, data = host.data / "guests" / host.id / "q", b"mine"
        if isinstance(host, QemuHost):
            with (written / "ephemeral-0-1.raw").open("r+b") as disk:
                disk.seek(1 << 29)
                disk.write(data)
        resized = host.spec(2, ephemerals=[3, 2], ephemerals_kept=[1, 2], **off)
        assert (await host.driver.ensure(resized)).fault is None
        assert ephemerals(host, host.id) == [(0, 1), (0, 3), (1, 2)]
        target = host.data / "copy"
        await host.driver.copy_ephemeral(host.id, 0, 3, target)
        await host.driver.take_ephemeral("another", 0, 3, target)
        await host.driver.take_ephemeral("another", 0, 3, target)  # twice is once
        assert ephemerals(host, "another") == [(0, 3)] and not target.exists()
        if isinstance(host, QemuHost):
            disk_there = host.data / "guests" / "another" / "q" / "ephemeral-0-3.raw"
            with disk_there.open("rb") as disk:
                disk.seek(1 << 29)
                assert disk.read(4) == data
            assert disk_there.stat().st_size == 3 << 30
        with pytest.raises(SnapshotFailed):
            await host.driver.copy_ephemeral(host.id, 5, 1, target)
        assert (await host.driver.ensure(host.spec(3, ephemerals=[1, 2], **off))).fault is None
        assert ephemerals(host, host.id) == [(0, 1), (1, 2)]
        assert (await host.driver.ensure(host.spec(4, ephemerals=[1, 2], swap_mb=16))).power == "on"

    @contract
    async def test_a_guest_may_be_made_switched_off(self, host: Host) -> None:
        state = await host.driver.ensure(host.spec(1, power="off"))
        assert (state.power, state.fault, state.reason, state.pid) == ("off", None, None, None)
        assert (await host.driver.ensure(host.spec(2))).power == "on"

    @contract
    async def test_power_off_and_on(self, host: Host) -> None:
        await host.driver.ensure(host.spec(1))
        off = await host.driver.ensure(host.spec(2, power="off"))
        assert (off.power, off.reason, off.fault) == ("off", None, None)
        assert (await host.driver.ensure(host.spec(3))).power == "on"

    @contract
    async def test_stopped_with_its_host_it_stays_off_until_a_newer_order(self, host: Host) -> None:
        await host.driver.stop(host.id)
        await host.driver.ensure(host.spec(1))
        await host.driver.stop(host.id)
        await host.driver.stop(host.id)
        off = await host.driver.ensure(host.spec(1))
        assert (off.power, off.reason, off.fault) == ("off", "stopped with its host", None)
        assert (await host.driver.ensure(host.spec(2))).power == "on"

    @contract
    async def test_pause_and_resume(self, host: Host) -> None:
        running = await host.driver.ensure(host.spec(1))
        paused = await host.driver.ensure(host.spec(2, power="paused"))
        resumed = await host.driver.ensure(host.spec(3))
        assert (paused.power, resumed.power) == ("paused", "on")
        assert running.pid == paused.pid == resumed.pid

    @contract
    async def test_the_control_plane_restarts_and_nothing_happens_to_the_guest(
        self, host: Host
    ) -> None:
        before = await host.driver.ensure(host.spec(1))
        await host.restart()
        assert await host.driver.list() == [before]
        assert await host.driver.ensure(host.spec(1)) == before

    @contract
    async def test_a_killed_guest_stays_down_until_a_newer_order(self, host: Host) -> None:
        first = await host.driver.ensure(host.spec(3))
        await host.kill()
        dead = await host.eventually("crashed")
        assert dead.reason is not None
        assert dead.reason.startswith(f"process {first.pid} ended")
        assert await host.driver.ensure(host.spec(3)) == dead
        await host.restart()
        assert await host.driver.ensure(host.spec(3)) == dead
        alive = await host.driver.ensure(host.spec(4))
        assert (alive.power, alive.reason) == ("on", None)

    @contract
    async def test_a_death_that_nobody_has_seen_is_not_papered_over(self, host: Host) -> None:
        await host.driver.ensure(host.spec(1))
        await host.kill()
        await asyncio.sleep(0.2)
        seen = await host.driver.ensure(host.spec(2))
        assert (seen.power, seen.generation) == ("crashed", 2)

    @contract
    async def test_a_guest_that_shuts_itself_down_stays_off(self, host: Host) -> None:
        await host.driver.ensure(host.spec(1))
        await host.shut_down()
        off = await host.driver.ensure(host.spec(1))
        assert (off.power, off.reason) == ("off", "guest shut down")
        assert host.id in host.changes
        assert (await host.driver.ensure(host.spec(2))).power == "on"

    @contract
    @pytest.mark.parametrize("kind", ["soft", "hard"])
    async def test_a_reboot_is_done_once(self, host: Host, kind: Any) -> None:
        await host.driver.ensure(host.spec(1))
        order = RebootOrder(5, kind)
        rebooted = await host.driver.ensure(host.spec(2, reboot=order))
        again = await host.driver.ensure(host.spec(2, reboot=order))
        assert (rebooted.power, rebooted.reboot_done, rebooted.fault) == ("on", 5, None)
        assert again == rebooted

    @contract
    async def test_a_reboot_starts_a_guest_that_is_down(self, host: Host) -> None:
        await host.driver.ensure(host.spec(1))
        await host.kill()
        await host.eventually("crashed")
        state = await host.driver.ensure(host.spec(1, reboot=RebootOrder(1, "hard")))
        assert (state.power, state.reboot_done) == ("on", 1)

    @contract
    async def test_disks_are_plugged_in_and_out(self, host: Host) -> None:
        await host.driver.ensure(host.spec(1))
        disks = [host.disk("volume-a", "vdb"), host.disk("volume-b", "vdc")]
        both = await host.driver.ensure(host.spec(2, disks=disks))
        assert (sorted(both.disks), both.fault) == (["volume-a", "volume-b"], None)
        # A guest without an operating system lets go of a disk when it is restarted.
        await host.driver.ensure(host.spec(3, disks=disks[:1]))
        one = await host.driver.ensure(host.spec(4, disks=disks[:1], reboot=RebootOrder(1, "hard")))
        assert (one.disks, one.fault) == (["volume-a"], None)

    @contract
    async def test_disks_of_a_guest_that_is_off_are_configured(self, host: Host) -> None:
        await host.driver.ensure(host.spec(1, power="off"))
        disk = host.disk("volume-a")
        off = await host.driver.ensure(host.spec(2, power="off", disks=[disk]))
        assert off.disks == ["volume-a"]
        on = await host.driver.ensure(host.spec(3, disks=[disk]))
        assert (on.power, on.disks, on.fault) == ("on", ["volume-a"], None)

    @contract
    async def test_a_guest_without_an_image_boots_from_its_first_disk(self, host: Host) -> None:
        disk = host.disk("volume-a", "vda")
        state = await host.driver.ensure(host.spec(1, root=None, disks=[disk]))
        assert (state.power, state.disks, state.fault) == ("on", ["volume-a"], None)

    @contract
    async def test_a_guest_waits_for_its_tap(self, host: Host) -> None:
        nic = host.nic("port-a")
        with pytest.raises(NotReady):
            await host.driver.ensure(host.spec(1, nics=[nic]))
        assert (await host.driver.inspect(host.id)).power == "off"
        host.make_tap(nic)
        state = await host.driver.ensure(host.spec(1, nics=[nic]))
        assert (state.power, state.nics, state.fault) == ("on", ["port-a"], None)

    @contract
    async def test_a_port_is_plugged_into_a_running_guest(self, host: Host) -> None:
        await host.driver.ensure(host.spec(1))
        nic = host.nic("port-a")
        with pytest.raises(NotReady):
            await host.driver.ensure(host.spec(2, nics=[nic]))
        host.make_tap(nic)
        state = await host.driver.ensure(host.spec(2, nics=[nic]))
        assert (state.nics, state.fault) == (["port-a"], None)

    @contract
    async def test_an_older_order_is_refused(self, host: Host) -> None:
        await host.driver.ensure(host.spec(7))
        with pytest.raises(StaleOrder):
            await host.driver.ensure(host.spec(6, power="off"))
        await host.restart()
        with pytest.raises(StaleOrder):
            await host.driver.ensure(host.spec(6, power="off"))

    @contract
    async def test_removal_is_repeatable(self, host: Host) -> None:
        await host.driver.ensure(host.spec(1))
        await host.driver.remove(host.id)
        await host.driver.remove(host.id)
        assert (await host.driver.inspect(host.id)).power == "absent"
        assert await host.driver.list() == []
        assert await host.driver.console_log(host.id) == ""
        # The id may come back, with a history of its own.
        assert (await host.driver.ensure(host.spec(1))).power == "on"

    @contract
    async def test_many_orders_at_once_make_one_guest(self, host: Host) -> None:
        spec = host.spec(1)
        states = await asyncio.gather(*(host.driver.ensure(spec) for _ in range(5)))
        assert {state.pid for state in states} == {states[0].pid}

    @contract
    @pytest.mark.parametrize("bad", ["../x", "", "a/b", "a,b", "-a", "x" * 65])
    async def test_an_id_is_an_id(self, host: Host, bad: str) -> None:
        with pytest.raises(ValueError, match="not an id"):
            await host.driver.ensure(host.spec(1, id=bad))
        with pytest.raises(ValueError, match="not an id"):
            await host.driver.remove(bad)

    @contract
    @pytest.mark.parametrize("power", ["on", "off"])
    async def test_a_snapshot_is_a_whole_image(self, host: Host, power: Any) -> None:
        await host.driver.ensure(host.spec(1, power=power))
        target = host.data / "snapshot.qcow2"
        for _ in range(2):
            await host.driver.snapshot(host.id, target)
        argv = ["qemu-img", "info", "--output=json", "-f", "qcow2", str(target)]
        info = json.loads(await run(argv))
        assert info["virtual-size"] == 1024**3
        assert "backing-filename" not in info
        await run(["qemu-img", "check", "-f", "qcow2", str(target)])
        if isinstance(host, QemuHost):
            raw = host.data / "snapshot.raw"
            await run(["qemu-img", "convert", "-O", "raw", str(target), str(raw)])
            head = await run(["head", "-c", "512", str(raw)])
            assert head == TINY_GUEST
        assert (await host.driver.inspect(host.id)).power == power

    @contract
    async def test_a_snapshot_of_nothing_fails(self, host: Host) -> None:
        with pytest.raises(SnapshotFailed):
            await host.driver.snapshot(host.id, host.data / "snapshot.qcow2")

    @contract
    async def test_suspend_and_resume(self, host: Host) -> None:
        disk = host.disk("volume-a")
        await host.driver.ensure(host.spec(1))
        if isinstance(host, QemuHost):
            await host.console_says("tiny guest up")
        await host.driver.ensure(host.spec(2, disks=[disk]))
        asleep = await host.driver.ensure(host.spec(3, power="suspended", disks=[disk]))
        assert (asleep.power, asleep.pid, asleep.fault) == ("suspended", None, None)
        await host.restart()
        assert (await host.driver.inspect(host.id)).power == "suspended"
        again = await host.driver.ensure(host.spec(3, power="suspended", disks=[disk]))
        assert again.power == "suspended"
        awake = await host.driver.ensure(host.spec(4, disks=[disk]))
        assert (awake.power, awake.fault, awake.disks) == ("on", None, ["volume-a"])
        if isinstance(host, QemuHost):
            # It goes on where it was: it echoes, and has not begun anew.
            with host.driver.open_console(host.id, "serial") as line:
                await asyncio.get_running_loop().sock_sendall(line, b"hello")
                log = await host.console_says("hello")
            assert log.count("tiny guest up") == 1

    @contract
    async def test_a_suspended_guest_is_rebooted_or_switched_off(self, host: Host) -> None:
        for power in ("on", "off"):
            generation = 10 if power == "on" else 20
            await host.driver.ensure(host.spec(generation))
            await host.driver.ensure(host.spec(generation + 1, power="suspended"))
            reboot = RebootOrder(generation, "hard") if power == "on" else None
            spec = host.spec(generation + 2, power=power, reboot=reboot)
            state = await host.driver.ensure(spec)
            assert (state.power, state.fault) == (power, None)
        assert (await host.driver.ensure(host.spec(30))).power == "on"

    @contract
    async def test_rescue_and_back(self, host: Host) -> None:
        rescue = RootDisk(str(host.image), "raw")
        await host.driver.ensure(host.spec(1))
        spec = host.spec(2, rescue=rescue, reboot=RebootOrder(1, "hard"))
        rescued = await host.driver.ensure(spec)
        assert (rescued.power, rescued.fault, rescued.reboot_done) == ("on", None, 1)
        if isinstance(host, QemuHost):
            folder = host.data / "guests" / host.id / "q"
            assert (folder / "rescue.qcow2").exists() and (folder / "root.qcow2").exists()
        back = await host.driver.ensure(host.spec(3, reboot=RebootOrder(2, "hard")))
        assert (back.power, back.fault) == ("on", None)
        if isinstance(host, QemuHost):
            assert not (folder / "rescue.qcow2").exists()

    @contract
    async def test_root_disks_have_versions(self, host: Host) -> None:
        def root(version: int, size_gb: int = 1, **more: Any) -> RootDisk:
            return RootDisk(str(host.image), "raw", size_gb, version=version, **more)

        await host.driver.ensure(host.spec(1))
        grown = host.spec(
            2, root=root(1, 2, source=0, kept=0), reboot=RebootOrder(1, "hard"), memory_mb=96
        )
        state = await host.driver.ensure(grown)
        assert (state.power, state.fault) == ("on", None)
        assert await roots(host) == [0, 1]
        back = await host.driver.ensure(host.spec(3, root=root(0), reboot=RebootOrder(2, "hard")))
        assert (back.power, back.fault) == ("on", None)
        assert await roots(host) == [0]
        anew = await host.driver.ensure(host.spec(4, root=root(2), reboot=RebootOrder(3, "hard")))
        assert (anew.power, anew.fault) == ("on", None)
        assert await roots(host) == [2]

    @contract
    async def test_a_root_disk_comes_from_another_host(self, host: Host) -> None:
        await host.driver.ensure(host.spec(1, power="off"))
        target = host.data / "moving.qcow2"
        await host.driver.snapshot(host.id, target)
        await host.driver.remove(host.id)
        await host.driver.take_root(host.id, 1, target)
        assert not target.exists()
        root = RootDisk(str(host.image), "raw", 1, version=1)
        state = await host.driver.ensure(host.spec(2, root=root))
        assert (state.power, state.fault) == ("on", None)
        assert await roots(host) == [1]

    @contract
    async def test_a_guest_without_an_agent(self, host: Host) -> None:
        with pytest.raises(NotPossible):
            await host.driver.set_password(host.id, "root", "secret")
        await host.driver.ensure(host.spec(1))
        if isinstance(host, QemuHost):
            assert not await host.driver.freeze(host.id, True)
            with pytest.raises(NotPossible, match="no agent"):
                await host.driver.set_password(host.id, "root", "secret")
        else:
            assert await host.driver.freeze(host.id, True)
            await host.driver.set_password(host.id, "root", "secret")
        await host.driver.interrupt(host.id)
        assert (await host.driver.inspect(host.id)).power == "on"

    @contract
    async def test_the_console_has_a_tail(self, host: Host) -> None:
        await host.driver.ensure(host.spec(1))
        if isinstance(host, QemuHost):
            await host.console_says("tiny guest up")
        full = await host.driver.console_log(host.id)
        assert full
        last = await host.driver.console_log(host.id, 1)
        assert full.endswith(last)
        assert last.count("\n") <= 1
        assert await host.driver.console_log(host.id, 0) == ""


@pytest.mark.guest
class TestQemuHost:
    """What only a real host can show."""

    @pytest.fixture
    def host(self) -> Iterator[QemuHost]:
        made = QemuHost()
        yield made
        made.clean_up()

    @contract
    async def test_an_image_that_is_not_there_is_a_fault(self, host: QemuHost) -> None:
        missing = RootDisk(str(host.data / "none.img"), "raw", 1)
        state = await host.driver.ensure(host.spec(1, root=missing))
        assert state.power == "off"
        assert state.fault is not None
        assert "does not exist" in state.fault
        assert (await host.driver.ensure(host.spec(2))).power == "on"

    @contract
    async def test_a_disk_smaller_than_the_image_is_a_fault(self, host: QemuHost) -> None:
        with host.image.open("r+b") as image:
            image.truncate(2 * 1024**3)
        state = await host.driver.ensure(host.spec(1))
        assert state.fault == "the image needs 2.00 GiB, the root disk has 1 GiB"

    @contract
    async def test_qemu_that_does_not_start_says_why(self, host: QemuHost) -> None:
        disk = host.disk("volume-a")
        broken = dict(disk.connection, format="qcow2")
        spec = host.spec(1, disks=[type(disk)("volume-a", "vdb", broken)])
        state = await host.driver.ensure(spec)
        assert state.power == "off"
        assert state.fault is not None
        assert "not in qcow2 format" in state.fault
        fixed = await host.driver.ensure(host.spec(1, disks=[disk]))
        assert (fixed.power, fixed.fault) == ("on", None)

    @contract
    async def test_a_machine_of_other_parts(self, host: QemuHost) -> None:
        properties = {
            "hw_disk_bus": "scsi",
            "hw_vif_model": "e1000",
            "hw_video_model": "virtio",
            "hw_cpu_sockets": "1",
            "hw_watchdog_action": "pause",
        }
        specs = {"quota:disk_total_iops_sec": "500", "quota:cpu_quota": "50000"}
        nic = host.nic("port-a")
        host.make_tap(nic)
        parts: dict[str, Any] = {"vcpus": 2, "properties": properties, "specs": specs}
        state = await host.driver.ensure(host.spec(1, nics=[nic], **parts))
        assert (state.power, state.fault) == ("on", None)
        await host.console_says("tiny guest up")
        group = Path("/sys/fs/cgroup")
        held = [path.read_text().split() for path in group.rglob(f"cumulo/{host.id}/cgroup.procs")]
        assert str(state.pid) in [pid for pids in held for pid in pids]
        disk = host.disk("volume-a")
        state = await host.driver.ensure(host.spec(2, nics=[nic], disks=[disk], **parts))
        assert (state.disks, state.fault) == (["volume-a"], None)
        await host.driver.remove(host.id)
        assert not list(group.rglob(f"cumulo/{host.id}"))

    @contract
    async def test_a_volume_s_own_limits_go_before_the_flavor_s(self, host: QemuHost) -> None:
        zero = dict.fromkeys(("bps", "bps_rd", "bps_wr", "iops_rd", "iops_wr"), 0)
        own = throttle_of(
            "front-end", {"total_iops_sec_per_gb": "50", "total_iops_sec_max": "300"}, 2
        )
        assert own == {**zero, "iops": 100, "iops_max": 300}
        slow = msgspec.structs.replace(host.disk("volume-a"), throttle=own)
        disks = [slow, host.disk("volume-b", "vdc")]
        specs = {"quota:disk_total_iops_sec": "500"}
        state = await host.driver.ensure(host.spec(1, disks=disks, specs=specs))
        assert (state.power, state.fault) == ("on", None)
        await host.driver.close()
        monitor = Monitor(host.data / "guests" / host.id / "q", lambda: None)
        await monitor.connect()
        found = await monitor.execute_raw("query-block", {})
        await monitor.close()
        limits = {
            each["inserted"]["file"].rpartition("/")[2]: each["inserted"]["iops"]
            for each in found
            if each.get("inserted")
        }
        assert limits["volume-a.raw"] == 100
        assert limits["volume-b.raw"] == 500

    @contract
    async def test_an_elder_machine_takes_disks_while_it_runs(self, host: QemuHost) -> None:
        elder = {"hw_machine_type": "pc", "hw_disk_bus": "ide"}
        state = await host.driver.ensure(host.spec(1, properties=elder, ephemerals=[1]))
        assert (state.power, state.fault) == ("on", None)
        state = await host.driver.ensure(
            host.spec(2, properties=elder, ephemerals=[1], disks=[host.disk("volume-a")])
        )
        assert (state.disks, state.fault) == (["volume-a"], None)

    @contract
    async def test_memory_cells_and_processors_of_its_own(self, host: QemuHost) -> None:
        cpu = max(os.sched_getaffinity(0))
        await host.driver.close()
        host.driver = QemuDriver(host.data, namespace=host.namespace, dedicated=[cpu])
        specs = {"hw:cpu_policy": "dedicated", "hw:numa_nodes": "1"}
        state = await host.driver.ensure(host.spec(1, vcpus=1, specs=specs))
        assert (state.fault, state.pins) == (None, [cpu])
        sets = [
            os.sched_getaffinity(int(each.name))
            for each in Path(f"/proc/{state.pid}/task").iterdir()
        ]
        assert {cpu} in sets
        other = host.spec(1, vcpus=1, specs=specs, id="another", nics=[])
        refused = await host.driver.ensure(other)
        assert "0 of those that are set aside are left" in (refused.fault or "")
        await host.driver.remove("another")

    @contract
    async def test_a_screen_that_speaks_spice(self, host: QemuHost) -> None:
        state = await host.driver.ensure(host.spec(1, properties={"hw_video_model": "qxl"}))
        assert (state.power, state.fault) == ("on", None)
        line = host.driver.open_console(host.id, "spice")
        with line:
            loop = asyncio.get_running_loop()
            link = struct.pack("<IBBIII", 0, 1, 0, 0, 0, 18)
            await loop.sock_sendall(line, b"REDQ" + struct.pack("<III", 2, 2, len(link)) + link)
            assert (await loop.sock_recv(line, 4)) == b"REDQ"

    @contract
    async def test_a_tpm_lives_as_long_as_its_guest(self, host: QemuHost) -> None:
        assert shutil.which("swtpm"), "swtpm is not installed: ./cumulo setup --tests"
        specs = {"hw:tpm_version": "2.0"}
        folder = host.data / "guests" / host.id
        state = await host.driver.ensure(host.spec(1, specs=specs))
        assert (state.power, state.fault) == ("on", None)
        process = Daemon.load(folder / "tpm.pid")
        assert process is not None and process.alive()
        off = await host.driver.ensure(host.spec(2, specs=specs, power="off"))
        assert off.power == "off" and process.wait(5.0), "it ends with its guest"
        kept = sorted(path.name for path in (folder / "tpm").iterdir())
        assert "tpm2-00.permall" in kept
        assert (await host.driver.ensure(host.spec(3, specs=specs))).fault is None
        again = Daemon.load(folder / "tpm.pid")
        await host.driver.remove(host.id)
        assert again is not None and again.wait(5.0) and not folder.exists()

    @contract
    async def test_what_cannot_be_made_is_a_fault(self, host: QemuHost) -> None:
        state = await host.driver.ensure(host.spec(1, properties={"hw_disk_bus": "floppy"}))
        assert state.power == "off" and "hw_disk_bus" in (state.fault or "")

    @contract
    async def test_a_grown_volume_is_seen_by_the_running_guest(self, host: QemuHost) -> None:
        disk = host.disk("volume-a")
        await host.driver.ensure(host.spec(1, disks=[disk]))
        grown = type(disk)("volume-a", "vdb", disk.connection, size_gb=3)
        state = await host.driver.ensure(host.spec(2, disks=[grown]))
        assert state.fault is None
        assert (host.data / "volume-a.raw").stat().st_size == 3 * 1024**3

    @contract
    async def test_the_guest_runs_without_privileges(self, host: QemuHost) -> None:
        state = await host.driver.ensure(host.spec(1))
        with open(f"/proc/{state.pid}/status") as file:  # noqa: PTH123
            status = dict(line.split(":\t", 1) for line in file.read().splitlines())
        assert status["Uid"].split() == ["65534"] * 4
        assert status["Gid"].split() == ["65534"] * 4
        assert status["Groups"].strip() == ""
        assert int(status["CapEff"], 16) == 0
        assert status["Seccomp"] == "2"
