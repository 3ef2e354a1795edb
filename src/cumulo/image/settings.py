"""Image's own settings: the table `[image]` of `cumulo.toml`."""

from typing import Annotated, Any, ClassVar, Literal

import msgspec


class WebDownload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which URLs users may import images from. A list of what is allowed wins over its list of
    what is not."""

    allowed_schemes: tuple[str, ...] = ("http", "https")
    disallowed_schemes: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    disallowed_hosts: tuple[str, ...] = ()
    allowed_ports: tuple[int, ...] = (80, 443)
    disallowed_ports: tuple[int, ...] = ()


class ImageSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    table: ClassVar[str] = "image"

    stores: dict[str, dict[str, Any]] = msgspec.field(
        default_factory=lambda: {"file": {"type": "file"}, "web": {"type": "http"}}
    )
    """Name → `type`, `description`, `weight` and the type's own options: docs/images.md."""
    default_store: str = "file"
    import_methods: tuple[
        Literal["glance-direct", "web-download", "copy-image", "glance-download"], ...
    ] = ("glance-direct", "web-download", "copy-image", "glance-download")
    web_download: WebDownload = WebDownload()
    largest_image_gib: Annotated[int, msgspec.Meta(ge=1)] = 1024
    largest_disk_gib: Annotated[int, msgspec.Meta(ge=1)] = 16384
    """Of the disk inside an image: a kilobyte of qcow2 can claim to be an exabyte."""
    convert_to: Literal["", "raw", "qcow2", "vmdk"] = ""
    """Imported disks are converted to this format."""
    decompress: bool = False
    """Imported gzip, xz and zip files are unpacked."""
    inject: dict[str, str] = {}
    """Properties that every imported image gets."""
    inject_ignored_roles: tuple[str, ...] = ("admin",)
    secure_hash: bool = True
    """The bytes of a location that a user names are read once, for their hashes."""
    look_at_locations: bool = False
    """An image whose location has other content than its `disk_format` says fails; else it is
    believed, as Glance does, and refused when it comes to a host's cache."""
    show_locations: bool = False
    """`locations` of images are shown, and changed with PATCH, where the policy allows."""
    show_direct_url: bool = False
    cache_gib: Annotated[int, msgspec.Meta(ge=0)] = 10
    """Copies on this machine of images in remote stores; 0: hosts cannot use those images."""
    task_hours: Annotated[int, msgspec.Meta(ge=1)] = 48
    """How long an ended task is shown."""
    property_protection: str = ""
    """A file of rules, in the data directory: who may read and change which properties."""
    property_protection_format: Literal["roles", "policies"] = "roles"
