"""The same walk, killed on its way, with the state in PostgreSQL."""

from pathlib import Path

import psycopg

from tests.crash.control_plane import ControlPlane
from tests.crash.runner import run_walk

POINTS = [
    "after commit: first run: accounts",
    "before commit: first run: networks",
    "after commit: create server",
    "after apply: compute",
    "before commit: report compute",
    "after commit: POST /compute/servers/{server_id}/os-volume_attachments",
    "before commit: os-stop server",
    "after commit: DELETE /compute/servers/{server_id}",
]


def test_converges(postgresql_dsn: str, tmp_path: Path) -> None:
    plane = ControlPlane(tmp_path / "data", settings=f'[database]\nurl = "{postgresql_dsn}"\n')
    try:
        assert run_walk(plane, POINTS) == POINTS
    finally:
        plane.stop()
    with psycopg.connect(postgresql_dsn) as connection:
        for table, left in (("volumes", 0), ("placement_allocations", 0), ("identity_users", 2)):
            row = connection.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
            assert row is not None and row[0] == left, table
