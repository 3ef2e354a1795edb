"""The name server of the cloud, as a child process.

We bind its sockets and keep them: when it crashes, its successor goes on with the same ones. A
setting says where; without one it is a port of the loopback address that is remembered, 5354 (as
Designate's mdns has it) or, when somebody else is there, any other.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import msgspec

from cumulo.core.run.children import Child
from cumulo.core.run.commands import CommandFailed
from cumulo.dns import names
from cumulo.dns.model.nameserver import NameServerFailed
from cumulo.dns.nameserver.feed import Commit, Notified, Put, Step, frame, read_frame
from cumulo.dns.nameserver.main import Start

log = logging.getLogger("cumulo.dns")

COMMIT_SECONDS = 60.0
"""How long a commit may take: of 100,000 records it takes one."""
FIRST_PORT = 5354
IP_FREEBIND = 15
"""ip(7); Python's socket has no name for it before 3.14."""
FRAME_BYTES = 1024 * 1024
"""About; a step more is 64 KiB at the most."""


class Tls(msgspec.Struct, frozen=True):
    """DNS over TLS: where, and with which files."""

    listen: Sequence[str]
    certificate: str
    key: str


class EmbeddedNameServer:
    """`listen`: addresses as `127.0.0.1:53`; none: see above. `also`: further ones, if they are
    free. `folder` is made when needed. For the others see `nameserver.main.Start`."""

    def __init__(
        self,
        folder: Path,
        listen: Sequence[str] = (),
        *,
        also: Sequence[str] = (),
        rate_limit: int = 0,
        exempt: Sequence[str] = (),
        transfers: Sequence[str] = (),
        notify: Mapping[str, Sequence[str]] = MappingProxyType({}),
        catalogs: Mapping[str, str] = MappingProxyType({}),
        tls: Tls | None = None,
    ) -> None:
        self._folder = folder
        self._listen = list(listen)
        self._also = list(also)
        self._rate_limit = rate_limit
        self._exempt = list(exempt)
        self._transfers = list(transfers)
        self._notify = {pool: list(targets) for pool, targets in notify.items()}
        self._catalogs = dict(catalogs)
        self._secure = tls
        self._child: Child | None = None
        self._reading: asyncio.Task[None] | None = None
        self._said: asyncio.Queue[int | None] = asyncio.Queue()
        """Numbers of commits that it has made; None: it says nothing more."""
        self.notified: Callable[[str, str], None] = lambda name, address: None
        self.ended: Callable[[], None] = lambda: None
        self._udp: list[socket.socket] = []
        self._tcp: list[socket.socket] = []
        self._tls: list[socket.socket] = []

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.alive

    @property
    def address(self) -> str:
        return _shown(self._udp[0]) if self._udp else ""

    @property
    def where(self) -> str:
        """Where it answers, as soon as there is a zone: a port is chosen now, if none is yet."""
        noted = self._folder / "port"
        if not self._listen and not noted.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            with contextlib.suppress(OSError):
                self._bind_anywhere()
            self._close()
        port = noted.read_text().strip() if noted.exists() else str(FIRST_PORT)
        plain = self._listen or [f"127.0.0.1:{port}"]
        secure = [f"{each} (TLS)" for each in (self._secure.listen if self._secure else ())]
        return ", ".join([*self._also, *plain, *secure])

    @property
    def addresses(self) -> str:
        plain = [_shown(each) for each in self._udp]
        return ", ".join([*plain, *(f"{_shown(each)} (TLS)" for each in self._tls)])

    async def start(self) -> None:
        await self._end_child()
        self._folder.mkdir(parents=True, exist_ok=True)
        if not self._udp:
            self._bind()
        start = Start(
            [each.fileno() for each in self._udp],
            [each.fileno() for each in self._tcp],
            self._rate_limit,
            self._transfers,
            self._notify,
            self._exempt,
            self._catalogs,
            [each.fileno() for each in self._tls],
            self._secure.certificate if self._secure else "",
            self._secure.key if self._secure else "",
        )
        try:
            self._child = await Child.python(
                "cumulo.dns.nameserver.main",
                msgspec.json.encode(start).decode(),
                log=self._folder / "nameserver.log",
                pass_fds=[*start.udp, *start.tcp, *start.tls],
            )
        except CommandFailed as error:
            raise NameServerFailed(str(error)) from None
        self._said = asyncio.Queue()
        self._reading = asyncio.create_task(self._read(self._child, self._said))
        log.info("the name server answers at %s", self.addresses)

    async def _read(self, child: Child, said: asyncio.Queue[int | None]) -> None:
        """What it says, until it ends."""
        try:
            while True:
                for step in await read_frame(child.reader):
                    if isinstance(step, Commit):
                        said.put_nowait(step.number)
                    elif isinstance(step, Notified):
                        self.notified(names.text(step.name), step.address)
        except (OSError, asyncio.IncompleteReadError, ValueError, msgspec.MsgspecError) as error:
            log.info("the name server says nothing more: %r", error)
        finally:
            said.put_nowait(None)
            self.ended()

    async def send(self, steps: Sequence[Step]) -> None:
        child = self._running()
        try:
            for part in _parts(steps):
                child.writer.write(frame(part))
                async with asyncio.timeout(COMMIT_SECONDS):
                    await child.writer.drain()
        except (TimeoutError, OSError) as error:
            raise NameServerFailed(f"it does not read: {error!r}") from None

    async def commit(self, number: int) -> None:
        self._running()
        await self.send([Commit(number)])
        try:
            async with asyncio.timeout(COMMIT_SECONDS):
                heard = await self._said.get()
        except TimeoutError as error:
            raise NameServerFailed(f"it does not answer: {error!r}") from None
        if heard != number:
            raise NameServerFailed(
                "it has ended" if heard is None else f"it answers {heard!r:.200}"
            )

    async def stop(self, *, keep: bool = False) -> None:
        await self._end_child()
        if not keep:
            self._close()

    def _close(self) -> None:
        for each in (*self._udp, *self._tcp, *self._tls):
            each.close()
        self._udp, self._tcp, self._tls = [], [], []

    def _running(self) -> Child:
        if self._child is None or not self._child.alive:
            raise NameServerFailed("it has ended; nameserver.log says why")
        return self._child

    async def _end_child(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            await child.stop()
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reading

    # --- sockets ----------------------------------------------------------------------------

    def _bind(self) -> None:
        try:
            if self._listen:
                for each in self._listen:
                    host, _, port = each.rpartition(":")
                    self._add(host.strip("[]"), int(port))
            else:
                self._bind_anywhere()
            for each in self._secure.listen if self._secure else ():
                host, _, port = each.rpartition(":")
                self._tls.append(_bound_tcp(host.strip("[]"), int(port)))
        except OSError as error:
            self._close()
            where = ", ".join(self._listen) or "127.0.0.1"
            raise NameServerFailed(f"cannot listen at {where}: {error}") from None
        for each in self._also:
            host, _, port = each.rpartition(":")
            try:
                self._add(host.strip("[]"), int(port))
            except OSError as error:
                log.info("the name server cannot listen at %s, too: %s", each, error)

    def _bind_anywhere(self) -> None:
        noted = self._folder / "port"
        with contextlib.suppress(OSError, ValueError):
            self._add("127.0.0.1", int(noted.read_text()))
            return
        for port in (FIRST_PORT, 0, 0, 0):
            try:
                self._add("127.0.0.1", port)
                break
            except OSError:
                if port == 0:
                    log.info("a free port was not free any more")
        if not self._udp:
            raise OSError("no port is free")
        noted.write_text(f"{self._udp[0].getsockname()[1]}\n")

    def _add(self, host: str, port: int) -> None:
        """Bind UDP and TCP at one port; 0: any that is free."""
        with contextlib.ExitStack() as undo:
            tcp = undo.enter_context(_bound_tcp(host, port))
            udp = undo.enter_context(socket.socket(tcp.family, socket.SOCK_DGRAM))
            _prepare(udp)
            udp.bind((host, tcp.getsockname()[1]))
            undo.pop_all()
        self._tcp.append(tcp)
        self._udp.append(udp)


def _prepare(each: socket.socket) -> None:
    """The address may come later (the external network's gateway), or go and come. A socket of IPv6
    is for that alone: networks of IPv4 would be one and the same by it."""
    each.setsockopt(socket.SOL_IP, IP_FREEBIND, 1)
    if each.family == socket.AF_INET6:
        each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    each.setblocking(False)


def _bound_tcp(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.ExitStack() as undo:
        tcp = undo.enter_context(socket.socket(family, socket.SOCK_STREAM))
        tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _prepare(tcp)
        tcp.bind((host, port))
        tcp.listen(128)
        undo.pop_all()
    return tcp


def _parts(steps: Sequence[Step]) -> Iterator[list[Step]]:
    """Frames are read whole: a zone of long texts is many of them."""
    part: list[Step] = []
    size = 0
    for step in steps:
        part.append(step)
        size += 200 + (len(step.records) if isinstance(step, Put) else 0)
        if size > FRAME_BYTES:
            yield part
            part, size = [], 0
    if part:
        yield part


def _shown(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
