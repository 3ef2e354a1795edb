"""Images on compute's wire, up to API 2.35 (their metadata up to 2.38)."""

from typing import Annotated, Any

from msgspec import Meta

from cumulo.compute.api.common import Links, Metadata, Text, bookmark, links
from cumulo.compute.api.elsewhere import Elsewhere, old
from cumulo.compute.service.compute import ComputeService
from cumulo.core.db.transaction import Database
from cumulo.core.faults import BadRequest, Forbidden, NotFound
from cumulo.core.http.caller import Caller
from cumulo.core.http.operations import Call, Operation
from cumulo.core.wire.coercions import as_int
from cumulo.core.wire.shapes import StrictBody

METADATA_LAST = "2.38"
_STATUS = {"active": "ACTIVE", "queued": "SAVING", "saving": "SAVING", "deleted": "DELETED"}
_ATTRIBUTES = frozenset(
    (
        *("id", "name", "status", "visibility", "protected", "checksum", "owner", "size"),
        *("virtual_size", "container_format", "disk_format", "created_at", "updated_at"),
        *("tags", "direct_url", "min_ram", "min_disk", "self", "file", "schema", "locations"),
        *("os_hidden", "os_hash_algo", "os_hash_value", "stores"),
    )
)
"""What an image has besides its properties."""
_TYPES = {"snapshot": "snapshot", "backup": "backup", "base": "base", "server": "snapshot"}


class ImageMetadata(StrictBody):
    metadata: Metadata


class ImageMeta(StrictBody):
    meta: Annotated[dict[str, Text], Meta(max_length=255)]


class ImageProxyApi:
    def __init__(self, compute: ComputeService, database: Database, caller: Caller) -> None:
        self._compute = compute
        self._database = database
        self._image = Elsewhere(caller, "/image/v2")

    def operations(self) -> list[Operation]:
        one, rule = "/images/{id}", "image-metadata"
        late: dict[str, Any] = {"until": METADATA_LAST}
        all_, key = one + "/metadata", one + "/metadata/{key}"
        return [
            old("GET", "/images", self.index, "images:list"),
            old("GET", "/images/detail", self.detail, "images:list"),
            old("GET", one, self.show, "images:show"),
            old("DELETE", one, self.delete, "images:delete", status=204),
            old("GET", all_, self.metadata, rule, **late),
            old("POST", all_, self.merge, rule, body=ImageMetadata, **late),
            old("PUT", all_, self.replace, rule, body=ImageMetadata, **late),
            old("GET", key, self.meta, rule, **late),
            old("PUT", key, self.set_meta, rule, body=ImageMeta, **late),
            old("DELETE", key, self.drop_meta, rule, status=204, **late),
        ]

    # --- images -------------------------------------------------------------------------------

    async def index(self, call: Call) -> Any:
        found = await self._page(call)
        items = [
            {"id": each["id"], "name": each.get("name"), "links": _links(call, each["id"])}
            for each in found
        ]
        return {"images": items, **_next(call, found)}

    async def detail(self, call: Call) -> Any:
        found = await self._page(call)
        return {"images": [_image(call, each) for each in found], **_next(call, found)}

    async def _page(self, call: Call) -> list[dict[str, Any]]:
        query: list[tuple[str, str]] = []
        for name, value in call.query.pairs:
            query += _asked(name, value)
        return await self._found(call, query)

    async def _found(self, call: Call, query: list[tuple[str, str]]) -> list[dict[str, Any]]:
        try:
            answer = await self._image.ask(call, "GET", "/images", query=query)
        except NotFound:
            raise BadRequest("The marker could not be found.") from None
        images: list[dict[str, Any]] = answer["images"]
        return images

    async def _one(self, call: Call) -> dict[str, Any]:
        try:
            found: dict[str, Any] = await self._image.ask(call, "GET", f"/images/{_id(call)}")
        except (NotFound, BadRequest):
            raise NotFound("Image not found.") from None
        return found

    async def show(self, call: Call) -> Any:
        return {"image": _image(call, await self._one(call))}

    async def delete(self, call: Call) -> None:
        try:
            await self._image.ask(call, "DELETE", f"/images/{_id(call)}")
        except (NotFound, BadRequest):
            raise NotFound("Image not found.") from None
        except Forbidden:
            raise Forbidden("You are not allowed to delete the image.") from None

    # --- metadata -----------------------------------------------------------------------------

    async def metadata(self, call: Call) -> Any:
        return {"metadata": _properties(await self._one(call))}

    async def merge(self, call: Call) -> Any:
        known = _properties(await self._one(call))
        return {"metadata": await self._set(call, known, {**known, **call.body.metadata})}

    async def replace(self, call: Call) -> Any:
        known = _properties(await self._one(call))
        return {"metadata": await self._set(call, known, call.body.metadata)}

    async def meta(self, call: Call) -> Any:
        known, key = _properties(await self._one(call)), call.path["key"]
        if key not in known:
            raise NotFound("Metadata item was not found.")
        return {"meta": {key: known[key]}}

    async def set_meta(self, call: Call) -> Any:
        key, meta = call.path["key"], call.body.meta
        if len(meta) != 1 or key not in meta:
            raise BadRequest("Request body and URI mismatch")
        known = _properties(await self._one(call))
        await self._set(call, known, {**known, **meta})
        return {"meta": meta}

    async def drop_meta(self, call: Call) -> None:
        known, key = _properties(await self._one(call)), call.path["key"]
        if key not in known:
            raise NotFound("Invalid metadata key.")
        await self._set(call, known, {name: v for name, v in known.items() if name != key})

    async def _set(
        self, call: Call, known: dict[str, str], wanted: dict[str, str]
    ) -> dict[str, str]:
        project_id = call.principal.need_project()
        await self._database.read(
            lambda tx: self._compute.servers.check_metadata(tx, project_id, wanted)
        )
        steps = [
            {
                "op": "replace" if key in known else "add",
                "path": _path(key),
                "value": value,
            }
            for key, value in wanted.items()
            if known.get(key) != value
        ]
        gone = [key for key in known if key not in wanted]
        steps += [{"op": "remove", "path": _path(key)} for key in gone]
        if steps:
            kind = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
            try:
                await self._image.ask(call, "PATCH", f"/images/{_id(call)}", steps, headers=kind)
            except Forbidden:
                raise Forbidden("You are not allowed to change the image.") from None
        return wanted


