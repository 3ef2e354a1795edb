"""Directories: domains whose users and groups live in LDAP.

Whether a domain has one is what its configuration says (`identity.driver` = `ldap`). Everybody is
read now and then (`directory_look.py` writes it down); whoever logs in is looked up live. Between
two looks the rows are what is known: a directory that is away takes nobody's token.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import TypeVar

from cumulo.core import clock
from cumulo.core.clock import later
from cumulo.core.db.announcements import Announcement
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import Forbidden, Unauthorized, Unavailable
from cumulo.core.work import pools
from cumulo.core.work.reconciler import backoff
from cumulo.identity.model.directory import (
    Directory,
    DirectoryRow,
    DirectoryUnreachable,
    Look,
    Snapshot,
)
from cumulo.identity.model.directory_options import BadOptions, DirectoryOptions, options_of
from cumulo.identity.model.user import UserRow
from cumulo.identity.queries import directory as queries
from cumulo.identity.service.directory_look import DirectoryLook, Superseded, check_current
from cumulo.identity.service.directory_rows import DirectoryRows
from cumulo.identity.service.domain_config import Config, DomainConfigs
from cumulo.identity.service.guessing import Guessing

log = logging.getLogger("cumulo.identity")

T = TypeVar("T")

OpenDirectory = Callable[[DirectoryOptions], Directory]

REFUSED = "The request you have made requires authentication."
AWAY = "The directory of the user's domain does not answer: {}. Try again later."
MOST_AT_ONCE = 200
"""Logins that wait for directories; more are refused at once."""
TICK = 0.25
"""Seconds. Refusals come at multiples of it, so that their time does not tell names."""
FIRST_SYNC = 10.0
"""Seconds that a list waits for a directory that was never read."""
LONGEST_PAUSE = 300.0


class Directories:
    def __init__(
        self,
        database: Database,
        configs: DomainConfigs,
        rows: DirectoryRows,
        guessing: Guessing,
        open_directory: OpenDirectory,
        *,
        sync_seconds: float = 60.0,
    ) -> None:
        self._database = database
        self._configs = configs
        self._rows = rows
        self._guessing = guessing
        self.open = open_directory
        self._sync_seconds = sync_seconds
        self._waiting = 0
        self._unsettled: set[str] | None = None
        """Domains whose directory was never read; None: it is to be looked up."""
        self._heard = 0
        self._told = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.news = Announcement("directories", self._hear)
        """Directories were configured or read, perhaps by another control node."""
        self.ring: Callable[[], None] = lambda: None
        """Wakes the reconciler."""
        configs.on_changed.append(self._configured)

    # Which domains have one

    def has(self, tx: Tx, domain_id: str) -> bool:
        row = tx.get(DirectoryRow, domain_id)
        return row is not None and row.wanted

    def _configured(self, tx: Tx, domain_id: str) -> None:
        """A domain's configuration was written: the directory is read anew, or forgotten.

        Raises Forbidden for options that mean nothing.
        """
        config = self._configs.whole(tx, domain_id)
        wanted = config["identity"].get("driver") == "ldap"
        if wanted:
            try:
                options_of(config["ldap"])
            except BadOptions as error:
                raise Forbidden(f"Invalid domain specific configuration: option {error}.") from None
        row = tx.get(DirectoryRow, domain_id)
        if row is None:
            if not wanted:
                return
            tx.insert(DirectoryRow(domain_id, True, 1, tx.now))
        else:
            tx.update(
                row,
                wanted=wanted,
                generation=row.generation + 1,
                due_at=tx.now,
                attempts=0,
                fault=None,
            )
        tx.after_commit(self.news)
        tx.after_commit(lambda: self.ring())

    def _hear(self) -> None:
        self._heard += 1
        self._unsettled = None
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended
                self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        told, self._told = self._told, asyncio.Event()
        told.set()

    async def settle(self, domain_id: str | None) -> None:
        """Before a domain's list: wait for its directory, if that was never read. Lists of several
        domains wait for none, so that a silent directory holds up nobody else."""
        if domain_id is None or (self._unsettled is not None and domain_id not in self._unsettled):
            return
        self._loop = asyncio.get_running_loop()
        end = self._loop.time() + FIRST_SYNC
        while True:
            told, heard = self._told, self._heard
            found = await self._database.read(lambda tx: tx.tuples(queries.UNSETTLED))
            unsettled = {each for (each,) in found}
            if heard == self._heard:  # else something was committed since
                self._unsettled = unsettled
            if domain_id not in unsettled:
                return
            left = end - self._loop.time()
            if left <= 0:
                log.info("a list did not wait longer for the directory of domain %s", domain_id)
                return
            with contextlib.suppress(TimeoutError):
                # A domain that goes with its directory is told by nobody.
                await asyncio.wait_for(told.wait(), min(left, 1.0))

    def _opened(self, tx: Tx, domain_id: str) -> tuple[DirectoryRow, Config] | None:
        row = tx.get(DirectoryRow, domain_id)
        return None if row is None else (row, self._configs.whole(tx, domain_id))

    async def _directory(self, config: Config) -> Directory:
        """In a thread: the first one imports its driver."""
        try:
            return await pools.NET(self.open, options_of(config["ldap"]))
        except BadOptions as error:
            raise DirectoryUnreachable(str(error)) from None

    # Logins

    async def login(
        self, domain_id: str, user: UserRow | None, name: str, password: str, address: str
    ) -> UserRow:
        """Whose password this is, as the directory says now. Raises Unauthorized, Unavailable,
        TooManyRequests. `user`: the row, where there is one; else it is looked up by name."""
        called = (user.name if user is not None else name).casefold()
        key = f"{domain_id}/{called}"
        await self._guessing.admit(key, address)
        begun = asyncio.get_running_loop().time()
        found = await self._database.read(lambda tx: self._opened(tx, domain_id))
        if found is None or not found[0].wanted:
            return await self._refuse(key, address, begun)
        row, config = found
        if self._waiting >= MOST_AT_ONCE:
            raise Unavailable(AWAY.format("too many wait for it"))
        self._waiting += 1
        try:
            directory = await self._directory(config)
            if user is not None and user.origin is not None:
                look = await directory.look(password, local_id=user.origin.local_id)
            else:
                look = await directory.look(password, name=name)
        except DirectoryUnreachable as error:
            log.warning("directory of domain %s: %s", domain_id, error)
            raise Unavailable(AWAY.format("it is away")) from None
        finally:
            self._waiting -= 1
        fresh = await self._take(row, user, look)
        if fresh is None or not look.right or not fresh.enabled:
            return await self._refuse(key, address, begun)
        await self._guessing.succeeded(key, address)
        return fresh

    async def _refuse(self, key: str, address: str, begun: float) -> UserRow:
        await self._guessing.failed(key, address)
        spent = asyncio.get_running_loop().time() - begun
        await asyncio.sleep(TICK - spent % TICK)
        raise Unauthorized(REFUSED)

    async def _take(self, row: DirectoryRow, user: UserRow | None, look: Look) -> UserRow | None:
        """Write down what a login has shown. Nothing of somebody who only guesses: unless the
        password is right, only that the user is gone or disabled."""
        person = look.person
        lost = user is not None and user.enabled and (person is None or not person.enabled)
        if not lost and not look.right:
            return None

        def write(tx: Tx) -> UserRow | None:
            check_current(tx, row)
            if person is None:
                known = None if user is None else tx.get(UserRow, user.id)
                if known is not None:
                    self._rows.miss_user(tx, known, looked_at=tx.now)
                return None
            kept = self._rows.keep_user(tx, row.domain_id, person, looked_at=tx.now)
            if kept is None or not look.right:
                return kept
            groups = [self._rows.keep_group(tx, row.domain_id, team) for team in look.teams]
            self._rows.set_groups(tx, kept, {group.id for group in groups if group is not None})
            return tx.get(UserRow, kept.id)

        try:
            return await self._database.write(write, name="directory login")
        except Superseded:
            raise Unavailable(AWAY.format("its configuration has just changed")) from None

    # Everybody

    def due(self, tx: Tx, most: int) -> list[str]:
        return [row.domain_id for row in tx.all(queries.DUE, now=tx.now, most=most)]

    async def sync(self, domain_id: str) -> None:
        """Make the rows equal to the directory, or forget them all. Raises
        DirectoryUnreachable."""
        found = await self._database.read(lambda tx: self._opened(tx, domain_id))
        if found is None:
            return
        row, config = found
        try:
            if not row.wanted:
                await DirectoryLook(self._database, self._rows, row, clock.now()).forget()
                return
            directory = await self._directory(config)
            look = DirectoryLook(self._database, self._rows, row, clock.now())
            snapshot = await directory.snapshot()
            notes = await look.write_down(snapshot)
            if not directory.capabilities.encrypted:
                notes.append("passwords travel to it in clear text")
            await self._database.write(
                lambda tx: self._synced(tx, row, snapshot, notes), name="directory synced"
            )
        except Superseded:
            self.ring()  # the next pass reads the other directory

    def _synced(self, tx: Tx, row: DirectoryRow, snapshot: Snapshot, notes: list[str]) -> None:
        now = check_current(tx, row)
        if now.synced_generation != now.generation:
            tx.after_commit(self.news)
        told = "; ".join(notes[:10])[:2000]
        news = now.fault is not None or now.synced_generation != now.generation
        if news or told != now.notes:
            emit(
                tx,
                "identity.directory.synced",
                row.domain_id,
                users=len(snapshot.people),
                groups=len(snapshot.teams),
                notes=told,
            )
        tx.update(
            now,
            synced_generation=now.generation,
            synced_at=tx.now,
            due_at=later(tx.now, self._sync_seconds),
            attempts=0,
            fault=None,
            notes=told,
        )

    def failed(self, tx: Tx, domain_id: str, reason: str) -> None:
        row = tx.get(DirectoryRow, domain_id)
        if row is None:
            return
        if row.fault != reason:
            emit(tx, "identity.directory.failed", domain_id, reason=reason)
        pause = min(backoff(row.attempts, most=LONGEST_PAUSE), self._sync_seconds)
        tx.update(row, attempts=row.attempts + 1, fault=reason, due_at=later(tx.now, pause))
        tx.after_commit(self.news)
