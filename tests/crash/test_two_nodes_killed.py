"""The walk by two control nodes on one PostgreSQL, killed in turn, and both, on its way."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import psycopg

from cumulo.core.hosts.joining import token_of
from cumulo.core.nodes import joining
from tests.crash.control_plane import ControlPlane, Died
from tests.crash.runner import run_walk
from tests.crash.walk import Walk
from tests.support.ports import free_port

# The first has the host; both answer, and share the rest of the work.
POINTS = [
    "two after commit: POST /network/v2.0/networks",
    "two after commit: create server",
    "one after apply: compute",
    "two before commit: leases",
    "one after commit: POST /volume/volumes",
    "two before commit: POST /compute/servers/{server_id}/os-volume_attachments",
    "one after commit: report block_storage",
    "two after commit: DELETE /compute/servers/{server_id}",
]


class Pair:
    """Both, as one that dies when either does. Writes go to whoever is to die, looks to the other
    one."""

    def __init__(self, folder: Path, dsn: str) -> None:
        self.gate = free_port()
        url = json.dumps(dsn)
        own = f'[database]\nurl = {url}\n[networks]\nmanagement = "127.0.0.1:{self.gate}"\n'
        own += "[node]\ndrain_seconds = 0.0\n"
        self.planes = {"one": ControlPlane(folder / "one", settings=own)}
        self.victim = "one"

    def join(self, folder: Path) -> None:
        one = self.planes["one"]
        one.start()
        made = one.ask("POST", "/cumulo/nodes/tokens", {}, user="admin")
        given = joining.join(f"https://127.0.0.1:{self.gate}", token_of(made["token"]), "second")
        two = ControlPlane(folder / "two")
        joining.settle(two.data_dir, "second", given, given.database)
        for name in ("run", "logs", "secrets"):
            (two.data_dir / name).mkdir(exist_ok=True, mode=0o700)
        self.planes["two"] = two

    def start(self, *, crash_at: str = "") -> None:
        self.victim, _, point = crash_at.partition(" ")
        self.victim = self.victim or "one"
        other = "two" if self.victim == "one" else "one"
        for name in (other, self.victim):
            plane = self.planes[name]
            # Who has not died yet dies now: the other one is told where by its next start.
            plane.kill()
            self._of(
                name,
                lambda plane=plane, at=point if name == self.victim else "": plane.start(
                    crash_at=at
                ),
            )  # type: ignore[misc]

    def _of(self, name: str, do: Callable[[], Any]) -> Any:
        try:
            return do()
        except Died as death:
            raise Died(f"{name} {death.at}") from None

    def check(self) -> None:
        for name, plane in self.planes.items():
            self._of(name, plane.check)

    def stop(self) -> None:
        for name, plane in self.planes.items():
            self._of(name, plane.stop)

    def send(self, method: str, path: str, body: Any = None, user: str | None = "demo") -> Any:
        other = "two" if self.victim == "one" else "one"
        name = other if method == "GET" else self.victim
        return self._of(name, lambda: self.planes[name].send(method, path, body, user))

    def ask(
        self, method: str, path: str, body: Any = None, *, user: str = "demo", ok: Any = ()
    ) -> Any:
        status, _, found = self.send(method, path, body, user)
        assert status < 300 or status in ok, f"{method} {path}: {status} {found}"
        return found


def test_converges(postgresql_dsn: str, tmp_path: Path) -> None:
    pair: Any = Pair(tmp_path, postgresql_dsn)
    try:
        pair.join(tmp_path)

        def steps(plane: Any) -> Iterable[Callable[[], None]]:
            return Walk(plane).steps()

        assert run_walk(pair, POINTS, steps) == POINTS
    finally:
        pair.stop()
    with psycopg.connect(postgresql_dsn) as connection:
        for table, left in (("volumes", 0), ("placement_allocations", 0), ("identity_users", 2)):
            row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
            assert row is not None and row[0] == left, table
