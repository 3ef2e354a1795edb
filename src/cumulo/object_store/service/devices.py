"""Devices as the operator wants them: added, weighed, emptied, and taken away once empty."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple, Protocol

from cumulo.core.clock import later
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.ids import new_hex
from cumulo.core.work import pools
from cumulo.object_store.model.device import AUDIT, DeviceRow, PassRow
from cumulo.object_store.model.ring import Device, Ring
from cumulo.object_store.queries import device as queries

MOST = 256
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


class Wanted(NamedTuple):
    """Of the settings."""

    path: str
    weight: float
    zone: str
    region: str


class Blobs(Protocol):
    """Of drivers.files."""

    def arrange(
        self, ring: Ring, places: Mapping[str, Path], labels: Mapping[str, str] | None = None
    ) -> None: ...
    def marked(self, place: Path) -> str: ...
    def mark(self, device: str, label: str) -> str: ...


class Seen(Protocol):
    """What can be seen of devices. All of it may block: in a thread."""

    @property
    def ring(self) -> Ring: ...

    def is_there(self, device: str) -> bool:
        """Whether it is what it says, and not the empty place where it is mounted."""

    def holds_any(self, device: str) -> bool:
        """Whether a blob is on it."""

    def room(self, device: str) -> tuple[int, int]:
        """(bytes in all, free) of its disk. Raises OSError."""


class Devices:
    def __init__(
        self,
        database: Database,
        blobs: Blobs,
        wanted: Mapping[str, Wanted],
        *,
        replicas: int,
        place: Callable[[str, str], Path],
    ) -> None:
        """`place`: the folder of a device by its name and path."""
        self._database = database
        self._blobs = blobs
        self._wanted = wanted
        self._replicas = replicas
        self._place = place
        self.wake: Callable[[], None] = lambda: None
        """Repair looks at once: something has moved."""

    async def load(self) -> None:
        """The devices of the settings have rows and markers, and the ring is that of all rows."""
        await self._database.write(self._known, name="object devices")
        await self.arrange()

    async def audit_due(self, seconds: float) -> bool:
        """Whether all is to be read again; True once in so many seconds, whichever process looks
        and however often it starts."""

        def look(tx: Tx) -> bool:
            row = tx.get(PassRow, AUDIT)
            if row is None or row.began_at > later(tx.now, -seconds):
                if row is None:
                    tx.insert(PassRow(AUDIT, tx.now))
                return False
            tx.update(row, began_at=tx.now)
            return True

        return await self._database.write(look, name="object audit")

    def _known(self, tx: Tx) -> None:
        there = {row.name for row in tx.all(queries.ALL)}
        for name, wish in self._wanted.items():
            if name not in there:
                tx.insert(
                    DeviceRow(name, wish.path, wish.weight, wish.zone, wish.region, "", tx.now)
                )

    async def arrange(self) -> None:
        rows = await self._database.read(self.all)
        places = {row.name: self._place(row.name, row.path) for row in rows}
        ring = Ring(
            [Device(row.name, row.weight, row.zone, row.region) for row in rows],
            replicas=self._replicas,
        )
        labels = {row.name: row.label for row in rows if row.label}
        self._blobs.arrange(ring, places, labels)
        for row in rows:
            if not row.label:
                await self._label(row)
        self.wake()

    async def _label(self, row: DeviceRow) -> None:
        """A device that is used for the first time."""
        label = await pools.DISK(self._blobs.mark, row.name, new_hex())

        def note(tx: Tx) -> None:
            now = tx.get(DeviceRow, row.name)
            if now is not None:
                tx.update(now, label=label)

        await self._database.write(note, name="object device")
        rows = await self._database.read(self.all)
        places = {each.name: self._place(each.name, each.path) for each in rows}
        ring = Ring(
            [Device(each.name, each.weight, each.zone, each.region) for each in rows],
            replicas=self._replicas,
        )
        self._blobs.arrange(ring, places, {each.name: each.label for each in rows if each.label})

    async def read(self) -> list[DeviceRow]:
        return await self._database.read(self.all)

    async def changed(self, work: Callable[[Tx], None]) -> None:
        """A change by the operator, and the ring that follows from it."""
        await self._database.write(work, name="object devices")
        await self.arrange()

    def place_of(self, row: DeviceRow) -> Path:
        return self._place(row.name, row.path)

    def all(self, tx: Tx) -> list[DeviceRow]:
        return tx.all(queries.ALL)

    def add(self, tx: Tx, name: str, wish: Wanted) -> DeviceRow:
        """Raises BadRequest, Conflict."""
        if not _NAME.fullmatch(name):
            raise BadRequest("A device's name is of letters, digits, `.`, `_` and `-`.")
        if wish.path and not Path(wish.path).is_absolute():
            raise BadRequest("A device's path is absolute.")
        rows = self.all(tx)
        if any(row.name == name for row in rows):
            raise Conflict(f"There is a device {name!r} already.")
        if len(rows) >= MOST:
            raise Conflict(f"There are {MOST} devices already.")
        place = self._place(name, wish.path)
        if any(self._place(row.name, row.path) == place for row in rows):
            raise Conflict(f"{place} is another device.")
        if self._blobs.marked(place):
            raise Conflict(f"{place} is a device of a cloud already: it has a marker.")
        row = DeviceRow(name, wish.path, wish.weight, wish.zone, wish.region, "", tx.now)
        tx.insert(row)
        return row

    def weigh(self, tx: Tx, name: str, weight: float) -> None:
        """0: it is emptied. Raises NotFound, Conflict."""
        row = self._get(tx, name)
        others = [each for each in self.all(tx) if each.name != name and each.weight > 0]
        if weight <= 0 and not others:
            raise Conflict("It is the last device that has a weight.")
        tx.update(row, weight=max(0.0, weight))

    def forget(self, tx: Tx, name: str) -> None:
        """It is empty, or lost: its folder is left as it is. Raises NotFound, Conflict."""
        row = self._get(tx, name)
        if row.weight > 0:
            raise Conflict("It has a weight: set it to 0, and wait until the device is empty.")
        if name in self._wanted:
            raise Conflict("It is named in the settings: take it out there first.")
        tx.delete(row)

    def _get(self, tx: Tx, name: str) -> DeviceRow:
        row = tx.get(DeviceRow, name)
        if row is None:
            raise NotFound(f"There is no device {name!r}.")
        return row
