"""A copy of a guest's root disk as one flat qcow2 file: the bytes of an image of a server.

While the guest runs its own QEMU makes the copy, of one moment (blockdev-backup); when it does
not run, qemu-img does. The copy is made in the guest's folder, the only place that its QEMU can
write to, and moved when it is whole.
"""

import asyncio
import os
import shutil
import stat
from pathlib import Path

from cumulo.compute.drivers.qemu.disks import (
    ROOT_NODE,
    DiskFault,
    block_device,
    convert,
    ephemeral_file,
    noted_base,
    root_file,
)
from cumulo.compute.drivers.qemu.monitor import Monitor
from cumulo.core.run.commands import run_blocking
from cumulo.core.work import pools

COPY_FILE = "copy.qcow2"
_COPY = "copy"  # of the node and of the job


async def copy_running(monitor: Monitor, folder: Path, target: Path, uid: int, gid: int) -> None:
    """Raises DiskFault, MonitorError, CommandFailed."""
    await _clear(monitor)
    size = (await monitor.nodes())[ROOT_NODE]
    await pools.COPY(_create, folder / COPY_FILE, size, uid, gid)
    source = {"driver": "file", "path": COPY_FILE, "format": "qcow2"}
    await monitor.execute_raw("blockdev-add", block_device(source, _COPY, read_only=False))
    job = {"job-id": _COPY, "device": ROOT_NODE, "target": _COPY, "sync": "full"}
    await monitor.execute_raw("blockdev-backup", job | {"auto-dismiss": False})
    error = await _wait(monitor)
    await _clear(monitor)
    if error is not None:
        raise DiskFault(f"the root disk could not be copied: {error}")
    await pools.COPY(_hand_over, folder / COPY_FILE, target)


def copy_stopped(folder: Path, target: Path, version: int) -> None:
    """Blocks. Raises DiskFault, SandboxFailed."""
    root, base = folder / root_file(version), noted_base(folder)
    if not root.exists():
        raise DiskFault("the guest has no root disk of its own")
    _copy(root, "qcow2", target, base)


def copy_ephemeral(folder: Path, target: Path, place: int, size_gb: int) -> None:
    """The same of an ephemeral disk."""
    disk = folder / ephemeral_file(place, size_gb)
    if not disk.exists():
        raise DiskFault(f"the guest has no ephemeral disk {place} of {size_gb} GiB")
    _copy(disk, "raw", target, None)


def _copy(disk: Path, format: str, target: Path, base: Path | None) -> None:
    made = target.with_name(f".part-{target.name}")
    made.unlink(missing_ok=True)
    try:
        convert(disk, format, made, "qcow2", base)
        made.replace(target)
    finally:
        made.unlink(missing_ok=True)


def _create(path: Path, size: int, uid: int, gid: int) -> None:
    """Made beside the guest's folder, where the guest cannot put a link in its place."""
    new = path.parent.parent / f"{path.name}.new"
    run_blocking(["qemu-img", "create", "-q", "-f", "qcow2", str(new), str(size)])
    os.chown(new, uid, gid)
    new.replace(path)


def _hand_over(copy: Path, target: Path) -> None:
    shutil.move(copy, target)
    if not stat.S_ISREG(target.lstat().st_mode):
        target.unlink()
        raise DiskFault("the copy is not a file")
    os.chown(target, 0, 0)
    target.chmod(0o600)


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
