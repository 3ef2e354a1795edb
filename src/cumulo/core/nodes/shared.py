"""Files that all control nodes of a cloud have alike: keys and certificates, and policies.

On PostgreSQL they are rows, too, sealed with the master key, which a node gets when it joins
(`secrets/master.key`) and which is nowhere in the database. The rest of the program reads files;
this makes files and rows alike:

* of a ring of keys the rows count: a key that is new here becomes a row; one that is older than
  the newest row and has none was removed by a rotation elsewhere;
* of other secrets the first one counts, for ever;
* of a policy the newest file counts; removing the file removes it everywhere.

A node that is shown something sealed with a key that it has not got looks at once (`look_now`): who
has rotated keys need not wait for the others.
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

from cryptography.fernet import Fernet, InvalidToken

from cumulo.core.db.announcements import Announcement
from cumulo.core.db.transaction import Tx
from cumulo.core.nodes import queries
from cumulo.core.nodes.model import SecretRow
from cumulo.core.work import pools
from cumulo.core.work.wakeups import Wakeup

log = logging.getLogger("cumulo.nodes")

SECRETS, POLICY = "secrets", "policy"
MASTER = "master.key"
NOTED = ("admin-password", "demo-password")
"""What the first start, or `reset-admin`, wrote down for its operator: the newest counts."""
OWN = (MASTER, "hosts-control.pem", "node.pem")
"""Secrets of one machine."""
LARGEST = 256 * 1024
SWEEP_SECONDS = 3.0
MISS_SECONDS = 1.0
"""Who sends nonsense must not make us look all the time."""
UNSURE = 1e-5
"""Seconds by which a file system may round times."""
T = TypeVar("T")


class ThreadedDatabase(Protocol):
    """What the growing engine has besides `Database`."""

    engine: str

    def read_now(self, function: Callable[[Tx], T]) -> T: ...
    def write_now(self, function: Callable[[Tx], T], *, name: str = "") -> T: ...
    def subscribe(self, announcement: Announcement) -> None: ...


class WrongMaster(Exception):
    """The secrets of the database were sealed with another master key."""


@dataclass(frozen=True)
class Here:
    """A file of this node."""

    content: bytes
    made_at: float


@dataclass
class Plan:
    """What becomes of this node's files: content and time, or None for those that go."""

    files: dict[str, Here | None] = field(default_factory=dict)


