"""What this machine has to give to guests."""

import os
import shutil
from pathlib import Path

from cumulo.compute.model.hypervisor import HostResources

SIMULATED = HostResources(
    vcpus=64, memory_mb=256 * 1024, disk_gb=4096, driver="QEMU", version=7002022, accelerator="none"
)
"""What a simulated host claims to have."""


def resources_of(data: Path, *, address: str = "127.0.0.1") -> HostResources:
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
    )
