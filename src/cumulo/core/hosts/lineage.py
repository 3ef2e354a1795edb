"""Which cloud this is, and whether its database went back in time.

The database counts the starts of its control planes (`incarnation`); the data directory remembers
the last count. A directory that remembers a later one than the database has shows that an older
copy was put in the database's place. Then all that hosts were told since may be missing here, and
every host's epoch grows: they are told the whole set, and keep what is not in it. So does a last
event that the database has not, or has another one in its place; it is noted every few seconds, and
looked for then, too: a failover to a database that lags behind happens under running control
planes. (A copy that is younger than that is recognised by the hosts' own marks, see `conductor`.)

From then on nothing is removed for no row's knowing it (`keeps_unknown`): files of images and of
objects stay until an operator takes the mark away.

A database of another cloud, or one whose secrets are not here, is *foreign*: nothing is written to
it. Passwords that nobody has written down, keys that read nothing, hosts that obey two clouds:
whoever begins like that has to notice it now.
"""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import msgspec

from cumulo.core.db.transaction import Database, Tx
from cumulo.core.events.model import EventRow
from cumulo.core.hosts import queries
from cumulo.core.hosts.model import CloudRow
from cumulo.core.hosts.registry import HostRegistry
from cumulo.core.ids import new_id
from cumulo.core.work import pools
from cumulo.settings import RESTORED

log = logging.getLogger("cumulo.hosts")

NAME = "lineage.json"


class Remembered(msgspec.Struct, frozen=True):
    cloud: str
    incarnation: int
    event: int = 0
    """The newest one."""
    stamp: str = ""
    """Of that event: after a failover another one may have its number."""
    restored: int = 0
    """`CloudRow.restored`, as far as this directory has acted on it."""


class ForeignDatabase(Exception):
    """The database belongs to a cloud that this data directory does not know, or cannot open."""


class EmptyDatabase(ForeignDatabase):
    """No cloud's, where the directory is of one already."""


def refuse_foreign(database: Any, data_dir: Path, secrets_dir: Path) -> str | None:
    """The id of the cloud whose database this is; None for a new one. Raises ForeignDatabase."""
    id: str | None = None
    remembered = _recall(data_dir)
    if database.has_table(CloudRow.sql_table.name):
        # Before its tables are brought up to date: of an older release's, only this column is sure.
        id = database.read_now(lambda tx: tx.value(queries.CLOUD_ID))
    if id is None:
        if remembered is not None and remembered.incarnation > 0:
            raise EmptyDatabase(f"no cloud; {data_dir} is of the cloud {remembered.cloud}")
        return None
    if remembered is None and not _has_keys(secrets_dir):
        raise ForeignDatabase(f"the cloud {id}, whose secrets are not in {secrets_dir}")
    if remembered is not None and remembered.cloud != id:
        raise ForeignDatabase(f"the cloud {id}; {data_dir} is of the cloud {remembered.cloud}")
    return id


def _has_keys(secrets_dir: Path) -> bool:
    """Rings of keys are directories."""
    return secrets_dir.is_dir() and any(each.is_dir() for each in secrets_dir.iterdir())


def start(database: Any, registry: HostRegistry, data_dir: Path) -> CloudRow:
    """A control plane with this data directory starts."""
    remembered, id = _recall(data_dir), new_id()
    if database.read_now(lambda tx: tx.one(queries.CLOUD)) is None:
        # Before the cloud is there: who dies in between finds its own cloud, and no foreign one.
        _remember(data_dir, Remembered(id, 0))
    row = database.write_now(
        lambda tx: begin(tx, registry, remembered, id), name="start of a control plane"
    )
    if row.restored > (0 if remembered is None else remembered.restored):
        # Noticed here, or by another control node, which has other files.
        _mark(data_dir)
    number, stamp = database.read_now(newest_event)
    _remember(data_dir, Remembered(row.id, row.incarnation, number, stamp, row.restored))
    return cast(CloudRow, row)


def keeps_unknown(data_dir: Path) -> bool:
    return (data_dir / RESTORED).exists()


def _mark(data_dir: Path) -> None:
    (data_dir / RESTORED).write_text("An older copy of the database was put in place.\n")


