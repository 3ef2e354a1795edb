"""Identity with a hundred thousand users, beside the same cloud with one page of them: CPU per
request, in one run."""

import sqlite3
import sys
import uuid
from collections.abc import Iterator
from typing import Any

from bench.process import Cloud, fake_cloud

PAGE = 60
USERS = 100_000
PROJECTS = 10_000
REPEAT = 150
TIMES = 2.0
"""How much dearer a page and a login may become."""


def main() -> None:
    with fake_cloud() as cloud:
        fill(cloud, "page", PAGE, PAGE)
        before = measure(cloud)
        fill(cloud, "many", USERS, PROJECTS)
        after = measure(cloud)
    many = f"{USERS:,} users, {PROJECTS:,} projects"
    print(f"| operation | {PAGE} users, µs | {many}, µs | ratio |")
    print("|---|---|---|---|")
    for name, empty in before.items():
        print(f"| {name} | {empty:,.0f} | {after[name]:,.0f} | {after[name] / empty:.2f} |")
    worst = max(after[name] / before[name] for name in before)
    print(f"\nthe worst: {worst:.2f} times its cost with one page of them (budget {TIMES:.0f})")


def fill(cloud: Cloud, prefix: str, users: int, projects: int) -> None:
    """Rows as the service would write them, without as many requests."""
    database = sqlite3.connect(cloud.data_dir / "cumulo.db", timeout=60)
    for table, count in (("identity_projects", projects), ("identity_users", users)):
        rows = _copies(database, table, prefix, count)
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
        places = ", ".join("?" for _ in columns)
        database.executemany(f"INSERT INTO {table} VALUES ({places})", rows)
    database.execute("ANALYZE")
    database.commit()
    database.close()


def _copies(
    database: sqlite3.Connection, table: str, prefix: str, count: int
) -> Iterator[tuple[Any, ...]]:
    cursor = database.execute(f"SELECT * FROM {table} WHERE name = 'demo'")
    columns = [column[0] for column in cursor.description]
    model = cursor.fetchone()
    at_id, at_name = columns.index("id"), columns.index("name")
    for number in range(count):
        values = list(model)
        values[at_id], values[at_name] = uuid.uuid4().hex, f"{prefix}-{number:06d}"
        yield tuple(values)


def measure(cloud: Cloud) -> dict[str, float]:
    """µs of CPU of the control plane for each operation."""
    login = cloud.auth_body("demo")

    def issue() -> None:
        status, _, raw = cloud.send("POST", "/identity/v3/auth/tokens", login, None)
        assert status == 201, raw

    def pages(noun: str) -> None:
        cloud.json("GET", f"/identity/v3/{noun}?limit=50", user="admin")

    def later_page(noun: str) -> None:
        # After the first run's own few names: there is always somebody behind `admin`.
        marker = cloud.json("GET", f"/identity/v3/{noun}?name=admin", user="admin")[noun][0]["id"]
        cloud.json("GET", f"/identity/v3/{noun}?limit=50&marker={marker}", user="admin")

    cases = {
        "token issue (password verified lately)": issue,
        "users, a page of 50": lambda: pages("users"),
        "users, a later page of 50": lambda: later_page("users"),
        "projects, a page of 50": lambda: pages("projects"),
        "projects, a later page of 50": lambda: later_page("projects"),
        "a user by name": lambda: cloud.json("GET", "/identity/v3/users?name=demo", user="admin"),
    }
    found = {}
    for name, run in cases.items():
        for _ in range(10):
            run()
        began = cloud.cpu()
        for _ in range(REPEAT):
            run()
        found[name] = (cloud.cpu() - began) / REPEAT * 1e6
    return found


if __name__ == "__main__":
    sys.exit(main())
