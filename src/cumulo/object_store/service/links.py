"""Symbolic links, followed: what an object that stands for another one leads to.

A static link has its target's ETag: it is good only for what the target was then. Segments of large
objects are followed as readers are, within their account.
"""

from cumulo.core.db.transaction import Tx
from cumulo.object_store.model import names
from cumulo.object_store.model.conditions import unquoted
from cumulo.object_store.model.faults import Changed, StoreFault
from cumulo.object_store.model.object import ObjectRow
from cumulo.object_store.service.access import Access
from cumulo.object_store.service.objects import EMPTY, Objects

TARGET, ACCOUNT, ETAG = (
    "x-symlink-target",
    "x-symlink-target-account",
    "x-symlink-target-etag",
)
MOST = 2
"""Links in a row."""


def is_link(row: ObjectRow) -> bool:
    return TARGET in row.headers


def place_of(row: ObjectRow, account: str) -> names.Place:
    text = row.headers[TARGET].encode("latin-1").decode("utf-8", "replace")
    container, name = names.container_and_object(names.decoded(text), "X-Symlink-Target")
    return names.Place(row.headers.get(ACCOUNT) or account, container, name)


def etag_of(row: ObjectRow) -> str:
    """As links are held to it: of a static large object its manifest's."""
    return str(row.extra.get("manifest_etag", row.etag)) if row.kind == "slo" else row.etag


def check(row: ObjectRow, expected: str | None) -> str | None:
    """Holds what a static link leads to against it; what the next one has to be. Raises Changed."""
    found = EMPTY if is_link(row) else etag_of(row)
    own = row.headers.get(ETAG)
    if expected is not None and not (is_link(row) and own) and found != unquoted(expected):
        raise Changed(
            f"Object Etag '{found}' does not match X-Symlink-Target-Etag header "
            f"'{unquoted(expected):.64}'"
        )
    return own


def followed(tx: Tx, objects: Objects, access: Access, row: ObjectRow) -> ObjectRow:
    """For a segment. Raises Changed, and what a look at the target raises."""
    expected = row.headers.get(ETAG)
    for _ in range(MOST):
        if not is_link(row):
            return row
        place = place_of(row, access.account)
        if place.account != access.account:
            raise Changed("A link to another account cannot be a segment")
        row = objects.seen(tx, access, place.container, place.object)
        expected = check(row, expected)
    if is_link(row):
        raise Changed(f"Too many levels of symbolic links, maximum allowed is {MOST}")
    return row


def fails_at(fault: StoreFault, where: str) -> StoreFault:
    """A refusal that tells how far the links led."""
    fault.headers.setdefault("Content-Location", where)
    return fault
