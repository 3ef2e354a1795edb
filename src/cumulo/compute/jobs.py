"""The durable work of compute: what has an order, and copies bytes.

    compute.image           copy ─▶ upload ─▶ tidy
    compute.shelve          stop ─▶ copy ─▶ upload ─▶ leave
    compute.move            stop ─▶ copy ─▶ switch
    compute.reimage         stop ─▶ write ─▶ wait ─▶ start
    compute.reclaim         end          (of a soft-deleted server, after a while)
    compute.confirm_resize  confirm      (by itself, after a while)

Copies are made anew when a step is done twice. What was made is taken back when a job is undone:
the image goes, the server is as it was. A server that was deleted meanwhile ends its jobs.
"""

from typing import Any

from cumulo.compute.model.server import ServerRow
from cumulo.compute.service.compute import ComputeService
from cumulo.compute.service.operations import (
    RECLAIM,
    REIMAGE,
    REIMAGING,
    SHELVE,
    Reclaim,
    Reimaging,
    Shelving,
)
from cumulo.compute.service.resizing import CONFIRM, MOVE, Confirm, Move
from cumulo.compute.service.servers import KIND
from cumulo.compute.service.snapshots import IMAGE, Copying
from cumulo.core.auth.principal import Principal
from cumulo.core.clock import later, now
from cumulo.core.db.transaction import Tx
from cumulo.core.hosts.conductor import Conductor, HostDown
from cumulo.core.hosts.copies import HostCopy, bytes_of, send
from cumulo.core.work.jobs import Failed, Job, Jobs, Kind, Outcome, Run, Step
from cumulo.image.interface import ImageUploads

LOOK_AGAIN = 1.0
"""Seconds after which a wait looks by itself; mostly the host's report comes first."""
STOP_SECONDS = 600.0
"""How long a host may take to switch a guest off; the guest itself has a minute."""
OFF = ("off", "crashed", "absent")


