"""An image from a URL onto a disk: checked on the way, and unpacked where it is qcow2.

Raw images are written while they come, in no memory; what is wrong with their sum is found at the
end, and the disk is then no system. qcow2 images are held in memory, checked, then unpacked.
"""

import base64
import binascii
import gzip
import hashlib
import io
import ssl
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from cumulo.baremetal.ramdisk.agent.devices import NoDisk, Target
from cumulo.baremetal.ramdisk.agent.qcow2 import MAGIC, BadImage, Qcow2
from cumulo.baremetal.ramdisk.agent.tables import NoPlace, add_last

PIECE = 1 << 20
SECONDS = 60.0
MOST_DRIVE = 64 << 20
ALGORITHMS = ("md5", "sha1", "sha256", "sha384", "sha512")
_BY_LENGTH = {32: "md5", 40: "sha1", 64: "sha256", 96: "sha384", 128: "sha512"}
_ZEROS = bytes(PIECE)


class ImageFault(Exception):
    """The image cannot be written; the text says why."""


def _open(url: str, trust: ssl.SSLContext | None) -> Any:
    if not url.startswith(("http://", "https://")):
        raise ImageFault("an image comes from an http or https URL")
    try:
        return urllib.request.urlopen(url, timeout=SECONDS, context=trust)
    except (OSError, ValueError, urllib.error.URLError) as error:
        raise ImageFault(f"the image cannot be fetched: {error}") from None


def _sum_of(info: Mapping[str, Any], trust: ssl.SSLContext | None) -> tuple[str, str]:
    """(algorithm, wanted sum). A sum may be the URL of one. Raises ImageFault."""
    algorithm, wanted = info.get("os_hash_algo"), info.get("os_hash_value")
    if not (algorithm and wanted):
        wanted = info.get("checksum")
        if wanted and str(wanted).startswith(("http://", "https://")):
            with _open(str(wanted), trust) as source:
                words = source.read(65536).decode(errors="replace").split()
            wanted = next((word for word in words if len(word) in _BY_LENGTH), "")
        algorithm = _BY_LENGTH.get(len(str(wanted or "")))
    if algorithm not in ALGORITHMS or not wanted:
        raise ImageFault("the image has no checksum that can be checked")
    return str(algorithm), str(wanted).lower()


def write_image(
    info: Mapping[str, Any],
    disk: Target,
    trust: ssl.SSLContext | None,
    note: Callable[[int], None] = lambda done: None,
) -> None:
    """`info`: urls, sums, disk_format. Raises ImageFault."""
    algorithm, wanted = _sum_of(info, trust)
    last: Exception = ImageFault("the image has no URL")
    for url in info.get("urls") or []:
        try:
            with _open(url, trust) as source:
                _copy(source, info, disk, (hashlib.new(algorithm), wanted), note)
            disk.flush()
            return
        except (ImageFault, OSError, BadImage, NoDisk) as error:
            last = error
    raise ImageFault(str(last))


def _copy(
    source: BinaryIO,
    info: Mapping[str, Any],
    disk: Target,
    check: tuple[Any, str],
    note: Callable[[int], None],
) -> None:
    digest, wanted = check
    first = source.read(PIECE)
    packed = first.startswith(MAGIC)
    told = info.get("disk_format")
    if told in ("raw", "qcow2") and packed != (told == "qcow2"):
        raise ImageFault(f"the image is not {told}, as it was said to be")
    if packed:
        with tempfile.TemporaryFile(dir="/tmp") as held:
            _hold(first, source, digest, held)
            _same(digest, wanted)
            _unpack(Qcow2(held), disk, note)
        return
    _stream(first, source, digest, disk, note)
    _same(digest, wanted)


def _same(digest: Any, wanted: str) -> None:
    if digest.hexdigest() != wanted:
        raise ImageFault(f"the image has another {digest.name} checksum than was said")


def _stream(
    first: bytes, source: BinaryIO, digest: Any, disk: Target, note: Callable[[int], None]
) -> None:
    at, piece = 0, first
    while piece:
        digest.update(piece)
        if piece == _ZEROS[: len(piece)]:
            disk.zero(at, len(piece))
        else:
            disk.write(at, piece)
        at += len(piece)
        note(at)
        piece = source.read(PIECE)


def _hold(first: bytes, source: BinaryIO, digest: Any, held: BinaryIO) -> None:
    room, piece = _memory() // 2, first
    while piece:
        room -= len(piece)
        if room < 0:
            raise ImageFault("a packed image of this size does not fit in memory: use a raw one")
        digest.update(piece)
        held.write(piece)
        piece = source.read(PIECE)


def _memory() -> int:
    """Bytes that are free."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return 0


def _unpack(image: Qcow2, disk: Target, note: Callable[[int], None]) -> None:
    if image.size > disk.size:
        raise ImageFault(f"the image's disk has {image.size} bytes, {disk.path} {disk.size}")
    zeros_at = zeros = 0
    for at, length, data in image.pieces():
        if data is None and zeros and zeros_at + zeros == at:
            zeros += length
            continue
        if zeros:
            disk.zero(zeros_at, zeros)
            zeros = 0
        if data is None:
            zeros_at, zeros = at, length
        else:
            disk.write(at, data)
        note(at)
    if zeros:
        disk.zero(zeros_at, zeros)


def config_drive(text: str, trust: ssl.SSLContext | None) -> bytes:
    """The bytes of a config drive: gzip in base64, or the URL of that. Raises ImageFault."""
    if text.startswith(("http://", "https://")):
        with _open(text, trust) as source:
            text = source.read(2 * MOST_DRIVE).decode(errors="replace")
    try:
        raw = base64.b64decode(text)
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as packed:
            found = packed.read(MOST_DRIVE + 1)
    except (OSError, EOFError, ValueError, binascii.Error) as error:
        raise ImageFault(f"the config drive is no gzip in base64: {error}") from None
    if len(found) > MOST_DRIVE:
        raise ImageFault("the config drive is larger than 64 MiB")
    return found


def write_config_drive(content: bytes, disk: Target) -> str:
    """Onto a partition of its own at the disk's end; its device. Raises ImageFault."""
    try:
        part = add_last(disk, max(len(content), 1))
    except NoPlace as error:
        raise ImageFault(str(error)) from None
    disk.write(part.start, content)
    disk.flush()
    mark = "p" if disk.path[-1].isdigit() else ""
    return f"{disk.path}{mark}{part.number}"
