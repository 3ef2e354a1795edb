"""Which cloud this is, and whether its database went back in time.

The database counts the starts of its control planes (`incarnation`); the data directory remembers
the last count. A directory that remembers a later one than the database has shows that an older
copy was put in the database's place. Then all that hosts were told since may be missing here, and
every host's epoch grows: they are told the whole set, and keep what is not in it. A copy taken
after the last start is recognised by the hosts' own marks (see `conductor`).

A database of another cloud, or one whose secrets are not here, is *foreign*: nothing is written to
it. Passwords that nobody has written down, keys that read nothing, hosts that obey two clouds:
whoever begins like that has to notice it now.
"""

import logging
from pathlib import Path
from typing import Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.hosts import queries
from cumulo.core.hosts.model import CloudRow
from cumulo.core.hosts.registry import HostRegistry
from cumulo.core.ids import new_id

log = logging.getLogger("cumulo.hosts")

NAME = "lineage.json"


class Remembered(msgspec.Struct, frozen=True):
    cloud: str
    incarnation: int


class ForeignDatabase(Exception):
    """The database belongs to a cloud that this data directory does not know, or cannot open."""


def refuse_foreign(database: Any, data_dir: Path, secrets_dir: Path) -> str | None:
    """The id of the cloud whose database this is; None for a new one. Raises ForeignDatabase."""
    if not database.has_table(CloudRow.sql_table.name):
        return None
    row: CloudRow | None = database.read_now(lambda tx: tx.one(queries.CLOUD))
    if row is None:
        return None
    remembered = _recall(data_dir)
    if remembered is None and not _has_keys(secrets_dir):
        raise ForeignDatabase(f"the cloud {row.id}, whose secrets are not in {secrets_dir}")
    if remembered is not None and remembered.cloud != row.id:
        raise ForeignDatabase(f"the cloud {row.id}; {data_dir} is of the cloud {remembered.cloud}")
    return row.id


def _has_keys(secrets_dir: Path) -> bool:
    """Rings of keys are directories."""
    return secrets_dir.is_dir() and any(each.is_dir() for each in secrets_dir.iterdir())


def start(database: Any, registry: HostRegistry, data_dir: Path) -> CloudRow:
    """A control plane with this data directory starts."""
    remembered, id = _recall(data_dir), new_id()
    if database.read_now(lambda tx: tx.one(queries.CLOUD)) is None:
        # Before the cloud is there: who dies in between finds its own cloud, and no foreign one.
        _remember(data_dir, Remembered(id, 0))
    row: CloudRow = database.write_now(
        lambda tx: begin(tx, registry, remembered, id), name="start of a control plane"
    )
    _remember(data_dir, Remembered(row.id, row.incarnation))
    return row


def begin(
    tx: Tx, registry: HostRegistry, remembered: Remembered | None, id: str | None = None
) -> CloudRow:
    """A control plane starts: makes the cloud (`id`) at its first time, counts the start."""
    row = tx.one(queries.CLOUD)
    if row is None:
        row = CloudRow(id or new_id(), 1)
        tx.insert(row)
        return row
    last = row.incarnation
    if remembered is not None and remembered.cloud == row.id and remembered.incarnation > last:
        log.warning("an older copy of the database was restored: all hosts are told anew")
        registry.grow_epochs(tx, row, "an older copy of the database was restored")
        last = remembered.incarnation
    return tx.update(row, incarnation=last + 1)


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