class ComputeJobs:
    def __init__(
        self, compute: ComputeService, conductor: Conductor, uploads: ImageUploads
    ) -> None:
        self._compute = compute
        self._servers = compute.servers
        self._conductor = conductor
        self._uploads = uploads

    def add_to(self, jobs: Jobs) -> None:
        jobs.add(
            Kind(
                IMAGE,
                Copying,
                [
                    Step("copy", self.copy, undo=self.drop),
                    Step("upload", self.upload),
                    Step("tidy", self.tidy, no_return=True),
                ],
                undone=self.image_undone,
            )
        )
        jobs.add(
            Kind(
                SHELVE,
                Shelving,
                [
                    Step("stop", self.stop_to_shelve),
                    Step("copy", self.copy_to_shelve, undo=self.drop),
                    Step("upload", self.upload_to_shelve),
                    Step("leave", self.leave, no_return=True),
                ],
                undone=self.shelve_undone,
            )
        )
        jobs.add(
            Kind(
                MOVE,
                Move,
                [
                    Step("stop", self.stop_to_move),
                    Step("copy", self.carry, undo=self.drop),
                    Step("switch", self.switch, no_return=True),
                ],
                undone=self.move_undone,
                anywhere=True,
            )
        )
        jobs.add(
            Kind(
                REIMAGE,
                Reimaging,
                [
                    Step("stop", self.stop_to_reimage),
                    Step("write", self.write),
                    Step("wait", self.wait_for_volume),
                    Step("start", self.start, no_return=True),
                ],
                undone=self.reimage_undone,
                anywhere=True,
            )
        )
        jobs.add(Kind(RECLAIM, Reclaim, [Step("end", self.reclaim)], anywhere=True))
        jobs.add(Kind(CONFIRM, Confirm, [Step("confirm", self.confirm)], anywhere=True))

    # --- an image --------------------------------------------------------------------------------

    async def copy(self, run: Run[Copying]) -> Outcome[Copying]:
        await run.write(lambda tx: self._task(tx, run, _task_of(run.memo, "image_snapshot")))
        await self._copy(run, freeze=True)
        task = _task_of(run.memo, "image_pending_upload")
        return run.next(lambda tx: self._task(tx, run, task))

    async def upload(self, run: Run[Copying]) -> Outcome[Copying]:
        memo = run.memo
        await run.write(lambda tx: self._task(tx, run, _task_of(memo, "image_uploading")))
        await self._upload(run, memo.image_id, _uploader(memo))

        def done(tx: Tx) -> None:
            self._task(tx, run, None)
            row = self._row(tx, run)
            if memo.backup is not None:
                self._compute.snapshots.rotate(tx, run.subject, memo.backup, memo.rotation)
            self._servers.finish_jobs_actions(tx, row, (memo.action,), None)

        return run.next(done)

    async def tidy(self, run: Run[Any]) -> Outcome[Any]:
        await self.drop(run)
        return run.next()

    def image_undone(self, tx: Tx, job: Job[Copying]) -> None:
        self._compute.snapshots.forget(tx, job.memo.image_id)
        self._servers.images.remove(tx, job.memo.image_id)
        self._abandon(tx, job, (job.memo.action,))

    # --- shelving --------------------------------------------------------------------------------

    async def stop_to_shelve(self, run: Run[Shelving]) -> Outcome[Shelving]:
        row = await run.read(lambda tx: self._row(tx, run))
        if not _is_off(row):
            _check_waiting(run, row)
            return run.pause(LOOK_AGAIN)
        if run.memo.image_id is None:
            return run.go("leave")
        return run.next(lambda tx: self._task(tx, run, "shelving_image_pending_upload"))

    async def copy_to_shelve(self, run: Run[Shelving]) -> Outcome[Shelving]:
        await self._copy(run, freeze=False)
        return run.next(lambda tx: self._task(tx, run, "shelving_image_uploading"))

    async def upload_to_shelve(self, run: Run[Shelving]) -> Outcome[Shelving]:
        memo = run.memo
        assert memo.image_id is not None
        await self._upload(run, memo.image_id, _uploader(memo))
        return run.next()

    async def leave(self, run: Run[Shelving]) -> Outcome[Shelving]:
        await self.drop(run)

        def away(tx: Tx) -> None:
            row = self._servers.find(tx, run.subject)
            if row is None or not row.present:
                return
            if self._compute.operations.stays_on_host:
                self._compute.operations.shelved(tx, row)
            else:
                self._compute.operations.leave_host(tx, row)

        return run.next(away)

    def shelve_undone(self, tx: Tx, job: Job[Shelving]) -> None:
        if job.memo.image_id is not None:
            self._servers.images.remove(tx, job.memo.image_id)
        row = self._servers.find(tx, job.subject)
        if row is not None and row.present:
            power = job.memo.power or row.power
            self._servers.desire(tx, row, power=power, shelved_image_id=None)
        self._abandon(tx, job, ("shelve",))

    # --- to another host -------------------------------------------------------------------------

    async def stop_to_move(self, run: Run[Move]) -> Outcome[Move]:
        row = await run.read(lambda tx: self._row(tx, run))
        if not _is_off(row):
            _check_waiting(run, row)
            return run.pause(LOOK_AGAIN)
        own = row.before is not None and row.own_disks(row.before.flavor).ephemerals
        return run.next() if row.image is not None or own else run.go("switch")

    async def carry(self, run: Run[Move]) -> Outcome[Move]:
        """Its root disk, and its ephemeral ones."""
        row = await run.read(lambda tx: self._row(tx, run))
        target, name = run.memo.target, _name(run)
        if row.image is not None:
            reader = await self._copy(run, freeze=False)
            await run.hold()
            await send(self._ask, target, name, reader, run.check)
            version = run.memo.version or row.root_version + 1
            await self._ask(target, "take_root", id=row.id, version=version, name=name)
            await self.drop(run)
        own = [] if row.before is None else row.own_disks(row.before.flavor).ephemerals
        for place, size in enumerate(own):
            await run.hold()
            of = {"id": row.id, "place": place, "size_gb": size, "name": name}
            made = await self._ask(row.host_id, "copy_ephemeral", **of)
            if made["reason"] is not None:
                raise OSError(made["reason"])
            await run.hold()
            reader = HostCopy(self._ask, row.host_id or "", name, made["size"])
            await send(self._ask, target, name, reader, run.check)
            await self._ask(target, "take_ephemeral", **of)
            await self.drop(run)
        return run.next()

    async def switch(self, run: Run[Move]) -> Outcome[Move]:
        def moved(tx: Tx) -> None:
            row = self._servers.find(tx, run.subject)
            if row is not None and row.present and row.before is not None:
                self._compute.resizing.moved(tx, row, run.memo)

        return run.next(moved)

    def move_undone(self, tx: Tx, job: Job[Move]) -> None:
        row = self._servers.find(tx, job.subject)
        target = job.memo.target
        if row is not None and target != row.host_id:
            # What has arrived there is nobody's.
            self._servers.registry.remove(tx, target, KIND, row.id)
        if row is not None and row.present:
            self._compute.resizing.undone(tx, row)
            self._servers.finish_jobs_actions(tx, row, ("resize", "migrate"), job.reason)

    # --- another image in a volume ---------------------------------------------------------------

    async def stop_to_reimage(self, run: Run[Reimaging]) -> Outcome[Reimaging]:
        row = await run.read(lambda tx: self._row(tx, run))
        if not _is_off(row):
            _check_waiting(run, row)
            return run.pause(LOOK_AGAIN)
        return run.next()

    async def write(self, run: Run[Reimaging]) -> Outcome[Reimaging]:
        memo = run.memo

        def begin(tx: Tx) -> None:
            self._row(tx, run)
            who = _uploader(memo)
            self._servers.volumes.write_image(tx, who, memo.volume_id, memo.image_id)

        return run.next(begin)

    async def wait_for_volume(self, run: Run[Reimaging]) -> Outcome[Reimaging]:
        """It is its host's work, and takes as long as it takes; a failure ends it."""
        volume_id = run.memo.volume_id
        await run.read(lambda tx: self._row(tx, run))
        if await run.read(lambda tx: self._servers.volumes.image_written(tx, volume_id)):
            return run.next()
        return run.pause(LOOK_AGAIN)

    async def start(self, run: Run[Reimaging]) -> Outcome[Reimaging]:
        def go(tx: Tx) -> None:
            row = self._servers.find(tx, run.subject)
            if row is not None and row.present and row.operation == REIMAGING:
                self._compute.operations.reimaged(tx, row, run.memo.power)

        return run.next(go)

    def reimage_undone(self, tx: Tx, job: Job[Reimaging]) -> None:
        row = self._servers.find(tx, job.subject)
        if row is not None and row.present and row.operation == REIMAGING:
            self._compute.operations.not_reimaged(tx, row, job.reason)

    # --- after a while ---------------------------------------------------------------------------

    async def reclaim(self, run: Run[Reclaim]) -> Outcome[Reclaim]:
        def end(tx: Tx) -> None:
            row = self._servers.find(tx, run.subject)
            if row is not None and row.soft_deleted_at == run.memo.at and row.present:
                self._servers.end(tx, row)

        return run.next(end)

    async def confirm(self, run: Run[Confirm]) -> Outcome[Confirm]:
        def confirmed(tx: Tx) -> None:
            row = self._servers.find(tx, run.subject)
            known = None if row is None or row.before is None else row.before.migration_id
            if row is not None and known == run.memo.migration_id and row.vm_state == "resized":
                self._compute.resizing.confirmed(tx, row)

        return run.next(confirmed)

    # --- what they share -------------------------------------------------------------------------

    def _row(self, tx: Tx, run: Job[Any]) -> ServerRow:
        row = self._servers.find(tx, run.subject)
        if row is None or not row.present:
            raise Failed(f"Instance {run.subject} is gone.")
        return row

    def _task(self, tx: Tx, run: Job[Any], task: str | None) -> None:
        row = self._row(tx, run)
        if row.operation != task:
            self._servers.save(tx, row, operation=task)

    async def _ask(self, host_id: str | None, question: str, **arguments: Any) -> Any:
        if host_id is None:
            raise Failed("the server is on no host")
        try:
            return await self._conductor.ask(host_id, "compute", question, **arguments)
        except HostDown as down:
            raise OSError(f"host {host_id} does not answer: {down}") from down

    async def _copy(self, run: Run[Any], *, freeze: bool) -> HostCopy:
        row = await run.read(lambda tx: self._row(tx, run))
        await run.hold()
        name = _name(run)
        made = await self._ask(row.host_id, "copy", id=row.id, name=name, freeze=freeze)
        if made["reason"] is not None:
            raise OSError(made["reason"])
        return HostCopy(self._ask, row.host_id or "", name, made["size"])

    async def _upload(self, run: Run[Any], image_id: str, who: Principal) -> None:
        row = await run.read(lambda tx: self._row(tx, run))
        reader = HostCopy(self._ask, row.host_id or "", _name(run))
        await self._uploads.of_job(run, image_id, lambda: bytes_of(reader), who)

    async def drop(self, run: Run[Any]) -> None:
        """The copy on the host goes; one that nobody can ask for goes by itself after a day."""
        row = await run.read(lambda tx: self._servers.find(tx, run.subject))
        if row is not None and row.host_id is not None:
            try:
                await self._conductor.ask(row.host_id, "compute", "drop_copy", name=_name(run))
            except HostDown:
                return

    def _abandon(self, tx: Tx, job: Job[Any], actions: tuple[str, ...]) -> None:
        row = self._servers.find(tx, job.subject)
        if row is not None:
            self._compute.operations.abandon(tx, row, actions, job.reason)


def _is_off(row: ServerRow) -> bool:
    return row.seen_generation >= row.generation and row.seen_power in OFF


def _name(run: Job[Any]) -> str:
    """Of the copy on the host."""
    return run.id


def _task_of(memo: Copying, task: str) -> str:
    return task if memo.backup is None else "image_backup"


def _check_waiting(run: Job[Any], row: ServerRow) -> None:
    """Whether it is worth to wait on for the host to switch it off."""
    if row.fault is not None:
        raise Failed(row.fault.message)
    if run.row.created_at < later(now(), -STOP_SECONDS):
        raise Failed(f"Host {row.host_id} has not switched it off in {STOP_SECONDS:.0f} seconds.")


def _uploader(memo: Copying | Shelving | Reimaging) -> Principal:
    """Whoever asked for it, with no more than their project's right to its images."""
    return Principal(
        user_id=memo.user_id,
        user_name=memo.user_name,
        user_domain_id="",
        project_id=memo.project_id,
        roles=("member", "reader"),
    )
