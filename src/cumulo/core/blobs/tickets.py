"""Tickets: who bears one may read one content for a while, and nothing else.

    TICKET = base64url(content's id, NUL, host, NUL, moment of its end) "." base64url(HMAC-SHA256)

A host asks for one on its own connection, which says who it is; the bytes then come by HTTP, where
they can be large and slow. A ticket names the host that it was given to, for the log.
"""

import base64
import hashlib
import hmac
import os
import time
from pathlib import Path

import msgspec

SECONDS = 3600.0
KEY_BYTES = 32
LONGEST = 1024


class BadTicket(Exception):
    """Nobody gave it, or its time is over."""


class Ticket(msgspec.Struct, frozen=True):
    content_id: str
    host: str
    until: float
    """Seconds since the epoch."""


class Tickets:
    def __init__(self, key: bytes) -> None:
        if len(key) < KEY_BYTES:
            raise ValueError("the key of tickets is too short")
        self._key = key

    @classmethod
    def kept_in(cls, path: Path) -> "Tickets":
        """With the key in this file, which is made when it is not there."""
        try:
            return cls(path.read_bytes())
        except FileNotFoundError:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(os.urandom(KEY_BYTES))
            return cls(path.read_bytes())

    def give(self, content_id: str, host: str, *, seconds: float = SECONDS) -> str:
        """A new ticket. Raises ValueError for names that cannot be in one."""
        if "\0" in content_id or "\0" in host:
            raise ValueError("no name has a NUL")
        said = f"{content_id}\0{host}\0{time.time() + seconds:.0f}".encode()
        return f"{_text(said)}.{_text(self._sum(said))}"

    def take(self, ticket: str) -> Ticket:
        """What it is for. Raises BadTicket."""
        said, _, given = ticket.partition(".")
        if len(ticket) > LONGEST:
            raise BadTicket
        try:
            raw, mark = _bytes(said), _bytes(given)
        except ValueError:
            raise BadTicket from None
        if not hmac.compare_digest(self._sum(raw), mark):
            raise BadTicket
        content_id, host, until = raw.decode().split("\0")
        if float(until) < time.time():
            raise BadTicket
        return Ticket(content_id, host, float(until))

    def _sum(self, said: bytes) -> bytes:
        return hmac.digest(self._key, said, hashlib.sha256)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    """Raises ValueError."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
