"""Named points at which a crash test kills the process with SIGKILL.

`reach("after commit: create server")` costs a test of a global that is None in production. With
the environment variable CUMULO_CRASH_AT="name" (or "name#3" for the third time; several are lines)
the process dies there as if the power had gone, and its last line of output says where; with
CUMULO_POINTS_LOG=FILE every point that is passed is noted.
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path

DIED_AT = "killed at the point "


class Points:
    """What this process is asked to do at points."""

    def __init__(self, crash_at: str, log: str) -> None:
        self.remaining: dict[str, tuple[str, int]] = {}
        for asked in crash_at.splitlines():
            name, _, number = asked.partition("#")
            self.remaining.setdefault(name, (asked, int(number or 1)))
        self.log = Path(log) if log else None

    def reach(self, name: str) -> None:
        if self.log is not None:
            with self.log.open("a") as file:
                file.write(name + "\n")
        if name in self.remaining:
            asked, times = self.remaining[name]
            self.remaining[name] = asked, times - 1
            if times == 1:
                os.write(2, f"{DIED_AT}{asked}\n".encode())
                os.kill(os.getpid(), signal.SIGKILL)


def _from_environment() -> Points | None:
    crash_at = os.environ.get("CUMULO_CRASH_AT", "")
    log = os.environ.get("CUMULO_POINTS_LOG", "")
    return Points(crash_at, log) if crash_at or log else None


_points = _from_environment()
_reach: Callable[[str], None] | None = None if _points is None else _points.reach


def reach(name: str) -> None:
    """This process passes the point `name`; it may be its last one."""
    if _reach is not None:
        _reach(name)


def instead(function: Callable[[str], None] | None) -> None:
    """A simulated world decides what happens at points; None: nobody does any more."""
    global _reach
    _reach = function
