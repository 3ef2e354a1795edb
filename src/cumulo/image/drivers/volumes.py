"""Block storage's public API, as much of it as a store of images needs.

Every error is an OSError. A volume that keeps an image, or will, has the image's id in its metadata
`glance_image_id`; once it is whole it has `image_size` and `image_kept`, too.
"""

import asyncio
import json
import socket
import time
from typing import Any
from urllib.parse import quote

from cumulo.core.outbound.client import Response
from cumulo.image.drivers.remote import Endpoint, Login, complaint, whole

# Attachments that say `ro` or `rw`.
_VERSION = "volume 3.54"
_PAUSE = 0.15
_BUSY = (400, 409)
"""What a volume answers that is still at something else."""

Volume = dict[str, Any]


class Volumes:
    def __init__(self, login: Login, *, volume_type: str, patience: float) -> None:
        self._login = login
        self._type = volume_type
        self._patience = patience
        self._token = ""
        self._endpoint: Endpoint | None = None

    # --- volumes -----------------------------------------------------------------------------

    async def create(self, image_id: str, size: int) -> Volume:
        wish: Volume = {
            "name": name_of(image_id),
            "size": size,
            "metadata": {"glance_image_id": image_id},
        }
        if self._type:
            wish["volume_type"] = self._type
        made: Volume = (await self.ask("POST", "/volumes", {"volume": wish}, 202))["volume"]
        return made

    async def available(self, volume_id: str) -> Volume:
        """Waits until it is."""
        end = time.monotonic() + self._patience
        while True:
            volume: Volume = (await self.ask("GET", f"/volumes/{volume_id}"))["volume"]
            status = volume["status"]
            if status == "available":
                return volume
            if status.startswith("error") or time.monotonic() > end:
                raise OSError(f"the volume {volume_id} is {status}")
            await asyncio.sleep(_PAUSE)

    async def extend(self, volume_id: str, size: int) -> None:
        await self._action(volume_id, "os-extend", {"new_size": size})
        end = time.monotonic() + self._patience
        while (await self.available(volume_id))["size"] < size:
            if time.monotonic() > end:
                raise OSError(f"the volume {volume_id} does not grow")
            await asyncio.sleep(_PAUSE)

    async def publish(self, volume_id: str, size: int) -> None:
        """From here on it is the image."""
        await self._action(volume_id, "os-update_readonly_flag", {"readonly": True})
        marks = {"image_size": str(size), "image_kept": str(time.time_ns())}
        await self.ask("POST", f"/volumes/{volume_id}/metadata", {"metadata": marks})

    async def _action(self, volume_id: str, name: str, body: dict[str, Any]) -> None:
        await self.ask("POST", f"/volumes/{volume_id}/action", {name: body}, 202)

    async def listed(self, image_id: str | None = None) -> list[Volume]:
        """Those of one image or of all, newest images first."""
        query = "limit=500" if image_id is None else f"limit=500&name={quote(name_of(image_id))}"
        found: list[Volume] = []
        marker = ""
        while True:
            page = (await self.ask("GET", f"/volumes/detail?{query}{marker}"))["volumes"]
            if not page:
                break
            found += page
            marker = f"&marker={page[-1]['id']}"
        mine = [each for each in found if _image(each) is not None and each["status"] != "deleting"]
        mine = [each for each in mine if image_id in (None, _image(each))]
        return sorted(mine, key=lambda each: int(_mark(each, "image_kept") or 0), reverse=True)

    async def remove(self, volume_id: str) -> None:
        """With attachments of a process that was killed; waits until it is gone."""
        end = time.monotonic() + self._patience
        while True:
            await self.let_go(volume_id)
            response = await self._send("DELETE", f"/volumes/{volume_id}")
            if response.status not in _BUSY or time.monotonic() > end:
                break
            await response.close()
            await asyncio.sleep(_PAUSE)
        if response.status not in (202, 204, 404):
            raise await complaint(response, f"removing the volume {volume_id}")
        await response.close()
        while True:
            response = await self._send("GET", f"/volumes/{volume_id}")
            if response.status == 404:
                await response.close()
                return
            if response.status != 200:
                raise await complaint(response, f"removing the volume {volume_id}")
            status = (await whole(response))["volume"]["status"]
            if status.startswith("error") or time.monotonic() > end:
                raise OSError(f"the volume {volume_id} is {status}, not removed")
            await asyncio.sleep(_PAUSE)

    # --- attachments -------------------------------------------------------------------------

    async def attach(self, volume_id: str, *, read_only: bool) -> tuple[str, dict[str, Any]]:
        """An attachment of this machine, and where it says that the bytes are."""
        wish = {
            "volume_uuid": volume_id,
            "connector": {
                "host": socket.gethostname() or "localhost",
                "ip": "127.0.0.1",
                "multipath": False,
                "mountpoint": "image",
            },
            "mode": "ro" if read_only else "rw",
        }
        made = (await self.ask("POST", "/attachments", {"attachment": wish}))["attachment"]
        return str(made["id"]), made["connection_info"]

    async def complete(self, attachment_id: str) -> None:
        await self.ask("POST", f"/attachments/{attachment_id}/action", {"os-complete": None}, 204)

    async def detach(self, attachment_id: str) -> None:
        response = await self._send("DELETE", f"/attachments/{attachment_id}")
        if response.status not in (200, 404):
            raise await complaint(response, "ending an attachment")
        await response.close()

    async def let_go(self, volume_id: str) -> None:
        """End whatever attachments there are. Who reads a file goes on reading it."""
        there = (await self.ask("GET", f"/attachments?volume_id={volume_id}"))["attachments"]
        for each in there:
            await self.detach(each["id"])

    # --- requests ----------------------------------------------------------------------------

    async def ask(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        response = await self._send(method, path, body)
        if response.status != status:
            raise await complaint(response, f"{method} {path.partition('?')[0]}")
        try:
            return await whole(response)
        except ValueError:
            raise OSError(f"{method} {path}: the answer is no JSON") from None

    async def _send(self, method: str, path: str, body: Any = None, again: bool = True) -> Response:
        """One request with a token; a new token when this one is not known any more."""
        if self._endpoint is None:
            url, self._token = await self._login.find(["block-storage", "volumev3", "volume"])
            self._endpoint = Endpoint(url, ca_file=self._login.ca_file)
        named = {
            "X-Auth-Token": self._token,
            "OpenStack-API-Version": _VERSION,
            "Accept": "application/json",
        }
        data = None
        if body is not None:
            named["Content-Type"], data = "application/json", json.dumps(body).encode()
        base = self._endpoint.target.path.rstrip("/")
        response = await self._endpoint.send(method, base + path, named, data)
        if response.status == 401 and again:
            await response.close()
            self._endpoint = None
            return await self._send(method, path, body, again=False)
        return response


def name_of(image_id: str) -> str:
    return f"image-{image_id}"


def size_of(volume: Volume) -> int | None:
    """Bytes of the image; None while it is not whole."""
    found = _mark(volume, "image_size")
    return int(found) if found is not None and found.isdecimal() else None


def _image(volume: Volume) -> str | None:
    return _mark(volume, "glance_image_id")


def _mark(volume: Volume, name: str) -> str | None:
    found = volume.get("metadata", {}).get(name)
    return found if isinstance(found, str) else None


def image_of(volume: Volume) -> str:
    return _image(volume) or ""
