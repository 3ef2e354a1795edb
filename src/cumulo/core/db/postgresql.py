"""The grown engine: PostgreSQL through psycopg 3, the whole transaction on one of a few threads.

Threads give group commit, and synchronous psycopg costs half the CPU of the asynchronous drivers.
Writers are SERIALIZABLE and are run again from the start when PostgreSQL says so, which gives
them the meaning that they have on SQLite.
"""

import asyncio
import contextlib
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import psycopg
import psycopg.conninfo
import sqlalchemy as sa

from cumulo.core.db.announcements import Announcement
from cumulo.core.db.hints import Heard, Hints
from cumulo.core.db.listener import Listener
from cumulo.core.db.transaction import (
    STUDY_SECONDS,
    DatabaseAway,
    IntegrityError,
    Overtaken,
    TooLong,
    Tx,
    Unstorable,
    Unsure,
)
from cumulo.core.ids import new_id
from cumulo.core.sim.points import reach
from cumulo.core.work import pools

log = logging.getLogger("cumulo.db")

T = TypeVar("T")

RETRIES = 20
LINE: dict[str, int] = {
    "connect_timeout": 3,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""How long is waited for a server that is gone, unless the URL says otherwise: seconds, the last
one milliseconds."""
UNSURE_SECONDS = 30.0
"""How long is asked what became of a transaction whose COMMIT nobody answered."""


class PostgresqlDatabase:
    engine = "postgresql"
    several = True

    def __init__(self, dsn: str, *, threads: int = 8) -> None:
        self.dsn = dsn
        # A server that is gone does not refuse: without a limit a connection waits for minutes.
        # One that vanishes while it is asked does not answer, either.
        named = psycopg.conninfo.conninfo_to_dict(dsn)
        ours = {name: value for name, value in LINE.items() if name not in named}
        self._patient = psycopg.conninfo.make_conninfo(dsn, **ours)
        self._local = threading.local()
        self._connections: list[psycopg.Connection[Any]] = []
        self._lock = threading.Lock()
        self._losers = threading.Lock()
        self._away = False
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="cumulo-db")
        self._timelines: dict[psycopg.Connection[Any], str] = {}
        self._hints = Hints(self._patient, new_id())
        self._listener = Listener(self._patient, self._hints)

    async def read(self, function: Callable[[Tx], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self.read_now, function)

    async def write(self, function: Callable[[Tx], T], *, name: str = "") -> T:
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._threads, self._write, function, name)
        # Also when whoever waits is cancelled: the commit is not.
        work.add_done_callback(_tell_of_commit)
        result, _ = await asyncio.shield(work)
        return result

    async def study(self, function: Callable[[Tx], T], *, seconds: float = STUDY_SECONDS) -> T:
        return await pools.HEAVY(self._study, function, seconds)

    def _study(self, function: Callable[[Tx], T], seconds: float) -> T:
        end = time.monotonic() + seconds

        def bounded(tx: Tx) -> T:
            left = max(1, int((end - time.monotonic()) * 1000))
            self._connection().execute(f"SET LOCAL statement_timeout = {left}".encode())
            return function(tx)

        return self.read_now(bounded)

    async def settled(self) -> None:
        """The server answers a COMMIT when it is safe, unless its operator has said otherwise."""

    def read_now(self, function: Callable[[Tx], T]) -> T:
        result, _ = self._attempts(function, writable=False, name="")
        return result

    def write_now(self, function: Callable[[Tx], T], *, name: str = "") -> T:
        result, tx = self._write(function, name)
        for callback in tx.take_callbacks():
            callback()
        return result

    def _write(self, function: Callable[[Tx], T], name: str) -> tuple[T, Tx]:
        return self._attempts(function, writable=True, name=name)

    def _attempts(self, function: Callable[[Tx], T], *, writable: bool, name: str) -> tuple[T, Tx]:
        integrity = lost = False
        for attempt in range(RETRIES):
            # Losers go on one at a time: all at once they would lose to each other again.
            turn = self._losers if lost else contextlib.nullcontext()
            try:
                with turn:
                    result = self._once(function, writable=writable, name=name)
            except (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected):
                lost = True
                # Not in step with other processes.
                time.sleep(random.uniform(0, 0.001 * (attempt + 1)))
            except IntegrityError:
                # Somebody else's row came between our look and our insert, which PostgreSQL tells
                # so although it is the same conflict: run again, the look sees it and the service
                # says it in its own words. A mistake of the program fails again.
                if not writable or integrity:
                    raise
                integrity = True
            except psycopg.errors.QueryCanceled:
                raise TooLong("a statement took too long") from None
            except (psycopg.OperationalError, psycopg.InterfaceError) as error:
                # The server went away: one more try on a new connection.
                self._drop_connection()
                if attempt > 0:
                    self._say_away(error)
                    raise DatabaseAway(str(error).strip()) from None
            else:
                self._away = False
                return result
        raise Overtaken(f"{name}: others were faster {RETRIES} times")

    def _say_away(self, error: Exception) -> None:
        """Once, until it is back: every request would say the same."""
        if not self._away:
            self._away = True
            log.error("the database does not answer: %s", str(error).strip())

    def _once(self, function: Callable[[Tx], T], *, writable: bool, name: str) -> tuple[T, Tx]:
        connection = self._connection()
        level = "SERIALIZABLE" if writable else "REPEATABLE READ, READ ONLY"
        tx = Tx("postgresql", _executor(connection), writable=writable)
        number = _begin(connection, level, writable=writable)
        try:
            result = function(tx)
            if writable:
                for channel in tx.announced():
                    connection.execute(f'NOTIFY "{channel}"'.encode())
                reach(f"before commit: {name}")
            try:
                connection.execute("COMMIT")
            except psycopg.OperationalError:
                # With the connection the answer is lost, and perhaps nothing else.
                if number is None or not connection.closed:
                    raise
                if not self._was_committed(number, self._timelines.get(connection, "")):
                    raise
        except BaseException:
            if not connection.closed:
                with contextlib.suppress(psycopg.Error):  # what went wrong first is told
                    connection.execute("ROLLBACK")
            raise
        if writable:
            reach(f"after commit: {name}")
        return result, tx

    def _was_committed(self, number: str, timeline: str) -> bool:
        """Of a transaction whose connection broke at its COMMIT. Raises Unsure where nobody can
        say: numbers are given out anew by a server that was promoted in the other one's place."""
        self._drop_connection()
        end = time.monotonic() + UNSURE_SECONDS
        while True:
            try:
                with psycopg.connect(self._patient, autocommit=True) as connection:
                    if _timeline(connection) != timeline:
                        raise Unsure("another server has taken over at a COMMIT")
                    found = connection.execute("SELECT pg_xact_status(%s)", (number,)).fetchone()
            except psycopg.errors.InvalidParameterValue:
                return False  # the server has never heard of that number
            except psycopg.OperationalError:
                found = ("in progress",)
            state = None if found is None else found[0]
            if state != "in progress":
                log.warning("an answer to a COMMIT was lost; it was %s", state)
                return bool(state == "committed")
            if time.monotonic() > end:
                raise Unsure("whether a transaction was committed is not known")
            time.sleep(0.05)

    def _connection(self) -> psycopg.Connection[Any]:
        found: psycopg.Connection[Any] | None = getattr(self._local, "connection", None)
        if found is None or found.closed:
            found = psycopg.connect(self._patient, autocommit=True, prepare_threshold=2)
            self._local.connection = found
            with self._lock:
                self._connections.append(found)
                self._timelines[found] = _timeline(found)
        return found

    def _drop_connection(self) -> None:
        found: psycopg.Connection[Any] | None = getattr(self._local, "connection", None)
        if found is not None:
            found.close()
            self._local.connection = None
            with self._lock:
                self._connections.remove(found)
                self._timelines.pop(found, None)

    def _knock(self) -> psycopg.Connection[Any]:
        """A connection for once. Raises DatabaseAway."""
        try:
            found = psycopg.connect(self._patient)
        except psycopg.OperationalError as error:
            raise DatabaseAway(f"PostgreSQL does not let us in: {error}") from None
        encoding = found.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            found.close()
            raise DatabaseAway(
                f"the database has the encoding {encoding}: CREATE DATABASE … ENCODING 'UTF8' "
                "TEMPLATE template0 makes one that holds all texts"
            )
        return found

    def has_table(self, name: str) -> bool:
        """For what is asked before migrations have run."""
        with self._knock() as connection:
            known = connection.execute("SELECT to_regclass(%s)", (name,)).fetchone()
            return known is not None and known[0] is not None

    def revisions(self) -> frozenset[str] | None:
        """For migrations: the revisions that the database is stamped with."""
        with self._knock() as connection:
            known = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
            if known is None or known[0] is None:
                return None
            rows = connection.execute("SELECT version_num FROM alembic_version").fetchall()
            return frozenset(str(row[0]) for row in rows)

    def run_script(self, statements: Sequence[str]) -> None:
        with psycopg.connect(self.dsn) as connection:
            for text in statements:
                connection.execute(text.encode())

    def keep_copy(self, name: str) -> None:
        """PostgreSQL has its own backups; a copy of a grown database is not ours to make."""
        log.warning("no copy is made of a PostgreSQL database before %s: use pg_dump", name)

    def url(self) -> sa.URL:
        parts = psycopg.conninfo.conninfo_to_dict(self.dsn)
        plain = {name: str(value) for name, value in parts.items() if value is not None}
        return sa.URL.create(
            "postgresql+psycopg",
            username=plain.get("user"),
            password=plain.get("password"),
            database=plain.get("dbname"),
            query={n: plain[n] for n in ("host", "port", "sslmode") if n in plain},
        )

    def subscribe(self, announcement: Announcement) -> None:
        self._listener.subscribe(announcement)

    @property
    def deaf(self) -> bool:
        return self._listener.deaf

    def hint(self, hint: str) -> None:
        self._hints.send(hint)

    def on_hint(self, heard: Heard) -> None:
        self._hints.heard = heard
        self._listener.start()

    @contextlib.contextmanager
    def alone(self, what: str) -> Iterator[None]:
        with self._knock() as connection:
            connection.autocommit = True
            connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (what,))
            yield

    def close(self) -> None:
        self._hints.close()
        self._listener.close()
        self._threads.shutdown(wait=True, cancel_futures=True)
        with self._lock:
            for connection in self._connections:
                connection.close()


