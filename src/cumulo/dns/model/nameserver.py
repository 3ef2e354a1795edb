"""What the service asks of a name server that it runs itself."""

from collections.abc import Callable, Sequence
from typing import Protocol

from cumulo.dns.nameserver.feed import Step


class NameServerFailed(Exception):
    """It could not be started, or does not answer; its data is gone with it."""


class NameServer(Protocol):
    """Begins empty. After each failure it is stopped, and begins empty again."""

    notified: Callable[[str, str], None]
    """Called with a zone's name and the address of who says that it has changed (NOTIFY)."""

    ended: Callable[[], None]
    """Called when it ends without having been told to, or says nothing more."""

    @property
    def running(self) -> bool: ...

    @property
    def address(self) -> str:
        """`127.0.0.1:5354`; empty as long as it never ran."""

    @property
    def where(self) -> str:
        """All addresses that it will answer at, for a person."""

    async def start(self) -> None:
        """Raises NameServerFailed."""

    async def send(self, steps: Sequence[Step]) -> None:
        """Steps that count from the next commit on. Raises NameServerFailed."""

    async def commit(self, number: int) -> None:
        """Until all that was sent is answered from. Raises NameServerFailed."""

    async def stop(self, *, keep: bool = False) -> None:
        """`keep`: its addresses, for a successor; who asks meanwhile waits for that."""
