"""Steps of images."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import IO, Any
from urllib.parse import urljoin

from cumulo.benchmark.actions import waiting
from cumulo.benchmark.client.session import ApiError
from cumulo.benchmark.engine.run import CheckFailed, Run

Found = dict[str, Any]

PIECE = 256 * 1024
REDIRECTS = 10
PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}


async def create_image(
    run: Run,
    container_format: str,
    image_location: str,
    disk_format: str,
    *,
    visibility: str = "private",
    min_disk: int = 0,
    min_ram: int = 0,
    properties: Found | None = None,
) -> Found:
    """An image with content: from a file here, or fetched from a URL and passed on."""
    with run.action("glance_v2.create_image"):
        body = {
            "name": run.name(),
            "container_format": container_format,
            "disk_format": disk_format,
            "visibility": visibility,
            "min_disk": min_disk,
            "min_ram": min_ram,
            **(properties or {}),
        }
        cloud = run.cloud if run.user is not None else run.admin
        image: Found = await cloud.post("image", "/images", body)
        with run.action("glance_v2.upload_data"):
            content = await _content(run, image_location)
            await cloud.call(
                "image",
                "PUT",
                f"/images/{image['id']}/file",
                body=content,
                headers={"Content-Type": "application/octet-stream"},
            )
        return await image_is(run, image["id"], "active")


class _Fetched:
    """What a URL has, once for all iterations: in a file without a name, which ends with us."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.file: IO[bytes] | None = None

    def forget(self) -> None:
        if self.file is not None:
            self.file.close()


async def _content(run: Run, location: str) -> Any:
    path = _file(location)
    if path is not None:
        return _pieces(path.open("rb"), ends=True)
    if "://" not in location:
        raise CheckFailed(f"there is no file {location}")
    one = run.surroundings.kept.setdefault("fetched", {}).setdefault(location, _Fetched())
    async with one.lock:
        if one.file is None:
            one.file = await _fetch(run, location)
    return _pieces(one.file)


async def _fetch(run: Run, location: str) -> IO[bytes]:
    file = tempfile.TemporaryFile()  # noqa: SIM115 (lives as long as the run)
    for _ in range(REDIRECTS):
        # Mirrors, and what projects offer for download, are found by a redirection or two.
        file.truncate(0)
        file.seek(0)
        http = run.surroundings.client_for(location)
        answer = await http.request("GET", location, {"Accept": "*/*"}, to=file)
        to = answer.headers.get("location")
        if not to or answer.status not in (301, 302, 303, 307, 308):
            break
        location = urljoin(location, to)
    if answer.status != 200:
        file.close()
        raise ApiError(answer.status, "GET", location, f"{location} cannot be fetched", "")
    file.flush()
    return file


def _file(location: str) -> Path | None:
    path = Path(location).expanduser()
    return path if path.is_file() else None


async def _pieces(file: IO[bytes], *, ends: bool = False) -> AsyncIterator[bytes]:
    """Each reader has a place of its own in it."""
    at = 0
    try:
        while piece := os.pread(file.fileno(), PIECE, at):
            at += len(piece)
            yield piece
    finally:
        if ends:
            file.close()


async def create_for_import(
    run: Run,
    container_format: str,
    disk_format: str,
    *,
    visibility: str,
    min_disk: int,
    min_ram: int,
    properties: Found | None,
) -> Found:
    """An image without content, which an import will bring."""
    with run.action("glance_v2.create_image_for_import"):
        body = {
            "name": run.name(),
            "container_format": container_format,
            "disk_format": disk_format,
            "visibility": visibility,
            "min_disk": min_disk,
            "min_ram": min_ram,
            **(properties or {}),
        }
        made: Found = await run.cloud.post("image", "/images", body)
        return made


async def stage_data(run: Run, id: str, image_location: str) -> None:
    with run.action("glance_v2.stage_image_data"):
        await run.cloud.call(
            "image",
            "PUT",
            f"/images/{id}/stage",
            body=await _content(run, image_location),
            headers={"Content-Type": "application/octet-stream"},
        )


async def import_image(
    run: Run,
    id: str,
    method: str,
    *,
    uri: str | None,
    stores: list[str] | None,
    all_stores: bool,
) -> Found:
    with run.action("glance_v2.import_image"):
        how: Found = {"name": method}
        if uri is not None:
            how["uri"] = uri
        body: Found = {"method": how}
        if stores:
            body["stores"] = stores
        elif all_stores:
            # Asked for only where the cloud has stores to choose from.
            info = await run.cloud.get("image", "/info/import")
            if "all_stores" in str(info):
                body["all_stores"] = True
        await run.cloud.post("image", f"/images/{id}/import", body)
        return await image_is(run, id, "active", by="import")


async def image_is(run: Run, id: str, *wanted: str, by: str = "create") -> Found:
    cloud = run.cloud if run.user is not None else run.admin

    async def fetch() -> Any:
        return await cloud.get("image", f"/images/{id}")

    timeout = run.timeout(f"glance_image_{by}_timeout")
    found: Found = await waiting.status(fetch, wanted, f"image {id}", timeout, failed=("killed",))
    return found


async def get_image(run: Run, id: str) -> Found:
    with run.action("glance_v2.get_image"):
        found: Found = await run.cloud.get("image", f"/images/{id}")
        return found


async def list_images(run: Run) -> list[Found]:
    with run.action("glance_v2.list_images"):
        query = {"status": "active"}
        return await run.cloud.pages("image", "/images", "images", query=query)


async def update_image(run: Run, id: str, *, remove: Iterable[str] = (), **changes: Any) -> None:
    with run.action("glance_v2.update_image"):
        wanted = {"name": run.name(), **{k: v for k, v in changes.items() if v is not None}}
        patch: list[Found] = [
            {"op": "replace", "path": f"/{k}", "value": v} for k, v in wanted.items()
        ]
        patch += [{"op": "remove", "path": f"/{name}"} for name in remove]
        await run.cloud.patch("image", f"/images/{id}", patch, headers=PATCH)


async def download_image(run: Run, id: str) -> None:
    with run.action("glance_v2.download_image"):
        await run.cloud.call("image", "GET", f"/images/{id}/file", keep=False)


async def deactivate_image(run: Run, id: str) -> None:
    with run.action("glance_v2.deactivate_image"):
        await run.cloud.post("image", f"/images/{id}/actions/deactivate")


async def delete_image(run: Run, id: str) -> None:
    with run.action("glance_v2.delete_image"):
        await run.cloud.delete("image", f"/images/{id}")

        async def fetch() -> Any:
            return await run.cloud.get("image", f"/images/{id}")

        await waiting.gone(fetch, f"image {id}", run.timeout("glance_image_delete_timeout"))
