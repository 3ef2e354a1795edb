"""What a stranger's commands and arguments do: they are told what is wrong, and nothing breaks."""

import asyncio
import json
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner, Result

from cumulo.benchmark import finding, registry
from cumulo.benchmark.actions import nova
from cumulo.benchmark.cleanup.sweep import Report
from cumulo.benchmark.client.session import Session
from cumulo.benchmark.drivers import commands
from cumulo.benchmark.engine import runners, workload
from cumulo.benchmark.engine.hooks import Hooks
from cumulo.benchmark.engine.workload import Means
from cumulo.benchmark.model import document
from cumulo.benchmark.model.result import Environment, Note, TaskResult
from cumulo.benchmark.model.task import Hook, TaskConfig, parse
from cumulo.benchmark.queries.store import NoSuch, Store
from cumulo.benchmark.service import environments, owners, tasks
from cumulo.benchmark.validation import argument_problems
from cumulo.cli.rally import command
from cumulo.cli.rally.common import Command
from cumulo.cli.rally.task import task as task_group

PLATFORM = {"auth_url": "http://127.0.0.1:9/v3", "admin": {"username": "a", "password": "b"}}


# the command, with results that cannot be read or kept


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "rally.sqlite"
    monkeypatch.setenv("CUMULO_RALLY_DB", str(path))
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("OS_CLOUD", "OS_AUTH_URL", "RALLY_ENV", "RALLY_TASK"):
        monkeypatch.delenv(name, raising=False)
    return path


DUMMY = "{version: 2, title: t, subtasks: [{title: s, scenario: {Dummy.dummy: {}}}]}"


def rally(*words: str, stdin: str | bytes = "", status: int = 1) -> Result:
    done = CliRunner().invoke(command, words, input=stdin)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == status, done.output
    return done


def test_a_clean_up_waits_for_the_tasks_of_its_cloud(kept: Path, tmp_path: Path) -> None:
    """Whatever env they are of: what they have made bears such names, too."""
    for name, port in (("a", 1), ("b", 1), ("c", 2)):
        admin = {"username": "u", "password": "p", "tenant_name": "t"}
        spec = {"auth_url": f"http://127.0.0.1:{port}/v3", "admin": admin}
        (tmp_path / name).write_text(json.dumps({"existing@openstack": spec}))
        rally("env", "create", "--name", name, "--spec", str(tmp_path / name), status=0)
    store = Store(kept)
    (env,) = [each for each in store.environments() if each.name == "a"]
    moment = "2026-01-01T00:00:00"
    owners.hold(store, "t")
    store.put_task(TaskResult("t", env.uuid, "a", "", "", [], "running", moment, moment))
    assert "is running: t" in rally("env", "cleanup", "b").output
    assert "is running" not in rally("env", "cleanup", "c").output
    for group in ("env", "deployment"):
        # Its own tasks' things alone are taken away, whatever others do in that cloud.
        assert "is running: t" in rally(group, "destroy", "a").output
    rally("env", "destroy", "b", status=0)
    owners.release(store, "t")


def test_a_task_that_runs_elsewhere_is_not_taken_for_a_killed_one(tmp_path: Path) -> None:
    """In another container, or after a restart, its number means another process, or none."""
    store = Store(tmp_path / "rally.sqlite")
    script = (
        "import sys, time; from pathlib import Path; from cumulo.benchmark.queries.store import "
        "Store; from cumulo.benchmark.service import owners; "
        f"owners.hold(Store(Path({str(tmp_path / 'rally.sqlite')!r})), 't'); print('held', "
        "flush=True); time.sleep(60)"
    )
    argv = ["unshare", "--pid", "--fork", "--kill-child", sys.executable, "-c", script]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        assert owners.alive(store, "t")
        other.kill()
    for _ in range(500):
        if not owners.alive(store, "t"):
            break
        time.sleep(0.01)
    assert not owners.alive(store, "t")
    assert not store.beside("t").exists()


