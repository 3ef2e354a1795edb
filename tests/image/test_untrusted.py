"""What strangers may send: files of the published attacks, made here, and files that lie.

The kinds of CVE-2015-5163 and CVE-2024-32498 (qcow2 that names other files), CVE-2022-47951 and
its kin (VMDK descriptors), CVE-2024-44082 (a format other than the declared one).
"""

import asyncio
import contextlib
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cumulo.image.drivers.rewrite import SubprocessRewriter
from cumulo.image.formats import HEAD_BYTES, SECTOR, Probe, inspect, refusal
from cumulo.image.model.content import ConversionFailed
from tests.support.cloud import TestCloud, running_cloud

MIB = 1 << 20


def qemu_img(tmp_path: Path, kind: str, *options: str, size: str = "10M") -> bytes:
    path = tmp_path / f"disk.{kind}"
    subprocess.run(["qemu-img", "create", "-q", "-f", kind, *options, path, size], check=True)
    return path.read_bytes()


def converted(tmp_path: Path, kind: str, *options: str) -> bytes:
    raw, path = tmp_path / "disk.raw", tmp_path / f"out.{kind}"
    raw.write_bytes(b"content" * 1000 + bytes(4 * MIB))
    subprocess.run(["qemu-img", "convert", "-O", kind, *options, raw, path], check=True)
    return path.read_bytes()


def patched(data: bytes, at: int, *parts: bytes) -> bytes:
    new = b"".join(parts)
    return data[:at] + new + data[at + len(new) :]


def test_vhdx(tmp_path: Path) -> None:
    data = qemu_img(tmp_path, "vhdx")
    found = inspect(data)
    assert (found.format, found.virtual_size, found.problem) == ("vhdx", 10 * MIB, None)
    assert refusal(found, "vhdx") is None
    whole = Probe()
    for start in range(0, len(data), 100_001):
        whole.add(data[start : start + 100_001])
    assert whole.result() == found
    parameters = bytes.fromhex("3767a1ca36fa434db3b633f0aa44e76b")
    at = data.index(parameters, HEAD_BYTES)
    (offset,) = struct.unpack_from("<I", data, at + 16)
    region = data.index(b"metadata", HEAD_BYTES)
    differencing = patched(data, region + offset + 4, struct.pack("<I", 2))
    assert "differencing" in str(inspect(differencing).problem)
    assert inspect(data[:HEAD_BYTES]).problem is not None


def test_streamed_vmdk_with_a_footer(tmp_path: Path) -> None:
    data = converted(tmp_path, "vmdk", "-o", "subformat=streamOptimized")
    good = inspect(data)
    assert (good.format, good.problem) == ("vmdk", None)
    # QEMU believes the footer when the header says so: then both must say the same.
    header = patched(data[:SECTOR], 56, struct.pack("<Q", 2**64 - 1))
    footer = data[:SECTOR]
    end = bytes(SECTOR) + footer + bytes(SECTOR)
    assert inspect(header + data[SECTOR:] + end).problem is None
    # QEMU writes a new content id over the old one, and now and then it is shorter.
    start = data.index(b"# Disk DescriptorFile")
    text = data[start : start + 20 * SECTOR].rstrip(b"\0")
    for left in (b"", b"\n", b'"\n', text[-7:]):
        shorter = patched(data, start, text + b"\0" + left)
        assert inspect(shorter).problem is None
    for left in (b"x", text[-8:], b'\ncreateType="monolithicFlat"\n'):
        assert "after its end" in str(inspect(patched(data, start, text + b"\0" + left)).problem)
    lying = patched(footer, 28, struct.pack("<Q", 4096))
    assert "footer" in str(
        inspect(header + data[SECTOR:] + bytes(SECTOR) + lying + bytes(SECTOR)).problem
    )
    assert "footer" in str(inspect(header + data[SECTOR:]).problem)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'createType="monolithicSparse"', b'createType="monolithicFlat"'),
        (b'createType="monolithicSparse"', b'createType="twoGbMaxExtentFlat"'),
        (b'createType="monolithicSparse"', b'createType="vmfs"'),
        (b'createType="monolithicSparse"', b'createtype="vmfs"\ncreateType="monolithicSparse"'),
        (b'createType="monolithicSparse"', b'created="x"'),
        (b" SPARSE ", b" FLAT "),
        (b'RW 20480 SPARSE "disk.vmdk"', b'RW 20480 SPARSE "/etc/passwd"'),
        (b"RW 20480", b'RW 1 SPARSE "a"\nRW 20480'),
        (b"parentCID=ffffffff", b"parentCID=12345678"),
        (b"parentCID=ffffffff", b'parentCID=ffffffff\nparentFileNameHint="/etc/passwd"'),
    ],
)
def test_vmdk_descriptors(tmp_path: Path, old: bytes, new: bytes) -> None:
    data = qemu_img(tmp_path, "vmdk")
    assert inspect(data).problem is None and old in data
    start = data.index(b"# Disk DescriptorFile")
    room = data[start : start + 20 * SECTOR]
    text = room.rstrip(b"\0").replace(old, new)
    assert inspect(patched(data, start, text.ljust(len(room), b"\0"))).problem is not None
    assert inspect(text).problem is not None
    assert inspect(b"\n \n" + text).problem is not None, "QEMU skips blank lines before it"


