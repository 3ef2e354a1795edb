"""Hints: a word to the other control planes that there may be work for them.

    database.hint("reconciler image cache")

They hear it within some milliseconds (PostgreSQL's NOTIFY, one for all that was said meanwhile), or
never: a hint is sent after the commit, by a thread of its own, and nothing depends on it but time.
On SQLite there is nobody else.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator

import psycopg

log = logging.getLogger("cumulo.db")

CHANNEL = "cumulo_hints"
GATHER_SECONDS = 0.01
"""So long words are gathered for one message."""
RETRY_SECONDS = 1.0
MOST_WAITING = 10_000
"""More are forgotten: the others' sweeps find their work."""
MESSAGE_BYTES = 7900
"""PostgreSQL takes less than 8000."""

Heard = Callable[[str], None]
"""Called on any thread; must be quick."""


class Hints:
    """`me`: this process, whose own hints are not heard."""

    def __init__(self, dsn: str, me: str) -> None:
        self._dsn = dsn
        self._me = me
        self._waiting: dict[str, None] = {}
        self._changed = threading.Condition()
        self._ended = False
        self._thread: threading.Thread | None = None
        self.heard: Heard = lambda hint: None

    def send(self, hint: str) -> None:
        with self._changed:
            if len(self._waiting) < MOST_WAITING:
                self._waiting[hint] = None
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="cumulo-hints", daemon=True)
                self._thread.start()
            self._changed.notify()

    def take(self, message: str) -> None:
        """A message of the channel."""
        sender, *hints = message.split("\n")
        for hint in hints if sender != self._me else ():
            self.heard(hint)

    def close(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(RETRY_SECONDS)

    def _run(self) -> None:
        while not self._ended:
            try:
                with psycopg.connect(self._dsn, autocommit=True, connect_timeout=3) as connection:
                    self._speak(connection)
            except psycopg.Error as error:
                log.info("hints: %s", str(error).strip())
                time.sleep(RETRY_SECONDS)

    def _speak(self, connection: "psycopg.Connection[object]") -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._ended:
                    self._changed.wait()
                if self._ended and not self._waiting:
                    return
            if not self._ended:
                time.sleep(GATHER_SECONDS)
            with self._changed:
                said, self._waiting = self._waiting, {}
            for message in messages(self._me, said):
                connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, message))


def messages(me: str, hints: Iterable[str]) -> Iterator[str]:
    """As few as hold them all."""
    lines, size = [me], len(me)
    for hint in hints:
        length = len(hint.encode()) + 1
        if size + length > MESSAGE_BYTES and len(lines) > 1:
            yield "\n".join(lines)
            lines, size = [me], len(me)
        lines.append(hint)
        size += length
    if len(lines) > 1:
        yield "\n".join(lines)
