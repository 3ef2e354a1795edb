"""What a deployment writes: the image and the config drive that a node's instance_info names."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from cumulo.baremetal.model.node import NodeRow
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.image.interface import Images

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.I)
FORMATS = ("raw", "qcow2")
ALGORITHMS = {"md5": 32, "sha1": 40, "sha256": 64, "sha384": 96, "sha512": 128}
DRIVE_PARTS = ("meta_data", "network_data", "user_data", "vendor_data")


class ImageWish(msgspec.Struct, frozen=True):
    """An image of the cloud (`id`) or of anywhere (`url`)."""

    id: str = ""
    url: str = ""
    format: str | None = None
    algorithm: str = ""
    value: str = ""
    checksum: str = ""
    """Where there is only that, or the URL of one."""
    size: int = 0


def image_of(tx: Tx, images: Images, info: Mapping[str, Any], who: Principal) -> ImageWish:
    """What instance_info asks for, if the caller may use it. Raises BadRequest, NotFound."""
    source = info.get("image_source")
    if not isinstance(source, str) or not source or len(source) > 2048:
        raise BadRequest(
            "Cannot validate image information because one or more parameters are missing from "
            "its instance_info: image_source"
        )
    if source.startswith(("http://", "https://")):
        return _of_url(source, info)
    ident = source.removeprefix("glance://")
    if not _UUID.fullmatch(ident):
        raise BadRequest(
            f"image_source has to be the id of an image or an http or https URL, not {source[:100]}"
        )
    try:
        image = images.usable(tx, ident.lower(), who)
    except NotFound:
        raise BadRequest(f"Image {ident} could not be found.") from None
    if image.status != "active" or not image.size:
        raise BadRequest(f"Image {ident} is not active.")
    if image.disk_format not in FORMATS or image.container_format != "bare":
        raise BadRequest(f"Image {ident} is no disk in one of the formats {', '.join(FORMATS)}.")
    if not image.sha512 or len(image.sha512) != ALGORITHMS["sha512"]:
        raise BadRequest(f"Image {ident} has no SHA-512 checksum.")
    return ImageWish(
        id=image.id,
        format=image.disk_format,
        algorithm="sha512",
        value=image.sha512,
        size=image.size,
    )


def _of_url(source: str, info: Mapping[str, Any]) -> ImageWish:
    kind = info.get("image_disk_format")
    if kind is not None and kind not in FORMATS:
        raise BadRequest(f"image_disk_format has to be one of {', '.join(FORMATS)}")
    algorithm, value = info.get("image_os_hash_algo"), info.get("image_os_hash_value")
    checksum = info.get("image_checksum")
    if algorithm or value:
        if ALGORITHMS.get(str(algorithm)) != len(str(value or "")):
            raise BadRequest("image_os_hash_algo and image_os_hash_value do not fit each other")
        return ImageWish(url=source, format=kind, algorithm=str(algorithm), value=str(value))
    if not isinstance(checksum, str) or not 32 <= len(checksum) <= 2048:
        raise BadRequest(
            "Cannot validate image information because one or more parameters are missing from "
            "its instance_info: image_checksum, or image_os_hash_algo and image_os_hash_value"
        )
    return ImageWish(url=source, format=kind, checksum=checksum)


def told(wish: ImageWish, content_url: str) -> dict[str, Any]:
    """The same, as agents read it."""
    info: dict[str, Any] = {
        "id": wish.id or wish.url,
        "urls": [content_url if wish.id else wish.url],
        "disk_format": wish.format,
        "container_format": "bare",
        "stream_raw_images": True,
        "image_type": "whole-disk",
    }
    if wish.checksum:
        info["checksum"] = wish.checksum
    else:
        info |= {"os_hash_algo": wish.algorithm, "os_hash_value": wish.value}
    return info


def drive_document(row: NodeRow, drive: Mapping[str, Any]) -> dict[str, Any]:
    """A config drive given in parts, with what the node itself is."""
    unknown = sorted(set(drive) - set(DRIVE_PARTS))
    if unknown:
        raise BadRequest(f"A config drive has no {', '.join(unknown)[:200]}")
    meta = drive.get("meta_data") or {}
    if not isinstance(meta, dict):
        raise BadRequest("meta_data of a config drive has to be an object")
    own = {"uuid": row.instance_uuid or row.id, "name": row.name or row.id}
    return {**drive, "meta_data": {**own, "hostname": own["name"], **meta}}
