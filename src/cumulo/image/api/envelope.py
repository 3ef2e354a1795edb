"""What image's operations have in common on the wire."""

from typing import Any
from urllib.parse import urlencode

from cumulo.core.clock import zulu
from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call
from cumulo.image.model.image import ImageRow
from cumulo.image.service.image import ImageService
from cumulo.image.service.protection import EVERYTHING, Access


def image_body(row: ImageRow, access: Access = EVERYTHING) -> dict[str, Any]:
    """Properties are top-level keys, beside the attributes; protected ones as the caller may
    read them."""
    properties = row.properties
    if access is not EVERYTHING:
        properties = {k: v for k, v in properties.items() if access.may("read", k)}
    return {
        **properties,
        "id": row.id,
        "name": row.name,
        "status": row.status,
        "visibility": row.visibility,
        "os_hidden": row.os_hidden,
        "protected": row.protected,
        "owner": row.owner,
        "disk_format": row.disk_format,
        "container_format": row.container_format,
        "min_disk": row.min_disk,
        "min_ram": row.min_ram,
        "size": row.size,
        "virtual_size": row.virtual_size,
        "checksum": row.checksum,
        "os_hash_algo": row.hash_algo,
        "os_hash_value": row.hash_value,
        "tags": row.tags,
        "created_at": zulu(row.created_at),
        "updated_at": zulu(row.updated_at),
        "self": f"/v2/images/{row.id}",
        "file": f"/v2/images/{row.id}/file",
        "schema": "/v2/schemas/image",
        **({"stores": ",".join(row.stores)} if row.stores else {}),
        **_import_state(row),
    }


def _import_state(row: ImageRow) -> dict[str, str]:
    """How far an import is; nothing when there was none."""
    if row.importing_to is None or row.failed_import is None:
        return {}
    found = {
        "os_glance_importing_to_stores": ",".join(row.importing_to),
        "os_glance_failed_import": ",".join(row.failed_import),
    }
    if row.import_task is not None:
        found["os_glance_import_task"] = row.import_task
    return found


def access_of(call: Call, images: ImageService) -> Access:
    """What the caller may do with protected properties."""
    if not images.protection.active:
        return EVERYTHING
    return images.protection.access(call.principal.roles, call.allowed)


def full_body(call: Call, tx: Tx, images: ImageService, row: ImageRow) -> dict[str, Any]:
    """The same with the locations, where the settings show them and the policy allows it."""
    body, rules = image_body(row, access_of(call, images)), images.imports.rules
    wanted = rules.show_locations or rules.show_direct_url
    target = {"project_id": row.owner, "owner": row.owner}
    if wanted and call.allowed("get_image_location", target):
        found = images.imports.locations(tx, row) if row.content == "present" else []
        if rules.show_locations:
            body["locations"] = found
        if rules.show_direct_url and found:
            body["direct_url"] = found[0]["url"]
    return body


def target_of(
    call: Call, tx: Tx, images: ImageService, row: ImageRow, member_id: str | None = None
) -> dict[str, Any]:
    """What Glance's rules ask of an image. `member_id`: a project that it is shared with."""
    if member_id is None:
        mine = images.images.member(tx, row, call.principal)
        member_id = None if mine is None else mine.member_id
    return {
        "project_id": row.owner,
        "owner": row.owner,
        "member_id": member_id,
        "visibility": row.visibility,
        "image_id": row.id,
    }


def seen(call: Call, tx: Tx, images: ImageService) -> ImageRow:
    """The image of the path, which the caller may see."""
    return images.images.get(tx, call.path["image_id"], call.principal)


def allowed(call: Call, tx: Tx, images: ImageService) -> ImageRow:
    """The same, with the operation's own rule checked on it."""
    row = seen(call, tx, images)
    call.allow(target_of(call, tx, images, row))
    return row


def query_without_marker(call: Call) -> str:
    pairs = [(name, value) for name, value in call.query.pairs if name != "marker"]
    return f"?{urlencode(pairs)}" if pairs else ""


def relative(call: Call, url: str) -> str:
    """Glance's links start below its own root."""
    return url.removeprefix(call.base_url)
