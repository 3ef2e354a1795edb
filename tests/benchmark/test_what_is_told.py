"""What a run says and does not say: secrets, long clean-ups, waits, doubtful leftovers; quotas that
an administrator has set while it ran."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cumulo.benchmark.actions import keystone, nova
from cumulo.benchmark.actions.waiting import TimeoutException
from cumulo.benchmark.cleanup.notes import undo
from cumulo.benchmark.cleanup.sweep import Report
from cumulo.benchmark.contexts import table
from cumulo.benchmark.engine import telling
from cumulo.benchmark.engine.run import Run
from cumulo.benchmark.model import timeouts
from cumulo.benchmark.model.secrets import HIDDEN, masked, masked_text
from cumulo.benchmark.verification.subunit_reader import settled
from cumulo.cli.rally import command
from tests.benchmark.test_left_behind import Cloud, Kept, Quotas, _env, _session

FILE = """
version: 2
title: Secrets
subtasks:
  - title: web
    scenario: {Dummy.dummy: {}}
    contexts: {users: {user_password: "pass, word"}}
  - scenario:
      HttpRequests.check_request:
        url: http://me:hidden9@127.0.0.1:1/
        method: GET
        status_code: 200
        headers: {X-Auth-Token: tokenvalue, Accept: text/html}
        auth: [me, hunter22]
    title: asked
    contexts:
      dummy_context: {fail_setup: true}
