"""The deploy ramdisk's agent, on disks that are files: images of strangers, tables, hints."""

import base64
import gzip
import io
import os
import random
import shutil
import struct
import subprocess
from pathlib import Path

import pytest

from cumulo.baremetal.ramdisk.agent import images
from cumulo.baremetal.ramdisk.agent.devices import NoDisk, Target, root_device
from cumulo.baremetal.ramdisk.agent.images import ImageFault
from cumulo.baremetal.ramdisk.agent.qcow2 import BadImage, Qcow2
from cumulo.baremetal.ramdisk.agent.tables import NoPlace, add_last

SIZE = 6 << 20


def some_disk(path: Path) -> bytes:
    chance = random.Random(7)
    raw = bytearray(SIZE)
    for at in (0, 1 << 20, (3 << 20) + 12345, SIZE - 70000):
        raw[at : at + 70000] = chance.randbytes(70000)
    path.write_bytes(raw)
    return bytes(raw)


def unpacked(path: Path, size: int = SIZE) -> bytes:
    with path.open("rb") as file:
        image = Qcow2(file)
        assert image.size == size
        found = bytearray(b"\xff" * size)
        for at, length, data in image.pieces():
            found[at : at + length] = bytes(length) if data is None else data
    return bytes(found)


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["-c"],
        ["-o", "compat=0.10"],
        ["-o", "cluster_size=4k"],
        ["-c", "-o", "cluster_size=2M"],
        ["-S", "0"],
    ],
)
def test_qcow2_as_qemu_makes_it(tmp_path: Path, options: list[str]) -> None:
    raw, packed = tmp_path / "raw", tmp_path / "qcow2"
    content = some_disk(raw)
    argv = ["qemu-img", "convert", "-f", "raw", "-O", "qcow2", *options, str(raw), str(packed)]
    subprocess.run(argv, check=True)
    assert unpacked(packed) == content


