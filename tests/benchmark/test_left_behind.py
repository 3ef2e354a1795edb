"""What a clean-up may take and what it must not, and what is remembered for the next one."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from cumulo.benchmark.cleanup import sweep as sweeping
from cumulo.benchmark.cleanup.kinds import PROJECT, default_groups
from cumulo.benchmark.cleanup.notes import undo
from cumulo.benchmark.cleanup.sweep import Report, after_task, inside_of, sweep
from cumulo.benchmark.client.http import Answer, Http, HttpError
from cumulo.benchmark.client.session import ApiError, Conflict, Credentials, NotFound, Session
from cumulo.benchmark.contexts import table, users
from cumulo.benchmark.engine import runners
from cumulo.benchmark.engine.several import how_many
from cumulo.benchmark.engine.surroundings import Surroundings, Unnoted, User
from cumulo.benchmark.engine.workload import Means
from cumulo.benchmark.model import document
from cumulo.benchmark.model.result import Iteration, Note, TaskResult
from cumulo.benchmark.model.task import TaskConfig, Workload, parse
from cumulo.benchmark.queries.store import Store
from cumulo.benchmark.report import Unreadable, make, read_file, reading
from cumulo.benchmark.service import environments, owners, results, tasks
from cumulo.benchmark.service.noting import Notes, undoable

NAME = "c_rally_11111111_abcdefgh"


class Cloud:
    """Answers by (method, path); what it is not told is an empty list or an empty answer."""

    def __init__(self, answers: dict[tuple[str, str], Any] | None = None) -> None:
        self.answers = answers or {}
        self.asked: list[tuple[str, str]] = []
        self.project_id = "ours"
        self.user_id = "admin"

    async def has(self, service: str) -> bool:
        return True

    async def call(self, method: str, path: str) -> Any:
        self.asked.append((method, path))
        found = self.answers.get((method, path), {})
        if isinstance(found, Exception):
            raise found
        return found

    async def get(self, service: str, path: str, *_: Any, **__: Any) -> Any:
        return await self.call("GET", path)

    async def pages(self, service: str, path: str, collection: str, **_: Any) -> Any:
        return (await self.call("GET", path))[collection]

    async def put(self, service: str, path: str, *_: Any, **__: Any) -> Any:
        return await self.call("PUT", path)

    async def post(self, service: str, path: str, *_: Any, **__: Any) -> Any:
        return await self.call("POST", path)

    async def delete(self, service: str, path: str, *_: Any, **__: Any) -> Any:
        return await self.call("DELETE", path)

    @property
    def deleted(self) -> list[str]:
        return sorted(path for method, path in self.asked if method == "DELETE")


class Kept(Unnoted):
    """Notes of one run alone."""

    def __init__(self) -> None:
        self.notes: dict[int, Note] = {}
        self._next = 0

    def add(self, note: Note) -> int:
        self.notes[self._next] = note
        self._next += 1
        return self._next - 1

    def forget(self, number: int) -> None:
        del self.notes[number]


def _session(cloud: Cloud) -> Session:
    return cast(Session, cloud)


def _broken(status: int = 503) -> ApiError:
    return (NotFound if status == 404 else ApiError)(status, "X", "/", "broken", "")


LISTS: dict[tuple[str, str], Any] = {
    ("GET", "/metric"): [
        {"id": "m1", "created_by_project_id": "ours"},
        {"id": "m2", "creator": "u:ours"},
        {"id": "theirs", "created_by_project_id": "other"},
        {"id": "nobody's"},
    ],
    ("GET", "/resource/generic"): [
        {"id": "r1", "project_id": "ours"},
        {"id": "their-r", "project_id": "other", "creator": "admin:other"},
    ],
    ("GET", "/os-keypairs"): {"keypairs": [{"keypair": {"name": "mine"}}]},
    ("GET", "/zones"): {"zones": [{"id": "z", "project_id": "other"}]},
    ("GET", "/alarms"): [{"alarm_id": "a", "project_id": "other"}],
    ("GET", "/networks"): {"networks": [{"id": "n", "tenant_id": "other"}]},
    ("GET", "/images"): {"images": [{"id": "i", "owner": "other"}]},
    ("GET", "/shares/detail"): {"shares": [{"id": "s", "project_id": "other"}]},
    ("GET", "/servers/detail"): {"servers": [{"id": "v", "tenant_id": "other"}]},
    ("GET", "/os-server-groups"): {"server_groups": [{"id": "g"}, {"id": "h", "project_id": "x"}]},
}


def test_in_a_project_only_what_is_its_own_is_taken() -> None:
    """An administrator is shown the whole cloud's metrics, and has key pairs."""
    cloud, report = Cloud(LISTS), Report()
    asyncio.run(sweep(_session(cloud), PROJECT, inside_of("ours"), report))
    assert cloud.deleted == [
        "/metric/m1",
        "/metric/m2",
        "/os-server-groups/g",
        "/resource/generic/r1",
    ]


