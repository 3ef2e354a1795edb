"""The command line and PostgreSQL: whose tables are there, and what goes with the cloud."""

import http.client
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.support.ports import free_port


class Machine:
    """An operator at one data directory."""

    def __init__(self, folder: Path, dsn: str) -> None:
        self.data = folder / "data"
        self.folder, self.dsn = folder, dsn
        self.port = free_port()

    def write_settings(self, more: str = "") -> None:
        self.data.mkdir(exist_ok=True)
        settings = f'[database]\nurl = "{self.dsn}"\n[identity]\npassword_rounds = 4\n{more}'
        (self.data / "cumulo.toml").write_text(settings)

    def run(self, *arguments: str, status: int = 0) -> str:
        argv = [sys.executable, "-m", "cumulo.cli.main", *arguments, "--data-dir", str(self.data)]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "HOME": str(self.folder),
        }
        environment["XDG_CONFIG_HOME"] = str(self.folder / "config")
        done = subprocess.run(
            argv, env=environment, capture_output=True, text=True, timeout=120, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        told = done.stdout + done.stderr
        assert done.returncode == status, told
        assert "Traceback" not in told
        return told

    def up(self, *more: str, status: int = 0) -> str:
        return self.run("up", "--fake", "--listen", f"127.0.0.1:{self.port}", *more, status=status)

    def tables(self) -> set[str]:
        with psycopg.connect(self.dsn) as connection:
            found = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
            )
            return {row[0] for row in found}

    def empty(self, name: str, encoding: str) -> str:
        """Another database on the server; its DSN."""
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            name = f"{connection.info.dbname}_{name}"
            connection.execute(
                f"CREATE DATABASE {name} ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C' "
                "TEMPLATE template0"
            )
            return self.dsn.replace(connection.info.dbname, name)

    def login(self, name: str) -> int:
        password = (self.data / "secrets" / f"{name}-password").read_text().strip()
        user = {"name": name, "domain": {"id": "default"}, "password": password}
        identity = {"methods": ["password"], "password": {"user": user}}
        scope = {"project": {"name": name, "domain": {"id": "default"}}}
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        body = json.dumps({"auth": {"identity": identity, "scope": scope}})
        connection.request("POST", "/identity/v3/auth/tokens", body, {})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        return answer.status


@pytest.fixture
def machine(tmp_path: Path, postgresql_dsn: str) -> Iterator[Machine]:
    made = Machine(tmp_path, postgresql_dsn)
    made.write_settings()
    yield made
    if made.data.exists():
        made.run("down")


def test_a_clouds_life_on_somebody_elses_server(machine: Machine) -> None:
    with psycopg.connect(machine.dsn) as connection:
        connection.execute("CREATE TABLE letters (x int)")
    machine.up()
    assert (machine.login("admin"), machine.login("demo")) == (201, 201)
    assert len(machine.tables()) > 100

    # What changed is told, and in force after a restart.
    machine.write_settings("token_lifetime = 1800.0\n[load]\nburst = 600\n")
    told = machine.up()
    assert "the cloud has been running" in told
    assert re.search(r"in force after .*restart.*: load\.burst, identity\.token_lifetime", told)
    before = machine.run("status", "--json")
    assert "in force now: load.burst, identity.token_lifetime" in machine.run("restart")
    assert json.loads(before)["pid"] != json.loads(machine.run("status", "--json"))["pid"]
    assert "in force after" not in machine.up()
    assert machine.login("demo") == 201

    # The secrets are lost: no new ones are made beside a database that they do not fit.
    machine.run("down")
    shutil.rmtree(machine.data)
    machine.write_settings()
    told = machine.up(status=1)
    for way in ("its secrets: copy", "an empty database", "identity reset-admin --data-dir"):
        assert way in told
    assert [each.name for each in machine.data.iterdir()] == ["cumulo.toml"]
    told = machine.run("down", "--purge", "--yes", status=1)
    assert len(machine.tables()) > 100

    # Taken over: with new passwords, and then it is this directory's.
    told = machine.run("identity", "reset-admin", status=1)
    assert "add --yes" in told
    told = machine.run("identity", "reset-admin", "--yes")
    assert "admin: a new password" in told and "demo: a new password" in told
    machine.up()
    assert (machine.login("admin"), machine.login("demo")) == (201, 201)
    told = machine.run("identity", "reset-admin", "--yes", status=1)
    assert "stop it first" in told
    machine.run("down")
    old = (machine.data / "secrets" / "demo-password").read_text()
    assert "demo" not in machine.run("identity", "reset-admin", "--yes")
    assert (machine.data / "secrets" / "demo-password").read_text() == old
    machine.up()
    assert (machine.login("admin"), machine.login("demo")) == (201, 201)

    # Purge drops what the cloud made, once somebody has said so, and nothing else.
    told = machine.run("down", "--purge", status=1)
    assert "the cloud's tables in postgresql://" in told and "add --yes" in told
    assert len(machine.tables()) > 100
    assert re.search(r"\d+ tables of .* are dropped", machine.run("down", "--purge", "--yes"))
    assert machine.tables() == {"letters"}
    assert not machine.data.exists()
    machine.write_settings()
    machine.up()
    assert machine.login("admin") == 201
    machine.run("down", "--purge", "--yes", "--keep-database")
    assert len(machine.tables()) > 100 and not machine.data.exists()


def test_no_second_cloud_is_begun_in_an_empty_database(machine: Machine) -> None:
    machine.up()
    machine.run("down")
    dsn, machine.dsn = machine.dsn, machine.empty("plain", "UTF8")
    machine.write_settings()
    told = machine.up(status=1)
    assert "holds no cloud" in told and "name its database as database.url" in told
    machine.dsn = machine.empty("ascii", "SQL_ASCII")
    machine.write_settings()
    assert "has the encoding SQL_ASCII" in machine.up(status=1)
    machine.dsn = dsn
    machine.write_settings()
    machine.up()
    assert machine.login("demo") == 201
    machine.run("down", "--purge", "--yes")
    assert machine.tables() == set()


def test_nothing_goes_when_the_database_is_away_or_anothers(machine: Machine) -> None:
    machine.up()
    machine.run("down")
    dsn = machine.dsn
    machine.dsn = "postgresql://a:hidden@127.0.0.1:1/c"
    machine.write_settings()
    told = machine.run("down", "--purge", "--yes", status=1)
    assert "Nothing was removed" in told and "hidden" not in told
    assert (machine.data / "secrets" / "admin-password").exists()
    machine.dsn = dsn
    machine.write_settings()
    # Another cloud moved in there meanwhile.
    with psycopg.connect(dsn) as connection:
        connection.execute("UPDATE cloud SET id = 'another'")
    told = machine.run("down", "--purge", "--yes", status=1)
    assert "holds the cloud another" in told and len(machine.tables()) > 100
    assert "with this directory's own database" in machine.up(status=1)
    told = machine.run("down", "--purge", "--yes", "--keep-database")
    assert not machine.data.exists() and len(machine.tables()) > 100
