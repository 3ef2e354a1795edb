"""Runs a walk that dies at given points, one after the other, and is taken up each time."""

from collections.abc import Callable, Iterable

from tests.crash.control_plane import ControlPlane, Died
from tests.crash.walk import Walk

Steps = Callable[[ControlPlane], Iterable[Callable[[], None]]]


def users_walk(plane: ControlPlane) -> Iterable[Callable[[], None]]:
    return Walk(plane).steps()


def run_walk(plane: ControlPlane, crashes: list[str], steps: Steps = users_walk) -> list[str]:
    """Walk to the end, dying at each point in turn; the points that were really reached."""
    reached: list[str] = []
    waiting = list(crashes)

    def restart() -> None:
        while True:
            try:
                plane.start(crash_at=waiting[0] if waiting else "")
                return
            except Died:
                reached.append(waiting.pop(0))

    restart()
    for step in steps(plane):
        while True:
            try:
                plane.check()
                step()
                break
            except Died:
                reached.append(waiting.pop(0))
                restart()
    plane.stop()
    return reached
