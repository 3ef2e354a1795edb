"""What a guest's processors may take of the host's: control groups, of version 2 or 1.

    quota:cpu_shares    its weight against others; in version 2 on its scale (1 to 10,000)
    quota:cpu_quota     microseconds of processor time in each period …
    quota:cpu_period    … of so many microseconds

A group of its own for each guest that has a limit, by its id; it goes with the guest. The functions
block.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path

ROOT = Path("/sys/fs/cgroup")
FOLDER = "cumulo"
PERIOD = 100_000


def wanted(specs: Mapping[str, str]) -> dict[str, int]:
    """`shares`, `quota`, `period`, as far as the flavor says."""
    found = {}
    for name in ("shares", "quota", "period"):
        text = specs.get(f"quota:cpu_{name}", "")
        if text.isdecimal() and int(text[:12]) > 0:
            found[name] = int(text[:12])
    return found


def apply(guest_id: str, pid: int, specs: Mapping[str, str], root: Path = ROOT) -> None:
    """Put the guest's process where its limits hold. Raises OSError where the host has no control
    groups for processors."""
    limits = wanted(specs)
    if not limits:
        return
    second = (root / "cgroup.controllers").exists()
    group = (root if second else root / "cpu") / FOLDER / guest_id
    if second:
        _let_down(root)
    group.mkdir(parents=True, exist_ok=True)
    if second:
        _let_down(root / FOLDER)
    for name, text in (_second(limits) if second else _first(limits)).items():
        (group / name).write_text(text)
    (group / "cgroup.procs").write_text(str(pid))


def _let_down(folder: Path) -> None:
    """What is below it may limit processors, too."""
    with contextlib.suppress(OSError):
        (folder / "cgroup.subtree_control").write_text("+cpu")


def _second(limits: Mapping[str, int]) -> dict[str, str]:
    made = {}
    if "shares" in limits:
        made["cpu.weight"] = str(min(10_000, max(1, limits["shares"] * 100 // 1024)))
    if "quota" in limits:
        made["cpu.max"] = f"{limits['quota']} {limits.get('period', PERIOD)}"
    return made


def _first(limits: Mapping[str, int]) -> dict[str, str]:
    made = {}
    if "shares" in limits:
        made["cpu.shares"] = str(max(2, limits["shares"]))
    if "quota" in limits:
        made["cpu.cfs_period_us"] = str(limits.get("period", PERIOD))
        made["cpu.cfs_quota_us"] = str(limits["quota"])
    return made


async def forget(guest_id: str, root: Path = ROOT) -> None:
    """The group of a guest that has ended; nothing to do is no error. The kernel lets go of a
    process a moment after it has ended."""
    for group in (root / FOLDER / guest_id, root / "cpu" / FOLDER / guest_id):
        for _ in range(40):
            if not group.exists():
                break
            with contextlib.suppress(OSError):
                group.rmdir()
                break
            await asyncio.sleep(0.05)
