"""A name server without a process and without sockets: the same data, asked by a call."""

from collections.abc import Callable, Sequence

from cumulo.dns.model.nameserver import NameServerFailed
from cumulo.dns.nameserver.feed import Commit, Step
from cumulo.dns.nameserver.limits import RateLimit
from cumulo.dns.nameserver.server import Desk
from cumulo.dns.nameserver.zones import World


class FakeNameServer:
    """`broken`: fails at the next occasion."""

    def __init__(self) -> None:
        self.desk = Desk(World(), RateLimit(0))
        self.running = False
        self.broken = False
        self.address = self.where = "fake"
        self.notified: Callable[[str, str], None] = lambda name, address: None
        self.ended: Callable[[], None] = lambda: None

    async def start(self) -> None:
        self._may()
        self.desk = Desk(World(), RateLimit(0))
        self.running = True

    async def send(self, steps: Sequence[Step]) -> None:
        self._may()
        self.desk.world.take(list(steps))

    async def commit(self, number: int) -> None:
        self._may()
        self.desk.world.take([Commit(number)])
        self.desk.forget()

    async def stop(self, *, keep: bool = False) -> None:
        self.running = False

    def ask(self, query: bytes) -> bytes | None:
        return self.desk.by_udp(query, "127.0.0.1")

    def _may(self) -> None:
        if self.broken:
            self.broken = False
            raise NameServerFailed("made to fail")
