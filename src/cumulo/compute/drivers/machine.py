"""What this machine has to give to guests."""

import contextlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from cumulo.compute.model.hypervisor import HostResources

SIMULATED = HostResources(
    vcpus=64, memory_mb=256 * 1024, disk_gb=4096, driver="QEMU", version=7002022, accelerator="none"
)
"""What a simulated host claims to have."""


PAGES = Path("/sys/kernel/mm/hugepages")


def resources_of(
    data: Path, *, address: str = "127.0.0.1", dedicated: Sequence[int] = ()
) -> HostResources:
    """Processors, memory, and the size of the file system that holds `data`."""
    data.mkdir(parents=True, exist_ok=True)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return HostResources(
        vcpus=os.cpu_count() or 1,
        memory_mb=memory // 2**20,
        disk_gb=max(1, shutil.disk_usage(data).total // 2**30),
        driver="QEMU",
        version=7002022,
        address=address,
        accelerator="kvm" if Path("/dev/kvm").exists() else "tcg",
        dedicated=list(dedicated),
        pages=huge_pages(),
    )


def huge_pages(folder: Path = PAGES) -> dict[int, int]:
    """Sizes in KiB → how many this machine has, as far as it has any."""
    found: dict[int, int] = {}
    for each in folder.glob("hugepages-*kB"):
        with contextlib.suppress(OSError, ValueError):
            size = int(each.name.removeprefix("hugepages-").removesuffix("kB"))
            found[size] = int((each / "nr_hugepages").read_text())
    return {size: number for size, number in sorted(found.items()) if number}


def used_now() -> dict[str, float]:
    """What this machine itself does, in Ceilometer's names: load, processors (ns since it was
    started, all that were not idle), memory in MB. What cannot be read is left out."""
    found: dict[str, float] = {}
    with contextlib.suppress(OSError):
        found["hardware.cpu.load.1min"], found["hardware.cpu.load.5min"], _ = os.getloadavg()
    with contextlib.suppress(OSError, ValueError, IndexError):
        ticks = [int(each) for each in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
        busy = sum(ticks[:8]) - ticks[3] - ticks[4]
        found["hardware.cpu.busy"] = busy * (1e9 / os.sysconf("SC_CLK_TCK"))
    with contextlib.suppress(OSError, ValueError, KeyError):
        lines = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
        kilobytes = {line[0].rstrip(":"): int(line[1]) for line in lines if len(line) > 1}
        total = kilobytes["MemTotal"] / 1024
        found["hardware.memory.total"] = total
        found["hardware.memory.used"] = total - kilobytes["MemAvailable"] / 1024
    return found
