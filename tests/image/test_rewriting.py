"""Unpacking and conversion in a bounded process: what it does, and what it cannot do."""

import asyncio
import bz2
import gzip
import io
import lzma
import os
import subprocess
import zipfile
from pathlib import Path

import pytest

from cumulo.core.run.sandbox import SandboxFailed, sandboxed
from cumulo.image.drivers.rewrite import SubprocessRewriter
from cumulo.image.model.content import ConversionFailed

CONTENT = b"disk" * 100_000


def zipped(*names: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, CONTENT)
    return made.getvalue()


def unpack(tmp_path: Path, data: bytes, most: int = 1 << 20) -> tuple[str | None, Path]:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(data)
    kind = asyncio.run(SubprocessRewriter().decompress(str(source), str(target), most))
    return kind, target


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("gzip", gzip.compress(CONTENT)),
        ("xz", lzma.compress(CONTENT)),
        ("bzip2", bz2.compress(CONTENT)),
        ("zip", zipped("disk.raw")),
    ],
)
def test_unpacked(tmp_path: Path, kind: str, data: bytes) -> None:
    found, target = unpack(tmp_path, data)
    assert (found, target.read_bytes()) == (kind, CONTENT)
    assert target.stat().st_uid == os.geteuid() and target.stat().st_mode & 0o222 == 0


def test_what_is_not_packed_stays(tmp_path: Path) -> None:
    found, target = unpack(tmp_path, b"just bytes")
    assert found is None and not target.exists()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (gzip.compress(bytes(1 << 26)), "too much"),
        (lzma.compress(bytes(1 << 26)), "too much"),
        (gzip.compress(CONTENT)[:-5], "unexpected end"),
        (zipped("one", "two"), "more than one"),
    ],
)
def test_bombs_and_broken_files(tmp_path: Path, data: bytes, why: str) -> None:
    with pytest.raises(ConversionFailed, match=why):
        unpack(tmp_path, data)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source"]


def test_converted(tmp_path: Path) -> None:
    source, target = tmp_path / "a.qcow2", tmp_path / "b"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", source, "8M"], check=True)
    source.chmod(0o444)
    for format in ("raw", "vmdk", "qcow2"):
        asyncio.run(SubprocessRewriter().convert(str(source), "qcow2", str(target), format))
        info = subprocess.run(
            ["qemu-img", "info", "-f", format, target], capture_output=True, check=True
        )
        assert b"virtual size: 8 MiB" in info.stdout
    (tmp_path / "noise").write_bytes(b"noise" * 1000)
    with pytest.raises(ConversionFailed, match="converted"):
        asyncio.run(
            SubprocessRewriter().convert(str(tmp_path / "noise"), "qcow2", str(target), "raw")
        )


def in_sandbox(tmp_path: Path, *argv: str, seconds: float = 5.0) -> str:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"given")
    source.chmod(0o444)
    sandboxed(argv, source, target, memory=1 << 28, file_bytes=1 << 20, seconds=seconds)
    return target.read_text()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_the_process_has_a_user_of_its_own(tmp_path: Path) -> None:
    assert in_sandbox(tmp_path, "id", "-u") == "65533\n"
    status = in_sandbox(tmp_path, "cat", "/proc/self/status")
    assert "NoNewPrivs:\t1" in status and "CapEff:\t0000000000000000" in status
    assert in_sandbox(tmp_path, "env").split() == ["PATH=/usr/bin:/bin", "LC_ALL=C"]
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(0o600)
    with pytest.raises(SandboxFailed, match="denied"):
        in_sandbox(tmp_path, "cat", str(secret))


def test_the_process_is_bounded(tmp_path: Path) -> None:
    with pytest.raises(SandboxFailed, match="within"):
        in_sandbox(tmp_path, "sleep", "10", seconds=0.3)
    with pytest.raises(SandboxFailed, match="too much"):
        in_sandbox(tmp_path, "head", "-c", "2000000", "/dev/zero")
    with pytest.raises(SandboxFailed):
        in_sandbox(tmp_path, "tail", "/dev/zero")  # keeps all of it in memory
    with pytest.raises(SandboxFailed, match="failed to execute"):
        in_sandbox(tmp_path, "no-such-tool")
