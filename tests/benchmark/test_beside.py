"""What is beside the load: log-ins, files that are fetched, results on their way to the disk, notes
of two runs, and what scripts say before all else."""

import asyncio
import json
import sqlite3
import time
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner, Result

from cumulo.benchmark import checks, registry
from cumulo.benchmark.actions import glance
from cumulo.benchmark.checks import _parts
from cumulo.benchmark.cleanup import notes as noted
from cumulo.benchmark.cleanup.kinds import Kind
from cumulo.benchmark.cleanup.sweep import Report, sweep
from cumulo.benchmark.client.http import Answer, Http, HttpError
from cumulo.benchmark.client.session import ApiError, NotFound, Session
from cumulo.benchmark.contexts import table
from cumulo.benchmark.engine import hooks, runners
from cumulo.benchmark.engine.run import Run
from cumulo.benchmark.engine.surroundings import Surroundings, User
from cumulo.benchmark.model import document
from cumulo.benchmark.model.result import Iteration, Note
from cumulo.benchmark.model.task import Hook, InvalidTask, Workload, parse
from cumulo.benchmark.queries.store import Store
from cumulo.benchmark.service import environments, owners, tasks
from cumulo.benchmark.service.noting import Notes, undoable
from cumulo.benchmark.service.writing import Writer
from cumulo.benchmark.validation import argument_problems
from cumulo.cli.rally import command

from .test_honest import Cloud, _env

