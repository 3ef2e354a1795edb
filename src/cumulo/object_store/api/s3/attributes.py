"""What is known of an object, without its bytes (`GetObjectAttributes`)."""

from cumulo.core.http.operations import Call, Reply
from cumulo.object_store.api.s3.asked import Asked, number
from cumulo.object_store.api.s3.documents import document, element, text
from cumulo.object_store.api.s3.lists import Read
from cumulo.object_store.api.s3.objects import ObjectsApi, version_header
from cumulo.object_store.model import checksums, limits, timestamps
from cumulo.object_store.model.faults import BadInput
from cumulo.object_store.model.object import ObjectRow, PartRow
from cumulo.object_store.service.object_store import ObjectStoreService

KNOWN = ("ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize")
_NAMES = {name: f"Checksum{name.upper()}" for name in checksums.ALGORITHMS}


class AttributesApi:
    def __init__(self, store: ObjectStoreService, read: Read, objects: ObjectsApi) -> None:
        self._store = store
        self._read = read
        self._objects = objects

    async def get(self, call: Call) -> Reply:
        asked = self._read(call)
        given = asked.headers.get("x-amz-object-attributes", "")
        wanted = [each.strip() for each in given.split(",") if each.strip()]
        if not wanted or any(each not in KNOWN for each in wanted):
            raise BadInput("Invalid attribute name specified.", kind="InvalidArgument")
        version = call.query.get("versionId")
        row = await self._objects.row(asked.access, asked.bucket, asked.key, version)
        found = []
        if "ETag" in wanted:
            found.append(text("ETag", row.etag))
        if "Checksum" in wanted and row.extra.get("checksums"):
            found.append(element("Checksum", _sums(row.extra["checksums"])))
        if "ObjectParts" in wanted and row.kind == "parts":
            found.append(await self._parts(asked, row))
        if "StorageClass" in wanted:
            found.append(element("StorageClass", "STANDARD"))
        if "ObjectSize" in wanted:
            found.append(element("ObjectSize", row.size))
        headers = {"Last-Modified": timestamps.http_date(row.timestamp), **version_header(row)}
        return document("GetObjectAttributesResponse", *found, headers=headers)

    async def _parts(self, asked: Asked, row: ObjectRow) -> str:
        headers = asked.headers
        most = number(headers.get("x-amz-max-parts"), 1000, 1, 1000, "max-parts")
        marker = headers.get("x-amz-part-number-marker")
        after = number(marker, 0, 0, limits.S3_PARTS, "part-number-marker")
        parts, count = await self._store.database.read(
            lambda tx: self._store.multipart.parts_of(tx, row, after, most + 1)
        )
        shown = parts[:most]
        more = len(parts) > most
        return element(
            "ObjectParts",
            element("PartsCount", count),
            element("PartNumberMarker", after),
            element("NextPartNumberMarker", shown[-1].number if shown else after),
            element("MaxParts", most),
            element("IsTruncated", "true" if more else "false"),
            *(_part(each) for each in shown if each.checksums),
        )


def _part(row: PartRow) -> str:
    return element(
        "Part",
        element("PartNumber", row.number),
        element("Size", row.size),
        _sums(row.checksums),
    )


def _sums(found: dict[str, str]) -> str:
    return "".join(element(_NAMES[name], value) for name, value in found.items())