def test_default_groups_of_others_stay() -> None:
    groups = [
        {"id": "a", "name": "default", "tenant_id": "ours"},
        {"id": "b", "name": "default", "tenant_id": "other"},
        {"id": "c", "name": "web", "tenant_id": "ours"},
    ]
    cloud = Cloud({("GET", "/security-groups"): {"security_groups": groups}})
    asyncio.run(default_groups(_session(cloud), "ours"))
    assert cloud.deleted == ["/security-groups/a"]


@pytest.mark.parametrize("answer", [{"servers": 5}, {}, {"servers": [5]}, [], "x", _broken()])
def test_a_project_that_cannot_be_emptied_stays(
    monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    """Whatever a service answers; and the sweep goes on."""
    inside = Cloud({("GET", "/servers/detail"): answer})
    admin = Cloud(
        {
            ("GET", "/projects"): {"projects": [{"id": "ours", "name": NAME}]},
            ("GET", "/users"): {"users": []},
        }
    )

    async def into(admin: Session, project: Any) -> Session:
        return _session(inside)

    monkeypatch.setattr(sweeping, "_into", into)
    report = Report()
    asyncio.run(after_task(_session(admin), [], None, report))
    assert any("nova.servers cannot be listed" in words for words in report.errors)
    assert ("GET", "/networks") in inside.asked and admin.deleted == []


def test_key_pairs_go_on_after_one_that_fails_and_their_user_stays() -> None:
    pairs = [{"keypair": {"name": f"{NAME[:-1]}{n}"}} for n in range(3)]
    admin = Cloud(
        {
            ("GET", "/projects"): {"projects": []},
            ("GET", "/users"): {"users": [{"id": "u", "name": NAME}]},
            ("GET", "/os-keypairs?user_id=u"): {
                "keypairs": [*pairs, {"keypair": {"name": "mine"}}]
            },
            ("DELETE", f"/os-keypairs/{NAME[:-1]}0?user_id=u"): _broken(),
            ("DELETE", f"/os-keypairs/{NAME[:-1]}1?user_id=u"): _broken(404),
        }
    )
    asyncio.run(after_task(_session(admin), [], None, Report()))
    assert admin.deleted == [f"/os-keypairs/{NAME[:-1]}{n}?user_id=u" for n in range(3)]


def test_a_container_whose_list_lags_behind_ends() -> None:
    kind = next(k for k in PROJECT if k.name == "swift.container")
    cloud = Cloud({("GET", "/c?format=json"): [{"name": "ghost"}]})
    asyncio.run(asyncio.wait_for(kind.remove(_session(cloud), {"name": "c"}), 5))
    assert cloud.deleted == ["/c", "/c/ghost"]


# contexts


def _env(admin: Cloud, *, existing: bool = False) -> Surroundings:
    env = Surroundings("1" * 32, Http(), {}, admin=_session(admin), existing_users=existing)
    env.tenants = {"p": {"id": "p", "name": "p"}}
    env.users = [User("u", "u", "p", _session(admin)), User("w", "w", "p", _session(admin))]
    return env


def test_roles_that_a_user_had_are_left() -> None:
    of = "/projects/p/users/{}/roles"
    admin = Cloud(
        {
            ("GET", "/roles"): {"roles": [{"id": "m", "name": "member"}]},
            ("GET", of.format("u")): {"roles": [{"id": "m"}]},
            ("GET", of.format("w")): {"roles": []},
        }
    )
    env, kept = _env(admin, existing=True), Kept()
    env.notes = kept
    roles = table.find("roles")
    asyncio.run(roles.setup(env, ["member"]))
    assert kept.notes == {0: Note("role", "m", "p", {"user": "w"})}
    asyncio.run(roles.cleanup(env, ["member"]))
    assert admin.deleted == [of.format("w") + "/m"]
    assert kept.notes == {}
    report = Report()
    asyncio.run(undo(_session(admin), Note("role", "m", "p", {"user": "w"}), report))
    assert (report.deleted, admin.deleted[-1]) == (1, of.format("w") + "/m")


def test_users_stay_where_something_of_theirs_does() -> None:
    admin = Cloud()
    env = _env(admin)
    env.left = True
    context = table.find("users")
    with pytest.raises(AssertionError, match="stay"):
        asyncio.run(context.cleanup(env, {}))
    assert admin.deleted == []
    env.left = False
    asyncio.run(context.cleanup(env, {}))
    assert admin.deleted == ["/projects/p", "/users/u", "/users/w"]


def test_what_has_begun_ends_when_another_fails() -> None:
    ended = []

    async def one(number: int) -> None:
        await asyncio.sleep(0.01 * number)
        if number == 1:
            raise HttpError("lost")
        ended.append(number)

    with pytest.raises(HttpError):
        asyncio.run(users.several(one(n) for n in range(1, 30)))
    assert ended == list(range(2, users.AT_ONCE + 1))


@pytest.mark.parametrize(
    ("name", "path", "key", "config"),
    [
        ("flavors", "/flavors", "flavor", [{"name": "f", "ram": 64}]),
        ("volume_types", "/types", "volume_type", ["f"]),
    ],
)
def test_what_another_run_has_made_in_this_moment_is_its_own(
    name: str, path: str, key: str, config: Any
) -> None:
    for refused in (True, False):
        made: Any = (
            Conflict(409, "POST", path, "there", "") if refused else {key: {"id": "1", "name": "f"}}
        )
        admin = Cloud({("GET", path): {f"{key}s": []}, ("POST", path): made})
        env, kept = _env(admin), Kept()
        env.notes = kept
        context = table.find(name)
        asyncio.run(context.setup(env, config))
        assert [note.kind for note in kept.notes.values()] == ([] if refused else [key])
        asyncio.run(context.cleanup(env, config))
        assert admin.deleted == ([] if refused else [f"{path}/1"])


def test_quotas_of_existing_projects_are_put_back_after_their_scenarios() -> None:
    admin = Cloud({("GET", "/os-quota-sets/p"): {"quota_set": {"volumes": 7, "id": "p"}}})
    env = _env(admin, existing=True)
    context = table.find("admin_cleanup")
    asyncio.run(context.setup(env, ["cinder.quotas"]))
    asyncio.run(context.cleanup(env, ["cinder.quotas"]))
    assert [a for a in admin.asked if "quota" in a[1]] == [
        ("GET", "/os-quota-sets/p"),
        ("PUT", "/os-quota-sets/p"),
    ]


class Quotas(Cloud):
    """Keeps what it is told of compute's quotas."""

    def __init__(self) -> None:
        super().__init__()
        self.now = {"instances": 10, "cores": 20, "ram": 30}

    async def get(self, service: str, path: str, *_: Any, **__: Any) -> Any:
        return {"quota_set": dict(self.now)}

    async def put(self, service: str, path: str, body: Any = None, **__: Any) -> Any:
        self.now |= body["quota_set"]


@pytest.mark.parametrize("killed", [None, 0, 1])
def test_the_last_of_two_runs_puts_quotas_back(tmp_path: Path, killed: int | None) -> None:
    """Whichever that is, whatever each of them has changed, and if one of them is killed."""
    cloud, context = Quotas(), table.find("quotas")
    store = Store(tmp_path / "rally.sqlite")
    env = environments.create(store, "e", {})
    config: TaskConfig = parse(document.decode(TWO.replace(", CONTEXT", "")))
    made = [tasks.create(store, env, config) for _ in range(2)]
    runs = []
    for task in made:
        run = _env(cloud, existing=True)
        run.notes = Notes(store, task.uuid)
        runs.append(run)
    wanted = [{"nova": {"instances": 100, "cores": 1}}, {"nova": {"instances": 200, "ram": 2}}]
    for run, values in zip(runs, wanted, strict=True):
        asyncio.run(context.setup(run, values))
    assert cloud.now == {"instances": 200, "cores": 1, "ram": 2}
    for number, (run, task) in enumerate(zip(runs, made, strict=True)):
        if number == killed:
            owners.release(store, task.uuid)
            for note in undoable(store, task.uuid):
                asyncio.run(undo(_session(cloud), note, Report()))
            store.clear_notes(task.uuid)
        else:
            asyncio.run(context.cleanup(run, wanted[number]))
        if not number:
            assert cloud.now == {"instances": 200, "cores": 20, "ram": 2}
    assert cloud.now == {"instances": 10, "cores": 20, "ram": 30}
    assert store.noted(env.uuid) == []


# tasks

TWO = (
    "{version: 2, title: t, subtasks: [{title: a, scenario: {Dummy.dummy: {}}, CONTEXT}, "
    "{title: b, scenario: {Dummy.dummy: {}}}]}"
)


def _run(tmp_path: Path, text: str, **means: Any) -> tuple[Store, TaskResult]:
    store = Store(tmp_path / "rally.sqlite")
    env = environments.create(store, "e", {})
    config: TaskConfig = parse(document.decode(text))
    task = tasks.create(store, env, config)
    work = tasks.Running(store, env, Means(save=lambda found: None, **means), tasks.Watcher())
    return store, environments.run(tasks.start(work, task, config))


@pytest.mark.parametrize("word", ["fail_setup", "fail_cleanup"])
def test_a_context_that_failed_is_remembered_with_its_notes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, word: str
) -> None:
    """Also when a later workload of the task ends well."""
    dummy = table.find("dummy_context")

    async def setup(env: Surroundings, config: Any) -> None:
        env.note("quota", "nova", "p", {"cores": 1})
        await dummy.setup(env, config)

    monkeypatch.setitem(table._FOUND, "dummy_context", replace(dummy, setup=setup))
    text = TWO.replace("CONTEXT", f"contexts: {{dummy_context: {{{word}: true}}}}")
    store, done = _run(tmp_path, text)
    assert store.remaining(done.env_uuid) == [done.uuid]
    assert len(store.notes(done.uuid)) == (word == "fail_cleanup")


