"""Who runs a task: whoever holds the lock of its file beside the results.

The kernel lets go of it with the process, however that ends; and whoever shares the results' file
sees it, from another container, too, where numbers of processes mean others.
"""

import fcntl
from pathlib import Path
from typing import IO

from cumulo.benchmark.queries.store import Store

_mine: dict[Path, IO[str]] = {}


def hold(store: Store, uuid: str) -> None:
    """Run the task, from now on until `release` or this process's end."""
    path = store.beside(uuid)
    file = path.open("a")
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    _mine[path] = file


def release(store: Store, uuid: str) -> None:
    path = store.beside(uuid)
    file = _mine.pop(path, None)
    if file is not None:
        path.unlink(missing_ok=True)
        file.close()


def alive(store: Store, uuid: str) -> bool:
    """Whether somebody runs the task."""
    path = store.beside(uuid)
    try:
        file = path.open()
    except FileNotFoundError:
        return False
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        path.unlink(missing_ok=True)
    return False
