"""Who runs a task: a process by its number and its start, as nobody else is or will be."""

import os
from pathlib import Path


def owner() -> str:
    """This process, as nobody else is or will be."""
    return f"{os.getpid()}:{_started(os.getpid())}"


def _started(pid: int) -> str:
    """When a process began, in ticks since boot; empty if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[19]


def alive(named: str) -> bool:
    """Whether the process that runs a task still does."""
    pid, _, started = named.partition(":")
    return bool(started) and pid[:10].isdigit() and _started(int(pid[:10])) == started