def test_the_task_ends_when_a_criterion_fails(tmp_path: Path) -> None:
    text = TWO.replace("CONTEXT", "sla: {max_avg_duration: 1e-12}").replace("1e-12", "0.0000001")
    text = text.replace("Dummy.dummy: {}", "Dummy.dummy: {sleep: 0.01}", 1)
    _, done = _run(tmp_path, text, abort_on_sla=True)
    assert done.status == "aborted" and len(done.subtasks) == 1


def test_a_share_of_what_the_file_does_not_say() -> None:
    said: dict[str, Any] = {"times": 100}
    work = Workload(name="Dummy.dummy", args={}, runner_type="constant", runner=said)
    assert how_many(work, 4) == 1
    shares = [runners.share("constant", {"times": 8, "concurrency": 4}, n, 4) for n in range(4)]
    assert sum(share["concurrency"] for share in shares) == 4
    work.runner_type, work.runner = "constant_for_duration", {"duration": 1}
    assert how_many(work, 4) == 1


# results


def _report(tmp_path: Path, change: Callable[[Any], Any]) -> Path:
    store, done = _run(tmp_path, TWO.replace(", CONTEXT", ""))
    found = json.loads(make("json", results.results(store, done.uuid)))
    change(found)
    path = tmp_path / "r.json"
    path.write_text(json.dumps(found))
    return path


