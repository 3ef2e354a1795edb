"""Block device mapping: what disks a new server asks for, checked and put in order.

Of an image with volumes behind it (made of a server that boots from one) the mapping is the
image's own, under what the request says.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec

from cumulo.compute.model.server import FlavorSnapshot
from cumulo.compute.service.wishes import DiskWish, ServerWish
from cumulo.core.faults import BadRequest
from cumulo.image.interface import ImageInfo

GIB = 1024**3
INVALID = "Block Device Mapping is Invalid: "
_SEQUENCE = (
    "Boot sequence for the instance and image/block device mapping combination is not valid."
)


Word = Annotated[str, msgspec.Meta(max_length=255)]


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of an image's `block_device_mapping`."""

    source_type: Literal["snapshot", "image", "blank", "volume"]
    destination_type: Word = "volume"
    snapshot_id: Word | None = None
    image_id: Word | None = None
    volume_size: Annotated[int, msgspec.Meta(ge=0, le=2**31)] | None = None
    boot_index: Annotated[int, msgspec.Meta(ge=-1, le=255)] | None = None
    """-1: it is not booted from."""
    device_name: Word | None = None
    delete_on_termination: bool = False
    tag: Word | None = None
    volume_type: Word | None = None
    no_device: bool | None = None


Mapped = Annotated[list[_Kept], msgspec.Meta(max_length=255)]


def of_image(image: ImageInfo) -> list[DiskWish]:
    """The volumes that an image stands for; none for a plain one."""
    text = image.properties.get("block_device_mapping")
    if not text:
        return []
    try:
        entries = msgspec.json.decode(text, type=Mapped)
    except msgspec.MsgspecError:
        raise BadRequest(f"{INVALID}that of image {image.id} cannot be read.") from None
    found = []
    for each in entries:
        if each.no_device:
            continue
        if each.source_type == "volume":
            raise BadRequest(f"{INVALID}image {image.id} maps a {each.source_type}.")
        found.append(
            DiskWish(
                source=each.source_type,
                destination="volume",
                id=each.snapshot_id or each.image_id,
                size=each.volume_size,
                boot_index=None if each.boot_index == -1 else each.boot_index,
                device=each.device_name,
                delete_on_termination=each.delete_on_termination,
                tag=each.tag,
                volume_type=each.volume_type,
            )
        )
    return found


def with_image(wish: ServerWish, image: ImageInfo) -> ServerWish:
    """A server of an image that stands for volumes boots from those."""
    if any(disk.boot_index == 0 and disk.destination == "volume" for disk in wish.disks):
        return msgspec.structs.replace(wish, image_id=None)  # a volume is its root disk
    kept = of_image(image)
    if not kept:
        return wish
    own = {disk.boot_index for disk in wish.disks if disk.boot_index is not None}
    more = [disk for disk in kept if disk.boot_index is None or disk.boot_index not in own]
    return msgspec.structs.replace(wish, image_id=None, disks=[*more, *wish.disks])


def own_of(wish: ServerWish, flavor: FlavorSnapshot) -> tuple[list[int], int | None]:
    """What it says of the disks that the flavor has room for: GiB of each ephemeral one (none: all
    of it is one disk), MiB of swap (None: as the flavor has it)."""
    local = [d for d in wish.disks if d.destination == "local" and d.source == "blank"]
    swaps = [d for d in local if d.format == "swap"]
    sizes = [d.size or flavor.ephemeral for d in local if d.format != "swap"]
    return [size for size in sizes if size], swaps[0].size if swaps else None


def checked(wish: ServerWish, flavor: FlavorSnapshot) -> list[DiskWish]:
    """The disks that become volumes. Raises BadRequest, in compute's words."""
    _check_order(wish)
    local = [disk for disk in wish.disks if disk.destination == "local"]
    _check_local([disk for disk in local if disk.source == "blank"], flavor)
    volumes = [disk for disk in wish.disks if disk.destination == "volume"]
    for disk in volumes:
        _check_volume(disk)
    ids = [disk.id for disk in volumes if disk.source == "volume"]
    if len(set(ids)) < len(ids):
        raise BadRequest(f"{INVALID}a volume is mapped twice.")
    return volumes


def _check_order(wish: ServerWish) -> None:
    """Boot indexes go from 0 on, each once; the image's own disk has 0."""
    images = [d for d in wish.disks if d.source == "image" and d.destination == "local"]
    for disk in images:
        if disk.id != wish.image_id:
            raise BadRequest(f"{INVALID}only the server's own image can be mapped to a local disk.")
        if disk.boot_index != 0:
            raise BadRequest(f"{INVALID}{_SEQUENCE}")
    indexes = [d.boot_index for d in wish.disks if d.boot_index is not None]
    if wish.image_id is not None and not images:
        indexes.append(0)
    if sorted(indexes) != list(range(len(indexes))):
        raise BadRequest(f"{INVALID}{_SEQUENCE}")


def _check_volume(disk: DiskWish) -> None:
    if disk.source != "blank" and not disk.id:
        raise BadRequest(f"{INVALID}a {disk.source} needs its uuid.")
    if disk.source == "image" and not disk.size:
        raise BadRequest(
            f"{INVALID}Images with destination_type 'volume' need to have a non-zero size specified"
        )
    if disk.source == "blank" and not disk.size:
        raise BadRequest(
            f"{INVALID}Blank volumes (source: 'blank', dest: 'volume') need to have non-zero size"
        )


def _check_local(disks: Sequence[DiskWish], flavor: FlavorSnapshot) -> None:
    """The flavor's own ephemeral space, in one disk or several, and its swap."""
    swaps = [disk for disk in disks if disk.format == "swap"]
    others = [disk for disk in disks if disk.format != "swap"]
    if len(swaps) > 1:
        raise BadRequest(f"{INVALID}More than one swap drive requested.")
    for disk in swaps:
        if disk.size and disk.size > flavor.swap:
            raise BadRequest(f"{INVALID}Swap drive requested is larger than instance type allows.")
    if sum(disk.size or flavor.ephemeral for disk in others) > flavor.ephemeral:
        raise BadRequest(
            f"{INVALID}Ephemeral disks requested are larger than the instance type allows. If no "
            "size is given in one block device mapping, flavor ephemeral size will be used."
        )


def properties_of(disk: DiskWish) -> dict[str, Any]:
    """For `NewVolume`."""
    by_source = {"image": "image_id", "snapshot": "snapshot_id"}
    named = {by_source[disk.source]: disk.id} if disk.source in by_source else {}
    return {"size": disk.size, "volume_type": disk.volume_type, **named}
