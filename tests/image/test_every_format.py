"""Real files of every format through the API: uploaded, imported with conversion to raw, and under
a wrong name. Cases after Tempest's manifest of images."""

import struct
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.crash.control_plane import ControlPlane

MIB = 1 << 20
IMAGES = "/image/v2/images"
DISK = bytes(512) + b"content!" * 4096 + bytes(4 * MIB - 512 - 8 * 4096)

USABLE: dict[str, tuple[str, ...]] = {
    "qcow2-v2": ("qcow2", "compat=0.10"),
    "qcow2-v3": ("qcow2", "compat=1.1"),
    "qcow2-extended": ("qcow2", "extended_l2=on"),
    "qcow2-lazy": ("qcow2", "lazy_refcounts=on"),
    "vmdk-sparse": ("vmdk", "subformat=monolithicSparse"),
    "vmdk-streamed": ("vmdk", "subformat=streamOptimized"),
    "vhd-dynamic": ("vhd", "subformat=dynamic"),
    "vhd-fixed": ("vhd", "subformat=fixed"),
    "vhdx-dynamic": ("vhdx", "subformat=dynamic"),
    "vhdx-fixed": ("vhdx", "subformat=fixed"),
    "vdi-dynamic": ("vdi", "static=off"),
    "vdi-static": ("vdi", "static=on"),
}
PLAIN = {"raw": "raw", "mbr-as-raw": "raw", "mbr": "gpt", "iso": "iso", "iso-as-raw": "raw"}
UNUSABLE = {
    "qcow2-backing": "qcow2",
    "qcow2-data": "qcow2",
    "vmdk-flat": "vmdk",
    "vmdk-split": "vmdk",
    "qed": "raw",
}
QEMU = {"vhd": "vpc"}


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    settings = '[image]\nconvert_to = "raw"\n[image.stores.file]\ntype = "file"\n'
    plane = ControlPlane(tmp_path_factory.mktemp("formats"), settings=settings)
    plane.start()
    try:
        yield plane
    finally:
        plane.stop()


def qemu_img(*argv: str) -> None:
    subprocess.run(["qemu-img", *argv], check=True, capture_output=True, timeout=60)


def converted(folder: Path, format: str, *options: str) -> bytes:
    source, target = folder / "source", folder / "target"
    source.write_bytes(DISK)
    more = [word for each in options for word in ("-o", each)]
    qemu_img(
        "convert", "-f", "raw", "-O", QEMU.get(format, format), *more, str(source), str(target)
    )
    return target.read_bytes()


def plain(name: str) -> bytes:
    if name.startswith("iso"):
        return bytes(32768) + b"\1CD001\1" + bytes(MIB - 7)
    if name.startswith("mbr"):
        entry = b"\0" + bytes(3) + b"\x83" + bytes(3) + struct.pack("<II", 2048, 4096)
        return bytes(446) + entry + bytes(48) + b"\x55\xaa" + DISK[512:]
    return DISK


def unusable(folder: Path, name: str) -> bytes:
    made = folder / "made"
    if name == "qcow2-backing":
        (folder / "base").write_bytes(DISK)
        qemu_img("create", "-f", "qcow2", "-b", str(folder / "base"), "-F", "raw", str(made))
    elif name == "qcow2-data":
        qemu_img("create", "-f", "qcow2", "-o", f"data_file={folder}/data", str(made), "4M")
    elif name == "qed":
        return converted(folder, "qed")
    else:
        kind = "monolithicFlat" if name == "vmdk-flat" else "twoGbMaxExtentSparse"
        return converted(folder, "vmdk", f"subformat={kind}")
    return made.read_bytes()


def new(plane: ControlPlane, disk_format: str) -> str:
    wish = {"name": "x", "disk_format": disk_format, "container_format": "bare"}
    return str(plane.ask("POST", IMAGES, wish)["id"])


def uploaded(plane: ControlPlane, disk_format: str, data: bytes) -> tuple[int, str]:
    image = new(plane, disk_format)
    status, _, _ = plane.send("PUT", f"{IMAGES}/{image}/file", data)
    found = plane.ask("GET", f"{IMAGES}/{image}")["status"]
    plane.ask("DELETE", f"{IMAGES}/{image}")
    return status, found


def imported(plane: ControlPlane, disk_format: str, data: bytes) -> tuple[str, str, bytes]:
    """The status and disk format after an import, and the bytes when it is active."""
    image = new(plane, disk_format)
    plane.ask("PUT", f"{IMAGES}/{image}/stage", data)
    plane.ask("POST", f"{IMAGES}/{image}/import", {"method": {"name": "glance-direct"}})
    end = time.monotonic() + 30
    while (seen := plane.ask("GET", f"{IMAGES}/{image}"))["status"] in ("importing", "uploading"):
        assert time.monotonic() < end, seen
        time.sleep(0.05)
    active = seen["status"] == "active"
    content = plane.ask("GET", f"{IMAGES}/{image}/file") if active else b""
    plane.ask("DELETE", f"{IMAGES}/{image}")
    return seen["status"], seen["disk_format"], content


@pytest.mark.parametrize("name", USABLE)
def test_disks(plane: ControlPlane, tmp_path: Path, name: str) -> None:
    format, option = USABLE[name]
    data = converted(tmp_path, format, option)
    assert uploaded(plane, format, data) == (204, "active")
    status, found, content = imported(plane, format, data)
    assert (status, found) == ("active", "raw")
    # VHD counts in cylinders: its disk may be a little larger.
    assert content[: len(DISK)] == DISK and not content[len(DISK) :].strip(b"\0")
    for wrong in ("raw", "iso", "vmdk" if format == "qcow2" else "qcow2"):
        assert uploaded(plane, wrong, data) == (415, "queued")
        assert imported(plane, wrong, data)[0] == "queued"


@pytest.mark.parametrize("name", PLAIN)
def test_plain_ones_stay(plane: ControlPlane, name: str) -> None:
    format, data = PLAIN[name], plain(name)
    assert uploaded(plane, format, data) == (204, "active")
    status, found, content = imported(plane, format, data)
    assert (status, content) == ("active", data)
    assert found == ("iso" if format == "iso" else "raw")
    assert uploaded(plane, "qcow2", data) == (415, "queued")


@pytest.mark.parametrize("name", UNUSABLE)
def test_those_that_lead_elsewhere(plane: ControlPlane, tmp_path: Path, name: str) -> None:
    data = unusable(tmp_path, name)
    for format in {UNUSABLE[name], "raw"}:
        assert uploaded(plane, format, data) == (415, "queued")
        assert imported(plane, format, data)[0] == "queued"
