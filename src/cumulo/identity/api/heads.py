"""HEAD for every GET: identity answers it alike, without the body."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation, Reply


def with_heads(*operations: Operation) -> list[Operation]:
    """The operations, and the HEAD of each GET that has none of its own."""
    known = {made.path for made in operations if made.method == "HEAD"}
    heads = [
        replace(made, method="HEAD", handler=_headless(made.handler))
        for made in operations
        if made.method == "GET" and made.path not in known and not made.streams
    ]
    return [*operations, *heads]


def _headless(handler: Callable[[Call, Tx], Any]) -> Callable[[Call, Tx], Reply]:
    def answer(call: Call, tx: Tx) -> Reply:
        found = handler(call, tx)
        if isinstance(found, Reply):
            return replace(found, body=None, raw=None)
        return Reply()

    return answer