class Shared:
    def __init__(self, data_dir: Path, database: Any) -> None:
        self._data_dir = data_dir
        self._database: ThreadedDatabase = database
        self._last: dict[str, Here] = {}
        self._seen: frozenset[str] = frozenset()
        """Policies that were here at the last look."""
        self._looker: ThreadPoolExecutor | None = None
        self._look: Future[None] | None = None
        self._looked = 0.0
        self._looking = threading.Lock()
        self._lock = threading.Lock()
        self._bell = Wakeup()
        self._ring: Callable[[], object] = lambda: None
        self.changed = Announcement("shared_files", self._heard)
        self.grown = database.engine == "postgresql"

    def _heard(self) -> None:
        self._ring()

    @property
    def master(self) -> Fernet:
        path = self._data_dir / SECRETS / MASTER
        if not path.exists():
            _write(path, Here(Fernet.generate_key(), time.time()))
        return Fernet(path.read_bytes().strip())

    def bundle(self) -> dict[str, bytes]:
        """What a new node gets: the master key and all that is shared."""
        self.alike()
        found = {name: each.content for name, each in self._here().items()}
        found[f"{SECRETS}/{MASTER}"] = (self._data_dir / SECRETS / MASTER).read_bytes()
        return found

    def alike(self) -> None:
        """Make them alike, both ways. Blocks. Raises WrongMaster."""
        if not self.grown:
            return
        with self._lock:
            master, here, seen = self.master, self._edited(self._here()), self._seen
            plan = self._database.write_now(
                lambda tx: self._plan(tx, master, here, seen), name="shared files"
            )
            for name, file in plan.files.items():
                path = self._data_dir / name
                if name in here:
                    log.warning("%s is another one now: as another control node has it", name)
                if file is None:
                    path.unlink(missing_ok=True)
                else:
                    _write(path, file)
            self._last = {name: file for name, file in self._here().items() if _is_policy(name)}
            self._seen = frozenset(self._last)

    def _edited(self, here: dict[str, Here]) -> dict[str, Here]:
        """A policy that is another one than at the last look was changed just now, whatever the
        time of its file says (of a copy it is the original's)."""
        now = time.time()
        for name, file in here.items():
            last = self._last.get(name)
            if last is not None and last.content != file.content:
                here[name] = Here(file.content, max(now, last.made_at + 2 * UNSURE))
        return here

    def publish(self, name: str, key: bytes) -> None:
        """A key that is about to be this node's newest: `token-keys/3`. Blocks."""
        if not self.grown:
            return
        master = self.master

        def write(tx: Tx) -> None:
            _tell(tx, master, f"{SECRETS}/{name}", Here(key, time.time()), None)
            tx.after_commit(self.changed)

        self._database.write_now(write, name="a new key")

    def take_over(self) -> None:
        """This node's files are the cloud's from now on, where it cannot open what the database
        has. Blocks."""
        if not self.grown:
            return
        master = self.master

        def write(tx: Tx) -> None:
            for row in tx.all(queries.SECRETS):
                try:
                    _opened(master, row)
                except WrongMaster:
                    tx.delete(row)

        self._database.write_now(write, name="shared files: taken over")

    def look_now(self) -> None:
        """Something could not be read: another node may have rotated its keys. On a thread and a
        connection of its own, since the caller may be in a transaction."""
        if not self.grown:
            return
        with self._looking:
            look = self._look
            if look is None or (look.done() and time.monotonic() - self._looked > MISS_SECONDS):
                if self._looker is None:
                    self._looker = ThreadPoolExecutor(1, thread_name_prefix="cumulo-keys")
                look = self._look = self._looker.submit(self._look_once)
        if asyncio._get_running_loop() is not None:
            return  # nobody waits on the loop: the next one who is shown this finds the key
        try:
            look.result(3.0)
        except Exception as error:  # what was shown stays unreadable, which is told there
            log.warning("keys of other control nodes could not be read: %s", error)

    def _look_once(self) -> None:
        try:
            self.alike()
        finally:
            self._looked = time.monotonic()

    async def run(self) -> None:
        """Until cancelled: follows what other nodes and operators change."""
        if not self.grown:
            return
        loop = asyncio.get_running_loop()
        self._ring = lambda: loop.call_soon_threadsafe(self._bell.ring)
        self._database.subscribe(self.changed)
        while True:
            await self._bell.wait(SWEEP_SECONDS)
            try:
                await pools.DISK(self.alike)
            except Exception as error:  # the database is away: later
                log.info("shared files: %s", error)

    def close(self) -> None:
        if self._looker is not None:
            self._looker.shutdown(wait=True)

    # --- what becomes of what -----------------------------------------------------------------

    def _plan(self, tx: Tx, master: Fernet, here: Mapping[str, Here], seen: frozenset[str]) -> Plan:
        rows = {row.name: row for row in tx.all(queries.SECRETS) if _is_name(row.name)}
        for name in _pruned(here, rows):
            tx.delete(rows.pop(name))
            tx.after_commit(self.changed)
        plan, told = Plan(), False
        for name, file in here.items():
            row = rows.get(name)
            if row is None and _was_rotated_away(name, file, rows):
                plan.files[name] = None
            elif row is None or (_is_policy(name) and file.made_at > row.made_at + UNSURE):
                _tell(tx, master, name, file, row)
                told = True
            elif not row.sealed:
                plan.files[name] = None
            elif (wanted := _opened(master, row)).content != file.content:
                plan.files[name] = wanted
        for name, row in rows.items():
            if name in here or not row.sealed:
                continue
            if name in seen:
                # A policy that was removed here, since the last look.
                tx.update(row, sealed="", made_at=max(time.time(), row.made_at + 2 * UNSURE))
                told = True
            else:
                plan.files[name] = _opened(master, row)
        if told:
            tx.after_commit(self.changed)
        return plan

    def _here(self) -> dict[str, Here]:
        found: dict[str, Here] = {}
        for top in (SECRETS, POLICY):
            folder = self._data_dir / top
            for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
                name = path.relative_to(self._data_dir).as_posix()
                if not _is_name(name) or name.removeprefix(f"{SECRETS}/") in OWN:
                    continue
                try:
                    about = path.stat()
                    if path.is_file() and about.st_size <= LARGEST:
                        found[name] = Here(path.read_bytes(), about.st_mtime)
                except FileNotFoundError:  # removed by a rotation just now
                    continue
        return found