def _workload(found: Any) -> Any:
    return found["tasks"][0]["subtasks"][0]["workloads"][0]


HOOK = {"config": {"action": {"sys_call": "x"}, "trigger": {"event": {"unit": "time", "at": [1]}}}}


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found["tasks"][0].update(title=None),
        lambda found: found["tasks"][0].update(tags=[1]),
        lambda found: found["tasks"][0].update(created_at=5),
        lambda found: found["info"].update(format_version="9.9"),
        lambda found: _workload(found).update(hooks=[{**HOOK, "results": [{"status": "x"}]}]),
        lambda found: _workload(found).update(hooks=[{"config": {"action": {"a": 1, "b": 2}}}]),
        lambda found: _workload(found)["data"][0].update(duration=float("inf")),
        lambda found: _workload(found)["data"][0].update(
            atomic_actions=[{"name": "a", "started_at": 1e308, "finished_at": -1e308}]
        ),
    ],
)
def test_a_file_of_wrong_types_is_refused_before_it_is_kept(
    tmp_path: Path, change: Callable[[Any], Any]
) -> None:
    with pytest.raises(Unreadable):
        read_file(_report(tmp_path, change))


def test_a_task_that_went_through_a_file_has_its_hooks_and_an_end(tmp_path: Path) -> None:
    def change(found: Any) -> None:
        found["tasks"][0]["status"] = "running"
        _workload(found)["hooks"] = [{**HOOK, "results": [], "summary": {}}]

    (found,) = read_file(_report(tmp_path, change))
    assert found.task.status == "aborted"
    (hook,) = found.task.subtasks[0].workloads[0].hooks
    assert hook["action"] == ["sys_call", "x"]
    assert make("html", [found]).startswith("<!")
    assert reading._ended("nonsense") == "crashed"


