"""The durable work of image: imports, copies, locations, and uploads whose process died.

    image.download   begin ─▶ fetch ─▶ rewrite ─▶ store (one store after the other)
    image.import                       rewrite ─▶ store
    image.location   verify
    image.upload     (held by the request that has the body; done by others: taken back)

What comes from other people's servers has slots of its own: it may be as slow as they are. A
failure undoes all in one transaction: the rows say which bytes are to be removed, and the
reconciler of removals does it.
"""

from collections.abc import Awaitable, Callable

import msgspec

from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import Fault
from cumulo.core.outbound.client import RequestFailed
from cumulo.core.outbound.guard import Refused
from cumulo.core.work.jobs import Failed, Job, Jobs, Kind, Outcome, Run, Step
from cumulo.image.model.content import ConversionFailed
from cumulo.image.model.task import Work
from cumulo.image.service.image import ImageService
from cumulo.image.service.steps import Steps
from cumulo.image.service.uploads import UPLOAD, Upload

Do = Callable[[Run[Work]], Awaitable[Outcome[Work]]]

FINAL = (Fault, Refused, RequestFailed, ConversionFailed, OSError)


class ImageJobs:
    def __init__(self, database: Database, images: ImageService) -> None:
        self._images = images
        self.steps = Steps(database, images)

    def add_to(self, jobs: Jobs) -> None:
        begin, fetch, rewrite, store, verify = (
            Step(name, self._told(getattr(self.steps, name)))
            for name in ("begin", "fetch", "rewrite", "store", "verify")
        )
        for name, steps in (
            ("image.download", [begin, fetch, rewrite, store]),
            ("image.import", [rewrite, store]),
            ("image.location", [verify]),
        ):
            jobs.add(Kind(name, Work, steps, undone=self._undone, final=FINAL))
        jobs.add(Kind(UPLOAD, Upload, [Step("receive", self._interrupted)]))

    def _told(self, do: Do) -> Do:
        """The step, with the task's status and the user's mistakes said as such."""

        async def told(run: Run[Work]) -> Outcome[Work]:
            await run.write(lambda tx: self._images.tasks.begun(tx, run.id))
            try:
                return await do(run)
            except msgspec.ValidationError as error:
                raise Failed(f"the task's input makes no sense: {error}") from None

        return told

    def _undone(self, tx: Tx, job: Job[Work]) -> None:
        self.steps.undone(tx, job)

    async def _interrupted(self, run: Run[Upload]) -> Outcome[Upload]:
        """Whoever had the body of the upload is gone."""
        return run.end(lambda tx: self._images.uploads.interrupted(tx, run.subject, run.id))
