"""Rally's command line against a cloud: verdicts, exit codes, reports, and what stays behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cumulo.benchmark.engine.surroundings import Login
from cumulo.benchmark.engine.workload import Means
from cumulo.benchmark.model import document
from cumulo.benchmark.model.result import Environment, Note
from cumulo.benchmark.model.task import parse
from cumulo.benchmark.queries.store import Store
from cumulo.benchmark.service import environments, tasks
from cumulo.cli.rally import command, machine
from tests.support.served import ServedCloud, served_cloud

SERVERS = """
{% set flavor_name = flavor_name or "m1.tiny" %}
version: 2
title: Boot and delete
subtasks:
  - title: servers
    scenario:
      NovaServers.boot_and_delete_server:
        flavor: {name: "{{ flavor_name }}"}
        image: {name: "^cumulo.*$"}
        auto_assign_nic: true
    runner: {constant: {times: 6, concurrency: 3}}
    contexts:
      users: {tenants: 2, users_per_tenant: 2}
      quotas: {nova: {instances: 20}}
      network: {}
    sla: {failure_rate: {max: 0}, max_avg_duration: 60}
"""

MANY = """
version: 2
title: Something of everything
subtasks:
  - title: identity
    scenario: {KeystoneBasic.create_and_list_users: {}}
    runner: {rps: {times: 6, rps: 50}}
  - title: tokens
    scenario: {Authenticate.keystone: {}}
    runner: {poisson: {rate: 30, times: 6}}
    contexts: {users: {user_choice_method: round_robin}}
    sla: {percentile: {"99": 20}}
  - title: volumes
    scenario: {CinderVolumes.create_and_list_volume: {size: {min: 1, max: 2}}}
    runner: {constant: {times: 3, concurrency: 3}}
  - title: networks
    workloads:
      - scenario: {NeutronNetworks.create_and_delete_routers: {subnet_cidr_start: 1.1.0.0/24}}
        runner: {serial: {times: 2}}
      - scenario: {NeutronSecurityGroup.create_and_list_security_group_rules: {}}
        runner: {constant_for_duration: {duration: 0.2, concurrency: 2}}
        contexts: {quotas: {neutron: {security_group: -1, security_group_rule: -1}}}
  - title: the administrator's
    workloads:
      - scenario: {NovaFlavors.create_flavor: {ram: 64, vcpus: 1, disk: 1}}
      - scenario: {Quotas.cinder_update: {}}
      - scenario: {NovaKeypair.create_and_list_keypairs: {}}
"""

FAILING = """
{"Dummy.failure": [{"args": {"sleep": 0.01, "from_iteration": 1, "to_iteration": 1, "each": 1},
                    "runner": {"type": "constant", "times": 4, "concurrency": 2},
                    "sla": {"failure_rate": {"max": 0}, "max_avg_duration": 0.001}},
                   {"args": {"each": 0}, "runner": {"type": "serial", "times": 1}}]}
"""

LONG = """
version: 2
title: Killed
subtasks:
  - title: servers that stay
    scenario:
      NovaServers.boot_server: {flavor: {name: m1.nano}, image: {name: "^cumulo.*$"}}
    runner: {rps: {times: 1000, rps: 4}}
    contexts: {users: {tenants: 2}, network: {}, keypair: {}}
