"""A guest's process is killed by hand: the server says so, and `why` tells it. Another one does not
answer any more: it holds up nobody."""

import json
import os
import signal
import time
from typing import Any

import pytest

from tests.end_to_end.lab import Lab

pytestmark = pytest.mark.guest

WISH = ["--image", "cumulo-guest", "--flavor", "m1.nano", "--network", "private", "--wait"]


def pid_of(lab: Lab, server: Any) -> int:
    record = json.loads((lab.data_dir / "guests" / server["id"] / "state.json").read_text())
    return int(record["pid"])


def test_a_killed_guest_is_told_and_a_frozen_one_holds_up_nobody(tmp_path: object) -> None:
    with Lab() as lab:
        lab.cumulo("up")
        frozen = lab.json("server", "create", "frozen", *WISH)
        os.kill(pid_of(lab, frozen), signal.SIGSTOP)
        time.sleep(12)  # its host has looked at it meanwhile, and waits for its answer
        began = time.monotonic()
        server = lab.json("server", "create", "doomed", *WISH)
        assert time.monotonic() - began < 45
        pid = pid_of(lab, server)
        os.kill(pid, signal.SIGKILL)
        shown = lab.until(
            lambda: lab.json("server", "show", "doomed"), lambda s: s["status"] != "ACTIVE", 30
        )
        assert shown["status"] in ("SHUTOFF", "ERROR")
        story = lab.cumulo("why", server["id"])
        assert f"process {pid} ended" in story, story
        lab.openstack("server", "start", "doomed")
        lab.until(lambda: lab.json("server", "show", "doomed")["status"], lambda s: s == "ACTIVE")
        assert "ended" not in lab.openstack("server", "delete", "--wait", "doomed")
        assert lab.json("server", "show", "frozen")["status"] == "ACTIVE", "it is no failure"
        os.kill(pid_of(lab, frozen), signal.SIGCONT)
        lab.openstack("server", "delete", "--wait", "frozen")
