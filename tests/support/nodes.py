"""Two control nodes of one cloud, as processes, on a PostgreSQL of the test."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.support.ports import free_port
from tests.support.served import ServedCloud, served_cloud


def cumulo(data: Path, *arguments: str, status: int = 0) -> str:
    """A command of ours; what it told."""
    home = data.parent / f"home-{data.name}"
    home.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "cumulo.cli.main", *arguments, "--data-dir", str(data)],
        env={**os.environ, "PYTHONPATH": "src", "HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    told = done.stdout + done.stderr
    assert done.returncode == status, told
    assert "Traceback" not in told
    return told


@dataclass(frozen=True)
class Node:
    """One of them, as a user with a token of the whole cloud sees it."""

    url: str
    token: str
    project: str

    def call(self, method: str, path: str, **more: Any) -> requests.Response:
        headers = {"X-Auth-Token": self.token, **more.pop("headers", {})}
        return requests.request(method, self.url + path, headers=headers, timeout=30, **more)

    def json(self, method: str, path: str, **more: Any) -> Any:
        answer = self.call(method, path, **more)
        assert answer.ok, (method, path, answer.status_code, answer.text)
        return answer.json()


@dataclass(frozen=True)
class TwoNodes:
    first: ServedCloud
    second: ServedCloud

    def as_(self, user: str) -> tuple[Node, Node]:
        """The user at each, with one token."""
        session = self.first.session(user)
        token, project = session.get_token(), session.get_project_id()
        assert token is not None and project is not None
        first, second = (Node(each.url, token, project) for each in (self.first, self.second))
        return first, second


@contextlib.contextmanager
def two_nodes(folder: Path, dsn: str, *, more: str = "") -> Iterator[TwoNodes]:
    """`more`: settings of the first, which both get."""
    gate = free_port()
    settings = f"[database]\nurl = {json.dumps(dsn)}\n[networks]\n"
    settings += f'management = "127.0.0.1:{gate}"\n[node]\ndrain_seconds = 1.0\n{more}'
    with served_cloud(folder / "one", settings=settings) as first:
        line = cumulo(folder / "one", "node", "token", "create").split()
        second = ServedCloud(folder / "two", f"http://127.0.0.1:{free_port()}")
        listen = second.url.removeprefix("http://")
        joins = [*line[1:6], "--name", "second", "--listen", listen]
        try:
            cumulo(folder / "two", *joins)
            yield TwoNodes(first, second)
        finally:
            cumulo(folder / "two", "down", "--purge", "--yes")