"""
SECRET = ("pass, word", "tokenvalue", "hunter22", "hidden9")


def test_secrets_are_in_no_report_and_on_no_terminal(tmp_path: Path) -> None:
    """And a task can still be run again as it was."""
    (tmp_path / "t.yaml").write_text(FILE.replace("users:", "dummy_context: {}, users:"))
    named = {"HOME": str(tmp_path), "CUMULO_RALLY_DB": str(tmp_path / "rally.sqlite")}

    def rally(*words: str) -> str:
        return CliRunner().invoke(command, words, env=named).output

    spec = tmp_path / "spec.json"
    spec.write_text("{}")
    rally("env", "create", "--name", "none", "--spec", str(spec))
    page, kept = tmp_path / "r.html", tmp_path / "r.json"
    said = [
        rally("task", "start", str(tmp_path / "t.yaml"), "--html", str(page)),
        rally("task", "detailed"),
        rally("task", "report", "--json", "--out", str(kept)),
        rally("task", "report", "--json"),
        rally("task", "trends", "--html", "--out", str(tmp_path / "t.html")),
        *(path.read_text() for path in (page, kept) if path.exists()),
    ]
    assert "HttpRequests.check_request" in said[0] and HIDDEN in said[0]
    for text in said:
        assert not [secret for secret in SECRET if secret in text], text[-2000:]
    assert "text/html" in said[0]


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ({"password": "x", "key_name": "k"}, {"password": HIDDEN, "key_name": "k"}),
        ({"adminPass": 12345, "token_ttl": 5}, {"adminPass": HIDDEN, "token_ttl": 5}),
        ({"auth": {"user": "u", "pw": ["p"]}}, {"auth": {"user": HIDDEN, "pw": [HIDDEN]}}),
        ({"url": "https://u:p@h/x"}, {"url": f"https://u:{HIDDEN}@h/x"}),
        ({"secrets_per_tenant": 3, "password": None}, {"secrets_per_tenant": 3, "password": None}),
    ],
)
def test_what_is_a_secret(given: Any, shown: Any) -> None:
    assert masked(given) == shown


def test_a_text_that_is_no_document_is_masked_by_its_lines() -> None:
    text = "a: [\n  user_password: abc def\n  name: abc\n"
    assert masked_text(text) == f"a: [\n  user_password: {HIDDEN}\n  name: abc\n"


# quotas


def test_what_an_administrator_has_set_meanwhile_stays() -> None:
    cloud, context = Quotas(), table.find("quotas")
    env = _env(cloud, existing=True)
    env.notes = kept = Kept()
    config = {"nova": {"instances": 100, "cores": 40}}
    asyncio.run(context.setup(env, config))
    (note,) = kept.notes.values()
    cloud.now["cores"] = 77
    asyncio.run(context.cleanup(env, config))
    assert cloud.now == {"instances": 10, "cores": 77, "ram": 30}
    # After a kill the note tells the same.
    cloud.now = {"instances": 100, "cores": 77, "ram": 30}
    report = Report()
    asyncio.run(undo(_session(cloud), note, report))
    assert (cloud.now["instances"], cloud.now["cores"], report.failed) == (10, 77, 0)


# credentials whose name is known when they are there


class Credentials(Cloud):
    def __init__(self) -> None:
        super().__init__()
        self.there = [{"access": "old", "tenant_id": "p"}]
        self.dies = False

    async def get(self, service: str, path: str, *_: Any, **__: Any) -> Any:
        return {"credentials": list(self.there)}

    async def post(self, service: str, path: str, *_: Any, **__: Any) -> Any:
        made = {"access": f"new{len(self.there)}", "tenant_id": "p"}
        self.there.append(made)
        if self.dies:
            raise KeyboardInterrupt
        return {"credential": made}


def test_a_credential_that_nobody_saw_is_told_and_left() -> None:
    cloud = Credentials()
    env = _env(cloud, existing=True)
    env.notes = kept = Kept()
    asyncio.run(keystone.create_ec2(Run(env, 0, user=env.users[0])))
    assert [note.name for note in kept.notes.values()] == ["new1"]
    cloud.dies = True
    with pytest.raises(KeyboardInterrupt):
        asyncio.run(keystone.create_ec2(Run(env, 1, user=env.users[0])))
    report = Report()
    cloud.there = [each for each in cloud.there if each["access"] != "new1"]
    for note in kept.notes.values():
        if not note.name:
            asyncio.run(undo(_session(cloud), note, report))
            asyncio.run(undo(_session(cloud), note, report))
    assert report.failed == 0 and cloud.deleted == []
    assert len(report.errors) == 1 and "new2" in report.errors[0]


# waits


def test_waits_are_set_by_rallys_configuration() -> None:
    text = (
        "[DEFAULT]\ndebug = True\n[openstack]\nnova_server_boot_timeout = 0.05\n"
        "nova_server_boot_poll_interval = 1\n"
    )
    assert timeouts.parse(text) == {"nova_server_boot_timeout": 0.05}
    assert timeouts.parse("[DEFAULT]\n") == {}
    building = {"server": {"id": "s", "status": "BUILD"}}
    cloud = Cloud({("POST", "/servers"): building, ("GET", "/servers/s"): building})
    env = _env(cloud)
    env.timeouts = timeouts.parse(text)
    with pytest.raises(TimeoutException, match=r"0\.05 s"):
        asyncio.run(nova.boot_server(Run(env, 0, user=env.users[0]), "i", "f"))


@pytest.mark.parametrize("value", ["-1", "nan", "soon", "1e99", "0"])
def test_a_wait_that_is_none_is_told_before_a_task_is_made(tmp_path: Path, value: str) -> None:
    conf = tmp_path / "rally.conf"
    conf.write_text(f"[openstack]\nheat_stack_create_timeout = {value}\n")
    (tmp_path / "t.yaml").write_text('{"Dummy.dummy": [{}]}')
    (tmp_path / "spec.json").write_text("{}")
    named = {"HOME": str(tmp_path), "CUMULO_RALLY_DB": str(tmp_path / "rally.sqlite")}
    runner = CliRunner()
    runner.invoke(
        command, ["env", "create", "--name", "n", "--spec", f"{tmp_path}/spec.json"], env=named
    )
    words = ["--config-file", str(conf), "task", "start", f"{tmp_path}/t.yaml"]
    done = runner.invoke(command, words, env=named)
    assert done.exit_code == 1 and "heat_stack_create_timeout" in done.output
    assert runner.invoke(command, ["task", "list", "--uuids-only"], env=named).output.strip() == ""


def test_every_wait_has_a_name_of_rallys() -> None:
    """A name with a slip would be found when the step is waited for."""
    import re

    root = Path(timeouts.__file__).parent.parent
    for path in root.rglob("*.py"):
        for name in re.findall(r'timeout\(\s*"(\w+)"', path.read_text()):
            assert name in timeouts.DEFAULTS, (path, name)


# long clean-ups


def test_what_takes_long_says_so_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "FIRST", 0.01)
    monkeypatch.setattr(telling, "MOST", 0.02)
    said: list[str] = []

    async def long() -> None:
        async with telling.told(said.append, lambda: "still"):
            await asyncio.sleep(0.1)

    asyncio.run(long())
    assert 2 <= len(said) <= 8 and said[0].startswith("still (")


# Tempest's classes


def test_tests_of_a_class_that_was_skipped_are_skipped() -> None:
    def test(name: str, status: str, why: str = "") -> dict[str, Any]:
        return {"name": name, "status": status, "details": why, "timestamp": ""}

    found = settled(
        {
            "a.B.one[id-1]": test("a.B.one", "exists"),
            "a.B.two[id-2]": test("a.B.two", "exists"),
            "setUpClass (a.B)": test("setUpClass (a.B)", "skip", "no dashboard"),
            "a.C.one[id-3]": test("a.C.one", "success"),
            "a.D.one[id-4]": test("a.D.one", "exists"),
            "setUpClass (a.E)": test("setUpClass (a.E)", "fail", "broken"),
        }
    )
    outcomes = {name: (each["status"], each["details"]) for name, each in found.items()}
    assert outcomes == {
        "a.B.one[id-1]": ("skip", "no dashboard"),
        "a.B.two[id-2]": ("skip", "no dashboard"),
        "a.C.one[id-3]": ("success", ""),
        "a.D.one[id-4]": ("fail", "It did not begin."),
        "setUpClass (a.E)": ("fail", "broken"),
    }
    json.dumps(found)