def _tell_of_commit(work: "asyncio.Future[tuple[Any, Tx]]") -> None:
    if not work.cancelled() and work.exception() is None:
        for callback in work.result()[1].take_callbacks():
            callback()


def _timeline(connection: psycopg.Connection[Any]) -> str:
    """Which of a server's lives this is: the first digits of its log's file; \"\" of a standby."""
    text = (
        "SELECT CASE WHEN pg_is_in_recovery() THEN '' ELSE "
        "left(pg_walfile_name(pg_current_wal_lsn()), 8) END"
    )
    found = connection.execute(text).fetchone()
    return "" if found is None else str(found[0])


def _begin(connection: psycopg.Connection[Any], level: str, *, writable: bool) -> str | None:
    """The number of a transaction that writes."""
    if not writable:
        connection.execute(f"BEGIN ISOLATION LEVEL {level}".encode())
        return None
    # One message, two statements.
    text = f"BEGIN ISOLATION LEVEL {level}; SELECT pg_current_xact_id()::text"
    cursor = connection.execute(text.encode(), prepare=False)
    cursor.nextset()
    found = cursor.fetchone()
    return None if found is None else str(found[0])


def _executor(
    connection: psycopg.Connection[Any],
) -> Callable[[str, dict[str, Any]], Any]:
    def execute(text: str, parameters: dict[str, Any]) -> Any:
        try:
            return connection.execute(text.encode(), parameters)
        except psycopg.IntegrityError as error:
            raise IntegrityError(str(error)) from error
        except (psycopg.DataError, UnicodeEncodeError) as error:
            raise Unstorable(str(error)) from error

    return execute
