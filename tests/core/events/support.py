"""A database with today's tables, and events of the tests' own."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cumulo import settings, wiring
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.events.types import events, on

EVENTS = events("test", on("thing", "thing.made", n=int, text=str | None, many=list[str] | None))


@contextlib.contextmanager
def database(tmp_path: Path, url: str = "") -> Iterator[Any]:
    made = wiring.open_database(settings.load(tmp_path, database={"url": url}))
    try:
        yield made
    finally:
        made.close()


def make(tx: Tx, *numbers: int, project: str = "p") -> None:
    for n in numbers:
        emit(tx, "thing.made", f"t{n}", project_id=project, n=n)
