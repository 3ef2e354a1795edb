"""What the steps of image jobs do. See `image.jobs`, which names them in order.

Each step has an effect that may be repeated, and ends with one transaction that writes what
follows. An image that was deleted meanwhile, or that another task has, ends it.
"""

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from cumulo.core.blobs.streams import Reader, copy
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, UnsupportedMediaType
from cumulo.core.sim.points import reach
from cumulo.core.work import pools
from cumulo.core.work.jobs import Failed, Job, Outcome, Run
from cumulo.image import formats
from cumulo.image.model.content import Received
from cumulo.image.model.image import HASH, ImageRow
from cumulo.image.model.location import STAGING
from cumulo.image.model.task import TaskRow, Work
from cumulo.image.service.fetching import Fetching
from cumulo.image.service.image import ImageService
from cumulo.image.service.imports import Wish
from cumulo.image.service.patch import split
from cumulo.image.service.stores import Store
from cumulo.image.service.uploads import problem_of, write_all


class Steps:
    def __init__(self, database: Database, service: ImageService) -> None:
        self._database = database
        self._service = service
        self._contents = service.contents
        self._stores = service.contents.stores
        self._imports = service.imports
        self._fetching = Fetching(database, service)

    # --- rows ---------------------------------------------------------------------------------

    def _mine(self, tx: Tx, run: Run[Work]) -> tuple[TaskRow, ImageRow]:
        """The rows as they are now. Raises Failed when the image is not this task's any more."""
        task, row = tx.get(TaskRow, run.id), tx.get(ImageRow, run.subject)
        if task is None or row is None or row.import_task != run.id:
            raise Failed(f"the image {run.subject} was deleted")
        return task, row

    async def _rows(self, run: Run[Work]) -> tuple[TaskRow, ImageRow]:
        return await run.read(lambda tx: self._mine(tx, run))

    # --- begin: the older tasks API makes the image itself ------------------------------------

    async def begin(self, run: Run[Work]) -> Outcome[Work]:
        task = await run.read(lambda tx: tx.get(TaskRow, run.id))
        if task is None:
            return run.end()
        attributes, properties = split(dict(task.input["image_properties"]))
        if attributes.pop("id", None) is not None:
            raise BadRequest("image_properties may not have an id")

        def make(tx: Tx) -> None:
            if tx.get(ImageRow, run.subject) is None:
                wanted = {**attributes, "id": run.subject}
                wanted.setdefault("disk_format", task.input["import_from_format"])
                wanted.setdefault("container_format", "bare")
                row = self._service.images.create(tx, wanted, properties, task.owner, None)
                target = self._stores.default.name
                self._contents.move(
                    tx, row, "importing",
                    import_task=task.id, importing_to=[target], failed_import=[],
                )  # fmt: skip

        return run.next(make)

    # --- fetch: from elsewhere into the staging folder ----------------------------------------

    async def fetch(self, run: Run[Work]) -> Outcome[Work]:
        task, row = await self._rows(run)
        room = await self._database.read(
            lambda tx: self._contents.room(
                tx, row.owner, "image_stage_total", self._imports.limits.file
            )
        )
        body = _counted(run, self._fetching.body(run, task))
        writer = self._stores.staging.writer(row.id)
        try:
            received = await write_all(writer, body, room)
            reach("image task: before staging")
            await writer.keep()
        except BaseException:
            await writer.drop()
            raise
        finally:
            await body.aclose()
        size = received.size

        def staged(tx: Tx) -> Work:
            _, image = self._mine(tx, run)
            self._contents.move(tx, image, "importing", staged_size=size)
            return msgspec.structs.replace(run.memo, staged=row.id, staged_size=size)

        return run.next(staged)

    # --- rewrite: look at it, unpack it, convert it, give it properties -----------------------

    async def rewrite(self, run: Run[Work]) -> Outcome[Work]:
        _, row = await self._rows(run)
        rules, rewriter = self._imports.rules, self._imports.rules.rewriter
        staging, staged = self._stores.staging, run.memo.staged
        format = row.disk_format or ""
        if rules.decompress and rewriter is not None:
            target = f"{row.id}-unpacked"
            kind = await rewriter.decompress(
                staging.path(staged) or "", staging.path(target) or "", self._imports.limits.file
            )
            staged = staged if kind is None else target
        found = await look(await staging.reader(staged))
        if row.container_format == "bare":
            problem = formats.refusal(found, format, self._imports.limits.disk)
            if problem is not None:
                raise UnsupportedMediaType(f"Image content is not accepted: {problem}")
            wanted = rules.convert_to
            if wanted and rewriter is not None and found.format not in (wanted, "iso", "luks"):
                target = f"{row.id}-converted"
                await rewriter.convert(
                    staging.path(staged) or "", found.format, staging.path(target) or "",
                    wanted, self._imports.limits.file,
                )  # fmt: skip
                staged, format = target, wanted
        return await self._rewritten(run, staged, format)

    async def _rewritten(self, run: Run[Work], staged: str, format: str) -> Outcome[Work]:
        rules = self._imports.rules
        reader = await self._stores.staging.reader(staged)
        size = reader.size or 0
        await reader.close()

        def go_on(tx: Tx) -> Work:
            _, row = self._mine(tx, run)
            ignored = set(rules.inject_ignored_roles) & set(run.memo.roles)
            properties = {**row.properties, **({} if ignored else rules.inject)}
            self._contents.move(
                tx, row, "importing", staged_size=size, properties=properties,
                **({"disk_format": format} if format else {}),
            )  # fmt: skip
            return msgspec.structs.replace(run.memo, staged=staged, staged_size=size)

        return run.next(go_on)

    # --- store: one store after the other -----------------------------------------------------

    async def store(self, run: Run[Work]) -> Outcome[Work]:
        task, row = await self._rows(run)
        left = [n for n in row.importing_to or [] if n not in run.memo.stored]
        if not left:
            return self._finish(run)
        target = self._stores.named(left[0])
        try:
            received = await self.copy(run, row, target)
        except OSError as error:
            if _must_succeed(task):
                raise
            reason = str(error)
            return run.go("store", lambda tx: self._missed(tx, run, target.name, reason))
        return run.go("store", lambda tx: self._stored(tx, run, target.name, received))

    async def copy(self, run: Run[Work], row: ImageRow, target: Store) -> Received:
        """The bytes in one store, kept, and the same as in the others."""
        if row.content == "present" and not run.memo.staged:
            reader: Reader = await self._service.reading.reader(row)
        else:
            reader = await self._stores.staging.reader(run.memo.staged)
        writer = target.content.writer(row.id)
        try:
            most = self._imports.limits.file
            received = await copy(reader, writer, run.note, most)
            checked = row.hash_value is not None and row.hash_algo == HASH
            if checked and received.sha512 != row.hash_value:
                raise OSError("the bytes that were read are not those of the image")
            problem = problem_of(row, received, self._imports.limits)
            if problem is not None:
                raise UnsupportedMediaType(f"Image content is not accepted: {problem}")
            await run.hold()
            reach("image task: before keep")
            await writer.keep()
            reach("image task: after keep")
        except BaseException:
            await writer.drop()
            raise
        return received

    def _stored(self, tx: Tx, run: Run[Work], name: str, got: Received) -> Work:
        task, row = self._mine(tx, run)
        left = [each for each in row.importing_to or [] if each != name]
        changes: dict[str, Any] = {"importing_to": left}
        if row.content == "importing":
            bare = row.container_format == "bare"
            changes |= {
                "size": got.size,
                "virtual_size": got.found.virtual_size if bare else None,
                "checksum": got.md5,
                "hash_algo": HASH,
                "hash_value": got.sha512,
            }
        active = row.content == "present" or not left or not _must_succeed(task)
        row = self._contents.move(tx, row, "present" if active else "importing", **changes)
        row = self._contents.add(tx, row, name, row.id)
        if active:
            self._service.cache.wanted(tx, row)
        return msgspec.structs.replace(run.memo, stored=[*run.memo.stored, name])

    def _missed(self, tx: Tx, run: Run[Work], name: str, reason: str) -> Work:
        _, row = self._mine(tx, run)
        left = [each for each in row.importing_to or [] if each != name]
        failed = [*(row.failed_import or []), name]
        tx.update(row, importing_to=left, failed_import=failed, updated_at=tx.now)
        self._contents.remove_later(tx, row.id, name)
        failures = [*run.memo.failed, f"{name}: {reason}"]
        return msgspec.structs.replace(run.memo, failed=failures)

    def _finish(self, run: Run[Work]) -> Outcome[Work]:
        missed = "; ".join(run.memo.failed)
        if missed and not run.memo.stored:
            raise Failed(f"no store has taken the image: {missed}")

        def finish(tx: Tx) -> None:
            task, row = self._mine(tx, run)
            staged = row.staged_size is not None
            row = self._contents.move(
                tx, row, "present", import_task=None, importing_to=[], staged_size=None
            )
            if staged:
                self._contents.remove_later(tx, row.id, STAGING)
            self._service.tasks.end(tx, task, missed, {"image_id": row.id}, good=True)
            emit(tx, "image.activate", row.id, project_id=row.owner, size=row.size)

        return run.end(finish)

    # --- verify: a location -------------------------------------------------------------------

    async def verify(self, run: Run[Work]) -> Outcome[Work]:
        task, row = await self._rows(run)
        url, work = str(task.input["loc_url"]), run.memo
        store = self._stores.find(work.staged)
        if store is None:
            raise BadRequest(f"the store {work.staged} is no more")
        try:
            reader = await store.content.reader(url)
        except KeyError:
            raise BadRequest(f"there is nothing at {url}") from None
        changes: dict[str, Any]
        if self._imports.rules.secure_hash:
            changes = await self._hashed(run, row, reader)
        else:
            found = await look(reader)
            self._refuse(row, found)
            given = work.expected or None
            changes = {"size": reader.size, "virtual_size": found.virtual_size}
            changes |= {"hash_algo": work.algorithm if given else None, "hash_value": given}
        if changes["size"] is None:
            raise BadRequest(f"{url}: the server does not tell the size")

        def located(tx: Tx) -> None:
            now, image = self._mine(tx, run)
            image = self._contents.move(tx, image, "present", import_task=None, **changes)
            image = self._contents.add(tx, image, work.staged, url)
            self._service.cache.wanted(tx, image)
            self._service.tasks.end(tx, now, "", {"image_id": image.id}, good=True)
            emit(tx, "image.activate", image.id, project_id=image.owner, size=image.size)

        return run.end(located)

    async def _hashed(self, run: Run[Work], row: ImageRow, reader: Reader) -> dict[str, Any]:
        work, probe = run.memo, formats.Probe()
        md5, other = hashlib.md5(usedforsecurity=False), hashlib.new(work.algorithm)

        def feed(block: bytes) -> None:
            md5.update(block)
            other.update(block)
            probe.add(block)

        try:
            while block := await reader.read(probe.size, 1 << 20):
                await pools.DISK(feed, block)
                run.note(probe.size)
                if probe.size > self._imports.limits.file:
                    raise BadRequest("the image is larger than the limit")
        finally:
            await reader.close()
        if work.expected and other.hexdigest() != work.expected:
            raise BadRequest(
                f"The {work.algorithm} of the bytes is {other.hexdigest()}, not {work.expected}"
            )
        found = probe.result()
        self._refuse(row, found)
        return {
            "size": probe.size,
            "virtual_size": found.virtual_size if row.container_format == "bare" else None,
            "checksum": md5.hexdigest(),
            "hash_algo": work.algorithm,
            "hash_value": other.hexdigest(),
        }

    def _refuse(self, row: ImageRow, found: formats.Inspection) -> None:
        if self._imports.rules.look_at_locations and row.container_format == "bare":
            problem = formats.refusal(found, row.disk_format, self._imports.limits.disk)
            if problem is not None:
                raise UnsupportedMediaType(f"Image content is not accepted: {problem}")

    # --- undo ---------------------------------------------------------------------------------

    def undone(self, tx: Tx, job: Job[Work]) -> None:
        """A task failed: its copies go, the image is what it was before, the task says why."""
        message = job.reason
        task, row = tx.get(TaskRow, job.id), tx.get(ImageRow, job.subject)
        if task is None:
            return
        if row is None or row.import_task != job.id:
            # Deleted meanwhile: what it had is on its way out already, but for what came after.
            if row is None:
                for name in (*self._stores.writable(), STAGING):
                    self._contents.remove_later(tx, job.subject, name)
            self._service.tasks.end(tx, task, message, None, good=False)
            return
        location = None
        if task.type == "location_import":
            location = job.memo.staged, str(task.input["loc_url"])
        row = self._take_back(tx, row, job.memo, location)
        if task.type == "import":
            # The task has made the image itself.
            self._service.images.delete(tx, tx.update(row, protected=False), None)
        self._service.tasks.end(tx, task, message, None, good=False)
        emit(tx, "image.import_failed", row.id, project_id=row.owner, reason=message[:500])

    def _take_back(
        self, tx: Tx, row: ImageRow, work: Work, location: tuple[str, str] | None
    ) -> ImageRow:
        copying = row.content == "present" and not work.staged
        for copy_ in self._contents.locations(tx, row.id):
            if copy_.store in work.stored and copy_.key == row.id:
                row = self._contents.drop(tx, row, copy_)
        for name in row.importing_to or ():
            self._contents.remove_later(tx, row.id, name)
        ended: dict[str, Any] = {"import_task": None}
        if row.importing_to is not None:
            failed = [*(row.failed_import or []), *row.importing_to]
            ended |= {"importing_to": [], "failed_import": failed}
        if copying:
            return tx.update(row, updated_at=tx.now, **ended)
        if row.staged_size is not None or (work.staged and location is None):
            self._contents.remove_later(tx, row.id, STAGING)
        if location is not None:
            # As Glance has it: the queued image still names the place that disappointed.
            row = self._contents.add(tx, row, *location)
        nothing = dict.fromkeys(("size", "virtual_size", "checksum", "hash_algo", "hash_value"))
        return self._contents.move(tx, row, "none", staged_size=None, **nothing, **ended)


async def _counted(run: Run[Work], body: AsyncIterator[bytes]) -> Any:
    """An asynchronous generator: the same, noted."""
    total = 0
    async for piece in body:
        run.check()
        total += len(piece)
        run.note(total)
        yield piece


def _must_succeed(task: TaskRow) -> bool:
    asked = task.input.get("import_req")
    return msgspec.convert(asked, Wish).all_stores_must_succeed if asked else True


async def look(reader: Reader) -> formats.Inspection:
    """What kind of file it is, from a few reads. Closes the reader."""
    try:
        size = reader.size
        if size is None:
            raise OSError("the store does not tell the size")
        head = await _exactly(reader, 0, formats.HEAD_BYTES)
        tail = await _exactly(reader, max(0, size - formats.TAIL_BYTES), formats.TAIL_BYTES)
        at = formats.region_of(head)
        region = b"" if at is None else await _exactly(reader, at, formats.REGION_BYTES)
        return formats.judge(head, size, tail, region)
    finally:
        await reader.close()


async def _exactly(reader: Reader, offset: int, length: int) -> bytes:
    found = bytearray()
    while len(found) < length:
        piece = await reader.read(offset + len(found), length - len(found))
        if not piece:
            break
        found += piece
    return bytes(found)