def newest_event(tx: Tx) -> tuple[int, str]:
    """Its number and stamp."""
    row = tx.one(queries.NEWEST_EVENT)
    return (0, "") if row is None else (row.sequence, _stamp(row))


def _stamp(row: EventRow) -> str:
    return f"{row.turn} {row.at} {row.type} {row.resource_id}"


def went_back(tx: Tx, remembered: Remembered) -> bool:
    """Whether the event that was the newest is not there, without having been forgotten."""
    newest = tx.one(queries.NEWEST_EVENT)
    if newest is None or not remembered.event:
        return False
    if newest.sequence < remembered.event:
        return True
    there = tx.get(EventRow, remembered.event)
    if there is not None:
        return remembered.stamp not in ("", _stamp(there))
    oldest = tx.one(queries.OLDEST_EVENT)
    return oldest is not None and oldest.sequence < remembered.event


def note(database: Any, data_dir: Path) -> None:
    """How far the database has come; at the end."""
    before = _recall(data_dir)
    number, stamp = database.read_now(newest_event)
    if before is not None and number > before.event:
        _remember(data_dir, msgspec.structs.replace(before, event=number, stamp=stamp))


class Watch:
    """Notes every few seconds how far the database has come, and whether it went back meanwhile."""

    def __init__(
        self,
        database: Database,
        registry: HostRegistry,
        data_dir: Path,
        forget: Callable[[], None] = lambda: None,
    ) -> None:
        """`forget`: what is in memory, known by numbers of rows, which may be given again."""
        self._database = database
        self._registry = registry
        self._data_dir = data_dir
        self._forget = forget

    async def look(self) -> None:
        before = await pools.DISK(_recall, self._data_dir)
        if before is None:
            return
        (number, stamp), back, row = await self._database.read(
            lambda tx: (newest_event(tx), went_back(tx, before), tx.one(queries.CLOUD))
        )
        if back:
            row = await self._database.write(
                lambda tx: self._went_back(tx, before), name="the database went back"
            )
        now = msgspec.structs.replace(before, event=number, stamp=stamp)
        if row is not None and row.restored > before.restored:
            # Noticed here, or by another control node.
            await pools.DISK(_mark, self._data_dir)
            self._forget()
            self._registry.ring_all()
            now = msgspec.structs.replace(now, incarnation=row.incarnation, restored=row.restored)
        if now != before:
            await pools.DISK(_remember, self._data_dir, now)

    def _went_back(self, tx: Tx, before: Remembered) -> CloudRow:
        row = tx.one(queries.CLOUD)
        assert row is not None
        if row.restored > before.restored:
            return row  # another control node has noticed
        log.error("the database lacks what it had: all hosts are told anew, and files are kept")
        self._registry.grow_epochs(tx, row, "the database lacks what it had")
        # A number that no control node has acted on yet.
        return tx.update(row, incarnation=row.incarnation + 1, restored=row.incarnation + 1)


def begin(
    tx: Tx, registry: HostRegistry, remembered: Remembered | None, id: str | None = None
) -> CloudRow:
    """A control plane starts: makes the cloud (`id`) at its first time, counts the start, and notes
    when the database is older than what this directory has seen of it."""
    row = tx.one(queries.CLOUD)
    if row is None:
        row = CloudRow(id or new_id(), 1)
        tx.insert(row)
        return row
    last, older = row.incarnation, False
    if remembered is not None and remembered.cloud == row.id:
        older = remembered.incarnation > last or went_back(tx, remembered)
    if older and remembered is not None:
        log.warning("an older copy of the database was restored: all hosts are told anew")
        registry.grow_epochs(tx, row, "an older copy of the database was restored")
        last = max(last, remembered.incarnation)
    restored = last + 1 if older else row.restored
    return tx.update(row, incarnation=last + 1, restored=restored)


def _recall(data_dir: Path) -> Remembered | None:
    try:
        return msgspec.json.decode((data_dir / NAME).read_bytes(), type=Remembered)
    except (OSError, msgspec.MsgspecError):
        return None


def _remember(data_dir: Path, now: Remembered) -> None:
    path = data_dir / NAME
    temporary = path.with_suffix(".new")
    temporary.write_bytes(msgspec.json.encode(now))
    temporary.replace(path)
