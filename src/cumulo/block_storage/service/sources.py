"""What a new volume is made from: nothing, an image, a snapshot, another volume."""

from typing import Any

import msgspec

from cumulo.block_storage.model.snapshot import SnapshotRow
from cumulo.block_storage.model.volume import VolumeRow
from cumulo.core.faults import BadRequest
from cumulo.image.interface import ImageInfo

GIB = 1024**3


class Source(msgspec.Struct, frozen=True, kw_only=True):
    noun: str = "source"
    least_gb: int = 0
    """How large the volume must be."""
    format: str | None = None
    host_id: str | None = None
    """The only host that can copy it."""
    image_id: str | None = None
    image_metadata: dict[str, str] | None = None
    snapshot_id: str | None = None
    volume_id: str | None = None
    bootable: bool = False


BLANK = Source()


def from_image(image: ImageInfo) -> Source:
    """Raises BadRequest for an image that a volume can not be made from."""
    if image.status != "active":
        raise BadRequest(f"Invalid input received: Image {image.id} is not active.")
    if image.disk_format not in ("raw", "qcow2", "iso") or image.container_format != "bare":
        raise BadRequest(
            f"Image {image.id} is unacceptable: a volume is made from bare images in the formats "
            f"raw and qcow2, this one is {image.disk_format} in {image.container_format}."
        )
    least = -(-(image.virtual_size or image.size or 0) // GIB)
    about: dict[str, Any] = {
        "image_id": image.id,
        "image_name": image.name,
        "disk_format": image.disk_format,
        "container_format": image.container_format,
        "size": image.size,
        "min_disk": image.min_disk,
        "min_ram": image.min_ram,
    }
    return Source(
        noun="image",
        least_gb=max(1, least, image.min_disk),
        format="qcow2" if image.disk_format == "qcow2" else "raw",
        image_id=image.id,
        image_metadata={
            **image.properties,
            **{name: str(value) for name, value in about.items() if value is not None},
        },
        bootable=True,
    )


def from_snapshot(snapshot: SnapshotRow, volume: VolumeRow) -> Source:
    if snapshot.status != "available":
        raise BadRequest(
            f"Invalid snapshot: Originating snapshot status must be one of 'available' values; "
            f"it is {snapshot.status}."
        )
    return Source(
        noun="snapshot",
        least_gb=snapshot.size,
        host_id=snapshot.host_id,
        snapshot_id=snapshot.id,
        # What another project says of a volume that it was given is not told.
        image_metadata=volume.image_metadata if volume.project_id == snapshot.project_id else None,
        bootable=volume.bootable,
    )


def from_volume(volume: VolumeRow) -> Source:
    if volume.status != "available":
        raise BadRequest(
            f"Invalid volume: a volume is copied while it is available; {volume.id} is "
            f"{volume.status}."
        )
    return Source(
        noun="source volume",
        least_gb=volume.size,
        host_id=volume.host_id,
        volume_id=volume.id,
        image_metadata=volume.image_metadata,
        bootable=volume.bootable,
    )
