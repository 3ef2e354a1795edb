"""What the steps of image tasks do. See `operations`, which calls them in order.

Each step reads its task's row, has an effect that may be repeated, and ends with one transaction
that writes what follows. An image that was deleted meanwhile, or that another task has, ends it.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from cumulo.core.blobs.streams import Reader, copy
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, UnsupportedMediaType
from cumulo.core.sim.points import reach
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


class Gone(Exception):
    """The image was deleted, or the task is not this process's any more."""


class Steps:
    def __init__(self, database: Database, service: ImageService) -> None:
        self._database = database
        self._service = service
        self._contents = service.contents
        self._stores = service.contents.stores
        self._imports = service.imports
        self._fetching = Fetching(database, service)
        self.copied: dict[str, int] = {}
        """Bytes that a running task has copied."""

    async def do(self, task: TaskRow) -> None:
        """The task's next step. Raises Fault, Refused, RequestFailed, ConversionFailed, OSError
        with a text for the user, and Gone."""
        steps = {
            "begin": self._begin,
            "fetch": self._fetch,
            "rewrite": self._rewrite,
            "store": self._store,
            "verify": self._verify,
        }
        await steps[task.step](task)

    def forget(self, task_id: str) -> None:
        self.copied.pop(task_id, None)
        self._imports.tokens.pop(task_id, None)

    # --- rows ---------------------------------------------------------------------------------

    def _mine(self, tx: Tx, task: TaskRow) -> tuple[TaskRow, ImageRow]:
        """The rows as they are now, when this process may still change them. Raises Gone."""
        now = tx.get(TaskRow, task.id)
        row = None if task.image_id is None else tx.get(ImageRow, task.image_id)
        if now is None or now.lease_by != task.lease_by or now.status != "processing":
            raise Gone("another process has the task")
        if row is None or row.import_task != task.id:
            raise Gone(f"the image {task.image_id} was deleted")
        return now, row

    async def _row(self, task: TaskRow) -> ImageRow:
        return await self._database.read(lambda tx: self._mine(tx, task)[1])

    async def _next(self, task: TaskRow, step: Any, **work: Any) -> None:
        def go_on(tx: Tx) -> None:
            now, _ = self._mine(tx, task)
            changed = msgspec.structs.replace(now.work, **work)
            tx.update(now, step=step, work=changed, updated_at=tx.now)

        await self._database.write(go_on, name=f"image task: {step}")

    def _progress(self, task: TaskRow) -> Any:
        def note(done: int) -> None:
            self.copied[task.id] = done

        return note

    # --- begin: the older tasks API makes the image itself ------------------------------------

    async def _begin(self, task: TaskRow) -> None:
        attributes, properties = split(dict(task.input["image_properties"]))
        if attributes.pop("id", None) is not None:
            raise BadRequest("image_properties may not have an id")

        def make(tx: Tx) -> None:
            now = tx.get(TaskRow, task.id)
            if now is None or now.lease_by != task.lease_by:
                raise Gone("another process has the task")
            row = tx.get(ImageRow, task.image_id)
            if row is None:
                wanted = {**attributes, "id": task.image_id}
                wanted.setdefault("disk_format", task.input["import_from_format"])
                wanted.setdefault("container_format", "bare")
                row = self._service.images.create(tx, wanted, properties, task.owner, None)
                target = self._stores.default.name
                self._contents.move(
                    tx, row, "importing",
                    import_task=task.id, importing_to=[target], failed_import=[],
                )  # fmt: skip
            tx.update(now, step="fetch", updated_at=tx.now)

        await self._database.write(make, name="image task: fetch")

    # --- fetch: from elsewhere into the staging folder ----------------------------------------

    async def _fetch(self, task: TaskRow) -> None:
        row = await self._row(task)
        room = await self._database.read(
            lambda tx: self._contents.room(
                tx, row.owner, "image_stage_total", self._imports.limits.file
            )
        )
        body = self._counted(task, self._fetching.body(task, row))
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

        def staged(tx: Tx) -> None:
            now, image = self._mine(tx, task)
            self._contents.move(tx, image, "importing", staged_size=size)
            work = msgspec.structs.replace(now.work, staged=row.id, staged_size=size)
            tx.update(now, step="rewrite", work=work, updated_at=tx.now)

        await self._database.write(staged, name="image task: rewrite")

    async def _counted(
        self, task: TaskRow, body: AsyncIterator[bytes]
    ) -> Any:  # an asynchronous generator
        total = 0
        async for piece in body:
            total += len(piece)
            self.copied[task.id] = total
            yield piece

    # --- rewrite: look at it, unpack it, convert it, give it properties -----------------------

    async def _rewrite(self, task: TaskRow) -> None:
        row, rules, rewriter = (
            await self._row(task),
            self._imports.rules,
            self._imports.rules.rewriter,
        )
        staging, staged = self._stores.staging, task.work.staged
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
        await self._rewritten(task, staged, format)

    async def _rewritten(self, task: TaskRow, staged: str, format: str) -> None:
        rules = self._imports.rules
        reader = await self._stores.staging.reader(staged)
        size = reader.size or 0
        await reader.close()

        def go_on(tx: Tx) -> None:
            now, row = self._mine(tx, task)
            ignored = set(rules.inject_ignored_roles) & set(now.work.roles)
            properties = {**row.properties, **({} if ignored else rules.inject)}
            self._contents.move(
                tx, row, "importing", staged_size=size, properties=properties,
                **({"disk_format": format} if format else {}),
            )  # fmt: skip
            work = msgspec.structs.replace(now.work, staged=staged, staged_size=size)
            tx.update(now, step="store", work=work, updated_at=tx.now)

        await self._database.write(go_on, name="image task: store")

    # --- store: one store after the other -----------------------------------------------------

    async def _store(self, task: TaskRow) -> None:
        row = await self._row(task)
        left = [n for n in row.importing_to or [] if n not in task.work.stored]
        if not left:
            await self._finish(task)
            return
        target = self._stores.named(left[0])
        try:
            received = await self._copy(task, row, target)
        except OSError as error:
            if _must_succeed(task):
                raise
            reason = str(error)
            await self._database.write(
                lambda tx: self._missed(tx, task, target.name, reason), name="store missed"
            )
            return
        await self._database.write(
            lambda tx: self._stored(tx, task, target.name, received), name="image stored"
        )

    async def _copy(self, task: TaskRow, row: ImageRow, target: Store) -> Received:
        """The bytes in one store, kept, and the same as in the others."""
        if row.content == "present" and not task.work.staged:
            reader: Reader = await self._service.reading.reader(row)
        else:
            reader = await self._stores.staging.reader(task.work.staged)
        writer = target.content.writer(row.id)
        try:
            most = self._imports.limits.file
            received = await copy(reader, writer, self._progress(task), most)
            checked = row.hash_value is not None and row.hash_algo == HASH
            if checked and received.sha512 != row.hash_value:
                raise OSError("the bytes that were read are not those of the image")
            problem = problem_of(row, received, self._imports.limits)
            if problem is not None:
                raise UnsupportedMediaType(f"Image content is not accepted: {problem}")
            reach("image task: before keep")
            await writer.keep()
            reach("image task: after keep")
        except BaseException:
            await writer.drop()
            raise
        return received

    def _stored(self, tx: Tx, task: TaskRow, name: str, got: Received) -> None:
        now, row = self._mine(tx, task)
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
        active = row.content == "present" or not left or not _must_succeed(now)
        row = self._contents.move(tx, row, "present" if active else "importing", **changes)
        row = self._contents.add(tx, row, name, row.id)
        if active:
            self._service.cache.wanted(tx, row)
        work = msgspec.structs.replace(now.work, stored=[*now.work.stored, name])
        tx.update(now, work=work, updated_at=tx.now)

    def _missed(self, tx: Tx, task: TaskRow, name: str, reason: str) -> None:
        now, row = self._mine(tx, task)
        left = [each for each in row.importing_to or [] if each != name]
        failed = [*(row.failed_import or []), name]
        tx.update(row, importing_to=left, failed_import=failed, updated_at=tx.now)
        self._contents.remove_later(tx, row.id, name)
        work = msgspec.structs.replace(now.work, failed=[*now.work.failed, f"{name}: {reason}"])
        tx.update(now, work=work, updated_at=tx.now)

    async def _finish(self, task: TaskRow) -> None:
        if not task.work.stored and task.work.failed:
            raise OSError("no store has taken the image: " + "; ".join(task.work.failed))

        def finish(tx: Tx) -> None:
            now, row = self._mine(tx, task)
            staged = row.staged_size is not None
            row = self._contents.move(
                tx, row, "present", import_task=None, importing_to=[], staged_size=None
            )
            if staged:
                self._contents.remove_later(tx, row.id, STAGING)
            message = "; ".join(now.work.failed)
            self._service.tasks.end(tx, now, message, {"image_id": row.id}, good=True)
            emit(tx, "image.activate", row.id, project_id=row.owner, size=row.size)

        await self._database.write(finish, name="image task: end")
        self.forget(task.id)

    # --- verify: a location -------------------------------------------------------------------

    async def _verify(self, task: TaskRow) -> None:
        row, url, work = await self._row(task), str(task.input["loc_url"]), task.work
        store = self._stores.find(work.staged)
        if store is None:
            raise BadRequest(f"the store {work.staged} is no more")
        try:
            reader = await store.content.reader(url)
        except KeyError:
            raise BadRequest(f"there is nothing at {url}") from None
        changes: dict[str, Any]
        if self._imports.rules.secure_hash:
            changes = await self._hashed(task, row, reader)
        else:
            found = await look(reader)
            self._refuse(row, found)
            given = work.expected or None
            changes = {"size": reader.size, "virtual_size": found.virtual_size}
            changes |= {"hash_algo": work.algorithm if given else None, "hash_value": given}
        if changes["size"] is None:
            raise BadRequest(f"{url}: the server does not tell the size")

        def located(tx: Tx) -> None:
            now, image = self._mine(tx, task)
            image = self._contents.move(tx, image, "present", import_task=None, **changes)
            image = self._contents.add(tx, image, work.staged, url)
            self._service.cache.wanted(tx, image)
            self._service.tasks.end(tx, now, "", {"image_id": image.id}, good=True)
            emit(tx, "image.activate", image.id, project_id=image.owner, size=image.size)

        await self._database.write(located, name="image task: located")
        self.forget(task.id)

    async def _hashed(self, task: TaskRow, row: ImageRow, reader: Reader) -> dict[str, Any]:
        work, probe = task.work, formats.Probe()
        md5, other = hashlib.md5(usedforsecurity=False), hashlib.new(work.algorithm)

        def feed(block: bytes) -> None:
            md5.update(block)
            other.update(block)
            probe.add(block)

        try:
            while block := await reader.read(probe.size, 1 << 20):
                await asyncio.to_thread(feed, block)
                self.copied[task.id] = probe.size
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
        if row.container_format == "bare":
            problem = formats.refusal(found, row.disk_format, self._imports.limits.disk)
            if problem is not None:
                raise UnsupportedMediaType(f"Image content is not accepted: {problem}")

    # --- undo ---------------------------------------------------------------------------------

    def undo(self, tx: Tx, task_id: str, message: str) -> None:
        """A task failed: its copies go, the image is what it was before, the task says why."""
        task = tx.get(TaskRow, task_id)
        if task is None or task.status not in ("pending", "processing"):
            return
        row = None if task.image_id is None else tx.get(ImageRow, task.image_id)
        if row is None or row.import_task != task_id:
            # Deleted meanwhile: what it had is on its way out already, but for what came after.
            if row is None and task.image_id is not None:
                for name in (*self._stores.writable(), STAGING):
                    self._contents.remove_later(tx, task.image_id, name)
            self._service.tasks.end(tx, task, message, None, good=False)
            return
        location = None
        if task.type == "location_import":
            location = task.work.staged, str(task.input["loc_url"])
        row = self._take_back(tx, row, task.work, location)
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