def test_a_killed_task_has_a_report_and_a_damaged_one_can_be_deleted(tmp_path: Path) -> None:
    store, done = _run(tmp_path, TWO.replace(", CONTEXT", ""))
    (workload, *_) = done.subtasks[0].workloads
    workload.statistics, workload.total_iteration_count, workload.load_duration = {}, 0, 0.0
    store.put_workload(workload, 1)
    store.add_iterations(workload.uuid, [Iteration(1.0 + n, 0.5) for n in range(9)])
    (found,) = results.results(store, done.uuid)
    assert found.task.subtasks[0].workloads[0].total_iteration_count >= 9
    assert make("html", [found]).startswith("<!")
    store._db.execute("UPDATE tasks SET document = x'00'")
    tasks.delete(store, done.uuid, force=False)
    assert store.tasks() == []


# the client


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("http://h:1?q=a/b", "/?q=a/b"),
        ("http://h:1", "/"),
        ("http://h:1/a b/é?x=☃#part", "/a%20b/%C3%A9?x=%E2%98%83"),
        ("http://h:1#part", "/"),
        ("http://h:1/a%20b?c=d%26", "/a%20b?c=d%26"),
    ],
)
def test_a_url_is_asked_for_as_it_is_written(url: str, path: str) -> None:
    assert Http()._split(url)[1:] == ("h:1", path)


@pytest.mark.parametrize("body", [b'{"token": {}}', b"no", b"[]", b'{"token": 5}', b"{}"])
def test_what_is_no_token_is_said_to_be_none(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    async def request(self: Http, *_: Any, **__: Any) -> Answer:
        return Answer(201, {"x-subject-token": "t"}, body, len(body))

    monkeypatch.setattr(Http, "request", request)
    with pytest.raises(HttpError, match="no token"):
        asyncio.run(Session(Http(), Credentials("http://h/v3", "u", "p")).token())
