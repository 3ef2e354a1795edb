"""What a file really is: our reader of headers, against qemu-img's own files and made-up ones."""

import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cumulo.image.formats import inspect, refusal

MIB = 1024 * 1024


def made(tmp_path: Path, kind: str, *options: str) -> bytes:
    path = tmp_path / f"disk.{kind}"
    subprocess.run(["qemu-img", "create", "-q", "-f", kind, *options, path, "10M"], check=True)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("kind", "name"),
    [("qcow2", "qcow2"), ("vmdk", "vmdk"), ("vdi", "vdi"), ("vpc", "vhd"), ("raw", "raw")],
)
def test_disks_of_qemu_img(tmp_path: Path, kind: str, name: str) -> None:
    data = made(tmp_path, kind)
    found = inspect(data)
    assert (found.format, found.problem) == (name, None)
    assert found.virtual_size is not None
    assert 10 * MIB <= found.virtual_size < 10.1 * MIB
    assert refusal(found, name) is None
    assert (refusal(found, "qcow2") is None) == (name == "qcow2")


def test_a_backing_file_is_refused(tmp_path: Path) -> None:
    base = tmp_path / "base.qcow2"
    made(tmp_path, "qcow2")
    (tmp_path / "disk.qcow2").rename(base)
    data = made(tmp_path, "qcow2", "-b", str(base), "-F", "qcow2")
    assert "backing file" in str(refusal(inspect(data), "qcow2"))


def test_a_data_file_is_refused(tmp_path: Path) -> None:
    data = made(tmp_path, "qcow2", "-o", f"data_file={tmp_path}/data,data_file_raw=on")
    assert "data file" in str(refusal(inspect(data), "qcow2"))


def test_a_vmdk_with_other_extents_is_refused(tmp_path: Path) -> None:
    data = made(tmp_path, "vmdk", "-o", "subformat=monolithicFlat")
    assert "other files" in str(refusal(inspect(data), "vmdk"))


def test_a_qcow2_that_calls_itself_raw_is_refused(tmp_path: Path) -> None:
    data = made(tmp_path, "qcow2")
    assert refusal(inspect(data), "raw") is not None


def test_an_iso() -> None:
    data = bytes(32769) + b"CD001" + bytes(2048)
    assert inspect(data).format == "iso"
    assert refusal(inspect(data), "iso") is None


@given(st.binary(max_size=200), st.sampled_from([b"QFI\xfb", b"KDMV", b"conectix", b"", b"QED\0"]))
def test_nothing_makes_it_fail(rest: bytes, mark: bytes) -> None:
    found = inspect(mark + rest)
    # Formats whose headers are longer than this cannot be found without a problem.
    assert found.problem is not None or found.format not in ("qcow2", "vmdk", "vhdx", "qed")


@given(
    version=st.integers(0, 2**32 - 1),
    backing=st.integers(0, 2**64 - 1),
    bits=st.integers(0, 64),
    size=st.integers(0, 2**64 - 1),
    features=st.integers(0, 2**64 - 1),
)
def test_only_harmless_qcow2_is_accepted(
    version: int, backing: int, bits: int, size: int, features: int
) -> None:
    head = struct.pack(">4sIQIIQ", b"QFI\xfb", version, backing, 0, bits, size)
    head = head.ljust(72, b"\0") + struct.pack(">Q", features)
    head = head.ljust(100, b"\0") + struct.pack(">I", 104) + bytes(64)
    found = inspect(head)
    if found.problem is None:
        assert version in (2, 3) and backing == 0 and 9 <= bits <= 21 and size > 0
        assert version == 2 or not features & (2 | 4 | ~0b11111)
        assert found.virtual_size == size


def test_what_is_compressed_is_named_as_such() -> None:
    found = inspect(b"\xfd7zXZ\0" + bytes(600))
    assert refusal(found, "qcow2") == "the content is xz, but disk_format says qcow2"
    assert refusal(found, "raw") is None