@pytest.mark.parametrize(
    ("at", "bytes_", "told"),
    [
        (0, b"QFI\0", "no qcow2"),
        (8, struct.pack(">Q", 512), "backing file"),
        (20, struct.pack(">I", 60), "clusters"),
        (24, struct.pack(">Q", 1 << 62), "table"),
        (32, struct.pack(">I", 1), "encryption"),
        (40, struct.pack(">Q", 1 << 60), "ends early"),
        (72, struct.pack(">Q", 4), "elsewhere"),
        (72, struct.pack(">Q", 1 << 40), "elsewhere"),
    ],
)
def test_qcow2_that_is_refused(tmp_path: Path, at: int, bytes_: bytes, told: str) -> None:
    raw, packed = tmp_path / "raw", tmp_path / "qcow2"
    some_disk(raw)
    argv = ["qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(raw), str(packed)]
    subprocess.run(argv, check=True)
    content = bytearray(packed.read_bytes())
    content[at : at + len(bytes_)] = bytes_
    with pytest.raises(BadImage, match=told):
        list(Qcow2(io.BytesIO(content)).pieces())


def test_a_packed_cluster_gives_a_cluster_at_most(tmp_path: Path) -> None:
    """Whatever its stream would unpack to."""
    raw, packed = tmp_path / "raw", tmp_path / "qcow2"
    raw.write_bytes(b"a" * SIZE)
    argv = ["qemu-img", "convert", "-c", "-f", "raw", "-O", "qcow2", str(raw), str(packed)]
    subprocess.run(argv, check=True)
    with packed.open("rb") as file:
        image = Qcow2(file)
        assert all(len(data or b"") <= image.cluster for _, _, data in image.pieces())


# --- partition tables ----------------------------------------------------------------------------


def mbr(path: Path, *parts: tuple[int, int]) -> Target:
    raw = bytearray(SIZE)
    for number, (start, size) in enumerate(parts):
        struct.pack_into("<B3sB3sII", raw, 446 + 16 * number, 0, b"", 0x83, b"", start, size)
    raw[510:512] = b"\x55\xaa"
    path.write_bytes(raw)
    return Target(str(path))


def test_a_partition_behind_the_others(tmp_path: Path) -> None:
    with mbr(tmp_path / "disk", (64, 2000)) as disk:
        part = add_last(disk, 100_000)
        assert (part.number, part.start, part.size) == (2, SIZE - (1 << 20), 1 << 20)
    with mbr(tmp_path / "disk1", (64, 2000)) as disk:
        device = images.write_config_drive(b"drive", disk)
        assert device == f"{tmp_path / 'disk1'}p2"
        assert disk.read(SIZE - (1 << 20), 5) == b"drive"


@pytest.mark.parametrize("parts", [((64, SIZE // 512 - 64),), ((64, 8), (72, 8), (80, 8), (88, 8))])
def test_where_there_is_no_place(tmp_path: Path, parts: tuple[tuple[int, int], ...]) -> None:
    with mbr(tmp_path / "disk", *parts) as disk, pytest.raises(NoPlace):
        add_last(disk, 1)


def test_without_a_table(tmp_path: Path) -> None:
    some_disk(tmp_path / "disk")
    with Target(str(tmp_path / "disk")) as disk, pytest.raises(ImageFault, match="no partition"):
        images.write_config_drive(b"x", disk)


@pytest.mark.skipif(shutil.which("sfdisk") is None, reason="needs sfdisk")
def test_gpt_of_a_smaller_disk(tmp_path: Path) -> None:
    """The image's second table stands in the middle of the disk: both are written anew."""
    path = tmp_path / "disk"
    path.write_bytes(bytes(SIZE))
    script = b"label: gpt\nstart=2048, size=2048, name=root\n"
    subprocess.run(["sfdisk", "-q", str(path)], input=script, check=True)
    os.truncate(path, 3 * SIZE)
    with Target(str(path)) as disk:
        part = add_last(disk, 1 << 20)
        assert part.number == 2
    said = subprocess.run(["sfdisk", "--verify", str(path)], capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    listed = subprocess.run(["sfdisk", "-d", str(path)], capture_output=True, text=True).stdout
    assert 'name="config-2"' in listed and 'name="root"' in listed


@pytest.mark.skipif(shutil.which("sfdisk") is None, reason="needs sfdisk")
def test_gpt_that_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "disk"
    path.write_bytes(bytes(SIZE))
    script = b"label: gpt\nstart=2048, size=2048\n"
    subprocess.run(["sfdisk", "-q", str(path)], input=script, check=True)
    with Target(str(path)) as disk:
        disk.write(512 + 80, struct.pack("<I", 1 << 30))
        with pytest.raises(NoPlace):
            add_last(disk, 1)


# --- drives and disks ----------------------------------------------------------------------------


def test_config_drives_have_a_limit() -> None:
    packed = base64.b64encode(gzip.compress(bytes(images.MOST_DRIVE + 1))).decode()
    with pytest.raises(ImageFault, match="64 MiB"):
        images.config_drive(packed, None)
    for text in ("no base64!", base64.b64encode(b"no gzip").decode(), "file:///etc/passwd"):
        with pytest.raises(ImageFault):
            images.config_drive(text, None)
    assert images.config_drive(base64.b64encode(gzip.compress(b"x")).decode(), None) == b"x"


def test_images_come_by_http_and_with_a_sum(tmp_path: Path) -> None:
    with mbr(tmp_path / "disk") as disk:
        for info in (
            {"urls": ["file:///etc/passwd"], "checksum": "0" * 32},
            {"urls": ["http://127.0.0.1:9/"], "os_hash_algo": "crc", "os_hash_value": "1"},
            {"urls": ["http://127.0.0.1:9/"]},
            {"urls": [], "checksum": "0" * 64},
        ):
            with pytest.raises(ImageFault):
                images.write_image(info, disk, None)


DISKS = [
    {"name": "/dev/sda", "size": 8 << 30, "serial": "A", "model": "Big", "rotational": True,
     "vendor": "X", "wwn": "0x1"},
    {"name": "/dev/vda", "size": 4 << 30, "serial": "B", "model": "QEMU", "rotational": False,
     "vendor": "Y", "wwn": None},
    {"name": "/dev/vdb", "size": 1 << 30, "serial": "C", "model": "QEMU", "rotational": False,
     "vendor": "Y", "wwn": None},
]  # fmt: skip


@pytest.mark.parametrize(
    ("hints", "name"),
    [
        ({}, "/dev/vda"),
        ({"serial": "c"}, "/dev/vdb"),
        ({"size": ">= 6"}, "/dev/sda"),
        ({"size": 4}, "/dev/vda"),
        ({"model": "<in> qem"}, "/dev/vda"),
        ({"model": "s!= QEMU"}, "/dev/sda"),
        ({"name": "<or> /dev/vdb <or> /dev/vdc"}, "/dev/vdb"),
        ({"rotational": "true"}, "/dev/sda"),
        ({"vendor": "y", "size": "< 2"}, "/dev/vdb"),
        ({"serial": "none"}, None),
        ({"color": "red"}, None),
        ({"size": "many"}, None),
    ],
)
def test_root_device_hints(hints: dict[str, object], name: str | None) -> None:
    if name is None:
        with pytest.raises(NoDisk):
            root_device(hints, DISKS)
    else:
        assert root_device(hints, DISKS) == name
