"""The durable work of block storage: what has an order, and copies bytes.

    block_storage.upload    copy ─▶ upload ─▶ tidy       (a volume becomes an image)

The copy is made anew when its step is done twice. When the job is undone the image goes; the volume
is as it was.
"""

from typing import Any

from cumulo.block_storage.model.volume import VolumeRow
from cumulo.block_storage.service.block_storage import BlockStorageService
from cumulo.block_storage.service.pools import KIND
from cumulo.block_storage.service.uploads import UPLOAD, Uploading
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.hosts.conductor import Conductor, HostDown
from cumulo.core.hosts.copies import HostCopy, bytes_of
from cumulo.core.work.jobs import Failed, Job, Jobs, Kind, Outcome, Run, Step
from cumulo.image.interface import ImageUploads


class StorageJobs:
    def __init__(
        self, storage: BlockStorageService, conductor: Conductor, uploads: ImageUploads
    ) -> None:
        self._storage = storage
        self._conductor = conductor
        self._uploads = uploads

    def add_to(self, jobs: Jobs) -> None:
        jobs.add(
            Kind(
                UPLOAD,
                Uploading,
                [
                    Step("copy", self.copy, undo=self.drop),
                    Step("upload", self.upload),
                    Step("tidy", self.tidy, no_return=True),
                ],
                undone=self.undone,
            )
        )

    async def copy(self, run: Run[Uploading]) -> Outcome[Uploading]:
        memo = run.memo
        await self._check(run)
        await run.hold()
        made = await self._ask(
            memo.host_id, "copy", id=run.subject, name=run.id, format=memo.format
        )
        if made["reason"] is not None:
            raise OSError(made["reason"])
        return run.next()

    async def upload(self, run: Run[Uploading]) -> Outcome[Uploading]:
        memo = run.memo
        await self._check(run)
        reader = HostCopy(self._ask, memo.host_id, run.id)
        await self._uploads.of_job(run, memo.image_id, lambda: bytes_of(reader), _uploader(memo))
        return run.next(lambda tx: self._storage.uploads.end(tx, run.subject, memo.image_id, None))

    async def tidy(self, run: Run[Uploading]) -> Outcome[Uploading]:
        await self.drop(run)
        return run.next()

    async def drop(self, run: Run[Uploading]) -> None:
        """The copy on the host goes; one that nobody can ask for goes by itself after a day."""
        try:
            await self._conductor.ask(run.memo.host_id, KIND, "drop_copy", name=run.id)
        except HostDown:
            return

    def undone(self, tx: Tx, job: Job[Uploading]) -> None:
        self._storage.uploads.end(tx, job.subject, job.memo.image_id, job.reason)

    async def _check(self, run: Run[Uploading]) -> None:
        row = await run.read(lambda tx: tx.get(VolumeRow, run.subject))
        if row is None or row.wanted != "present":
            raise Failed(f"Volume {run.subject} was deleted meanwhile.")

    async def _ask(self, host: str, question: str, **arguments: Any) -> Any:
        try:
            return await self._conductor.ask(host, KIND, question, **arguments)
        except HostDown as down:
            raise OSError(str(down)) from down


def _uploader(memo: Uploading) -> Principal:
    """Whoever asked for it, with no more than their project's right to its images."""
    return Principal(
        user_id=memo.user_id,
        user_name=memo.user_name,
        user_domain_id="",
        project_id=memo.project_id,
        roles=("member", "reader"),
    )
