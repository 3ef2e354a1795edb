"""The host's side of compute: desired servers in, driver calls, observed servers out.

Each guest is worked on in a task of its own, a few starts at a time. A pass waits for them only
for a moment and then reports how far they are; the bell rings when one ends, so that the next
report follows at once. Guests that are as desired and look as they did are not touched.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from cumulo.compute.drivers.driver import (
    ComputeDriver,
    DiskSpec,
    GuestSpec,
    GuestState,
    NicSpec,
    NotReady,
    RebootOrder,
    RootDisk,
    StaleOrder,
)
from cumulo.compute.drivers.fake import FakeDriver
from cumulo.compute.drivers.image_cache import ImageCache
from cumulo.compute.drivers.machine import SIMULATED
from cumulo.compute.model.hypervisor import HostResources
from cumulo.compute.model.orders import (
    DesiredCompute,
    ObservedCompute,
    SeenGuest,
    WantedGuest,
)

log = logging.getLogger("cumulo.agent")

PARALLEL = 4
PASS_SECONDS = 1.0
"""How long a pass waits for its guests before it reports"""
READY_SECONDS = 300.0
"""How long a tap or a volume may be missing before that is a failure"""
CONSOLE_LIMIT = 256 * 1024


class _Progress(msgspec.Struct):
    """What the agent remembers of one guest between passes."""

    done: WantedGuest | None = None
    task: asyncio.Task[None] | None = None
    step: str | None = None
    fault: str | None = None
    failures: int = 0
    retry_at: float = 0.0
    waits_since: float = 0.0
    removed: bool = False
    awaited: bool = False
    """The pass that began the task still waits for it, and will report what became of it."""


class ComputeAgent:
    """Implements `core.hosts.agent.HostPart`."""

    kind = "compute"

    def __init__(
        self, driver: ComputeDriver, resources: HostResources, cache: ImageCache | None = None
    ) -> None:
        self.driver = driver
        self.resources = resources
        self._cache = cache
        self._progress: dict[str, _Progress] = {}
        self._limit = asyncio.Semaphore(PARALLEL)
        self._ring: Callable[[], None] = lambda: None

    def on_change(self, ring: Callable[[], None]) -> None:
        self._ring = ring

    def guest_changed(self, guest_id: str) -> None:
        """The driver saw a guest end."""
        self._ring()

    # --- a pass -------------------------------------------------------------------------------

    async def apply(self, desired: DesiredCompute) -> ObservedCompute:
        found = {state.id: state for state in await self.driver.list()}
        wanted = {guest.id: guest for guest in desired.guests}
        for guest_id in found.keys() - wanted.keys():
            log.warning("guest %s belongs to nobody: it is removed", guest_id)
            wanted[guest_id] = WantedGuest(id=guest_id, generation=0, present=False)
        self._forget(wanted)
        for guest in wanted.values():
            self._begin(guest, found.get(guest.id))
        tasks = [one.task for one in self._progress.values() if one.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=PASS_SECONDS)
        for one in self._progress.values():
            one.awaited = False
        found = {state.id: state for state in await self.driver.list()}
        if self._cache is not None:
            needed = {_image_name(guest) for guest in desired.guests if guest.image is not None}
            await asyncio.to_thread(self._cache.keep_only, needed)
        present = [guest for guest in desired.guests if guest.present]
        absent = [guest.id for guest in desired.guests if not guest.present]
        return ObservedCompute(
            guests=[self._seen(guest, found.get(guest.id)) for guest in present],
            removed=[id for id in absent if id not in found and self._progress[id].removed],
            resources=self.resources,
        )

    def unfinished(self) -> bool:
        """Something waits, or is to be tried again soon."""
        soon = time.monotonic() + 1.0
        return any(
            one.waits_since > 0 or (one.failures > 0 and one.retry_at < soon)
            for one in self._progress.values()
        )

    def _forget(self, wanted: dict[str, WantedGuest]) -> None:
        for guest_id in [id for id in self._progress if id not in wanted]:
            if self._progress[guest_id].task is None:
                del self._progress[guest_id]

    def _begin(self, guest: WantedGuest, state: GuestState | None) -> None:
        """Start the work on a guest unless there is none, or it runs, or it is too early."""
        one = self._progress.setdefault(guest.id, _Progress())
        if one.task is not None or time.monotonic() < one.retry_at:
            return
        if guest.present:
            if one.done == guest and state is not None and state.converged:
                return
        elif state is None and one.removed:
            return
        one.awaited = True
        one.task = asyncio.create_task(self._work(guest, one))

    async def _work(self, guest: WantedGuest, one: _Progress) -> None:
        try:
            async with self._limit:
                if guest.present:
                    await self._ensure(guest, one)
                else:
                    await self.driver.remove(guest.id)
                    one.removed = True
                    one.failures, one.fault, one.retry_at = 0, None, 0.0
        except NotReady as reason:
            self._wait(one, "networking", str(reason))
        except StaleOrder as stale:
            # A newer order is already here; the next pass brings it.
            log.info("guest %s: %s", guest.id, stale)
        except Exception as error:
            log.exception("guest %s", guest.id)
            self._fail(one, f"{type(error).__name__}: {error}")
        finally:
            one.task = None
            if not one.awaited:
                self._ring()

    async def _ensure(self, guest: WantedGuest, one: _Progress) -> None:
        missing = [disk.device for disk in guest.disks if disk.connection is None]
        known = await self.driver.inspect(guest.id)
        if missing and known.power == "absent":
            self._wait(one, "block_device_mapping", f"{', '.join(missing)} is not connected yet")
            return
        one.step = "spawning" if known.power == "absent" else None
        state = await self.driver.ensure(await self._spec(guest))
        one.step = None
        if state.fault is not None:
            self._fail(one, state.fault)
            return
        one.failures, one.fault, one.retry_at = 0, None, 0.0
        if missing:
            self._wait(one, None, f"{', '.join(missing)} is not connected yet")
            return
        one.waits_since = 0.0
        one.done = guest

    def _wait(self, one: _Progress, step: str | None, reason: str) -> None:
        now = time.monotonic()
        one.step = step
        one.waits_since = one.waits_since or now
        if now - one.waits_since > READY_SECONDS:
            self._fail(one, f"waited {READY_SECONDS:.0f} s in vain: {reason}")

    def _fail(self, one: _Progress, reason: str) -> None:
        one.failures += 1
        one.fault = reason
        one.retry_at = time.monotonic() + min(60.0, 0.25 * 2.0 ** min(one.failures, 8))

    async def _spec(self, guest: WantedGuest) -> GuestSpec:
        root = None
        if guest.image is not None:
            base = guest.image.path
            if self._cache is not None:
                name = _image_name(guest)
                base = await asyncio.to_thread(self._cache.ensure, name, base)
            root = RootDisk(base, guest.image.format, guest.disk_gb)
        reboot = RebootOrder(guest.reboot_nonce, guest.reboot_kind) if guest.reboot_nonce else None
        return GuestSpec(
            id=guest.id,
            generation=guest.generation,
            name=guest.name,
            vcpus=guest.vcpus,
            memory_mb=guest.memory_mb,
            power=guest.power,
            root=root,
            disks=[
                DiskSpec(
                    disk.attachment_id,
                    disk.device,
                    disk.connection,
                    disk.read_only,
                    disk.volume_id[:20],
                    disk.size_gb,
                )
                for disk in guest.disks
                if disk.connection is not None
            ],
            nics=[NicSpec(nic.port_id, nic.mac, nic.tap, nic.mtu) for nic in guest.nics],
            reboot=reboot,
            config_drive=guest.config_drive,
            properties=guest.properties,
        )

    def _seen(self, guest: WantedGuest, state: GuestState | None) -> SeenGuest:
        one = self._progress[guest.id]
        # `done` says that this very wish was fulfilled, whatever became of the guest since.
        done = one.done == guest and one.task is None
        if state is None:
            return SeenGuest(
                id=guest.id,
                generation=guest.generation,
                power="absent",
                done=False,
                step=one.step,
                fault=one.fault,
                failures=one.failures,
            )
        return SeenGuest(
            id=guest.id,
            generation=guest.generation,
            power=state.power,
            done=done,
            step=state.step or one.step,
            fault=one.fault,
            failures=one.failures,
            reason=state.reason,
            reboot_done=state.reboot_done,
            disks=state.disks,
        )

    # --- questions ------------------------------------------------------------------------------

    async def answer(self, question: str, arguments: dict[str, Any]) -> Any:
        """`console_log` (id, lines) and `diagnostics` (id)."""
        guest_id = str(arguments["id"])
        if question == "console_log":
            text = await self.driver.console_log(guest_id, arguments.get("lines"))
            return text[-CONSOLE_LIMIT:]
        if question == "diagnostics":
            return msgspec.to_builtins(await self.driver.inspect(guest_id))
        raise ValueError(f"no such question: {question}")


def _image_name(guest: WantedGuest) -> str:
    assert guest.image is not None
    return guest.image.sha512 or guest.image.id


def simulated_host(data: Path) -> ComputeAgent:
    """A host without a hypervisor; its guests are files in `data` and survive a restart."""
    agent: ComputeAgent

    def changed(guest_id: str) -> None:
        agent.guest_changed(guest_id)

    agent = ComputeAgent(FakeDriver(data, on_change=changed), SIMULATED)
    return agent
