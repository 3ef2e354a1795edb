"""The files of a stack: each set of them is kept once, however many stacks are inside."""

import hashlib
from collections.abc import Mapping
from typing import Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.orchestration.model.files import FilesRow
from cumulo.orchestration.model.stack import StackRow
from cumulo.orchestration.queries import files as queries


def digest_of(files: Mapping[str, str]) -> str:
    """Empty: there are none."""
    if not files:
        return ""
    return hashlib.sha256(msgspec.json.encode(files, order="deterministic")).hexdigest()


def keep(tx: Tx, root_id: str, files: Mapping[str, str]) -> None:
    """The root's row has to be there."""
    if files:
        row = FilesRow(root_id, digest_of(files), dict(files))
        tx.insert(row, ignore_duplicate=True)


def files_of(tx: Tx, stack: StackRow) -> dict[str, str]:
    # Stacks of earlier releases have them in their own row.
    return kept(tx, stack.root_id, stack.files_digest) if stack.files_digest else stack.files


def files_before(tx: Tx, stack: StackRow, previous: Mapping[str, Any]) -> dict[str, str]:
    """Of where a rollback leads."""
    digest = previous.get("files_digest")
    return kept(tx, stack.root_id, digest) if digest else dict(previous.get("files") or {})


def kept(tx: Tx, root_id: str, digest: str) -> dict[str, str]:
    found = tx.get(FilesRow, root_id, digest)
    return {} if found is None else found.files


def forget_unused(tx: Tx, root: StackRow) -> None:
    """Those that no stack of the tree has any more: its last wish has come true."""
    tx.run(queries.FORGET_UNUSED, root=root.id, of=root.id)
