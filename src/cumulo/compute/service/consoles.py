"""Consoles: a token that opens one, good for a while and for as long as the server is there.

An open one ends with the right of whoever asked for it: a role, a password, a user that is no more.
"""

import hashlib
import secrets
from collections.abc import Mapping
from typing import Protocol

import msgspec

from cumulo.compute.model.console import ConsoleRow
from cumulo.compute.model.server import ServerRow
from cumulo.compute.queries import console as queries
from cumulo.core.auth.principal import Principal
from cumulo.core.clock import later, seconds_of
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Conflict, NotFound

SECONDS = 600.0
KINDS = {
    ("vnc", "novnc"): "vnc",
    ("serial", "serial"): "serial",
    ("spice", "spice-html5"): "spice",
}


def speaks_spice(row: ServerRow) -> bool:
    """Its screen is a qxl one, which its image asks for."""
    return row.image is not None and row.image.properties.get("hw_video_model") == "qxl"


class Rights(Protocol):
    """Of identity: what the holder of a console still may (`identity.interface.Identity`)."""

    def principal_in_project(
        self, tx: Tx, user_id: str, project_id: str, lent: Mapping[str, str] | None = None
    ) -> Principal | None: ...

    def proofs_end_before(self, tx: Tx, user_id: str) -> float: ...


class Consoles:
    def __init__(self, rights: Rights | None = None) -> None:
        self._rights = rights

    def begin(self, tx: Tx, row: ServerRow, kind: str, who: Principal) -> str:
        """A new token. Raises Conflict for a server that has no console now, BadRequest for who
        is in no project: nobody could say when their right ends."""
        who.need_project()
        if row.metal or row.host_id is None or row.vm_state not in ("active", "paused"):
            raise Conflict(f"Instance {row.id} is not ready")
        tx.run(queries.FORGET, now=tx.now)
        token = secrets.token_urlsafe(24)
        ends, lent = later(tx.now, SECONDS), {**who.lent, **who.signed_on}
        made = ConsoleRow(_id(token), row.id, kind, ends, who.user_id, who.project_id)
        tx.insert(msgspec.structs.replace(made, roles=list(who.roles), lent=lent))
        return token

    def find(self, tx: Tx, token: str) -> tuple[ServerRow, ConsoleRow]:
        """Raises NotFound."""
        found = tx.get(ConsoleRow, _id(token[:100]))
        row = None if found is None else tx.get(ServerRow, found.server_id)
        if found is None or found.ends_at <= tx.now or row is None or row.deleted_at is not None:
            raise NotFound("This console is not there, or its time is over.")
        if not self.holds(tx, found, row.host_id):
            raise NotFound("Whoever asked for this console may not look at it any more.")
        return row, found

    def holds(self, tx: Tx, console: ConsoleRow, host_id: str | None) -> bool:
        """Whether an open console may stay so: the server is where it was, and who asked for it
        has every role that they had."""
        row = tx.get(ServerRow, console.server_id)
        if row is None or row.deleted_at is not None or row.host_id != host_id:
            return False
        if self._rights is None:
            return True
        made = later(console.ends_at, -SECONDS)
        if seconds_of(made) < self._rights.proofs_end_before(tx, console.user_id):
            return False
        if console.project_id is None:
            return False
        who = self._rights.principal_in_project(
            tx, console.user_id, console.project_id, console.lent
        )
        return who is not None and set(console.roles) <= set(who.roles)


def _id(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
