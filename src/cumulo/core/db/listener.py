"""The ear of a process: what others announce on PostgreSQL (see `announcements`)."""

import logging
import threading
import time
from collections.abc import Iterable
from typing import Any

import psycopg

from cumulo.core.db.announcements import Announcement
from cumulo.core.db.hints import CHANNEL, Hints

log = logging.getLogger("cumulo.db")

RETRY_SECONDS = 1.0
LISTEN_SECONDS = 0.5
PING_SECONDS = 1.5
DEAF_SECONDS = 5.0
CLOSE_SECONDS = 5.0
"""How long a wait for news lasts before the listener looks whether there is more to listen to, or
whether it shall end."""


class Listener:
    """One connection that hears the other processes, on a thread of its own."""

    def __init__(self, dsn: str, hints: Hints) -> None:
        self._dsn = dsn
        self._hints = hints
        self._known: dict[str, list[Announcement]] = {}
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._changed = threading.Event()
        self._thread: threading.Thread | None = None
        self._heard_at: float | None = None
        """When the connection was seen to be alive."""

    @property
    def deaf(self) -> bool:
        """It was listening, and nobody knows whether it still is."""
        heard = self._heard_at
        return heard is not None and time.monotonic() - heard > DEAF_SECONDS

    def subscribe(self, announcement: Announcement) -> None:
        with self._lock:
            self._known.setdefault(announcement.channel, []).append(announcement)
            self._changed.set()
        self.start()

    def start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="cumulo-listen", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """Waits for the thread: libpq must not be at work while the process ends."""
        self._ended.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(CLOSE_SECONDS)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                with psycopg.connect(self._dsn, autocommit=True) as connection:
                    self._listen(connection)
            except psycopg.Error as error:
                log.warning("announcements: %s", str(error).strip())
                self._ended.wait(RETRY_SECONDS)

    def _listen(self, connection: "psycopg.Connection[Any]") -> None:
        heard: set[str] = set()
        connection.execute(f'LISTEN "{CHANNEL}"'.encode())
        asked_at = 0.0
        while not self._ended.is_set():
            if time.monotonic() - asked_at > PING_SECONDS:
                asked_at = time.monotonic()
                connection.execute("SELECT 1")
                self._heard_at = time.monotonic()
            if self._changed.is_set() or not heard:
                self._changed.clear()
                with self._lock:
                    new = set(self._known) - heard
                for channel in new:
                    connection.execute(f'LISTEN "{channel}"'.encode())
                heard |= new
                self._tell(new)
            for notice in connection.notifies(timeout=LISTEN_SECONDS, stop_after=100):
                if notice.channel == CHANNEL:
                    self._hints.take(notice.payload)
                else:
                    self._tell({notice.channel})
                if self._changed.is_set() or self._ended.is_set():
                    break

    def _tell(self, channels: Iterable[str]) -> None:
        with self._lock:
            found = [each for channel in channels for each in self._known.get(channel, ())]
        for announcement in found:
            announcement()