"""


@dataclass
class Rally:
    cloud: ServedCloud
    home: Path

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "HOME": str(self.home),
            "PYTHONPATH": "src",
            "CUMULO_RALLY_DB": str(self.home / "rally.sqlite"),
        }

    def argv(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "cumulo.cli.main", "rally", *words]

    def __call__(
        self, *words: str, status: int = 0, stdin: str = ""
    ) -> "subprocess.CompletedProcess[str]":
        done = subprocess.run(
            self.argv(*words),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
            env=self.environment(),
        )
        assert done.returncode == status, done.stdout[-3000:] + done.stderr[-3000:]
        return done

    def inside(self, *words: str, status: int = 0, stdin: str = "") -> str:
        """What it says, in this process: most of a short command is its start."""
        named = {"HOME": str(self.home), "CUMULO_RALLY_DB": str(self.home / "rally.sqlite")}
        done = CliRunner().invoke(command, words, input=stdin, env=named)
        assert done.exit_code == status, done.output[-3000:]
        return done.output

    def file(self, name: str, text: str) -> str:
        path = self.home / name
        path.write_text(text)
        return str(path)

    def left(self) -> list[str]:
        """What carries the name of a run, of every kind."""
        session = self.cloud.session("admin")
        found = []
        for kind, path, key in (
            ("identity", "/v3/projects", "projects"),
            ("identity", "/v3/users", "users"),
            ("compute", "/servers?all_tenants=1", "servers"),
            ("compute", "/flavors?is_public=None", "flavors"),
            ("network", "/v2.0/networks", "networks"),
            ("network", "/v2.0/subnets", "subnets"),
            ("network", "/v2.0/routers", "routers"),
            ("network", "/v2.0/security-groups", "security_groups"),
            ("block-storage", "/volumes?all_tenants=1", "volumes"),
        ):
            base = {"identity": f"{self.cloud.url}/identity"}.get(kind)
            answer = (
                session.get(base + path)
                if base
                else session.get(path, endpoint_filter={"service_type": kind})
            )
            found += [item["name"] for item in answer.json()[key] if "_rally_" in item["name"]]
        return found


@pytest.fixture(scope="module")
def rally(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rally]:
    home = tmp_path_factory.mktemp("rally")
    with served_cloud(home / "cloud") as cloud:
        made = Rally(cloud, home)
        spec = {"openstack": _platform(cloud)}
        made("env", "create", "--name", "here", "--spec", made.file("spec", json.dumps(spec)))
        try:
            yield made
        finally:
            # The last test has it killed and started again, as a process of its own.
            env = Environment("", "", "", spec, "READY", "", "")
            pid = machine.process_of(env)
            if pid is not None:
                os.kill(pid, signal.SIGTERM)


def _platform(cloud: ServedCloud) -> dict[str, Any]:
    return {"auth_url": cloud.auth_url, "admin": _user(cloud, "admin")}


def _user(cloud: ServedCloud, name: str) -> dict[str, str]:
    return {
        "username": name,
        "password": cloud.password(name),
        "project_name": name,
        "user_domain_name": "Default",
        "project_domain_name": "Default",
    }


def _report(rally: Rally, *words: str) -> list[dict[str, Any]]:
    """The workloads of a JSON report."""
    (task,) = json.loads(rally("task", "report", "--json", *words).stdout)["tasks"]
    return [w for subtask in task["subtasks"] for w in subtask["workloads"]]


def test_environments(rally: Rally) -> None:
    assert "OK" in rally.inside("env", "check")
    shown = rally.inside("env", "show", "here")
    assert "***" in shown and rally.cloud.password("admin") not in shown
    assert json.loads(rally.inside("env", "info", "--json"))["existing@openstack"]["info"]
    broken = {"openstack": {"auth_url": rally.cloud.auth_url, "admin": {"username": "nobody"}}}
    path = rally.file("broken", json.dumps(broken))
    rally.inside("env", "create", "--name", "broken", "--spec", path, "--no-use")
    assert ":-(" in rally.inside("env", "check", "broken", status=1)
    # Not ready: 1, and the words of the cloud.
    failed = rally.inside(
        "task", "start", rally.file("s.yaml", SERVERS), "--env", "broken", status=1
    )
    assert "platforms are not available" in failed
    # Its memory of what is in the cloud would go with it: not by mistake.
    rally.inside("env", "delete", status=2)
    refused = rally.inside("deployment", "delete", "--deployment", "broken", status=1)
    assert "--force" in refused and "broken" in rally.inside("env", "list")
    rally.inside("deployment", "delete", "--deployment", "broken", "--force")
    assert "broken" not in rally.inside("env", "list")


def test_deployments_are_what_scripts_of_that_name_expect(rally: Rally) -> None:
    """Twice: `destroy` forgets, so that the name is free again."""
    spec = json.dumps({"type": "ExistingCloud", "creds": {"openstack": _platform(rally.cloud)}})
    path = rally.file("old.json", spec)
    for _ in range(2):
        rally.inside("deployment", "create", "--name", "ci", "--filename", path, "--no-use")
        listed = rally.inside("deployment", "check", "--deployment", "ci")
        assert "keystone" in listed and "Available" in listed
        assert "***" in rally.inside("deployment", "show", "ci")
        rally.inside("deployment", "recreate", "ci")
        config = json.loads(rally.inside("deployment", "config", "ci"))
        assert config["openstack"]["admin"]["username"] == "admin"
        rally.inside("deployment", "destroy", "ci")
        assert "ci" not in rally.inside("deployment", "list").split()


def test_what_a_cloud_lacks_is_said_in_validation(rally: Rally) -> None:
    text = """
    version: 2
    title: x
    subtasks:
      - title: y
        scenario: {SCENARIO}
        contexts: {users: {}, network: {}, CONTEXTS}
    """
    template = rally.file("template.yaml", "heat_template_version: 2018-08-31\nresources: 5")
    for scenario, contexts, words in (
        (
            "NeutronNetworks.create_and_list_floating_ips: {floating_network: nowhere}",
            "",
            "network with name nowhere not found. Available networks: ['public'",
        ),
        (f"HeatStacks.create_and_list_stack: {{template_path: {template}}}", "", "Heat template"),
        ("CinderVolumes.create_volume: {size: 1, volume_type: gold}", "", "volume type gold"),
        (
            "Dummy.openstack: {}",
            "api_versions: {nova: {service_typ: compute}}",
            "'service_typ' was unexpected",
        ),
    ):
        file = text.replace("SCENARIO", scenario).replace("CONTEXTS", contexts)
        assert words in rally.inside("task", "validate", "-", stdin=file, status=1)
    good = text.replace("SCENARIO", "NovaServers.list_servers: {}")
    for config, status in (
        ("{nova: {service_name: nova}, cinder: {service_type: volumev3}}", 0),
        ("{nova: {service_type: nowhere}}", 1),
    ):
        file = good.replace("CONTEXTS", f"api_versions: {config}")
        rally.inside("task", "start", "-", stdin=file, status=2 if status else 0)
    assert rally.left() == []


GATE = """
heat_template_version: 2018-08-31
parameters: {key_name: {type: string}, router_id: {type: string}, length: {type: number}}
resources:
  word: {type: "OS::Heat::RandomString", properties: {length: {get_param: length}}}
