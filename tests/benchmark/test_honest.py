"""Figures and verdicts that are nobody else's: what is not the cloud's doing is not said to be."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from cumulo.benchmark import cidrs, report
from cumulo.benchmark.actions import cinder, glance
from cumulo.benchmark.cleanup import kinds
from cumulo.benchmark.client.http import Http
from cumulo.benchmark.client.session import Conflict, Credentials, Session
from cumulo.benchmark.contexts import table
from cumulo.benchmark.engine import several
from cumulo.benchmark.engine.run import Run
from cumulo.benchmark.engine.surroundings import Surroundings, User
from cumulo.benchmark.engine.workload import Means
from cumulo.benchmark.model import document
from cumulo.benchmark.model.result import Environment
from cumulo.benchmark.model.task import TaskConfig, Workload, parse
from cumulo.benchmark.queries.store import Store
from cumulo.benchmark.report import Results, read_file
from cumulo.benchmark.service import environments, tasks
from cumulo.cli.rally import machine, reports

TWO = (
    "{version: 2, title: t, tags: [x], subtasks: [{title: a, scenario: {Dummy.dummy: {}}, "
    "runner: {RUNNER}}, {title: b, scenario: {Dummy.failure: {each: 9}}}]}"
)


class Cloud:
    """What a session is asked, and its answers by method and path."""

    def __init__(self, answers: Mapping[tuple[str, str], Any] | None = None) -> None:
        self.asked: list[tuple[str, str, Any]] = []
        self.answers = dict(answers or {})
        self.project_id = "p"

    async def call(
        self, service: str, method: str, path: str, body: Any = None, **more: Any
    ) -> Any:
        self.asked.append((method, path, body if body is not None else more.get("query")))
        answer = self.answers.get((method, path), {})
        if isinstance(answer, list):
            answer = answer.pop(0) if answer else {}
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def get(self, service: str, path: str, **more: Any) -> Any:
        return await self.call(service, "GET", path, **more)

    async def post(self, service: str, path: str, body: Any = None, **more: Any) -> Any:
        return await self.call(service, "POST", path, body, **more)

    async def put(self, service: str, path: str, body: Any = None, **more: Any) -> Any:
        return await self.call(service, "PUT", path, body, **more)

    async def delete(self, service: str, path: str, **more: Any) -> Any:
        return await self.call(service, "DELETE", path, **more)

    async def pages(self, service: str, path: str, collection: str, **more: Any) -> Any:
        return (await self.get(service, path, **more)).get(collection, [])

    async def has(self, service: str) -> bool:
        return True


def _env(cloud: Cloud, *, task: str = "task") -> Surroundings:
    session = cast(Session, cloud)
    env = Surroundings(task, cast(Http, None), {}, admin=session)
    env.tenants["p"] = {"id": "p", "name": "project"}
    env.users.append(User("u", "user", "p", session))
    return env


# verdicts


def _ended_early(tmp_path: Path) -> tuple[Store, str]:
    store = Store(tmp_path / "rally.sqlite")
    env = environments.create(store, "e", {})
    config: TaskConfig = parse(document.decode(TWO.replace("RUNNER", "serial: {times: 1}")))
    task = tasks.create(store, env, config)
    work = tasks.Running(store, env, Means(save=lambda found: None), tasks.Watcher())
    work.watcher.workload = lambda workload, number, of: setattr(work, "stopped", True)
    return store, environments.run(tasks.start(work, task, config)).uuid


def test_a_task_that_was_ended_before_its_end_is_green_nowhere(tmp_path: Path) -> None:
    """What ran of it may have passed."""
    store, uuid = _ended_early(tmp_path)
    task = store.task(uuid)
    assert (task.status, task.pass_sla, task.passed) == ("aborted", True, False)
    results = Results(task, store.iterations)
    assert 'errors="1"' in "".join(report.make("junit-xml", [results]))
    assert '"pass_sla": false' in "".join(report.make("json", [results]))


def test_a_task_is_run_again_whole(tmp_path: Path) -> None:
    """Also the part of it that had not begun."""
    store, uuid = _ended_early(tmp_path)
    again = parse(reports.as_file(store.task(uuid), set()))
    assert [s.title for s in again.subtasks] == ["a", "b"]
    assert [w.name for s in again.subtasks for w in s.workloads] == [
        "Dummy.dummy",
        "Dummy.failure",
    ]
    one = parse(reports.as_file(store.task(uuid), {"Dummy.failure"}))
    assert [s.title for s in one.subtasks] == ["b"]


def test_a_load_without_an_iteration_does_not_pass(tmp_path: Path) -> None:
    store = Store(tmp_path / "rally.sqlite")
    env = environments.create(store, "e", {})
    runner = "poisson: {rate: 0.001, duration: 0.01, seed: 1}"
    config: TaskConfig = parse(document.decode(TWO.replace("RUNNER", runner)))
    task = tasks.create(store, env, config)
    work = tasks.Running(store, env, Means(save=lambda found: None), tasks.Watcher())
    done = environments.run(tasks.start(work, task, config))
    (workload,) = done.subtasks[0].workloads
    assert not workload.pass_sla
    assert "There was no iteration." in [r.detail for r in workload.sla_results]


def test_a_workload_that_was_killed_is_no_pass_in_a_file(tmp_path: Path) -> None:
    store, uuid = _ended_early(tmp_path)
    path = tmp_path / "results.json"
    found = json.loads("".join(report.make("json", [Results(store.task(uuid), store.iterations)])))
    (workload,) = found["tasks"][0]["subtasks"][0]["workloads"]
    workload["pass_sla"], workload["sla_results"] = False, {"sla": []}
    path.write_text(json.dumps(found))
    (read,) = read_file(path)
    assert not read.task.subtasks[0].workloads[0].pass_sla


# whose CPU


def test_the_cpu_of_what_only_listens_there_is_not_the_clouds() -> None:
    """A tunnel to a cloud elsewhere, a proxy before one."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen()
        spec = {"openstack": {"auth_url": f"http://127.0.0.1:{bound.getsockname()[1]}/v3"}}
        env = Environment("u", "e", "", spec, "READY", "", "")
        assert machine.process_of(env) == os.getpid()
        assert machine.server_cpu(env)() is None


