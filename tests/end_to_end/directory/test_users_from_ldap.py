"""Users of an LDAP directory (slapd) at work: the stock client, a cloud in a process of its own."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.support.ports import free_port
from tests.support.served import ServedCloud, served_cloud
from tests.support.slapd import PEOPLE, TEAMS, Slapd, slapd

SETTINGS = "directory_sync_seconds = 0.5"
CLIENT = str(Path(sys.executable).with_name("openstack"))


@dataclass
class Stage:
    cloud: ServedCloud
    server: Slapd
    folder: Path

    def run(self, *argv: str, user: str = "admin", **more: str) -> subprocess.CompletedProcess[str]:
        """The stock client, as the administrator or as somebody of the directory."""
        inside = {"OS_USERNAME": user, "OS_PASSWORD": f"secret-of-{user}"}
        inside |= {"OS_USER_DOMAIN_NAME": "firm", "OS_PROJECT_DOMAIN_NAME": "firm"}
        if user == "admin":
            inside |= {"OS_PASSWORD": self.cloud.password("admin"), "OS_PROJECT_NAME": "admin"}
            inside |= {"OS_USER_DOMAIN_NAME": "Default", "OS_PROJECT_DOMAIN_NAME": "Default"}
        environment = {k: v for k, v in os.environ.items() if not k.startswith("OS_")}
        environment |= {"HOME": str(self.folder), "OS_AUTH_URL": self.cloud.auth_url}
        environment |= {"OS_IDENTITY_API_VERSION": "3", **inside, **more}
        return subprocess.run(
            [CLIENT, *argv], env=environment, capture_output=True, text=True, timeout=60
        )

    def said(self, *argv: str, **more: str) -> Any:
        done = self.run(*argv, "-f", "json", **more)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def ok(self, *argv: str, **more: str) -> str:
        done = self.run(*argv, **more)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def names(self) -> dict[str, str]:
        users = self.admin("GET", f"/users?domain_id={self.domain()}")["users"]
        return {user["name"]: user["enabled"] for user in users}

    def domain(self) -> str:
        found: str = self.admin("GET", "/domains?name=firm")["domains"][0]["id"]
        return found

    def admin(self, method: str, path: str, body: Any = None) -> Any:
        session = self.cloud.session("admin")
        url = self.cloud.auth_url + path
        answer = session.request(url, method, json=body, raise_exc=True)
        return answer.json() if answer.content else None

    def look(self, token: str) -> int:
        """What a request with this token is answered."""
        url = f"{self.cloud.auth_url}/auth/projects"
        return requests.get(url, headers={"X-Auth-Token": token}, timeout=10).status_code


def until(accept: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not accept():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.1)


def configure(stage: Stage) -> None:
    stage.ok("domain", "create", "firm")
    options = stage.server.options(use_tls=True, tls_cacertfile=stage.server.ca_file)
    config = {"identity": {"driver": "ldap"}, "ldap": options}
    stage.admin("PUT", f"/domains/{stage.domain()}/config", {"config": config})


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Slapd]:
    with slapd(tmp_path / "slapd") as made:
        made.add_person("ann", "secret-of-ann", email="ann@firm.example")
        made.add_person("bob", "secret-of-bob")
        made.add_person("eve", "secret-of-eve")
        made.add_team("staff", "ann", "bob")
        yield made


def test_a_day_in_the_firm(server: Slapd, tmp_path: Path) -> None:
    with served_cloud(tmp_path / "cloud", settings=SETTINGS) as cloud:
        stage = Stage(cloud, server, tmp_path)
        configure(stage)
        users = stage.said("user", "list", "--domain", "firm")
        assert sorted(user["Name"] for user in users) == ["ann", "bob", "eve"]
        # A role by a group of the directory.
        stage.ok("project", "create", "--domain", "firm", "work")
        named = ["--project", "work", "--project-domain", "firm"]
        group = ["--group", "staff", "--group-domain", "firm"]
        stage.ok("role", "add", *named, *group, "member")
        issued = stage.said("token", "issue", user="ann", OS_PROJECT_NAME="work")
        mine = stage.said("user", "show", "--domain", "firm", "ann")
        assert issued["user_id"] == mine["id"] and len(mine["id"]) == 64
        assert mine["email"] == "ann@firm.example"
        stage.ok("network", "create", "of-ann", user="ann", OS_PROJECT_NAME="work")
        refused = stage.run("token", "issue", user="eve", OS_PROJECT_NAME="work")
        assert "HTTP 401" in refused.stderr
        assert "HTTP 401" in stage.run("token", "issue", user="ann", OS_PASSWORD="no").stderr
        # Nothing is written to it.
        for words in (["user", "set", "--email", "x"], ["user", "create"], ["group", "create"]):
            done = stage.run(*words, "--domain", "firm", "ann")
            assert "LDAP does not support write operations" in done.stderr
        # Out of the group, removed: each token ends with the next look.
        tokens = {
            name: stage.said("token", "issue", user=name, OS_PROJECT_NAME="work")["id"]
            for name in ("ann", "bob")
        }
        assert [stage.look(token) for token in tokens.values()] == [200, 200]
        server.change(f"cn=staff,{TEAMS}", member=f"cn=Person ann,{PEOPLE}")
        until(lambda: stage.look(tokens["bob"]) == 401)
        assert stage.look(tokens["ann"]) == 200
        server.remove_person("ann")
        until(lambda: stage.look(tokens["ann"]) == 401)
        assert stage.names() == {"ann": False, "bob": True, "eve": True}


def test_a_directory_that_dies_and_comes_back(server: Slapd, tmp_path: Path) -> None:
    with served_cloud(tmp_path / "cloud", settings=SETTINGS) as cloud:
        stage = Stage(cloud, server, tmp_path)
        configure(stage)
        until(lambda: len(stage.names()) == 3)
        token = stage.said("token", "issue", user="ann")["id"]
        server.stop(signal.SIGKILL)
        done = stage.run("token", "issue", user="ann")
        assert done.returncode != 0 and "does not answer" in done.stderr + done.stdout
        assert stage.look(token) == 200
        assert len(stage.names()) == 3
        why = [sys.executable, "-m", "cumulo.cli.main", "why", stage.domain()]
        until(
            lambda: (
                "identity.directory.failed"
                in subprocess.run(
                    [*why, "--data-dir", str(cloud.data)],
                    env={**os.environ, "PYTHONPATH": "src"},
                    capture_output=True,
                    text=True,
                    timeout=60,
                ).stdout
            )
        )
        server.start()
        server.add_person("new", "secret-of-new")
        until(lambda: "new" in stage.names())
        stage.ok("token", "issue", user="ann")


def test_what_changed_while_the_cloud_was_off(server: Slapd, tmp_path: Path) -> None:
    port = free_port()
    with served_cloud(tmp_path / "cloud", port=port, settings=SETTINGS) as cloud:
        stage = Stage(cloud, server, tmp_path)
        configure(stage)
        until(lambda: len(stage.names()) == 3)
        token = stage.said("token", "issue", user="ann")["id"]
    server.remove_person("ann")
    server.add_person("new", "secret-of-new")
    with served_cloud(tmp_path / "cloud", port=port, settings=SETTINGS):
        until(lambda: stage.look(token) == 401)
        assert stage.names() == {"ann": False, "bob": True, "eve": True, "new": True}