outputs:
  gate_node: {value: 192.0.2.1}
  length: {value: {get_param: length}}
"""

GUESTS = """
version: 2
title: In guests
subtasks:
  - title: out of an image in which something was installed before
    scenario:
      VMTasks.boot_runcommand_delete:
        flavor: {name: m1.nano}
        username: cumulo
        command: {remote_path: ./measure}
    contexts:
      users: {tenants: 2}
      network: {}
      image_command_customizer:
        image: {name: "^cumulo.*"}
        flavor: {name: m1.nano}
        username: cumulo
        command: {interpreter: /bin/sh, script_inline: "echo install"}
  - title: on a stack
    scenario:
      VMTasks.runcommand_heat:
        workload: {file: PROGRAM, username: cumulo}
        template: TEMPLATE
        files: {}
        parameters: {length: 8}
    contexts:
      heat_dataplane: {template: TEMPLATE, parameters: {length: 9}}
"""


class Guests:
    """Guests that do as they are told, and remember it."""

    def __init__(self) -> None:
        self.told: list[tuple[list[str], bytes]] = []

    async def reach(self, login: Login, seconds: float) -> None:
        assert login.key.startswith("-----BEGIN") and login.user == "cumulo"

    async def run(self, login: Login, argv: Sequence[str], script: bytes) -> tuple[int, str, str]:
        self.told.append((list(argv), script))
        return 0, "requests:5\n" if argv[0].startswith("/tmp") else "said", ""


def test_what_is_done_in_guests(rally: Rally, tmp_path: Path) -> None:
    program = rally.file("program", "#!/bin/sh\n")
    text = GUESTS.replace("TEMPLATE", rally.file("gate.yaml", GATE)).replace("PROGRAM", program)
    rally.inside("task", "validate", "-", stdin=text)
    lacking = text.replace("image_command_customizer", "dummy_context")
    refused = rally.inside("task", "validate", "-", stdin=lacking, status=1)
    assert "either scenario argument image or use context image_command_customizer" in refused
    store, guests = Store(tmp_path / "rally.sqlite"), Guests()
    env = environments.create(store, "e", {"openstack": _platform(rally.cloud)})
    config = parse(document.decode(text))
    task = tasks.create(store, env, config)
    means = Means(save=lambda found: None, guests=guests)
    work = tasks.Running(store, env, means, tasks.Watcher())
    done = environments.run(tasks.start(work, task, config))
    first, second = (w for s in done.subtasks for w in s.workloads)
    assert [v.detail for w in (first, second) for v in w.sla_results if not v.success] == []
    assert (first.failed_iteration_count, second.failed_iteration_count) == (0, 0), first.statistics
    words = [argv for argv, _ in guests.told]
    assert words[:2] == [["/bin/sh"], ["./measure"]] and words[3] == ["/tmp/.rally-workload"]
    given = {o["output_key"]: o["output_value"] for o in json.loads(guests.told[3][1])}
    assert given == {"gate_node": "192.0.2.1", "length": 8}
    assert rally.left() == []
    assert _images(rally) == []


def test_contexts_do_what_they_accept(rally: Rally) -> None:
    """In projects that were there before, too, and nothing of theirs is taken away."""
    session = rally.cloud.session("demo")
    shares = {"endpoint_filter": {"service_type": "shared-file-system"}}
    network = {"endpoint_filter": {"service_type": "network"}}
    session.post("/share-networks", json={"share_network": {"name": "theirs"}}, **shares)
    private = session.get("/v2.0/networks?name=private", **network).json()["networks"][0]["id"]
    spec = {"openstack": {**_platform(rally.cloud), "users": [_user(rally.cloud, "demo")]}}
    rally.inside("env", "create", "theirs", "--spec", rally.file("t", json.dumps(spec)), "--no-use")
    text = """
    version: 2
    title: x
    subtasks: [{title: y, scenario: {NovaServers.list_servers: {}}, contexts: {CONTEXTS}}]
    """
    use = "manila_share_networks: {use_share_networks: true"
    server = "image: {name: ^cumulo}, flavor: {name: m1.nano}, servers_per_tenant: 1"
    wrong = rally.file("wrong", "no qcow2")
    formats = "disk_format: qcow2, container_format: bare"
    for contexts, status, words in (
        (f"{use}, share_networks: {{demo: [theirs]}}}}", 0, "Passed"),
        (f"{use}, share_networks: {{demo: [nowhere]}}}}", 2, "'nowhere' does not exist for tenant"),
        (f"{use}, share_networks: {{nobody: [theirs]}}}}", 2, "'nobody' was not found"),
        (f"{use}}}", 2, "also should be specified via arg 'share_networks'"),
        (f"servers: {{{server}, nics: [{private}]}}", 0, "Passed"),
        (f"images: {{image_url: {wrong}, {formats}}}", 2, "HTTP 4"),
    ):
        file = text.replace("CONTEXTS", contexts)
        done = rally.inside(
            "task", "start", "-", "--env", "theirs", "--no-use", stdin=file, status=status
        )
        assert words in done, done[-2000:]
    found = session.get("/share-networks", **shares).json()["share_networks"]
    assert [each["name"] for each in found] == ["theirs"]
    assert rally.left() == [] and _images(rally) == []
    rally.inside("env", "delete", "theirs", "--force")


def _images(rally: Rally) -> list[str]:
    image = {"endpoint_filter": {"service_type": "image"}}
    found = rally.cloud.session("admin").get("/v2/images", **image).json()["images"]
    return [each["name"] for each in found if "_rally_" in each["name"]]


def test_more_than_a_page_of_things_is_taken_away(rally: Rally) -> None:
    text = """
    version: 2
    title: Zones
    subtasks:
      - title: more than a page of them
        scenario: {DesignateBasic.list_zones: {}}
        contexts:
          zones: {zones_per_tenant: 25}
          quotas: {designate: {zones: 30}}
          volume_types: [benched, benched]
      - title: the flavor is the file's, and goes with it
        scenario: {NovaFlavors.list_flavors: {}}
        contexts: {flavors: [{name: benched, ram: 64}]}
    """
    rally("task", "start", "-", stdin=text)
    session = rally.cloud.session("admin")
    named = {"X-Auth-All-Projects": "true"}
    zones = session.get("/v2/zones", endpoint_filter={"service_type": "dns"}, headers=named)
    assert [zone for zone in zones.json()["zones"] if "rally" in zone["name"]] == []
    for kind, path, key in (
        ("block-storage", "/types", "volume_types"),
        ("compute", "/flavors", "flavors"),
    ):
        found = session.get(path, endpoint_filter={"service_type": kind}).json()[key]
        assert "benched" not in [item["name"] for item in found]


def test_what_no_name_tells_is_noted_and_undone(rally: Rally) -> None:
    """A killed run's flavor bears the file's name, and existing users' projects no task's."""
    spec = {"auth_url": rally.cloud.auth_url, "users": [_user(rally.cloud, "demo")]}
    env = Environment("", "", "", {"openstack": spec}, "READY", "", "")
    session = rally.cloud.session("demo")
    networks = {"endpoint_filter": {"service_type": "network"}}
    for name in ("s_rally_11111111_abcdefgh", "mine"):
        session.post("/v2.0/networks", json={"network": {"name": name}}, **networks)
    report = environments.run(environments.cleanup(env))
    assert (report.deleted, report.failed) == (1, 0)
    left = [n["name"] for n in session.get("/v2.0/networks", **networks).json()["networks"]]
    assert "mine" in left and not any("_rally_" in name for name in left)
    # Without an administrator what is the cloud's cannot be undone, and that is said.
    notes = [Note("flavor", "noted", "", {"id": "noted-by-us"})]
    assert environments.run(environments.cleanup(env, None, notes)).failed == 1
    admin = rally.cloud.session("admin")
    compute = {"endpoint_filter": {"service_type": "compute"}}
    flavor = {"name": "noted", "ram": 64, "vcpus": 1, "disk": 0, "id": "noted-by-us"}
    admin.post("/flavors", json={"flavor": flavor}, **compute)
    whole = Environment(
        "", "", "", {"openstack": {**spec, "admin": _user(rally.cloud, "admin")}}, "READY", "", ""
    )
    assert environments.run(environments.cleanup(whole, None, notes)).failed == 0
    assert "noted" not in [f["name"] for f in admin.get("/flavors", **compute).json()["flavors"]]
    # Once more: it is gone, which is what is wanted.
    assert environments.run(environments.cleanup(whole, None, notes)).failed == 0


def test_servers_are_booted_and_nothing_stays(rally: Rally) -> None:
    path = rally.file("servers.yaml", SERVERS)
    rally("task", "validate", path, "--task-args", "{flavor_name: m1.nano}")
    page = rally.home / "report.html"
    done = rally("task", "start", path, "--task-args", "flavor_name=m1.nano", "--html", str(page))
    assert "Failure rate criteria 0.00% <= 0.00% <= 0.00% - Passed" in done.stdout
    assert "<title>Boot and delete" in page.read_text()
    (workload,) = _report(rally)
    assert (workload["total_iteration_count"], workload["failed_iteration_count"]) == (6, 0)
    names = [row["name"] for row in workload["statistics"]["durations"]["atomics"]]
    assert names == ["nova.boot_server", "nova.delete_server"]
    # On one machine what the cloud spent can be seen, too.
    assert workload["cpu"]["server"] > 0
    rally("task", "sla-check")
    assert rally.left() == []


def test_a_flavor_that_is_not_there_is_said_before_anything_is_made(rally: Rally) -> None:
    path = rally.file("servers.yaml", SERVERS)
    failed = rally.inside("task", "start", path, "--task-args", "flavor_name=^m9", status=1)
    assert "Flavor with pattern '^m9' not found" in failed
    assert "validation_failed" in rally.inside("task", "status")
    text = SERVERS.replace("^cumulo.*$", "^windows$")
    refused = rally.inside("task", "validate", "-", stdin=text, status=1)
    assert "Image with pattern '^windows$' not found" in refused


def test_something_of_every_service(rally: Rally) -> None:
    rally("task", "start", rally.file("many.yaml", MANY), "--tag", "nightly")
    found = _report(rally, "last")
    assert [w["pass_sla"] for w in found] == [True] * 8
    assert all(w["total_iteration_count"] >= 1 for w in found)
    assert rally.left() == []
    assert "nightly" in rally("task", "list", "--tag", "nightly").stdout


def test_a_network_has_a_router_only_if_its_context_asks(rally: Rally) -> None:
    text = """
    version: 2
    title: x
    subtasks:
      - title: y
        scenario: {NeutronNetworks.create_and_show_subnets: {}}
        contexts: {users: {}, network: {ROUTER}}
        hooks:
          - action: {sys_call: "curl -sf -H X-Auth-Token:TOKEN URL/network/v2.0/routers"}
            trigger: {event: {unit: iteration, at: [1]}}
    """
    token = rally.cloud.session("admin").get_token()
    text = text.replace("URL", rally.cloud.url).replace("TOKEN", str(token))
    for router, there in (("", False), ("router: {external: true}", True)):
        rally("task", "start", "-", stdin=text.replace("ROUTER", router))
        (workload,) = _report(rally)
        (result,) = workload["hooks"][0]["results"]
        said = json.dumps(result["output"])
        assert result["status"] == "success", said
        assert ("c_rally_" in said) == there
    assert rally.left() == []


def test_missed_criteria_are_exit_codes(rally: Rally) -> None:
    """One failed iteration still reports; the old form has a list for each scenario."""
    rally.inside("task", "start", "--task", rally.file("failing.json", FAILING), status=2)
    assert rally.inside("task", "sla-check", "--json", status=2).count('"FAIL"') == 2
    first, second = _report(rally)
    assert (first["failed_iteration_count"], second["failed_iteration_count"]) == (1, 0)
    uuid = rally.inside("task", "list", "--uuids-only").split()[-1]
    again = rally.inside("task", "restart", uuid, "--scenario", "Dummy.failure", status=2)
    assert "DummyScenarioException" in again
    one, two = rally.inside("task", "list", "--uuids-only").split()[-2:]
    assert rally.inside("task", "export", one, two, "--type", "junit-xml").count("<testsuite ") == 2
    assert "Trends of 2 runs" in rally.inside("task", "trends", one, two)
    kept = rally.home / "kept.json"
    rally.inside("task", "report", one, "--json", "--out", str(kept))
    assert "Task UUID" in rally.inside("task", "import", "--file", str(kept))
    rally.inside("task", "delete", "--uuid", one)
    assert one not in rally.inside("task", "list")


def test_a_context_that_fails_is_reported_and_taken_away(rally: Rally) -> None:
    text = """
    version: 2
    title: x
    subtasks:
      - title: y
        scenario: {Dummy.openstack: {}}
        contexts: {users: {}, network: {}, dummy_context: {fail_setup: true}}
    """
    rally("task", "start", "-", stdin=text, status=2)
    (workload,) = _report(rally)
    assert workload["total_iteration_count"] == 0
    detail = workload["sla_results"]["sla"][-1]["detail"]
    assert "Unable to setup context 'dummy_context'" in detail
    assert rally.left() == []


def test_what_a_killed_run_left_is_taken_away_by_the_next(rally: Rally) -> None:
    process = subprocess.Popen(
        rally.argv("task", "start", rally.file("long.yaml", LONG)),
        env=rally.environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    end = time.monotonic() + 60
    while sum(name.startswith("s_rally_") for name in rally.left()) < 4:
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.1)
    process.kill()
    process.wait(10)
    assert "its process is gone" in rally("task", "status").stdout
    refused = rally("task", "abort", status=1)
    assert "rally env cleanup" in refused.stderr
    assert len(rally.left()) > 8
    done = rally("task", "start", rally.file("many.yaml", MANY))
    assert "was killed: taking away what it left" in done.stderr or rally.left() == []
    assert rally.left() == []


def test_keys_of_existing_users_are_taken_away(rally: Rally) -> None:
    """They have no names."""
    spec = {"auth_url": rally.cloud.auth_url, "users": [_user(rally.cloud, "demo")]}
    demo = rally.cloud.session("demo")
    path = f"{rally.cloud.auth_url}/users/{demo.get_user_id()}/credentials/OS-EC2"
    own = demo.post(path, json={"tenant_id": demo.get_project_id()}).json()["credential"]["access"]
    kept = Store(rally.home / "ec2.sqlite")
    env = environments.create(kept, "demo", {"openstack": spec})
    text = "{version: 2, title: x, subtasks: [{title: y, WHAT, runner: {constant: {times: 4}}}]}"
    for name in ("create_and_list_ec2credentials", "create_and_delete_ec2credential"):
        what = f"scenario: {{KeystoneBasic.{name}: {{}}}}"
        config = parse(document.decode(text.replace("WHAT", what)))
        task = tasks.create(kept, env, config)
        work = tasks.Running(kept, env, Means(save=lambda found: None), tasks.Watcher())
        done = environments.run(tasks.start(work, task, config))
        assert done.pass_sla and kept.notes(done.uuid) == []
        assert [each["access"] for each in demo.get(path).json()["credentials"]] == [own]
    left = demo.post(path, json={"tenant_id": demo.get_project_id()}).json()["credential"]["access"]
    note = Note("ec2", left, demo.get_project_id(), {"user": demo.get_user_id()})
    assert environments.run(environments.cleanup(env, None, [note])).errors == []
    assert [each["access"] for each in demo.get(path).json()["credentials"]] == [own]
    demo.delete(f"{path}/{own}")


def test_an_application_credential_takes_away_what_a_killed_run_left(rally: Rally) -> None:
    """It leads into no other project than its own."""
    admin = rally.cloud.session("admin")
    identity, named = f"{rally.cloud.url}/identity/v3", "c_rally_11111111_abcdefgh"
    project = admin.post(f"{identity}/projects", json={"project": {"name": named}})
    network = {"name": "any", "tenant_id": project.json()["project"]["id"]}
    there = {"endpoint_filter": {"service_type": "network"}}
    admin.post("/v2.0/networks", json={"network": network}, **there)
    path = f"{identity}/users/{admin.get_user_id()}/application_credentials"
    made = admin.post(path, json={"application_credential": {"name": "rally"}}).json()
    own = {
        f"application_credential_{key}": made["application_credential"][key]
        for key in ("id", "secret")
    }
    spec = {"auth_url": rally.cloud.auth_url, "admin": own}
    env = Environment("", "", "", {"openstack": spec}, "READY", "", "")
    report = environments.run(environments.cleanup(env))
    assert report.errors == [] and rally.left() == []
    networks = admin.get("/v2.0/networks", **there).json()["networks"]
    assert not any(each["name"] == "any" for each in networks)


def test_a_run_that_is_interrupted_ends_softly(rally: Rally) -> None:
    process = subprocess.Popen(
        rally.argv("task", "start", rally.file("long.yaml", LONG)),
        env=rally.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    end = time.monotonic() + 60
    while not any(name.startswith("s_rally_") for name in rally.left()):
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.1)
    for words in (("cleanup",), ("destroy",)):
        assert "is running" in rally("env", *words, status=1).stderr
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "Task was aborted due to abort signal." in said
    assert ": aborted" in rally("task", "status").stdout
    assert rally.left() == []


def test_several_processes_share_a_load(rally: Rally) -> None:
    text = """
    version: 2
    title: x
    subtasks:
      - title: y
        scenario: {NovaServers.list_servers: {}}
        runner: {constant: {times: 101, concurrency: 6}}
        contexts: {users: {tenants: 2}}
    """
    rally("task", "start", "-", "--processes", "3", stdin=text)
    (workload,) = _report(rally)
    assert (workload["total_iteration_count"], workload["failed_iteration_count"]) == (101, 0)
    assert workload["cpu"]["generator"] > 0
    assert rally.left() == []


def test_harm_is_done_to_the_cloud_and_seen_by_its_users(rally: Rally) -> None:
    """Frozen, nobody is refused, but all that arrived meanwhile took longer; killed, some are
    refused, and afterwards all goes on."""
    text = """
    version: 2
    title: x
    subtasks:
      - title: y
        scenario: {NovaServers.list_servers: {}}
        runner: {poisson: {rate: 30, duration: 12, seed: 1}}
        contexts: {users: {}}
        sla: {failure_rate: {min: 1, max: 99}}
        hooks:
          - action: {fault_injection: {action: freeze control plane for 1 second}}
            trigger: {event: {unit: time, at: [1]}}
          - action: {fault_injection: {action: kill control plane}}
            trigger: {event: {unit: iteration, at: [120]}}
          - action: {sys_call: "exit 3"}
            trigger: {event: {unit: iteration, at: [1]}}
    """
    burning = text.replace("kill control plane", "burn")
    assert "'burn' is not known" in rally.inside("task", "start", "-", stdin=burning, status=1)
    done = rally("task", "start", "-", stdin=text)
    assert "Hook sys_call failed 1 of 1 times" in done.stdout
    (workload,) = _report(rally)
    frozen, killed, command = (hook["results"][0] for hook in workload["hooks"])
    seen = [hook["status"] for hook in (frozen, killed, command)]
    assert seen == ["success", "success", "failed"]
    assert "there again" in str(killed["output"])
    data = sorted(workload["data"], key=lambda i: i["timestamp"])
    during = [i for i in data if frozen["started_at"] < i["timestamp"] < frozen["started_at"] + 0.3]
    assert during and all(not i["error"] and i["duration"] > 0.5 for i in during)
    failed = [i for i in data if i["error"]]
    assert failed and all(i["timestamp"] > killed["started_at"] - 1 for i in failed)
    # From when it is there again; on a busy machine the load may have ended before.
    assert not any(i["error"] for i in data if i["timestamp"] > killed["finished_at"])
    assert rally.left() == []
