"""A walk with real guests and networks, as a program: run it inside a network namespace.

    python -m tests.crash.real_walk DATA_DIR POINT...

Dies at each point in turn. Exit status 0 when the walk came to its end and all points were
reached.
"""

import sys
from pathlib import Path

from tests.crash.control_plane import ControlPlane
from tests.crash.runner import run_walk


def main() -> None:
    data_dir, *points = sys.argv[1:]
    plane = ControlPlane(Path(data_dir), fake=False)
    try:
        reached = run_walk(plane, points)
    finally:
        plane.stop()
    assert reached == points, f"never reached: {points[len(reached) :]}"


if __name__ == "__main__":
    main()
