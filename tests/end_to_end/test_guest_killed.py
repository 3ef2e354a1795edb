"""A guest's process is killed by hand: the server says so, and `why` tells it."""

import json
import os
import signal

import pytest

from tests.end_to_end.lab import Lab

pytestmark = pytest.mark.guest


def test_a_killed_guest_is_told(tmp_path: object) -> None:
    with Lab() as lab:
        lab.cumulo("up")
        server = lab.json(
            "server",
            "create",
            "doomed",
            "--image",
            "cumulo-guest",
            "--flavor",
            "m1.nano",
            "--network",
            "private",
            "--wait",
        )
        state = json.loads((lab.data_dir / "guests" / server["id"] / "state.json").read_text())
        os.kill(state["pid"], signal.SIGKILL)
        shown = lab.until(
            lambda: lab.json("server", "show", "doomed"), lambda s: s["status"] != "ACTIVE", 30
        )
        assert shown["status"] in ("SHUTOFF", "ERROR")
        story = lab.cumulo("why", server["id"])
        assert f"process {state['pid']} ended" in story, story
        lab.openstack("server", "start", "doomed")
        lab.until(lambda: lab.json("server", "show", "doomed")["status"], lambda s: s == "ACTIVE")
        assert "ended" not in lab.openstack("server", "delete", "--wait", "doomed")
