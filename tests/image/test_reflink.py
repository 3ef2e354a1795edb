"""Images on a file system that can share blocks: an import does not write the bytes again."""

import asyncio
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from cumulo.core.blobs.streams import copy
from cumulo.image.drivers.file import FileDriver

MIB = 1024 * 1024


def inside(device: str, mounted: str) -> None:
    """In a mount namespace of its own: the file system is gone with its last process."""
    here = Path(mounted)
    subprocess.run(["mount", "-o", "loop", device, mounted], check=True, timeout=60)
    content = os.urandom(8 * MIB) + bytes(2 * MIB) + b"end"

    async def main() -> None:
        staging, store = FileDriver(here / "staging"), FileDriver(here / "images")
        other = FileDriver(Path(device).parent / "elsewhere")
        first = staging.writer("a")
        for at in range(0, len(content), MIB):
            await first.write(content[at : at + MIB])
        staged = await first.finish()
        await first.keep()
        used = os.statvfs(here).f_bfree
        for driver in (store, other):
            writer = driver.writer("a")
            received = await copy(await staging.reader("a"), writer, lambda at: None, 1 << 30)
            await writer.keep()
            assert received == staged
        print(
            json.dumps(
                {
                    "extents": {
                        name: subprocess.run(
                            ["filefrag", "-v", path], capture_output=True, text=True, timeout=60
                        ).stdout
                        for name, path in (
                            ("staging", staging.path("a") or ""),
                            ("store", store.path("a") or ""),
                        )
                    },
                    "written": (used - os.statvfs(here).f_bfree) * os.statvfs(here).f_bsize,
                    "elsewhere": (Path(other.path("a") or "").read_bytes() == content),
                }
            )
        )
        await staging.remove("a")
        assert Path(store.path("a") or "").read_bytes() == content

    asyncio.run(main())


def test_an_import_shares_its_blocks(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounting needs root")
    # Debian has these where users' paths do not look.
    tools = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    if "btrfs" not in Path("/proc/filesystems").read_text():
        pytest.skip("the kernel has no btrfs")
    if shutil.which("mkfs.btrfs", path=tools) is None:
        pytest.skip("btrfs-progs is not installed")
    if not Path("/dev/loop-control").exists():
        pytest.skip("there are no loop devices")
    device, mounted = tmp_path / "device", tmp_path / "mounted"
    mounted.mkdir()
    with device.open("wb") as file:
        file.truncate(256 * MIB)
    environment = {**os.environ, "PATH": tools}
    subprocess.run(
        ["mkfs.btrfs", "-q", str(device)],
        check=True,
        capture_output=True,
        timeout=60,
        env=environment,
    )
    code = f"from tests.image.test_reflink import inside; inside({str(device)!r}, {str(mounted)!r})"
    done = subprocess.run(
        ["unshare", "--mount", "--propagation", "private", sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    for listed in found["extents"].values():
        lines = [line for line in listed.splitlines() if line.strip()[:1].isdigit()]
        large = [line for line in lines if int(line.split(":")[3].strip()) > 1]
        assert large, listed
        assert all("shared" in line for line in large), listed
    assert found["written"] < 4 * MIB
    assert found["elsewhere"]
