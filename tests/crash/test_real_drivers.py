"""`kill -9` of the control plane with real guests and networks: everything converges, and nothing
is left on the host."""

import sys
import time

import pytest

from tests.end_to_end.lab import ROOT, Lab
from tests.end_to_end.leftovers import at_first, leftovers

pytestmark = pytest.mark.guest

# Without a number: the first passing after a restart, which applies what the last life left.
POINTS = (
    "after apply: network",
    "before commit: report network",
    "after commit: create server",
    "after apply: compute",
    "before commit: report compute",
    "after commit: POST /volume/volumes",
    "after commit: POST /compute/servers/{server_id}/os-volume_attachments",
    "after apply: compute",
    "after commit: os-stop server",
    "after commit: DELETE /compute/servers/{server_id}",
)

CONVERGES_SECONDS = 60.0


def test_converges_on_real_drivers() -> None:
    with Lab() as lab:
        lab.environment["PYTHONPATH"] = f"{ROOT}:{ROOT / 'src'}"
        lab.cumulo("up")
        prefix = (lab.data_dir / "instance").read_text().strip()
        before = at_first(lab, prefix)
        assert before["guests"] == before["volumes"] == before["taps"] == []
        lab.cumulo("down")
        walk = [sys.executable, "-m", "tests.crash.real_walk", str(lab.data_dir)]
        lab.run(*walk, *POINTS, timeout=600)
        # The walk ends with its last answer, perhaps before the agent has taken the last network
        # away; the next start goes on with that.
        lab.cumulo("up")
        end = time.monotonic() + CONVERGES_SECONDS
        while (left := leftovers(lab, prefix)) != before and time.monotonic() < end:
            time.sleep(0.2)
        lab.cumulo("down")
        assert left == before
