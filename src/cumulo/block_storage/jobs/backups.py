"""The durable work of backups.

    block_storage.backup          copy ─▶ store ⟲ ─▶ tidy      (a volume or snapshot, to the store)
    block_storage.restore         wait ─▶ load ⟲ ─▶ write ─▶ tidy
    block_storage.backup_removal  remove
    block_storage.backup_import   look

The volume's host makes a copy of one moment, which is read piece by piece; what is restored comes
to the host as a file of its own before it takes the volume's place. `store` and `load` are done
once for each part (`pieces.py`), so that a kill costs a part and no more.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import msgspec

from cumulo.block_storage.jobs import pieces
from cumulo.block_storage.model.backup import BackupRow
from cumulo.block_storage.model.backup_store import BackupStore
from cumulo.block_storage.model.snapshot import SnapshotRow
from cumulo.block_storage.model.volume import VolumeRow
from cumulo.block_storage.service.backups import (
    BACKUP,
    IMPORT,
    REMOVE,
    RESTORE,
    BackingUp,
    Backups,
    Removing,
    Restoring,
)
from cumulo.block_storage.service.pools import KIND
from cumulo.block_storage.service.volumes import RESTORING
from cumulo.core.clock import later
from cumulo.core.db.transaction import Tx
from cumulo.core.hosts.conductor import Conductor, HostAway, HostDown
from cumulo.core.hosts.copies import PIECE, HostCopy
from cumulo.core.work.jobs import Failed, Job, Jobs, Kind, Outcome, Run, Step

LOOK_AGAIN = 0.5
"""Seconds after which a restore looks again whether its new volume is there."""
SECTOR = 512
AWAY = 5.0
"""Seconds after which a host that is away is asked again."""
PATIENCE = 6 * 3600.0
"""So long it may be away before what was done so far is taken back."""


class BackupJobs:
    def __init__(self, backups: Backups, store: BackupStore, conductor: Conductor) -> None:
        self._backups = backups
        self._store = store
        self._conductor = conductor

    def add_to(self, jobs: Jobs) -> None:
        jobs.add(
            Kind(
                BACKUP,
                BackingUp,
                [
                    Step("copy", patient(self.copy), undo=self.drop),
                    Step("store", patient(self.store), undo=self.unstore),
                    Step("tidy", self.tidy, no_return=True),
                ],
                undone=self.backup_undone,
            )
        )
        jobs.add(
            Kind(
                RESTORE,
                Restoring,
                [
                    Step("wait", self.wait),
                    Step("load", patient(self.load), undo=self.drop),
                    Step("write", patient(self.write)),
                    Step("tidy", self.tidy, no_return=True),
                ],
                undone=self.restore_undone,
            )
        )
        jobs.add(Kind(REMOVE, Removing, [Step("remove", self.remove)], undone=self.removal_undone))
        jobs.add(Kind(IMPORT, Removing, [Step("look", self.look)], undone=self.import_undone))

    # --- to the store -----------------------------------------------------------------------

    async def copy(self, run: Run[BackingUp]) -> Outcome[BackingUp]:
        memo = run.memo
        await self._check(run)
        await run.hold()
        made = await self._ask(memo.host_id, "copy", id=memo.disk_id, name=run.id, format="raw")
        if made["reason"] is not None:
            raise OSError(made["reason"])
        return run.next(memo=_with(memo, size=int(made["size"])))

    async def store(self, run: Run[BackingUp]) -> Outcome[BackingUp]:
        memo = run.memo
        await self._check(run)
        await run.hold()
        parts = pieces.parts_of(memo.size)
        if memo.part < parts:
            source = SparseCopy(self._ask, memo.host_id, run.id)
            more = await pieces.store_part(
                self._store, memo.content, memo.part, source, memo.size, memo.parent
            )
            run.note(100 * (memo.part + 1) // parts)
            memo = _with(memo, part=memo.part + 1, stored=memo.stored + more)
            return run.go("store", memo=memo)
        await pieces.finish(self._store, memo.content, memo.size, memo.stored)

        def stored(tx: Tx) -> None:
            self._backups.stored(tx, run.subject, memo.volume_id, memo.stored)

        return run.next(stored)

    async def unstore(self, run: Run[BackingUp]) -> None:
        await self._store.remove(run.memo.content)

    async def _check(self, run: Run[BackingUp]) -> None:
        def there(tx: Tx) -> bool:
            disk = tx.get(VolumeRow, run.memo.disk_id) or tx.get(SnapshotRow, run.memo.disk_id)
            return disk is not None and disk.wanted == "present"

        if not await run.read(there):
            raise Failed(f"Volume {run.memo.volume_id} was deleted meanwhile.")

    def backup_undone(self, tx: Tx, job: Job[BackingUp]) -> None:
        self._backups.not_stored(tx, job.subject, job.memo.volume_id, job.reason)

    # --- and back ---------------------------------------------------------------------------

    async def _volume(self, run: Run[Restoring]) -> VolumeRow:
        row = await run.read(lambda tx: tx.get(VolumeRow, run.subject))
        if row is None or row.wanted != "present":
            raise Failed(f"Volume {run.subject} was deleted meanwhile.")
        if row.mark != RESTORING or row.host_id is None:
            raise Failed(f"Volume {run.subject} is {row.status}, and not to be restored.")
        return row

    async def wait(self, run: Run[Restoring]) -> Outcome[Restoring]:
        """A new volume is made by its host first."""
        row = await self._volume(run)
        if row.fault is not None:
            raise Failed(f"Volume {run.subject} could not be made: {row.fault}")
        return run.next() if row.connection is not None else run.pause(LOOK_AGAIN)

    async def load(self, run: Run[Restoring]) -> Outcome[Restoring]:
        memo, volume = run.memo, await self._volume(run)
        await run.hold()
        head = await pieces.read_head(self._store, memo.content)
        if memo.part >= head.parts:
            return run.next()
        put = self._putter(run, volume.host_id or "")
        if memo.part == 0:
            await put(0, b"")
            await put(max(0, head.size - SECTOR), b"\0" * min(head.size, SECTOR))
        found = await pieces.read_part(self._store, memo.content, memo.part)
        first = memo.part * pieces.PART
        for number, entry in enumerate(found, first):
            if entry is not None:
                block = await pieces.load_block(self._store, number, entry)
                for at in range(0, len(block), PIECE):
                    run.check()
                    await put(number * pieces.BLOCK + at, block[at : at + PIECE])
        # What counts as done here is on the disk there: after a power cut nobody puts it again.
        await put(1, b"", durable=True)
        run.note(100 * (memo.part + 1) // head.parts)
        return run.go("load", memo=_with(memo, part=memo.part + 1))

    def _putter(self, run: Run[Restoring], host_id: str) -> Callable[..., Any]:
        async def put(offset: int, data: bytes, *, durable: bool = False) -> None:
            await self._ask(
                host_id, "put_copy", name=run.id, offset=offset, data=data, durable=durable
            )

        return put

    async def write(self, run: Run[Restoring]) -> Outcome[Restoring]:
        """The host puts it in the place of what the volume had."""
        row = await self._volume(run)
        await run.hold()
        done = await self._ask(row.host_id or "", "take_copy", id=row.id, name=run.id)
        if done["reason"] is not None:
            raise OSError(done["reason"])
        backup = run.memo.backup_id
        return run.next(lambda tx: self._backups.end_restore(tx, backup, run.subject, None))

    def restore_undone(self, tx: Tx, job: Job[Restoring]) -> None:
        self._backups.end_restore(tx, job.memo.backup_id, job.subject, job.reason)

    # --- both -------------------------------------------------------------------------------

    async def tidy(self, run: Run[Any]) -> Outcome[Any]:
        await self.drop(run)
        return run.next()

    async def drop(self, run: Run[Any]) -> None:
        """The copy on the host goes; one that nobody can ask for goes by itself after a day."""
        host_id = getattr(run.memo, "host_id", None)
        if host_id is None:
            row = await run.read(lambda tx: tx.get(VolumeRow, run.subject))
            host_id = None if row is None else row.host_id
        if host_id is not None:
            try:
                await self._conductor.ask(host_id, KIND, "drop_copy", name=run.id)
            except HostDown:
                return

    async def _ask(self, host: str, question: str, **arguments: Any) -> Any:
        try:
            return await self._conductor.ask(host, KIND, question, **arguments)
        except HostAway:
            raise
        except HostDown as down:
            raise OSError(str(down)) from down

    # --- removal and import -----------------------------------------------------------------

    async def remove(self, run: Run[Removing]) -> Outcome[Removing]:
        """Of several rows with the same bytes the last one takes them along."""
        content = run.memo.content
        if not await run.read(lambda tx: self._backups.is_shared(tx, run.subject, content)):
            await self._store.remove(content)
        return run.next(lambda tx: self._backups.removed(tx, run.subject))

    def removal_undone(self, tx: Tx, job: Job[Removing]) -> None:
        self._backups.not_removed(tx, job.subject, job.reason)

    async def look(self, run: Run[Removing]) -> Outcome[Removing]:
        """Is it there, and whole as far as its parts tell?"""
        head = await pieces.read_head(self._store, run.memo.content)
        row = await run.read(lambda tx: tx.get(BackupRow, run.subject))
        if row is not None and head.size > row.size * 1024**3:
            raise Failed(f"The store has {head.size} bytes of it: more than {row.size} GB.")
        for number in range(head.parts):
            await pieces.read_part(self._store, run.memo.content, number)
        return run.next(lambda tx: self._backups.stored(tx, run.subject, "", head.stored))

    def import_undone(self, tx: Tx, job: Job[Removing]) -> None:
        self._backups.not_stored(tx, job.subject, "", job.reason)


class SparseCopy(HostCopy):
    """A copy on a host, of which holes are not read."""

    async def next_data(self, offset: int) -> int:
        found: int = await self._ask(self._host_id, "next_data", name=self._name, offset=offset)
        return found


def _with(memo: Any, **changes: Any) -> Any:
    return msgspec.structs.replace(memo, **changes)


def patient(step: Callable[[Run[Any]], Awaitable[Outcome[Any]]]) -> Any:
    """The step, which waits for a host that is away: what was done in hours is not taken back
    because an agent is started again."""

    async def do(run: Run[Any]) -> Outcome[Any]:
        try:
            outcome = await step(run)
        except HostAway as away:
            now = await run.read(lambda tx: tx.now)
            since = run.memo.away_since or now
            if now > later(since, PATIENCE):
                raise Failed(str(away)) from away
            return run.pause(AWAY, memo=_with(run.memo, away_since=since))
        if run.memo.away_since is None:
            return outcome
        memo = run.memo if outcome.memo is None else outcome.memo
        return replace(outcome, memo=_with(memo, away_since=None))

    return do
