"""The host's side of compute: how one guest is started, changed, ended and looked at.

A guest that needs something that is not there yet (a tap, a volume, its image) waits. Soft stops
take as long as the guest likes, so they have other places than starts.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from cumulo.compute.drivers.driver import (
    ComputeDriver,
    DiskSpec,
    GuestSpec,
    GuestState,
    GuestUsage,
    NicSpec,
    NotPossible,
    NotReady,
    RebootOrder,
    RootDisk,
    SnapshotFailed,
    StaleOrder,
)
from cumulo.compute.drivers.fake import FakeDriver
from cumulo.compute.drivers.machine import SIMULATED, used_now
from cumulo.compute.model.hypervisor import HostResources
from cumulo.compute.model.orders import SeenGuest, WantedGuest
from cumulo.core.blobs.content import Content, Missing
from cumulo.core.blobs.shelf import Coming, Shelf
from cumulo.core.hosts.copies import Copies
from cumulo.core.hosts.journal import Order
from cumulo.core.hosts.samples import Sample
from cumulo.core.hosts.work import Failed, Look, NotYet, Slots

READY_SECONDS = 300.0
"""How long a tap or a volume may be missing before that is a failure"""
NO_GUEST = GuestState(id="", generation=0, power="absent")
CONSOLE_LIMIT = 256 * 1024


class ComputeAgent:
    """Implements `core.hosts.work.ItemWork`, and `Tidies`."""

    kind = "compute"
    item_type = WantedGuest
    slots = {"start": Slots(4, 30.0), "stop": Slots(16, 90.0)}

    def __init__(
        self,
        driver: ComputeDriver,
        resources: HostResources,
        shelf: Shelf | None = None,
        *,
        folder: Path,
    ) -> None:
        self.driver = driver
        self._copies = Copies(folder / "copies")
        self.resources = resources
        self._shelf = None if shelf is None else shelf.used_by(self.kind)
        self._ring: Callable[[str | None], None] = lambda id: None

    def on_change(self, ring: Callable[[str | None], None]) -> None:
        self._ring = ring

    def guest_changed(self, guest_id: str) -> None:
        """The driver saw something happen to a guest."""
        self._ring(guest_id)

    async def samples(self) -> list[Sample]:
        """What the guests use, for telemetry."""
        made: list[Sample] = []
        for id in await self.driver.names():
            used = await self.driver.usage(id)
            if used is not None:
                made += samples_of(id, used, time.time())
        if self.resources.accelerator != "none":
            at = time.time()
            made += [Sample("host", "", name, value, at) for name, value in used_now().items()]
        return made

    # --- one guest ----------------------------------------------------------------------------

    def slot(self, order: Order) -> str:
        guest: WantedGuest | None = order.item
        return (
            "stop"
            if guest is None or guest.power in ("off", "suspended") or guest.reboot_nonce
            else "start"
        )

    async def ensure(self, order: Order, tell: Callable[[str], None]) -> SeenGuest:
        guest: WantedGuest = order.item
        if guest.cached:
            await self._base(guest.image, NO_GUEST)
            return _seen(NO_GUEST)
        missing = [disk.device for disk in guest.disks if disk.connection is None]
        waits = f"{', '.join(missing)} is not connected yet"
        known = await self.driver.inspect(guest.id)
        if missing and known.power == "absent":
            step = "block_device_mapping"
            raise NotYet(waits, step=step, patience=READY_SECONDS, state=_seen(known))
        if missing and guest.image is None and known.power in ("off", "crashed"):
            # What it boots from is being written: nothing can be made of it before.
            if guest.power == "off":
                return _seen(known)
            raise NotYet(waits, patience=None, state=_seen(known))
        if guest.launched and guest.image is not None and known.power == "absent":
            reason = "its root disk is not on this host any more"
            raise Failed(reason, final=True, state=_seen(known))
        base = await self._base(guest.image, known)
        rescue = await self._base(guest.rescue, known)
        spec = _spec(guest, order.stamp(guest.generation), base, rescue)
        try:
            state = await self.driver.ensure(spec)
        except NotReady as reason:
            known = await self.driver.inspect(guest.id)
            raise NotYet(
                str(reason), step="networking", patience=READY_SECONDS, state=_seen(known)
            ) from reason
        except StaleOrder as stale:
            raise NotYet(str(stale), patience=READY_SECONDS, state=_seen(known)) from stale
        if state.fault is not None:
            raise Failed(state.fault, state=_seen(state))
        if missing:
            raise NotYet(waits, patience=READY_SECONDS, state=_seen(state))
        return _seen(state)

    async def remove(self, order: Order) -> None:
        await self.driver.remove(order.id)

    async def look(self, order: Order) -> Look:
        guest: WantedGuest | None = order.item
        if guest is not None and guest.cached:
            there = self._shelf is None or guest.image is None or self._shelf.find(guest.image)
            return Look(_seen(NO_GUEST), bool(there))
        state = await self.driver.inspect(order.id)
        return Look(_seen(state), state.converged)

    # --- the host -----------------------------------------------------------------------------

    async def names(self) -> Iterable[str]:
        return await self.driver.names()

    async def describe(self, id: str) -> dict[str, Any]:
        state = await self.driver.inspect(id)
        facts = {"power": state.power, "pid": state.pid, "disks": state.disks, "nics": state.nics}
        return {name: value for name, value in facts.items() if value}

    async def host(self) -> HostResources:
        return self.resources

    async def tidy(self, orders: Sequence[Order], unknown: Sequence[str]) -> None:
        """Images that no guest needs go. Of a guest that nobody knows it is not known which one
        it stands on: as long as there is one, all stay."""
        await self._copies.tidy()
        known = {order.id for order in orders}
        if self._shelf is None or any(id not in known for id in unknown):
            return
        guests = [order.item for order in orders if order.item is not None]
        images = [image for guest in guests for image in (guest.image, guest.rescue)]
        needed = {image.name for image in images if image is not None}
        await self._shelf.tidy(self.kind, needed)

    # --- images -------------------------------------------------------------------------------

    async def _base(self, image: Content | None, known: GuestState) -> str | None:
        """The file that the root disk stands on; None for a guest without one. It is fetched once,
        however many guests want it; long copies are waited for elsewhere."""
        if image is None:
            return None
        if self._shelf is None:
            return ""
        try:
            return str(await self._shelf.have(image))
        except Coming as error:
            raise NotYet(str(error), patience=None, state=_seen(known)) from error
        except Missing as error:
            reason = f"image {image.id} is not there any more"
            raise Failed(reason, state=_seen(known)) from error
        except OSError as error:
            reason = f"image {image.id} cannot be had: {error}"
            raise NotYet(reason, patience=READY_SECONDS, state=_seen(known)) from error

    # --- questions ----------------------------------------------------------------------------

    async def answer(self, question: str, arguments: dict[str, Any]) -> Any:
        """`console_log` (id, lines), `diagnostics` (id), `console` (id, line): a connection;
        `copy` (id, name, freeze) and `take_root` (id, version, name), and what `Copies` answers;
        `copy_ephemeral`, `take_ephemeral` (id, place, size_gb, name);
        `password` (id, user, password), `interrupt` (id)."""
        if question in ("read_copy", "put_copy", "drop_copy"):
            return await self._copies.answer(question, arguments)
        guest_id = str(arguments["id"])
        if question == "copy":
            return await self._copy(guest_id, arguments["name"], arguments["freeze"])
        if question == "take_root":
            path = self._copies.path(arguments["name"])
            return await self.driver.take_root(guest_id, arguments["version"], path)
        if question == "copy_ephemeral":
            return await self._copy_ephemeral(guest_id, arguments)
        if question == "take_ephemeral":
            path = self._copies.path(arguments["name"])
            of = arguments["place"], arguments["size_gb"]
            return await self.driver.take_ephemeral(guest_id, *of, path)
        if question in ("password", "interrupt"):
            return await self._change(guest_id, question, arguments)
        if question == "console_log":
            text = await self.driver.console_log(guest_id, arguments.get("lines"))
            return text[-CONSOLE_LIMIT:]
        if question == "diagnostics":
            return await self._diagnostics(guest_id)
        if question == "console":
            return self.driver.open_console(guest_id, arguments["line"])
        raise ValueError(f"no such question: {question}")

    async def _diagnostics(self, guest_id: str) -> dict[str, Any]:
        state: dict[str, Any] = msgspec.to_builtins(await self.driver.inspect(guest_id))
        used = await self.driver.usage(guest_id)
        return {**state, "used": None if used is None else msgspec.to_builtins(used)}

    async def _change(self, guest_id: str, question: str, arguments: dict[str, Any]) -> str | None:
        """Why it could not be done; None: it was."""
        try:
            if question == "interrupt":
                await self.driver.interrupt(guest_id)
            else:
                given = arguments["user"], arguments["password"]
                await self.driver.set_password(guest_id, *given)
        except NotPossible as reason:
            return str(reason)
        return None

    # --- disks on their way -------------------------------------------------------------------

    async def _copy(self, guest_id: str, name: str, freeze: bool) -> dict[str, Any]:
        """The guest's root disk as a file of its own; done twice it is made anew. `reason`: why it
        could not be made."""
        target = await self._copies.prepare(name)
        if freeze:  # An earlier try may have been killed: its guest is still frozen.
            await self.driver.freeze(guest_id, False)
            await self.driver.freeze(guest_id, True)
        try:
            await self.driver.snapshot(guest_id, target)
        except SnapshotFailed as reason:
            return {"reason": str(reason)}
        finally:
            if freeze:  # Also if it said no: it may have frozen too late to say yes.
                await self.driver.freeze(guest_id, False)
        return {"reason": None, "size": target.stat().st_size}

    async def _copy_ephemeral(self, guest_id: str, arguments: dict[str, Any]) -> dict[str, Any]:
        target = await self._copies.prepare(arguments["name"])
        of = arguments["place"], arguments["size_gb"]
        try:
            await self.driver.copy_ephemeral(guest_id, *of, target)
        except SnapshotFailed as reason:
            return {"reason": str(reason)}
        return {"reason": None, "size": target.stat().st_size}


def samples_of(guest_id: str, used: GuestUsage, at: float) -> list[Sample]:
    """In the names and units of telemetry: ns, MB, bytes."""
    resident = used.memory_bytes / 1048576
    made = [
        Sample("instance", guest_id, "cpu", used.cpu_ns, at),
        Sample("instance", guest_id, "memory.usage", resident, at),
        Sample("instance", guest_id, "memory.resident", resident, at),
    ]
    for disk in used.disks:
        made += [
            Sample("instance_disk", f"{guest_id}-{disk.name}", f"disk.device.{name}", value, at)
            for name, value in (
                ("read.bytes", disk.read_bytes),
                ("write.bytes", disk.written_bytes),
                ("read.requests", disk.reads),
                ("write.requests", disk.writes),
            )
        ]
    for nic in used.nics:
        of = ("instance_network_interface", f"{guest_id}-{nic.name}")
        made += [
            Sample(*of, f"network.{name}", value, at)
            for name, value in (
                ("incoming.bytes", nic.incoming_bytes),
                ("incoming.packets", nic.incoming_packets),
                ("incoming.packets.error", nic.incoming_errors),
                ("incoming.packets.drop", nic.incoming_drops),
                ("outgoing.bytes", nic.outgoing_bytes),
                ("outgoing.packets", nic.outgoing_packets),
                ("outgoing.packets.error", nic.outgoing_errors),
                ("outgoing.packets.drop", nic.outgoing_drops),
            )
        ]
    return made


def _seen(state: GuestState) -> SeenGuest:
    return SeenGuest(
        power=state.power,
        reason=state.reason,
        reboot_done=state.reboot_done,
        disks=state.disks,
        pins=state.pins,
    )


def _layer(image: Content | None, base: str | None, size_gb: int, **more: Any) -> RootDisk | None:
    if image is None or base is None:
        return None
    return RootDisk(base, image.format, size_gb, **more)


def _spec(guest: WantedGuest, generation: int, base: str | None, rescue: str | None) -> GuestSpec:
    root = guest.root
    return GuestSpec(
        id=guest.id,
        generation=generation,
        name=guest.name,
        vcpus=guest.vcpus,
        memory_mb=guest.memory_mb,
        power=guest.power,
        root=_layer(
            guest.image,
            base,
            guest.disk_gb,
            version=root.version,
            source=root.source,
            kept=root.kept,
            carried=root.carried,
        ),
        rescue=_layer(guest.rescue, rescue, 0),
        rescue_last=guest.rescue_last,
        ephemerals=guest.ephemerals or ([guest.ephemeral_gb] if guest.ephemeral_gb else []),
        ephemerals_kept=guest.ephemerals_kept,
        swap_mb=guest.swap_mb,
        disks=[
            DiskSpec(
                disk.attachment_id,
                disk.device,
                disk.connection,
                disk.read_only,
                disk.volume_id[:20],
                disk.size_gb,
                disk.shared,
                disk.throttle,
            )
            for disk in guest.disks
            if disk.connection is not None
        ],
        nics=[NicSpec(nic.port_id, nic.mac, nic.tap, nic.mtu) for nic in guest.nics],
        reboot=RebootOrder(guest.reboot_nonce, guest.reboot_kind) if guest.reboot_nonce else None,
        config_drive=guest.config_drive,
        properties=guest.properties,
        specs=guest.specs,
    )


def simulated_host(data: Path) -> ComputeAgent:
    """A host without a hypervisor; its guests are files in `data` and survive a restart."""
    agent: ComputeAgent

    def changed(guest_id: str) -> None:
        agent.guest_changed(guest_id)

    agent = ComputeAgent(FakeDriver(data, on_change=changed), SIMULATED, folder=data)
    return agent
