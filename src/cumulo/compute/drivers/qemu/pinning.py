"""Which of the host's processors a guest runs on.

A host may set some aside (`[compute] cpu_dedicated_set`): each processor of a guest whose flavor
says `hw:cpu_policy=dedicated` has one of them for itself, all else keeps off them. The choice is in
the guest's record, before it starts, and stays as long as the guest is there.
"""

import contextlib
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from cumulo.compute.drivers.qemu.hardware import HardwareFault

NODES = Path("/sys/devices/system/node")


def chosen(
    known: Sequence[int], vcpus: int, dedicated: Sequence[int], taken: Collection[int]
) -> list[int]:
    """For each of its processors one of the host's. `known`: what it had; `taken`: by others.
    Raises HardwareFault."""
    if len(known) == vcpus and set(known) <= set(dedicated) and not set(known) & set(taken):
        return list(known)
    free = [cpu for cpu in dedicated if cpu not in taken]
    if len(free) < vcpus:
        raise HardwareFault(
            f"hw:cpu_policy: {vcpus} processors of the host are wanted, {len(free)} of those that "
            "are set aside are left"
        )
    return free[:vcpus]


def apply(
    pid: int, pins: Sequence[int], threads: Mapping[int, int], dedicated: Sequence[int]
) -> None:
    """`threads`: processor of the guest → thread. Blocks. Raises OSError."""
    if not dedicated:
        return
    shared = set(os.sched_getaffinity(0)) | set(range(os.cpu_count() or 1))
    shared -= set(dedicated)
    own = set(threads.values()) if pins else set()
    for entry in os.scandir(f"/proc/{pid}/task"):
        if int(entry.name) not in own and shared:
            with contextlib.suppress(ProcessLookupError):  # It has ended meanwhile.
                os.sched_setaffinity(int(entry.name), shared)
    for cpu, thread in threads.items():
        if cpu < len(pins):
            os.sched_setaffinity(thread, {pins[cpu]})


def host_nodes(nodes: Path = NODES) -> int:
    """How many cells of memory the host has."""
    return max(1, len(list(nodes.glob("node[0-9]*"))))
