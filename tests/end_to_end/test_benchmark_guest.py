"""A command in a real guest, by a task file: booted, reached at its floating IP, taken away."""

import json
import sys

import pytest

from tests.end_to_end.lab import Lab

pytestmark = pytest.mark.guest

TASK = """
version: 2
title: A command in a guest
subtasks:
  - title: run
    scenario:
      VMTasks.boot_runcommand_delete:
        flavor: {name: m1.micro}
        image: {name: "^cumulo.*"}
        floating_network: public
        username: cumulo
        command: {interpreter: /bin/sh, script_inline: "echo $((6 * 7)); uname -s"}
    contexts: {users: {}, network: {}}
"""


def test_a_command_runs_in_a_guest() -> None:
    with Lab() as lab:
        lab.environment["CUMULO_RALLY_DB"] = str(lab.folder / "rally.sqlite")
        lab.environment["OS_CLOUD"] = "cumulo"
        lab.cumulo("up")
        rally = [sys.executable, "-m", "cumulo.cli.main", "rally", "task"]
        lab.run(*rally, "start", "-", stdin=TASK, timeout=400)
        (task,) = json.loads(lab.run(*rally, "report", "--json"))["tasks"]
        (workload,) = task["subtasks"][0]["workloads"]
        assert workload["pass_sla"] and workload["total_iteration_count"] == 1
        (chart,) = workload["data"][0]["output"]["complete"]
        assert chart["data"][2:4] == ["42", "Linux"]
        left = lab.json("server", "list", "--all-projects", cloud="cumulo")
        assert left == []
