"""A copy of a guest's root disk as one flat qcow2 file: the bytes of an image of a server.

While the guest runs its own QEMU makes the copy, of one moment (blockdev-backup); when it does
not run, qemu-img does. The copy is made in the guest's folder, the only place that its QEMU can
write to, and moved when it is whole.
"""

import asyncio
import os
import shutil
from pathlib import Path

from cumulo.compute.drivers.qemu.disks import ROOT_FILE, ROOT_NODE, DiskFault, block_device
from cumulo.compute.drivers.qemu.monitor import Monitor
from cumulo.core.run.commands import run_blocking

COPY_FILE = "copy.qcow2"
_COPY = "copy"  # of the node and of the job
_COPY_SECONDS = 3600.0


async def copy_running(monitor: Monitor, folder: Path, target: Path, uid: int, gid: int) -> None:
    """Raises DiskFault, MonitorError, CommandFailed."""
    await _clear(monitor)
    size = (await monitor.nodes())[ROOT_NODE]
    await asyncio.to_thread(_create, folder / COPY_FILE, size, uid, gid)
    source = {"driver": "file", "path": COPY_FILE, "format": "qcow2"}
    await monitor.execute_raw("blockdev-add", block_device(source, _COPY, read_only=False))
    job = {"job-id": _COPY, "device": ROOT_NODE, "target": _COPY, "sync": "full"}
    await monitor.execute_raw("blockdev-backup", job | {"auto-dismiss": False})
    error = await _wait(monitor)
    await _clear(monitor)
    if error is not None:
        raise DiskFault(f"the root disk could not be copied: {error}")
    await asyncio.to_thread(_hand_over, folder / COPY_FILE, target)


def copy_stopped(folder: Path, target: Path) -> None:
    """Blocks. Raises DiskFault, CommandFailed."""
    if not (folder / ROOT_FILE).exists():
        raise DiskFault("the guest has no root disk of its own")
    copy = folder / COPY_FILE
    argv = ["qemu-img", "convert", "-q", "-f", "qcow2", "-O", "qcow2"]
    run_blocking([*argv, str(folder / ROOT_FILE), str(copy)], timeout=_COPY_SECONDS)
    _hand_over(copy, target)


def _create(path: Path, size: int, uid: int, gid: int) -> None:
    path.unlink(missing_ok=True)
    run_blocking(["qemu-img", "create", "-q", "-f", "qcow2", str(path), str(size)])
    os.chown(path, uid, gid)


def _hand_over(copy: Path, target: Path) -> None:
    os.chown(copy, 0, 0, follow_symlinks=False)
    copy.chmod(0o600)
    shutil.move(copy, target)


async def _wait(monitor: Monitor) -> str | None:
    """The job's error when it has ended, None when it ended well."""
    while True:
        jobs = await monitor.execute("query-jobs")
        job = next((job for job in jobs if job["id"] == _COPY), None)
        if job is None or job["status"] == "concluded":
            return None if job is None else job.get("error")
        await asyncio.sleep(0.1)


async def _clear(monitor: Monitor) -> None:
    """Remove what a copy left, also one that was cut short."""
    jobs = await monitor.execute("query-jobs")
    if any(job["id"] == _COPY for job in jobs):
        status = next(job["status"] for job in jobs if job["id"] == _COPY)
        if status != "concluded":
            await monitor.execute("job-cancel", id=_COPY)
            await _wait(monitor)
        await monitor.execute("job-dismiss", id=_COPY)
    if _COPY in await monitor.nodes():
        await monitor.execute("blockdev-del", node_name=_COPY)
