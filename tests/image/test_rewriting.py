"""Unpacking and conversion in a bounded process: what it does, and what it cannot do."""

import asyncio
import bz2
import gzip
import io
import lzma
import os
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from cumulo.core.run.sandbox import (
    INPUT,
    OUTPUT,
    PROCESSES,
    Bounds,
    SandboxFailed,
    in_sandbox,
    sandboxed,
)
from cumulo.image.drivers.rewrite import SubprocessRewriter
from cumulo.image.model.content import ConversionFailed

MIB = 1 << 20
CONTENT = b"disk" * 100_000
CROWD = """
import os, sys, threading
threading.stack_size(65536)
os.setresuid(*3 * [int(sys.argv[2])])
for _ in range(int(sys.argv[1])):
    threading.Thread(target=sys.stdin.readline, daemon=True).start()
print("there", flush=True)
threading.Event().wait(60)
"""


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
        asyncio.run(
            SubprocessRewriter().convert(str(source), "qcow2", str(target), format, 1 << 30)
        )
        info = subprocess.run(
            ["qemu-img", "info", "-f", format, target], capture_output=True, check=True
        )
        assert b"virtual size: 8 MiB" in info.stdout
    (tmp_path / "noise").write_bytes(b"noise" * 1000)
    with pytest.raises(ConversionFailed, match="converted"):
        asyncio.run(
            SubprocessRewriter().convert(
                str(tmp_path / "noise"), "qcow2", str(target), "raw", 1 << 30
            )
        )


def cell(tmp_path: Path, *argv: str, seconds: float = 5.0, memory: int = 1 << 28) -> str:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"given")
    source.chmod(0o444)
    sandboxed(argv, source, target, Bounds(memory, 1 << 20, seconds))
    return target.read_text()


def test_one_input_and_one_output_are_all_that_it_sees(tmp_path: Path) -> None:
    """Not even what everybody may read: no wall but the file system's own view is looked at."""
    secret = tmp_path / "secret"
    secret.write_text("x")
    secret.chmod(0o444)
    for path in (str(secret), "/etc/passwd", "/var", "/home", "/work", "/proc", "/run", "/sys"):
        with pytest.raises(SandboxFailed, match="No such file"):
            cell(tmp_path, "ls", path)
    assert set(cell(tmp_path, "ls", "-A", "/").split()) <= {
        "bin", "dev", "etc", "in", "lib", "lib32", "lib64", "libx32", "out", "usr",
    }  # fmt: skip
    assert cell(tmp_path, "ls", "-A", "/dev") == "null\n"
    assert cell(tmp_path, "cat", INPUT) == "given"
    for place in ("/made", "/usr/made", "/dev/made", INPUT):
        with pytest.raises(SandboxFailed, match=r"Read-only|denied"):
            cell(tmp_path, "cp", OUTPUT, place)
    assert secret.read_text() == "x"


def test_named_files_and_a_text(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    named = {"/one": tmp_path / "a", f"{tmp_path}/two": tmp_path / "b"}
    assert in_sandbox(["cat", "/one", f"{tmp_path}/two"], reads=named) == b"ab"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_what_a_user_runs_elsewhere_leaves_the_process_enough() -> None:
    """Guests run as the user that their disks are opened as, and have threads by the hundred."""
    user = 65530
    crowd = subprocess.Popen(
        [sys.executable, "-I", "-c", CROWD, str(PROCESSES + 50), str(user)],
        stdout=subprocess.PIPE,
        stdin=subprocess.PIPE,
    )
    try:
        assert crowd.stdout is not None and crowd.stdout.readline() == b"there\n"
        said = in_sandbox(["sh", "-c", "(echo a child) & wait"], reads={}, user=user)
        assert said == b"a child\n"
    finally:
        crowd.kill()
        crowd.communicate()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_the_process_has_a_user_of_its_own(tmp_path: Path) -> None:
    assert cell(tmp_path, "id", "-u") == "65533\n"
    assert cell(tmp_path, "env").split() == ["PATH=/usr/bin:/bin", "LC_ALL=C"]


@pytest.mark.parametrize(
    "code",
    [
        "import socket; socket.socket()",
        "import ctypes; l=ctypes.CDLL(None,use_errno=True); l.unshare(0x10000000)==0 or 1/0",
        "import ctypes; l=ctypes.CDLL(None,use_errno=True); l.mount(0,b'/',0,32,0)==0 or 1/0",
        "import os; os.kill(-1, 0) if os.getpid() > 9 else 1/0",
    ],
)
def test_calls_that_no_tool_needs(tmp_path: Path, code: str) -> None:
    with pytest.raises(SandboxFailed, match="Error"):
        cell(tmp_path, "/usr/bin/python3", "-I", "-S", "-c", code)


def test_the_process_is_bounded(tmp_path: Path) -> None:
    with pytest.raises(SandboxFailed, match="within"):
        cell(tmp_path, "sleep", "10", seconds=0.3)
    with pytest.raises(SandboxFailed, match="too much"):
        cell(tmp_path, "yes")
    greedy = "'x' * (1 << 30)"
    with pytest.raises(SandboxFailed, match="Memory"):
        cell(tmp_path, "/usr/bin/python3", "-I", "-S", "-c", greedy)
    with pytest.raises(SandboxFailed, match="not installed"):
        cell(tmp_path, "no-such-tool")


def test_it_ends_with_us(tmp_path: Path) -> None:
    """A tool that forks into a session of its own does not outlive its time."""
    with pytest.raises(SandboxFailed, match="within"):
        cell(tmp_path, "sh", "-c", "setsid -f sleep 98765; sleep 5", seconds=0.5)
    found = subprocess.run(["pgrep", "-f", "sleep 98765"], capture_output=True, check=False)
    assert found.stdout == b""


def test_a_disk_of_which_everything_is_one_cluster(tmp_path: Path) -> None:
    """A qcow2 of 400 kB whose 64 MiB are all the same 64 kB, and all of it is data."""
    source = tmp_path / "bomb"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", source, "512M"], check=True)
    subprocess.run(["qemu-io", "-c", "write -P 7 0 64k", source], check=True, capture_output=True)
    data = bytearray(source.read_bytes())
    (table,) = struct.unpack_from(">Q", data, 40)
    (entries,) = struct.unpack_from(">Q", data, table)
    at = entries & ((1 << 56) - 512)
    data[at : at + 65536] = data[at : at + 8] * 8192
    source.write_bytes(data)
    source.chmod(0o444)
    rewriter, target = SubprocessRewriter(), tmp_path / "target"
    with pytest.raises(ConversionFailed, match=r"too much|too large"):
        asyncio.run(rewriter.convert(str(source), "qcow2", str(target), "qcow2", 64 * MIB))
    assert {path.name for path in tmp_path.iterdir()} == {"bomb"}