def _id(call: Call) -> str:
    return call.path["id"]


def _path(key: str) -> str:
    return "/" + key.replace("~", "~0").replace("/", "~1")


def _asked(name: str, value: str) -> list[tuple[str, str]]:
    """A filter of this API in the words of the image service."""
    match name:
        case "limit" if value == "0":
            return [("limit", "1000")]
        case "limit":
            return [("limit", str(as_int(value, "limit", minimum=0)))]
        case "marker" | "name":
            return [(name, value)]
        case "status":
            words = {"active": "active", "saving": "saving", "deleted": "deleted"}
            return [("status", words.get(value.lower(), value.lower()))]
        case "changes-since":
            return [("updated_at", f"gte:{value}")]
        case "minDisk" | "minRam":
            return [(f"min_{name[3:].lower()}", value)]
        case "type":
            return [("image_type", _TYPES.get(value, value))]
        case "server":
            return [("instance_uuid", value.rpartition("/")[2])]
        case _ if name.startswith("property-"):
            return [(name.removeprefix("property-"), value)]
    return []


def _next(call: Call, found: list[dict[str, Any]]) -> dict[str, Any]:
    limit = call.query.get("limit")
    if limit is None or not found or len(found) < as_int(limit, "limit", minimum=0) or limit == "0":
        return {}
    href = f"{call.url}?limit={limit}&marker={found[-1]['id']}"
    return {"images_links": [{"rel": "next", "href": href}]}


def _links(call: Call, id: str) -> Links:
    base = call.base_url.removesuffix("/compute")
    alternate = {
        "rel": "alternate",
        "type": "application/vnd.openstack.image",
        "href": f"{base}/image/images/{id}",
    }
    return [*links(call, "images", id), alternate]


def _properties(image: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in image.items() if name not in _ATTRIBUTES}


def _image(call: Call, image: dict[str, Any]) -> dict[str, Any]:
    properties = _properties(image)
    status = _STATUS.get(image["status"], "UNKNOWN")
    body = {
        "id": image["id"],
        "name": image.get("name"),
        "status": status,
        "progress": {"ACTIVE": 100, "SAVING": 25}.get(status, 0),
        "created": image["created_at"],
        "updated": image["updated_at"],
        "minDisk": image["min_disk"],
        "minRam": image["min_ram"],
        "metadata": properties,
        "links": _links(call, image["id"]),
        "OS-EXT-IMG-SIZE:size": image.get("size") or 0,
    }
    config = properties.get("auto_disk_config")
    if config is not None:
        body["OS-DCF:diskConfig"] = "AUTO" if config.lower() == "true" else "MANUAL"
    server = properties.get("instance_uuid")
    if server:
        own = links(call, "servers", server)[:1]
        body["server"] = {"id": server, "links": [*own, *bookmark(call, "servers", server)]}
    return body
