"""Runs a walk that dies at given points, one after the other, and is taken up each time."""

from collections.abc import Callable, Iterable, Sequence

from tests.crash.control_plane import ControlPlane, Died
from tests.crash.walk import Walk

Steps = Callable[[ControlPlane], Iterable[Callable[[], None]]]


def users_walk(plane: ControlPlane) -> Iterable[Callable[[], None]]:
    return Walk(plane).steps()


def run_walk(
    plane: ControlPlane,
    crashes: list[str],
    steps: Steps = users_walk,
    *,
    anytime: Sequence[str] = (),
) -> list[str]:
    """Walk to the end, dying at each point of `crashes` in turn, and at each of `anytime` whenever
    it comes, also while the process ends; the points that were really reached."""
    reached: list[str] = []
    waiting, beside = list(crashes), list(anytime)

    def died(at: str) -> None:
        if waiting and at == waiting[0]:
            waiting.pop(0)
        else:
            assert at in beside, f"died at {at!r}, which nobody asked for"
            beside.remove(at)
        reached.append(at)

    def restart() -> None:
        while True:
            try:
                plane.start(crash_at="\n".join([*waiting[:1], *beside]))
                return
            except Died as death:
                died(death.at)

    restart()
    for step in steps(plane):
        while True:
            try:
                plane.check()
                step()
                break
            except Died as death:
                died(death.at)
                restart()
    while True:
        try:
            plane.stop()
            return reached
        except Died as death:
            died(death.at)
            restart()
