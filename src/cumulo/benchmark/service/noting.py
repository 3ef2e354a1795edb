"""What a task notes of its cloud, and what other tasks of these results have noted of the same.

Two runs may change one thing at once: the quotas of a project that both of them use. Who comes
second finds what the first has made of them, and would put that back; so it takes over what the
first has noted, and the last one of them puts it back. What neither of them has set is somebody
else's, and stays.
"""

from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager

import msgspec

from cumulo.benchmark.contexts.quotas import handed_on
from cumulo.benchmark.engine.surroundings import Noted
from cumulo.benchmark.model.result import Note
from cumulo.benchmark.queries.store import Store
from cumulo.benchmark.service.owners import alive


class Notes:
    """One workload's."""

    def __init__(self, store: Store, task_uuid: str) -> None:
        self._store = store
        self._task = task_uuid
        self.made: list[int] = []
        """The numbers of all that it has written."""

    def add(self, note: Note) -> int:
        self.made.append(self._store.add_note(self._task, note))
        return self.made[-1]

    def forget(self, number: int) -> None:
        self._store.forget_notes(self._task, [number])

    def others(self, like: Note) -> list[Noted]:
        return list(_others(self._store, self._task, like))

    def alone(self) -> AbstractAsyncContextManager[None]:
        return self._store.alone()


def _others(store: Store, task_uuid: str, like: Note) -> Iterator[Noted]:
    for other, note in store.notes_of_others(task_uuid):
        if (note.kind, note.name, note.project) == (like.kind, like.name, like.project):
            yield Noted(note.before, alive(store, other), note.after)


def undoable(store: Store, uuid: str) -> list[Note]:
    """What a task that is gone has noted; of the quotas that another run has in use, too, what that
    one has set: it has taken over what was there before, and puts it back."""
    found = []
    for note in store.notes(uuid):
        others = _others(store, uuid, note)
        if note.kind == "role" and any(o.alive and o.before == note.before for o in others):
            continue
        if note.kind == "quota":
            kept = handed_on(note.before, _others(store, uuid, note))
            if not kept:
                continue
            note = msgspec.structs.replace(note, before=kept)
        found.append(note)
    return found
