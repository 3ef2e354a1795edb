"""The leak check: after everything was deleted, nothing is left but what the first run made."""

import sqlite3
import time
from pathlib import Path

from tests.crash.control_plane import ControlPlane

# Tables that keep what happened, or that only grow with use.
KEPT = {
    "events",
    "host_parts",
    "hosts",
    "alembic_version",
    "sqlite_sequence",
    "identity_revocations",
    "server_actions",
    # What is remembered of images that were deleted.
    "images_past",
    # Samples of guests come when a minute is full, or do not.
    "telemetry_metrics",
    "telemetry_points",
}


def counts(data_dir: Path) -> dict[str, int]:
    """Rows of each table of a stopped cloud."""
    connection = sqlite3.connect(f"file:{data_dir / 'cumulo.db'}?mode=ro", uri=True)
    try:
        names = [
            row[0]
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if row[0] not in KEPT
        ]
        return {
            name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0]
            for name in names
        }
    finally:
        connection.close()


def open_ends(data_dir: Path) -> dict[str, list[str]]:
    """What a cloud that was stopped (or killed) right after the last request may still have to do:
    orders to remove that the host has not confirmed, events that a consumer has not read, and
    images' bytes that are not removed."""
    connection = sqlite3.connect(f"file:{data_dir / 'cumulo.db'}?mode=ro", uri=True)
    try:
        orders = connection.execute("SELECT kind, id FROM host_items WHERE gone").fetchall()
        bytes_left = connection.execute("SELECT image_id FROM image_removals").fetchall()
        behind = connection.execute(
            "SELECT name FROM event_consumers WHERE dropped_at IS NULL AND (turn, sequence) < "
            "(SELECT turn, sequence FROM events ORDER BY turn DESC, sequence DESC LIMIT 1)"
        ).fetchall()
    finally:
        connection.close()
    found = {
        "orders": [f"{kind} {id}" for kind, id in orders],
        "consumers": [name for (name,) in behind],
        "removals": [id for (id,) in bytes_left],
    }
    return {what: names for what, names in found.items() if names}


def settle(plane: ControlPlane, seconds: float = 30.0) -> None:
    """Start a stopped cloud again until nothing is open: the next start alone brings it to its
    end, and after that nothing may be left."""
    if not open_ends(plane.data_dir):
        return
    plane.start()
    end = time.monotonic() + seconds
    while left := open_ends(plane.data_dir):
        plane.check()
        assert time.monotonic() < end, left
        time.sleep(0.05)
    plane.stop()


def used_quota(data_dir: Path) -> dict[str, int]:
    """Every quota counter that is not zero."""
    connection = sqlite3.connect(f"file:{data_dir / 'cumulo.db'}?mode=ro", uri=True)
    try:
        rows = connection.execute(
            "SELECT p.name, q.service, q.resource, q.used FROM quota_usages q "
            "JOIN identity_projects p ON p.id = q.project_id WHERE q.used <> 0"
        )
        return {f"{row[0]}/{row[1]}/{row[2]}": row[3] for row in rows}
    finally:
        connection.close()


def files(data_dir: Path, *folders: str) -> list[str]:
    """Files below the named folders: disks, volumes, images."""
    found = []
    for folder in folders:
        root = data_dir / folder
        if root.is_dir():
            found += [str(p.relative_to(data_dir)) for p in root.rglob("*") if p.is_file()]
    return sorted(found)