DUMMY = "{version: 2, title: t, subtasks: [{title: s, scenario: {Dummy.dummy: {}}}]}"


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CUMULO_RALLY_DB", str(tmp_path / "rally.sqlite"))
    for name in ("RALLY_ENV", "RALLY_DEPLOYMENT", "RALLY_TASK"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "rally.sqlite"


def rally(*words: str, status: int = 0) -> Result:
    done = CliRunner().invoke(command, words)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == status, done.output
    return done


# what scripts say


def test_scripts_begin_with_a_database_and_a_file(kept: Path, tmp_path: Path) -> None:
    """`--file` for `--filename`: argparse takes any beginning that nothing else has."""
    spec = {"auth_url": "http://127.0.0.1:9/v3", "admin": {"username": "a", "password": "b"}}
    (tmp_path / "existing.json").write_text(json.dumps({"existing@openstack": spec}))
    assert "created" in rally("db", "create").output
    assert "already exists" in rally("db", "ensure").output
    rally("deployment", "create", "--file", str(tmp_path / "existing.json"), "--name", "a")
    rally("deployment", "create", f"--file={tmp_path / 'existing.json'}", "--name=b")
    (made,) = [e for e in Store(kept).environments() if e.name == "b"]
    assert json.loads(rally("env", "use", "b", "--json").output) == {"uuid": made.uuid}
    rally("env", "create", "--na", "c", status=0)
    assert "No such option" in rally("env", "create", "--no-such", "d", status=2).output
    rally("db", "upgrade")
    rally("db", "recreate")
    assert Store(kept).environments() == []
    assert "sqlite" in rally("db", "show").output
    assert int(rally("db", "revision").output) > 0


def test_a_database_with_a_task_that_has_left_something_is_not_thrown_away(kept: Path) -> None:
    store = Store(kept)
    env = environments.create(store, "e", {})
    task = tasks.create(store, env, parse(document.decode(DUMMY)))
    store.add_note(task.uuid, Note("flavor", "f"))
    store.close()
    assert task.uuid in rally("db", "recreate", status=1).output
    owners.release(Store(kept), task.uuid)


@pytest.mark.parametrize("extras", ["[1]", "5", "true", '"x"'])
def test_extras_that_are_none_are_refused(kept: Path, extras: str) -> None:
    assert "no dict" in rally("env", "create", "--name", "x", "--extras", extras, status=1).output
    rally("env", "list")


@pytest.mark.parametrize("description", ["5", "yes", "[1]", "{a: b}"])
def test_a_description_that_is_none_is_refused(description: str) -> None:
    with pytest.raises(InvalidTask, match="Description should be a string"):
        parse(document.decode(DUMMY.replace("title: t", f"title: t, description: {description}")))


def test_whoever_has_no_role_of_an_administrator_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    async def logged_in(self: Session) -> str:
        self.roles = ["member"]
        return "token"

    monkeypatch.setattr(Session, "token", logged_in)
    user = {"username": "demo", "password": "p", "tenant_name": "t"}
    env = environments.Environment("u", "e", "", {}, "READY", "", "")
    env.spec = {"openstack": {"auth_url": "http://h/v3", "admin": user}}
    found = asyncio.run(environments.check(env))["existing@openstack"]
    assert not found["available"]
    assert "'demo' doesn't have 'admin' role" in found["message"]
    env.spec = {"openstack": {"auth_url": "http://h/v3", "users": [user]}}
    assert asyncio.run(environments.check(env))["existing@openstack"]["available"]


def test_a_flavor_is_described_and_not_named() -> None:
    scenario = registry.find("NovaServers.boot_server")
    args = {"flavor": "m1.nano", "image": {"name": "cirros"}}
    assert any("{name: m1.nano}" in words for words in argument_problems(scenario, args))
    args["flavor"] = {"name": "m1.nano"}
    assert argument_problems(scenario, args) == []


def test_a_fault_that_is_not_known_is_said_before_the_run() -> None:
    def hook(words: str) -> Hook:
        trigger = {"unit": "iteration", "at": [1]}
        return Hook(("fault_injection", {"action": words}), ("event", trigger))

    assert "explode" in str(hooks.wrong(hook("explode everything")))
    assert hooks.wrong(hook("kill control plane for 2.5 seconds")) == []


@pytest.mark.parametrize("name", ["CinderQos.list_qos", "CinderVolumes.list_transfers"])
def test_what_a_volume_service_lacks_is_said_before_the_run(name: str) -> None:
    lacks = NotFound(404, "GET", "", "", "")
    there = Cloud()
    assert asyncio.run(_parts(Workload(name, {}), checks.Cloud(cast(Session, there)))) == []
    path = there.asked[0][1]
    cloud = checks.Cloud(cast(Session, Cloud({("GET", path): lacks})))
    (words,) = asyncio.run(_parts(Workload(name, {}), cloud))
    assert "has no" in words


def test_numbers_of_things_are_whole() -> None:
    assert runners.wrong("constant", {"times": 10.0})
    assert runners.wrong("constant", {"times": 10}) == []


def test_what_hangs_ends() -> None:
    """As in Rally: else a load of a minute might last for hours."""
    assert runners.filled("constant_for_duration", {"duration": 1})["timeout"] == 600
    assert runners.filled("constant_for_duration", {"duration": 1, "timeout": 5})["timeout"] == 5


# before the load


def test_users_have_logged_in_before_the_load_begins() -> None:
    class User_(Cloud):
        tokens = 0

        async def token(self) -> str:
            self.tokens += 1
            if self.project_id == "refused":
                raise HttpError("away")
            return "token"

    clouds = [User_() for _ in range(30)]
    clouds[3].project_id = "refused"
    env = Surroundings("task", cast(Http, None), {})
    env.users = [User(str(n), "", "p", cast(Session, c)) for n, c in enumerate(clouds)]
    asyncio.run(env.log_in(29))
    assert {cloud.tokens for cloud in clouds} == {0}
    asyncio.run(env.log_in(None))
    assert {cloud.tokens for cloud in clouds} == {1}


# other hosts


class Web:
    """An HTTP client that answers with so many bytes."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def request(self, method: str, url: str, headers: Any, to: Any = None) -> Answer:
        self.asked.append(url)
        moved = url.endswith("/old")
        to.write(b"moved" if moved else b"content" * 1000)
        await asyncio.sleep(0)
        return Answer(302 if moved else 200, {"location": "/new"} if moved else {}, b"", 0)


def test_an_image_is_fetched_once_for_all_iterations() -> None:
    """And is nowhere as a whole in memory."""

    async def read(run: Run) -> bytes:
        content = await glance._content(run, "http://mirror/old")
        return b"".join([piece async for piece in content])

    async def whole() -> list[bytes]:
        return await asyncio.gather(*(read(Run(env, n)) for n in range(5)))

    web = Web()
    env = Surroundings("task", cast(Http, web), {})
    assert asyncio.run(whole()) == [b"content" * 1000] * 5
    assert web.asked == ["http://mirror/old", "http://mirror/new"]


@pytest.mark.parametrize("name", ["https_cacert", "https_insecure", "https_cert"])
def test_what_a_cloud_says_of_certificates_is_of_it_alone(name: str) -> None:
    own = Http()
    env = Surroundings("task", own, {"auth_url": "https://cloud:5000/v3", name: "x"})
    assert env.client_for("https://cloud/image") is own
    other = env.client_for("https://elsewhere/image")
    assert other is not own
    assert other is env.client_for("https://elsewhere/again")
    assert Surroundings("t", own, {"auth_url": "https://c/v3"}).client_for("https://e/") is own
    env.close()


def test_a_connection_that_was_answered_too_early_is_not_used_again() -> None:
    """The server is owed the rest of the body still: it would take the next request for that."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append(head.split()[1].decode())
        status = b"413 No" if b"/upload" in head else b"200 OK"
        writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n")
        await reader.read()
        writer.close()

    async def body() -> Any:
        for _ in range(50):
            yield b"x" * 1000
            await asyncio.sleep(0.01)

    async def whole() -> list[int]:
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        http = Http()
        first = await http.request("PUT", f"http://127.0.0.1:{port}/upload", {}, body(), timeout=5)
        second = await http.request("GET", f"http://127.0.0.1:{port}/next", {}, timeout=5)
        http.close()
        server.close()
        return [first.status, second.status]

    seen: list[str] = []
    assert asyncio.run(whole()) == [413, 200]
    assert seen == ["/upload", "/next"]


# results


def test_a_locked_file_does_not_hold_up_the_load(tmp_path: Path) -> None:
    store = Store(tmp_path / "rally.sqlite")
    env = environments.create(store, "e", {})
    task = tasks.create(store, env, parse(document.decode(DUMMY)))
    owners.release(store, task.uuid)
    with sqlite3.connect(store.path) as db:
        db.execute("PRAGMA foreign_keys = OFF")
        db.execute("INSERT INTO subtasks VALUES ('s', ?, 0, '')", (task.uuid,))
        db.execute("INSERT INTO workloads VALUES ('w', 's', 0, '')")

    async def whole() -> float:
        other = sqlite3.connect(store.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        writer = Writer(store.path, "w")
        began = time.monotonic()
        for n in range(3):
            writer.save([Iteration(float(n), 1.0)])
        await asyncio.sleep(0.3)
        spent = time.monotonic() - began
        other.execute("COMMIT")
        other.close()
        await writer.end()
        return spent

    assert asyncio.run(whole()) < 5
    assert [i.timestamp for i in store.iterations("w")] == [0.0, 1.0, 2.0]


def test_results_that_cannot_be_written_are_said_and_the_cloud_is_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Store, uuid: str, iterations: list[Iteration]) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    store = Store(tmp_path / "rally.sqlite")
    env = environments.create(store, "e", {})
    config = parse(document.decode(DUMMY))
    task = tasks.create(store, env, config)
    monkeypatch.setattr(Store, "add_iterations", full)
    work = tasks.Running(store, env, tasks.Means(save=lambda found: None), tasks.Watcher())
    with pytest.raises(sqlite3.OperationalError, match="full"):
        environments.run(tasks.start(work, task, config))
    assert store.remaining(env.uuid) == [task.uuid]
    assert store.status(task.uuid) == "crashed"


# notes


def test_a_flavor_is_known_before_it_is_asked_for() -> None:
    """Else another one of that name would be taken away, should the answer be lost."""

    class Kept:
        def __init__(self) -> None:
            self.notes: list[Note] = []

        def add(self, note: Note) -> int:
            self.notes.append(note)
            return len(self.notes)

        def forget(self, number: int) -> None:
            self.notes[number - 1] = Note("", "")

    lost = ApiError(500, "POST", "/flavors", "lost", "")
    cloud = Cloud({("POST", "/flavors"): lost})
    env = _env(cloud)
    kept = env.notes = Kept()  # type: ignore[assignment]
    with pytest.raises(ApiError):
        asyncio.run(table.find("flavors").setup(env, [{"name": "m1.x", "ram": 1}]))
    (asked,) = [body["flavor"] for method, _, body in cloud.asked if method == "POST"]
    (note,) = kept.notes
    assert note.before == {"id": asked["id"]}
    undone = Cloud()
    asyncio.run(noted.undo(cast(Session, undone), note, Report()))
    assert [(m, p) for m, p, _ in undone.asked] == [("DELETE", f"/flavors/{asked['id']}")]


def test_a_volume_type_of_somebody_elses_stays() -> None:
    types = [
        {"id": "theirs", "name": "fast", "description": None},
        {"id": "ours", "name": "fast", "description": "c_rally_x"},
    ]
    cloud = Cloud({("GET", "/types"): {"volume_types": types}})
    note = Note("volume_type", "fast", "", {"description": "c_rally_x"})
    asyncio.run(noted.undo(cast(Session, cloud), note, Report()))
    assert [p for m, p, _ in cloud.asked if m == "DELETE"] == ["/types/ours"]


@pytest.mark.parametrize("killed", [None, 0, 1])
def test_the_last_of_two_runs_takes_a_role_away(tmp_path: Path, killed: int | None) -> None:
    class Roles(Cloud):
        had: set[str] = set()

        async def call(
            self, service: str, method: str, path: str, body: Any = None, **more: Any
        ) -> Any:
            if path == "/roles":
                return {"roles": [{"id": "r", "name": "swiftoperator"}]}
            if method == "GET":
                return {"roles": [{"id": each} for each in self.had]}
            if method == "PUT":
                self.had.add(path.rpartition("/")[2])
            else:
                self.had.discard(path.rpartition("/")[2])
            return {}

    cloud, context = Roles(), table.find("roles")
    cloud.had = set()
    store = Store(tmp_path / "rally.sqlite")
    kept = environments.create(store, "e", {})
    made = [tasks.create(store, kept, parse(document.decode(DUMMY))) for _ in range(2)]
    runs = []
    for task in made:
        run = _env(cloud)
        run.existing_users = True
        run.notes = Notes(store, task.uuid)
        runs.append(run)
        asyncio.run(context.setup(run, ["swiftoperator"]))
    for number, (run, task) in enumerate(zip(runs, made, strict=True)):
        if number == killed:
            owners.release(store, task.uuid)
            for note in undoable(store, task.uuid):
                asyncio.run(noted.undo(cast(Session, cloud), note, Report()))
            store.clear_notes(task.uuid)
        else:
            asyncio.run(context.cleanup(run, ["swiftoperator"]))
        assert cloud.had == (set() if number else {"r"})
    for task in made:
        owners.release(store, task.uuid)


def test_what_does_not_go_away_is_waited_for_once() -> None:
    """Five times five minutes for each of many servers would be hours."""

    async def listing(cloud: Session) -> list[Any]:
        return [{"id": "s", "name": "n"}]

    async def removal(cloud: Session, item: Any) -> None:
        tried.append(item["id"])
        raise TimeoutError("still there after 300 s")

    tried: list[str] = []
    kind = Kind("nova.servers", "compute", "", "", listing=listing, removal=removal)
    report = Report()
    asyncio.run(sweep(cast(Session, Cloud()), [kind], lambda item, kind: True, report))
    assert (tried, report.failed) == (["s"], 1)
