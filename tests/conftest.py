"""Fixtures that several rooms of tests share."""

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import hypothesis
import psycopg
import pytest

from cumulo.core.db.sqlite import REHEARSES
from cumulo.core.events import history
from tests.support import fresh, postgresql
from tests.support.ceph import Ceph, ceph_cluster

# Each write is run twice, the first time in vain, in the processes that tests start, too. Tests
# whose own parts count what they are called for switch it off at their database.
os.environ.setdefault(REHEARSES, "1")

# How long a machine takes is no property of the program: CI's is shared and slow.
hypothesis.settings.register_profile("cumulo", deadline=None)
hypothesis.settings.load_profile("cumulo")


def _refuse(mistake: str) -> None:
    raise AssertionError(mistake)


fresh.install()

# An event that is not as its service declares it is a mistake in the program.
history.on_mistake = _refuse


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[str]:
    with postgresql.server() as dsn:
        yield dsn


@pytest.fixture
def postgresql_dsn(postgresql_server: str) -> str:
    """A new, empty database."""
    name = f"t{uuid4().hex}"
    with psycopg.connect(postgresql_server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
    return postgresql_server.replace("/postgres?", f"/{name}?")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Both engines, one after the other: "" stands for SQLite in the data directory."""
    if request.param == "sqlite":
        return ""
    return str(request.getfixturevalue("postgresql_dsn"))


@pytest.fixture(scope="session")
def ceph(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ceph]:
    """One cluster for all tests; each has a pool of its own."""
    with ceph_cluster(tmp_path_factory.mktemp("ceph")) as cluster:
        yield cluster
