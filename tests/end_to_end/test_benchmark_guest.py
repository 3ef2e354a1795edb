"""Real guests by a task file: booted, reached at their floating IPs, taken away. A command runs in
one; another finds its own name, by way of its network's resolver and the cloud's name server."""

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
  - title: names
    scenario:
      VMTasks.check_designate_dns_resolving:
        flavor: {name: m1.micro}
        image: {name: "^cumulo.*"}
        floating_network: public
        username: cumulo
    contexts:
      users: {}
      network: {dns_nameservers: []}
      zones: {set_zone_in_network: true}
"""


def test_guests_are_reached_and_find_their_names() -> None:
    with Lab() as lab:
        lab.environment["CUMULO_RALLY_DB"] = str(lab.folder / "rally.sqlite")
        lab.environment["OS_CLOUD"] = "cumulo"
        lab.cumulo("up")
        rally = [sys.executable, "-m", "cumulo.cli.main", "rally", "task"]
        lab.run(*rally, "start", "-", stdin=TASK, timeout=600)
        (task,) = json.loads(lab.run(*rally, "report", "--json"))["tasks"]
        workloads = [w for subtask in task["subtasks"] for w in subtask["workloads"]]
        assert [(w["pass_sla"], w["total_iteration_count"]) for w in workloads] == [(True, 1)] * 2
        run, names = (w["data"][0]["output"]["complete"][0]["data"] for w in workloads)
        assert run[2:4] == ["42", "Linux"]
        assert any(line.startswith("Address: 172.24.4.") for line in names), names
        left = lab.json("server", "list", "--all-projects", cloud="cumulo")
        assert left == []
