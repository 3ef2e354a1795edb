"""Where the bytes of an import come from: a web server, this region's own images, another
region's image service."""

import json
from collections.abc import AsyncIterator

import msgspec

from cumulo.core.blobs.streams import blocks
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.outbound import client
from cumulo.core.outbound.client import RequestFailed, Response, target_of
from cumulo.core.outbound.guard import resolve
from cumulo.core.work.jobs import Run
from cumulo.image.model.image import CONTAINER_FORMATS, DISK_FORMATS, ImageRow
from cumulo.image.model.task import TaskRow, Work
from cumulo.image.service.image import ImageService
from cumulo.image.service.imports import Method


class Fetching:
    def __init__(self, database: Database, service: ImageService) -> None:
        self._database = database
        self._service = service
        self._rules = service.imports.rules

    def body(self, run: Run[Work], task: TaskRow) -> AsyncIterator[bytes]:
        """The bytes that the task's input names. Raises Fault, Refused, RequestFailed."""
        if task.type == "import":
            return self._web(str(task.input["import_from"]))
        asked = msgspec.convert(task.input["import_req"]["method"], Method)
        if asked.name == "web-download":
            return self._web(asked.uri)
        return self._glance(run, asked)

    async def _web(self, url: str) -> AsyncIterator[bytes]:
        guard = self._rules.guard
        async with await guard.get(url) as response:
            if response.status != 200:
                raise RequestFailed(f"{url}: the server answered {response.status}")
            async for piece in guard.blocks(response):
                yield piece

    async def _glance(self, run: Run[Work], asked: Method) -> AsyncIterator[bytes]:
        region, interface = asked.glance_region, asked.glance_service_interface
        url = await self._database.read(lambda tx: self._rules.endpoint(tx, region, interface))
        if url is None:
            raise BadRequest(f"there is no {interface} image endpoint in the region {region!r}")
        source = self._here(run, asked) if url == "" else self._there(run, asked, url)
        async for piece in source:
            yield piece

    async def _here(self, run: Run[Work], asked: Method) -> AsyncIterator[bytes]:
        """An image of this region: no request, and the caller's own rights."""

        def find(tx: Tx) -> ImageRow:
            found = tx.get(ImageRow, asked.glance_image_id)
            if found is None or not self._service.images.visible_to(
                tx, found, run.project_id or None, run.memo.roles
            ):
                raise NotFound(f"No image found with ID {asked.glance_image_id}")
            if found.content != "present" or found.deactivated or found.size is None:
                raise BadRequest(f"Image {found.id} is not active")
            return found

        source = await self._database.read(find)
        formats = {"disk_format": source.disk_format, "container_format": source.container_format}
        await self._take_over(run, formats, source.properties)
        reader = await self._service.reading.reader(source)
        async for piece in blocks(reader, 0, source.size or 0):
            yield piece

    async def _there(self, run: Run[Work], asked: Method, url: str) -> AsyncIterator[bytes]:
        """An image of another region, read with the token of who asked."""
        token = self._service.imports.tokens.get(run.id)
        if token is None:
            raise BadRequest("the import was interrupted and its token is gone: import it again")
        base = f"{url.rstrip('/')}/v2/images/{asked.glance_image_id}"
        async with await _get(base, token) as response:
            whole = await response.text()
            if response.status != 200:
                raise RequestFailed(f"{base}: the image service answered {response.status}")
        try:
            remote = json.loads(whole)
            formats = {name: remote[name] for name in ("disk_format", "container_format")}
            properties = {k: v for k, v in remote.items() if isinstance(v, str)}
        except (ValueError, KeyError, AttributeError):
            raise RequestFailed(f"{base}: the answer makes no sense") from None
        await self._take_over(run, formats, properties)
        async with await _get(f"{base}/file", token) as response:
            if response.status != 200:
                raise RequestFailed(f"{base}/file: the image service answered {response.status}")
            async for piece in response.blocks():
                yield piece

    async def _take_over(
        self, run: Run[Work], formats: dict[str, str | None], properties: dict[str, str]
    ) -> None:
        """Formats of the other image, and its properties as far as the settings say."""
        if (formats["disk_format"], formats["container_format"]) == (None, None):
            raise BadRequest("the other image has no formats")
        if formats["disk_format"] not in DISK_FORMATS:
            raise BadRequest(f"the other image's disk format is {formats['disk_format']}")
        if formats["container_format"] not in CONTAINER_FORMATS:
            raise BadRequest(f"the other image's container is {formats['container_format']}")
        prefixes = tuple(self._rules.copied_properties)
        taken = {k: v for k, v in properties.items() if k.startswith(prefixes)}

        def write(tx: Tx) -> None:
            row = tx.get(ImageRow, run.subject)
            if row is not None and row.import_task == run.id:
                tx.update(row, properties={**row.properties, **taken}, updated_at=tx.now, **formats)

        await run.write(write)


async def _get(url: str, token: str) -> Response:
    """A request to an endpoint of the catalog: administrators wrote it."""
    try:
        target = target_of(url)
    except ValueError as error:
        raise RequestFailed(str(error)) from None
    addresses = await resolve(target.host, target.port)
    return await client.request("GET", target, addresses, headers={"X-Auth-Token": token})