def test_a_task_that_has_left_something_is_not_forgotten_by_mistake(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who would find it then?"""
    store = Store(kept)
    env = environments.create(store, "e", {"openstack": PLATFORM})
    killed = tasks.create(store, env, parse(document.decode(DUMMY)))
    store.ask(killed.uuid, "running")
    owners.release(store, killed.uuid)
    store.add_note(killed.uuid, Note("flavor", "f"))
    asked: list[str | None] = []

    async def cleanup(env: Environment, uuid: str | None, notes: list[Note], *_: Any) -> Report:
        asked.append(uuid)
        return Report()

    monkeypatch.setattr(environments, "cleanup", cleanup)
    assert "its process is gone" in rally("task", "list", status=0).output
    assert "has left something" in rally("task", "delete", killed.uuid, status=1).output
    rally("env", "cleanup", status=0)
    assert store.status(killed.uuid) == "crashed"
    rally("task", "delete", killed.uuid, status=0)
    assert asked == [None]


def _garbage(path: Path) -> None:
    path.write_bytes(b"garbage" * 1000)


def _foreign(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE tasks (x)")


def _newer(path: Path) -> None:
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 99")


def _damaged(path: Path) -> None:
    rally("env", "create", "e", status=0)
    rally("task", "start", "-", stdin=DUMMY, status=0)
    with sqlite3.connect(path) as other:
        other.execute("UPDATE tasks SET document = x'00'")


@pytest.mark.parametrize("spoil", [_garbage, _foreign, _newer, _damaged])
def test_results_that_cannot_be_read_are_an_error_and_no_trace(kept: Path, spoil: Any) -> None:
    spoil(kept)
    done = rally("task", "report", "--out", "-")
    assert str(kept) in done.output and "Traceback" not in done.output


def test_a_database_where_none_can_be_is_an_error(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept.write_text("")
    for place in (kept / "x", kept.parent, Path("/dev/null")):
        monkeypatch.setenv("CUMULO_RALLY_DB", str(place))
        rally("task", "list")


@pytest.mark.parametrize(
    "words",
    [
        ("task", "validate", "a\0b"),
        ("task", "validate", "/nonexistent"),
        ("task", "validate", "-"),
        ("task", "validate", "/dev/zero"),
        ("task", "report", "x" * 5000),
        ("task", "report", "../../etc"),
        ("task", "start", "-", "--task-args", "&a {x: *a}"),
        ("env", "create", "../e", "--extras", "{"),
    ],
)
def test_words_that_mean_nothing_are_told_so(kept: Path, words: tuple[str, ...]) -> None:
    done = rally(*words, stdin=b"\xff\xfe")
    assert "Error" in done.output and "Traceback" not in done.output


def test_a_terminal_is_not_commanded_by_what_is_shown(kept: Path) -> None:
    """Neither by a file's texts nor by what a cloud says."""
    rally("env", "create", "e", status=0)
    scenario = '{Dummy.dummy_exception: {message: "\\x1b[2J\\x07gone\\x9b", sleep: 0}}'
    text = f'{{version: 2, title: "a\\x1b[2J", subtasks: [{{title: s, scenario: {scenario}}}]}}'
    done = rally("task", "start", "-", stdin=text, status=2)
    assert "gone" in done.output and not set(done.output) & set("\x1b\x07\x9b")
    refused = rally("task", "validate", "-", stdin=text.replace("exception: {", "\\x1b[2J: {"))
    assert "\x1b" not in refused.output


@pytest.mark.parametrize("place", ["a\0b", "/nonexistent/x/y", "."])
def test_a_report_that_cannot_be_written_is_said_before_the_run(kept: Path, place: str) -> None:
    rally("env", "create", "e", status=0)
    rally("task", "start", "-", "--html", place, stdin=DUMMY)
    assert "There are no tasks" in rally("task", "list", status=0).output


def test_the_environment_that_nobody_made_is_found_again(
    kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also after the one in use is gone, and unless it has come to be another cloud."""
    for name, value in {"AUTH_URL": "http://h/v3", "USERNAME": "u", "PASSWORD": "p"}.items():
        monkeypatch.setenv(f"OS_{name}", value)
    rally("task", "list", status=0)
    rally("env", "create", "other", status=0)
    rally("env", "delete", "other", "--force", status=0)
    rally("task", "list", status=0)
    rally("env", "create", "other", status=0)
    rally("env", "delete", "other", "--force", status=0)
    monkeypatch.setenv("OS_AUTH_URL", "http://elsewhere/v3")
    assert "another cloud" in rally("task", "list").output


# what stays behind


def test_what_could_not_be_taken_away_is_taken_by_a_later_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path / "rally.sqlite")
    env = environments.create(store, "e", {"openstack": PLATFORM})
    config: TaskConfig = parse(document.decode(DUMMY))
    killed = tasks.create(store, env, config)
    owners.release(store, killed.uuid)
    failures = [2, 0]
    asked: list[str | None] = []

    store.add_note(killed.uuid, Note("flavor", "f"))

    async def cleanup(env: Environment, uuid: str | None, notes: list[Note], *_: Any) -> Report:
        assert notes == [Note("flavor", "f")]
        asked.append(uuid)
        report = Report()
        for _ in range(failures.pop(0)):
            report.fail("the cloud is away")
        return report

    monkeypatch.setattr(environments, "cleanup", cleanup)
    said: list[str] = []
    for _ in range(3):
        environments.run(tasks.leftovers(store, env, said.append))
    assert asked == [killed.uuid, killed.uuid]
    assert store.status(killed.uuid) == "crashed"
    assert any("was killed" in words for words in said)
    assert store.notes(killed.uuid) == []


def test_an_abort_is_not_written_over_and_a_deleted_task_stays_deleted(tmp_path: Path) -> None:
    store = Store(tmp_path / "rally.sqlite")
    env = environments.create(store, "e", {})
    config: TaskConfig = parse(document.decode(DUMMY))
    task = tasks.create(store, env, config)
    store.ask(task.uuid, "aborting")
    environments.run(tasks.check_and_mark(store, env, task, config))
    assert store.status(task.uuid) == "aborting"
    work = tasks.Running(store, env, Means(save=lambda found: None), tasks.Watcher())
    done = environments.run(tasks.start(work, task, config))
    assert (done.status, done.subtasks) == ("aborted", [])
    gone = tasks.create(store, env, config)
    store.delete_task(gone.uuid)
    with pytest.raises(NoSuch):
        environments.run(tasks.start(work, gone, config))
    assert [each.uuid for each in store.tasks()] == [task.uuid]


def test_a_look_up_that_fails_is_a_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And the next workload runs."""

    async def lost(*given: Any) -> Any:
        raise LookupError("the image is gone")

    monkeypatch.setattr(workload, "found_args", lost)
    store = Store(tmp_path / "rally.sqlite")
    env = environments.create(store, "e", {})
    text = DUMMY.replace("}]}", "}, {title: u, scenario: {Dummy.dummy: {}}}]}")
    config: TaskConfig = parse(document.decode(text))
    task = tasks.create(store, env, config)
    work = tasks.Running(store, env, Means(save=lambda found: None), tasks.Watcher())
    done = environments.run(tasks.start(work, task, config))
    verdicts = [w.sla_results[-1].detail for s in done.subtasks for w in s.workloads]
    assert verdicts == ["Unexpected error: LookupError: the image is gone"] * 2
    assert done.status == "finished" and not done.pass_sla


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        (["f.yaml", "--tag", "a", "b"], ["f.yaml", "--tag", "a", "--tag", "b"]),
        (["--task", "f.yaml", "--tag", "a", "b"], ["--task", "f.yaml", "--tag", "a", "--tag", "b"]),
        (["--tag", "a", "b", "f.yaml"], ["--tag", "a", "--tag", "b", "f.yaml"]),
        (["--tag", "a", "f.yaml"], ["--tag", "a", "f.yaml"]),
        (["--tag", "a", "b", "--env", "e", "f.yaml"], ["--tag", "a", "b", "--env", "e", "f.yaml"]),
        (["-", "--tag", "a"], ["-", "--tag", "a"]),
    ],
)
def test_options_take_several_values(words: list[str], wanted: list[str]) -> None:
    command_ = task_group.commands["start"]
    assert isinstance(command_, Command)
    assert command_._spread(words) == wanted