def unpack(data_dir: Path, bundle: Mapping[str, bytes]) -> None:
    """On a new node: the files of `Shared.bundle`. Raises ValueError for what no cloud sends."""
    for name, content in bundle.items():
        if not _is_name(name) or len(content) > LARGEST:
            raise ValueError(f"a file called {name!r}")
    for name, content in bundle.items():
        _write(data_dir / name, Here(content, time.time()))


def _pruned(here: Mapping[str, Here], rows: Mapping[str, SecretRow]) -> list[str]:
    """Rows of keys that are older than the oldest of their ring that is kept here."""
    oldest: dict[str, int] = {}
    for name in filter(_is_key, here):
        ring, number = _key(name)
        oldest[ring] = min(number, oldest.get(ring, number))
    return [n for n in rows if _is_key(n) and _key(n)[1] < oldest.get(_key(n)[0], 0)]


def _key(name: str) -> tuple[str, int]:
    """Its ring, and its number there."""
    ring, _, number = name.rpartition("/")
    return ring, int(number)


def _was_rotated_away(name: str, file: Here, rows: Mapping[str, SecretRow]) -> bool:
    if not _is_key(name):
        return False
    ring = name.rpartition("/")[0]
    made = [row.made_at for row in rows.values() if row.name.rpartition("/")[0] == ring]
    return bool(made) and file.made_at <= max(made)


def _tell(tx: Tx, master: Fernet, name: str, file: Here, row: SecretRow | None) -> None:
    sealed = master.encrypt(file.content).decode()
    if row is None:
        tx.insert(SecretRow(name, sealed, file.made_at))
    else:
        tx.update(row, sealed=sealed, made_at=file.made_at)


def _opened(master: Fernet, row: SecretRow) -> Here:
    try:
        return Here(master.decrypt(row.sealed.encode()), row.made_at)
    except InvalidToken:
        raise WrongMaster(f"{row.name}: sealed with another master key") from None


def _is_name(name: str) -> bool:
    top, *rest = name.split("/")
    plain = all(part and not part.startswith(".") for part in rest)
    return top in (SECRETS, POLICY) and 1 <= len(rest) <= 2 and plain and not name.endswith(".new")


def _is_key(name: str) -> bool:
    """Rings of keys are folders."""
    return name.startswith(f"{SECRETS}/") and name.count("/") == 2 and _is_number(name)


def _is_number(name: str) -> bool:
    return name.rpartition("/")[2].isdecimal()


def _is_policy(name: str) -> bool:
    """Operators change it; of passwords, what they are told."""
    return name.startswith(f"{POLICY}/") or name.removeprefix(f"{SECRETS}/") in NOTED


def _write(path: Path, file: Here) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.shared")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as handle:
        handle.write(file.content)
        handle.flush()
        os.fsync(handle.fileno())
    os.utime(temporary, (file.made_at, file.made_at))
    temporary.replace(path)