def vmdk_with(tmp_path: Path, text: bytes, **header: int) -> bytes:
    """A sparse VMDK whose descriptor is this text, and whose header says so."""
    data = qemu_img(tmp_path, "vmdk")
    places = {"version": (4, "<I"), "capacity": (12, "<Q"), "offset": (28, "<Q")}
    for name, value in header.items():
        at, kind = places[name]
        data = patched(data, at, struct.pack(kind, value))
    start = header.get("offset", 1) * SECTOR
    return patched(data, start, text.ljust(20 * SECTOR, b"\0"))


FLAT = b"""# Disk DescriptorFile
version=1
CID=12345678
parentCID=ffffffff
createType="monolithicSparse"
RW\t8\tFLAT\t"%s"\t0
"""


@pytest.mark.parametrize(
    "text",
    [
        FLAT,
        FLAT.replace(b"\t", b" "),
        FLAT.replace(b'createType="mono', b'# createType="monolithicFlat"\ncreateType="mono'),
        FLAT.replace(b"createType", b"x createType"),
        FLAT.replace(b"FLAT", b"SPARSE"),
        FLAT.replace(b"RW\t", b"\x0bRW\x0b"),
        FLAT.replace(b'RW\t8\tFLAT\t"%s"\t0', b'RW 8 SPARSE "disk.vmdk"') + b'RW 8 FLAT "%s" 0',
        FLAT.replace(b'RW\t8\tFLAT\t"%s"\t0', b'RW 8 SPARSE "disk.vmdk"') + b"\0# RW 8 FLAT",
        FLAT.replace(b'RW\t8\tFLAT\t"%s"\t0', b'#parentFileNameHint="%s"\nRW 8 SPARSE "d"'),
    ],
)
@pytest.mark.parametrize("capacity", [0, 20480])
def test_a_vmdk_reads_no_file_of_the_machine(tmp_path: Path, text: bytes, capacity: int) -> None:
    """What our reader and QEMU's understand differently: white space, comments, the order, an
    empty disk whose descriptor is then the disk. The cell is the second wall."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"of another tenant".ljust(4096))
    text = text.replace(b"%s", str(secret).encode())
    data = vmdk_with(tmp_path, text, capacity=capacity)
    assert refusal(inspect(data), "vmdk") is not None
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(data)
    source.chmod(0o444)
    rewriter = SubprocessRewriter()
    with contextlib.suppress(ConversionFailed):
        asyncio.run(rewriter.convert(str(source), "vmdk", str(target), "raw", 1 << 30))
        assert b"another tenant" not in target.read_bytes()


def test_headers_of_vmdk_that_mean_something_else_to_qemu(tmp_path: Path) -> None:
    good = FLAT.replace(b'RW\t8\tFLAT\t"%s"\t0', b'RW 20480 SPARSE "disk.vmdk"')
    assert refusal(inspect(vmdk_with(tmp_path, good)), "vmdk") is None
    assert "empty" in str(inspect(vmdk_with(tmp_path, good, capacity=0)).problem)
    assert "version" in str(inspect(vmdk_with(tmp_path, good, version=4)).problem)
    assert "descriptor" in str(inspect(vmdk_with(tmp_path, good, offset=2)).problem)
    assert "descriptor" in str(inspect(vmdk_with(tmp_path, good, offset=0)).problem)
    footer = patched(vmdk_with(tmp_path, good), 56, struct.pack("<Q", 2**64 - 1))
    end = bytes(SECTOR) + footer[:SECTOR] + bytes(SECTOR)
    assert inspect(footer + end).problem is None
    assert "footer" in str(inspect(footer + end + b"x").problem), "QEMU rounds the size up"


@given(
    st.lists(
        st.sampled_from(
            [
                b"#",
                b" ",
                b"\t",
                b"\n",
                b"\r",
                b"\0",
                b'"',
                b"=",
                b"createType",
                b"monolithicSparse",
                b"RW",
                b"8",
                b"FLAT",
                b"SPARSE",
                b"0",
                b"/etc/passwd",
                b"parentFileNameHint",
                b"parentCID",
                b"ffffffff",
                b'createType="monolithicSparse"\n',
                b'RW 8 SPARSE "disk.vmdk"\n',
            ]
        ),
        max_size=30,
    )
)
def test_no_text_that_names_a_file_passes(words: list[bytes]) -> None:
    text = b"".join(words)
    head = b"KDMV" + struct.pack("<IIQQQQ", 1, 3, 8, 128, 1, 2)
    data = head.ljust(SECTOR, b"\0") + text.ljust(4 * SECTOR, b"\0")
    if inspect(data).problem is None:
        shown = text.split(b"\0")[0]
        assert b"FLAT" not in [w for line in shown.splitlines() if line[:1] != b"#"
                               for w in line.split()]  # fmt: skip
        assert shown.count(b"createType") == 1 and b"parentFileNameHint" not in shown


def test_vmdk_of_the_oldest_kind() -> None:
    assert inspect(b"COWD" + bytes(1000)).problem is not None


def test_vhd_and_vdi_that_name_another_file(tmp_path: Path) -> None:
    vhd = qemu_img(tmp_path, "vpc")
    assert "differencing" in str(inspect(patched(vhd, 60, struct.pack(">I", 4))).problem)
    vdi = qemu_img(tmp_path, "vdi")
    assert "differencing" in str(inspect(patched(vdi, 76, struct.pack("<I", 4))).problem)


def test_a_fixed_vhd_has_its_mark_at_the_end(tmp_path: Path) -> None:
    data = converted(tmp_path, "vpc", "-o", "subformat=fixed")
    assert inspect(data).format == "vhd"
    assert refusal(inspect(data), "vhd") is None
    assert refusal(inspect(data[:-SECTOR]), "vhd") is not None


def test_partitioned_disks_are_plain() -> None:
    entry = b"\x80" + bytes(3) + b"\x83" + bytes(3) + struct.pack("<II", 2048, 4096)
    table = bytes(446) + entry + bytes(48) + b"\x55\xaa"
    found = inspect(table + bytes(MIB))
    assert (found.format, found.virtual_size) == ("gpt", MIB + 512)
    assert refusal(found, "raw") is None and refusal(found, "gpt") is None
    protective = patched(table, 446, b"\0" + bytes(3) + b"\xee")
    assert inspect(protective + b"EFI PART" + bytes(MIB)).format == "gpt"
    assert refusal(inspect(bytes(MIB)), "gpt") is not None
    # A boot sector of a file system has the same signature, and nonsense for a table.
    assert inspect(patched(table, 446, b"\x77") + bytes(MIB)).format == "raw"


@pytest.mark.parametrize("mark", [b"LUKS\xba\xbe\0\1", b"LUKS\xba\xbe\0\2"])
def test_encrypted_disks(mark: bytes) -> None:
    found = inspect(mark + bytes(5000))
    assert found.format == "luks"
    assert refusal(found, "luks") is None and refusal(found, "raw") is None
    assert refusal(found, "qcow2") is not None


def test_two_formats_in_one_file(tmp_path: Path) -> None:
    disk = qemu_img(tmp_path, "qcow2").ljust(40_000, b"\0")
    both = patched(disk, 32769, b"CD001")
    for declared in ("iso", "raw", "ami", "vmdk", "luks"):
        assert refusal(inspect(both), declared) is not None
    entry = b"\x80" + bytes(3) + b"\x83" + bytes(11)
    iso = patched(bytes(40_000), 32769, b"CD001")
    hybrid = patched(iso, 446, entry, bytes(48), b"\x55\xaa")
    assert refusal(inspect(hybrid), "iso") is None


def test_a_small_file_that_claims_an_exabyte(tmp_path: Path) -> None:
    disk = patched(qemu_img(tmp_path, "qcow2"), 24, struct.pack(">Q", 1 << 60))
    assert refusal(inspect(disk), "qcow2") is None
    assert "more than" in str(refusal(inspect(disk), "qcow2", 1 << 44))


def test_qcow2_extensions_with_a_data_file(tmp_path: Path) -> None:
    disk = qemu_img(tmp_path, "qcow2")
    (header,) = struct.unpack_from(">I", disk, 100)
    name = b"/etc/shadow"
    named = patched(disk, header, struct.pack(">II", 0x44415441, len(name)), name)
    assert "data file" in str(inspect(named).problem)
    endless = patched(disk, header, struct.pack(">II", 0x6803F857, 0xFFFFFFF0))
    assert inspect(endless).problem is not None


@given(st.binary(max_size=3000), st.integers(0, 3), st.sampled_from(["<", ">"]))
def test_nothing_of_a_vhdx_makes_it_fail(noise: bytes, where: int, order: str) -> None:
    table = b"regi" + bytes(4) + struct.pack("<I", 1) + bytes(4)
    table += bytes.fromhex("06a27c8b90479a4bb8fe575f050f886e")
    table += struct.pack("<QII", HEAD_BYTES + where, 1 << 20, 1)
    head = b"vhdxfile".ljust(192 * 1024, b"\0") + table
    data = head.ljust(HEAD_BYTES + where, b"\0") + b"metadata" + noise
    assert inspect(data).format == "vhdx"


def send(tmp_path: Path, declared: str, data: bytes, **image: Any) -> tuple[int, str]:
    """(status of the upload, status of the image)"""

    async def main() -> tuple[int, str]:
        async with running_cloud(tmp_path / "cloud", image=image) as cloud:
            return await upload(cloud, declared, data)

    return asyncio.run(main())


async def upload(cloud: TestCloud, declared: str, data: bytes) -> tuple[int, str]:
    body = {"disk_format": declared, "container_format": "bare"}
    made = await cloud.call("POST", "/image/v2/images", json_=body)
    path = f"/image/v2/images/{made.json['id']}"
    kind = {"content-type": "application/octet-stream"}
    sent = await cloud.call("PUT", f"{path}/file", headers=kind, body=data)
    return sent.status, (await cloud.call("GET", path)).json["status"]


def test_over_the_wire(tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.write_bytes(bytes(MIB))
    backed = qemu_img(tmp_path, "qcow2", "-b", str(base), "-F", "raw")
    assert send(tmp_path, "qcow2", backed) == (415, "queued")
    assert send(tmp_path, "raw", backed) == (415, "queued")
    assert send(tmp_path, "qcow2", qemu_img(tmp_path, "qcow2")) == (204, "active")
    big = qemu_img(tmp_path, "qcow2", size="2G")
    assert send(tmp_path, "qcow2", big, largest_disk_gib=1) == (415, "queued")
    data_file = qemu_img(tmp_path, "qcow2", "-o", f"data_file={tmp_path}/data,data_file_raw=on")
    assert send(tmp_path, "qcow2", data_file) == (415, "queued")
