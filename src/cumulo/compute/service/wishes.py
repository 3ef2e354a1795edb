"""What a client asks of a new server, after the wire was checked."""

import re
from typing import Any, Literal

import msgspec

from cumulo.network.interface import NicRequest


class DiskWish(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a block device mapping."""

    source: Literal["image", "volume", "snapshot", "blank"]
    destination: Literal["local", "volume"]
    id: str | None = None
    """Of the source, where it has one."""
    size: int | None = None
    """GiB; of swap MiB"""
    boot_index: int | None = None
    device: str | None = None
    delete_on_termination: bool = False
    tag: str | None = None
    volume_type: str | None = None
    format: str | None = None


class FileWish(msgspec.Struct, frozen=True):
    """A file that is to be in the guest; `content` in base64."""

    path: str
    content: str


class ServerWish(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    flavor_id: str
    image_id: str | None = None
    disks: list[DiskWish] = []
    nics: list[NicRequest] | Literal["auto", "none"] = "auto"
    security_groups: list[str] = []
    key_name: str | None = None
    user_data: str | None = None
    files: list[FileWish] = []
    config_drive: bool = False
    metadata: dict[str, str] = {}
    tags: list[str] = []
    description: str | None = None
    hostname: str | None = None
    zone: str | None = None
    host: str | None = None
    hints: dict[str, Any] = {}
    admin_password: str | None = None
    access_ipv4: str = ""
    access_ipv6: str = ""
    disk_config: str = "MANUAL"
    certificates: list[str] | None = None
    least: int = 1
    most: int = 1


_UNFIT = re.compile(r"[^a-z0-9-]+")


def hostname_of(name: str, server_id: str) -> str:
    """A host name made of a server's name, as compute makes it."""
    lowered = re.sub(r"[ _.]", "-", name).lower()
    fit = _UNFIT.sub("", lowered).strip("-")[:63].strip("-")
    return fit or f"server-{server_id}"