# several processes


def test_processes_that_share_a_load_share_a_row_of_networks(tmp_path: Path) -> None:
    """And go on behind what contexts have taken: in one network no two may be the same."""
    before = [cidrs.next_cidr("10.77.0.0/24") for _ in range(2)]
    env = _env(Cloud())
    env.users.clear()
    env.admin = None
    workload = Workload("Dummy.dummy", {}, runner_type="constant", runner={"times": 4})
    script = (
        "import sys, msgspec\n"
        "from cumulo.benchmark import cidrs\n"
        "from cumulo.benchmark.engine.several import Order, surroundings\n"
        "order = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Order)\n"
        "surroundings(order, lambda platform: None)\n"
        "print(*(cidrs.next_cidr(s) for s in ('10.77.0.0/24', '10.78.0.0/24') for _ in 'ab'))"
    )
    taken = list(before)
    for order in several.orders(workload, {}, env, 2):
        argv = [sys.executable, "-c", script]
        done = subprocess.run(argv, input=order, capture_output=True, check=True)
        taken += done.stdout.decode().split()
    assert len(taken) == 10
    assert len(set(taken)) == 10


# what is taken away, and what is not


def test_a_restored_volume_is_found_by_its_name() -> None:
    ready = {"backup": {"status": "available"}, "volume": {"id": "v", "status": "available"}}
    cloud = Cloud(
        {
            ("POST", "/backups/b/restore"): {"restore": {"volume_id": "v"}},
            ("GET", "/backups/b"): ready,
            ("GET", "/volumes/v"): ready,
        }
    )
    env = _env(cloud)
    asyncio.run(cinder.restore_backup(Run(env, 0, user=env.users[0]), "b"))
    (body,) = [body for method, _, body in cloud.asked if method == "POST"]
    assert body["restore"]["name"].startswith("s_rally_")


def test_a_server_that_was_left_locked_is_unlocked_first() -> None:
    refused = Conflict(409, "DELETE", "/servers/s", "it is locked", "")
    cloud = Cloud({("DELETE", "/servers/s"): [refused, {}]})
    (kind,) = kinds.chosen(kinds.PROJECT, ("nova.servers",))
    asyncio.run(kind.remove(cast(Session, cloud), {"id": "s"}))
    assert [(method, body) for method, _, body in cloud.asked] == [
        ("DELETE", None),
        ("POST", {"unlock": None}),
        ("DELETE", None),
    ]


def test_ports_in_networks_that_were_there_before_stay() -> None:
    """`existing_network` shows all that the project has; `network` fails for it."""
    theirs = {"id": "port", "name": "", "network_id": "prod", "device_owner": "compute:nova"}
    cloud = Cloud({("GET", "/ports"): {"ports": [{**theirs, "tenant_id": "p"}]}})
    env = _env(cloud)
    env.tenants["p"]["networks"] = [{"id": "prod"}]
    asyncio.run(table.find("network").cleanup(env, {}))
    assert ("GET", "/ports", {"tenant_id": "p"}) in cloud.asked
    assert [path for method, path, _ in cloud.asked if method == "DELETE"] == []


def test_users_of_a_run_know_services_by_the_types_of_the_spec() -> None:
    cloud = Cloud(
        {
            ("POST", "/projects"): {"project": {"id": "p2", "name": "n"}},
            ("POST", "/users"): {"user": {"id": "u2", "name": "n"}},
            ("GET", "/roles"): {"roles": [{"id": "r", "name": "member"}]},
        }
    )
    env = _env(cloud)
    env.users.clear()
    cloud.__dict__["credentials"] = Credentials(
        auth_url="http://c/v3", username="a", password="b", types={"volume": "myvolume"}
    )
    asyncio.run(table.find("users").setup(env, {}))
    assert env.users[0].cloud.credentials.types == {"volume": "myvolume"}


# images


def test_a_list_of_images_is_read_to_its_end() -> None:
    class Paged(Cloud):
        async def pages(self, service: str, path: str, collection: str, **more: Any) -> Any:
            assert more["query"] == {"status": "active"}
            return [{"id": n} for n in range(60)]

    env = _env(Paged())
    assert len(asyncio.run(glance.list_images(Run(env, 0, user=env.users[0])))) == 60


# files


@pytest.mark.parametrize(
    "text",
    [
        "a0: &a0 {k: v}\n"
        + "\n".join(
            f"a{n}: &a{n} {{<<: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 10)
        ),
        f"a: &a {'x' * 1_000_000}\nb: [{', '.join(['*a'] * 1000)}]",
    ],
    ids=["merged", "named"],
)
def test_a_few_lines_do_not_become_gigabytes(text: str) -> None:
    began = time.monotonic()
    with pytest.raises(document.NotPlain, match="more than"):
        document.decode(text)
    assert time.monotonic() - began < 30


def test_what_is_merged_is_read() -> None:
    text = "base: &b {x: 1, y: 2}\nmore: &m {z: 3}\nc: {<<: [*b, *m], y: 5}\nd: {<<: *b}"
    found = document.decode(text)
    assert (found["c"], found["d"]) == ({"x": 1, "y": 5, "z": 3}, {"x": 1, "y": 2})
