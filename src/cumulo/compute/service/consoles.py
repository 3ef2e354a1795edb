"""Consoles: a token that opens one, good for a while and for as long as the server is there."""

import hashlib
import secrets

from cumulo.compute.model.console import ConsoleRow
from cumulo.compute.model.server import ServerRow
from cumulo.compute.queries import console as queries
from cumulo.core.clock import later
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


class Consoles:
    def begin(self, tx: Tx, row: ServerRow, kind: str) -> str:
        """A new token. Raises Conflict for a server that has no console now."""
        if row.metal or row.host_id is None or row.vm_state not in ("active", "paused"):
            raise Conflict(f"Instance {row.id} is not ready")
        tx.run(queries.FORGET, now=tx.now)
        token = secrets.token_urlsafe(24)
        tx.insert(ConsoleRow(_id(token), row.id, kind, later(tx.now, SECONDS)))
        return token

    def find(self, tx: Tx, token: str) -> tuple[ServerRow, str]:
        """(server, kind). Raises NotFound."""
        found = tx.get(ConsoleRow, _id(token[:100]))
        row = None if found is None else tx.get(ServerRow, found.server_id)
        if found is None or found.ends_at <= tx.now or row is None or row.deleted_at is not None:
            raise NotFound("This console is not there, or its time is over.")
        return row, found.kind


def _id(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
