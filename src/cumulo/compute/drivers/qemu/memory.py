"""What a suspended guest has in memory: written to a file of the host's, and read back.

    GUEST/memory.new    being written; QEMU has it open
    GUEST/memory        whole: the guest is suspended as long as it is there

The file goes before the guest's first instruction after that: a guest never goes on twice from the
same memory, since its disks have gone on meanwhile. QEMU gets open files only (its sandbox starts
no programs), and the folder is not the guest's.
"""

import asyncio
import os
from pathlib import Path

from cumulo.compute.drivers.qemu.monitor import Monitor, MonitorError
from cumulo.core.work import pools

FILE = "memory"
_SECONDS = 600.0
_LOADING = ("inmigrate",)


async def save(monitor: Monitor, folder: Path) -> None:
    """Repeatable: what an earlier attempt did is gone on with, or done anew. Raises MonitorError,
    OSError; then the guest is paused, and nothing of its memory is lost."""
    new = folder / f"{FILE}.new"
    known = (await monitor.execute("query-migrate")).get("status")
    if known not in ("setup", "active", "completed") or not new.exists():
        await monitor.execute("stop")
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            await monitor.send_descriptor("memory", descriptor)
        finally:
            os.close(descriptor)
        await monitor.execute("migrate", uri="fd:memory")
    await _written(monitor)
    await pools.DISK(_keep, new, folder / FILE)


async def _written(monitor: Monitor) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + _SECONDS
    while loop.time() < end:
        found = await monitor.execute("query-migrate")
        if found.get("status") == "completed":
            return
        if found.get("status") in ("failed", "cancelled"):
            raise MonitorError(f"its memory could not be written: {found.get('error-desc', '')}")
        await asyncio.sleep(0.05)
    raise MonitorError(f"its memory was not written within {_SECONDS:g} s")


def _keep(new: Path, target: Path) -> None:
    descriptor = os.open(new, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    new.replace(target)


async def loaded(monitor: Monitor) -> None:
    """Wait until a new process has read it all. Raises MonitorError when it did not."""
    loop = asyncio.get_running_loop()
    end = loop.time() + _SECONDS
    while await monitor.status() in _LOADING:
        if loop.time() > end:
            raise MonitorError(f"its memory was not read within {_SECONDS:g} s")
        await asyncio.sleep(0.02)


def forget(folder: Path) -> None:
    for name in (FILE, f"{FILE}.new"):
        (folder / name).unlink(missing_ok=True)
