"""What a guest has used: processors and memory of its process, disks as QEMU counts."""

import os
from pathlib import Path

from cumulo.compute.drivers.driver import DiskUsage, GuestUsage
from cumulo.compute.drivers.qemu.monitor import Monitor, MonitorError

_TICK = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def of_process(pid: int) -> tuple[int, int] | None:
    """(ns of processors, bytes of memory) of a process; None when it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return (int(fields[11]) + int(fields[12])) * _TICK, pages * _PAGE


async def of_guest(pid: int, monitor: Monitor) -> GuestUsage | None:
    """None when its process is gone; without disks when QEMU does not answer."""
    found = of_process(pid)
    if found is None:
        return None
    try:
        counted = await monitor.execute("query-blockstats")
    except MonitorError:
        counted = []
    disks = [
        DiskUsage(
            name=str(each.get("qdev") or each.get("device") or "").rpartition("/")[2],
            read_bytes=int(each["stats"]["rd_bytes"]),
            written_bytes=int(each["stats"]["wr_bytes"]),
            reads=int(each["stats"]["rd_operations"]),
            writes=int(each["stats"]["wr_operations"]),
        )
        for each in counted
        if each.get("qdev") or each.get("device")
    ]
    return GuestUsage(cpu_ns=found[0], memory_bytes=found[1], disks=disks)