def test_a_status_that_is_none_is_said(kept: Path) -> None:
    assert "Invalid task status" in rally("task", "list", "--status", "nonsense").output
    rally("env", "create", "e", status=0)
    rally("task", "list", "--status", "finished", "--tag", "a", "b", status=0)


def test_a_name_that_stands_twice_is_said(kept: Path) -> None:
    text = "{Dummy.dummy: [{}], Dummy.dummy: [{}]}"
    assert "'Dummy.dummy' is redefined" in rally("task", "validate", "-", stdin=text).output


def problems_of(scenario: str, /, **args: Any) -> str:
    return " ".join(argument_problems(registry.find(scenario), args))


@pytest.mark.parametrize(
    ("name", "args", "words"),
    [
        ("NovaServers.boot_server", {"userdta": "x"}, "Unexpected argument(s) found ['userdta']"),
        ("VMTasks.boot_runcommand_delete", {"command": {"interprter": "sh"}}, "interprter"),
        ("VMTasks.boot_runcommand_delete", {"command": []}, "should be a dict"),
        ("VMTasks.boot_runcommand_delete", {"command": {"local_path": "/none"}}, "remote_path"),
        ("HttpRequests.check_request", {"files": {}}, "Unexpected argument(s) found ['files']"),
        ("HttpRequests.check_random_request", {"requests": [{}]}, "no 'url'"),
        ("Dummy.dummy", {"run": 5}, "Unexpected argument(s) found ['run']"),
        ("Dummy.dummy_random_action", {"actions_num": 10**9}, "greater than the maximum"),
        (
            "CinderVolumes.create_volume",
            {"size": 1, "name": "x"},
            "specify parameters 'name' in 'args",
        ),
        (
            "NeutronNetworks.create_and_list_networks",
            {"network_create_args": {"name": "x"}},
            "You can't specify parameters 'name' in 'network_create_args'",
        ),
    ],
)
def test_arguments_that_would_be_lost_are_refused(
    name: str, args: dict[str, Any], words: str
) -> None:
    assert words in problems_of(name, **args)


