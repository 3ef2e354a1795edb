"""The leak check: after everything was deleted, nothing is left but what the first run made."""

import sqlite3
from pathlib import Path

# Tables that keep what happened, or that only grow with use.
KEPT = {
    "events",
    "host_parts",
    "hosts",
    "alembic_version",
    "sqlite_sequence",
    "identity_revocations",
    "server_actions",
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
            # An order to remove stays until the host has said that nothing is left.
            name: connection.execute(
                f'SELECT count(*) FROM "{name}"'
                + (" WHERE NOT gone" if name == "host_items" else "")
            ).fetchone()[0]
            for name in names
        }
    finally:
        connection.close()


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