def test_a_server_has_what_the_file_says() -> None:
    sent: dict[str, Any] = {}

    class Cloud:
        async def post(self, service: str, path: str, body: Any, **more: Any) -> Any:
            sent.update(body["server"], version=more["version"])
            return {"server": {"id": "1"}}

    class Fake:
        cloud, tenant, number, user = Cloud(), {}, 0, None

        def name(self) -> str:
            return "s"

    args = {"userdata": "#!", "meta": {"a": "b"}, "nics": ["n1"], "tags": ["t"], "admin_pass": "p"}

    async def boot() -> None:
        run: Any = Fake()
        await nova._create(run, await nova._server(run, "i", "f", False, args), args)

    environments.run(boot())
    assert sent["user_data"] == "IyE=" and sent["metadata"] == {"a": "b"}
    assert sent["networks"] == [{"uuid": "n1"}] and sent["tags"] == ["t"]
    assert (sent["adminPass"], sent["version"]) == ("p", "2.52")


def test_hooks_that_take_long_are_waited_for_and_said() -> None:
    ended: list[str] = []

    class Slow:
        async def run(self, line: str) -> tuple[int, str, str]:
            try:
                await asyncio.sleep(30)
            finally:
                ended.append(line)
            return 0, "", ""

    async def whole() -> Any:
        hook = Hook(("sys_call", "x"), ("event", {"unit": "iteration", "at": [1]}))
        hooks = Hooks([hook], Slow(), None, patience=0.05)
        hooks.iteration(1)
        return await hooks.finish()

    (result,) = environments.run(whole())
    assert ended == ["x"] and result.summary == {"failed": 1}
    assert result.results[0]["error"]["etype"] == "Timeout"


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("sh -c 'echo said; echo wrong >&2; exit 3'", (3, "said\n", "wrong\n")),
        ("sh -c 'echo said; echo wrong >&2'", (0, "said\n", "wrong\n")),
        ("sh -c 'head -c 3000000 /dev/zero | tr \"\\0\" x'", (0, "x" * commands.KEPT, "")),
        ("'", (127, "", "not a command: No closing quotation")),
        ("", (127, "", "an empty command")),
        ("/nonexistent", (127, "", "/nonexistent: No such file or directory")),
        ("a\0b", (127, "", "not a command: it has a NUL")),
    ],
)
def test_a_command_says_all_that_it_said(line: str, found: tuple[int, str, str]) -> None:
    assert environments.run(commands.Commands().run(line)) == found


def test_a_command_that_is_ended_leaves_none_of_its_own(tmp_path: Path) -> None:
    async def whole() -> None:
        work = asyncio.create_task(
            commands.Commands().run(f"sh -c 'sleep 60 & echo $! > {tmp_path}/pid; wait'")
        )
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().strip():
            await asyncio.sleep(0.01)
        work.cancel()
        await asyncio.wait([work])

    environments.run(whole())
    child = int((tmp_path / "pid").read_text())
    for _ in range(500):
        try:
            if " Z " in Path(f"/proc/{child}/stat").read_text():
                return
        except FileNotFoundError:
            return
        time.sleep(0.01)
    raise AssertionError("it goes on")


def test_rates_of_several_processes_are_one_rate() -> None:
    shares = [runners.share("rps", {"times": 8, "rps": 4}, n, 4) for n in range(4)]
    assert [share["share"] for share in shares] == [0, 0.25, 0.5, 0.75]
    seeds = {runners.share("poisson", {"rate": 1, "times": 9}, 0, 2)["seed"] for _ in range(8)}
    assert len(seeds) > 1
    assert not runners.wrong("constant", {"times": 1, "timeout": 0})
    assert runners.wrong("constant", {"times": 1, "timeout": -1})


class Images:
    """A cloud that notes what images it is asked for."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    async def pages(self, service: str, path: str, collection: str, *, query: Any) -> Any:
        self.asked.append(query)
        return [{"id": "i", "name": "cirros"}]


@pytest.mark.parametrize(
    ("kind", "more", "problem"),
    [
        ("image", {"list_kwargs": {"visibility": "private"}}, ""),
        ("image", {"typo": 1}, "typo: not a word"),
        ("image", {"list_kwargs": [1]}, "list_kwargs: not a word"),
        ("flavor", {"list_kwargs": {"a": 1}}, "list_kwargs: not a word"),
    ],
)
def test_words_that_describe_are_asked_for_or_refused(
    kind: str, more: dict[str, Any], problem: str
) -> None:
    cloud = Images()
    looking = finding.find(cast(Session, cloud), kind, {"name": "cirros", **more})
    if problem:
        with pytest.raises(finding.NotFoundHere, match=problem):
            asyncio.run(looking)
        assert cloud.asked == []
    else:
        assert asyncio.run(looking) == "i"
        assert cloud.asked == [{"status": "active", "visibility": "private"}]
