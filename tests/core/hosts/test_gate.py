"""The link over a wire: who is let in, what passes, and what a hostile machine gets: nothing."""

import asyncio
import datetime
import os
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from cumulo.core.blobs.content import Content, Missing
from cumulo.core.faults import Conflict
from cumulo.core.hosts import authority as authority_module
from cumulo.core.hosts import lines
from cumulo.core.hosts import peer as peer_module
from cumulo.core.hosts.authority import Authority, client_context, new_request
from cumulo.core.hosts.conductor import HostDown
from cumulo.core.hosts.dial import MOST_LINES, DialledLink, Identity
from cumulo.core.hosts.gate import Gate
from cumulo.core.hosts.hello import PROTOCOLS, Hello
from cumulo.core.hosts.joining import CannotJoin, join, token_of
from cumulo.core.hosts.machines import Machines
from cumulo.core.hosts.messages import Answer, Ask, Fetch, Mark, Report, Seen
from cumulo.core.hosts.model import HostRow, MachineRow
from cumulo.core.hosts.peer import Peer, PeerFault, PeerGone
from tests.core.hosts.test_conductor import House
from tests.support.ports import free_port

BYTES = bytes(range(256)) * 9000


class Shelf:
    """Who has the content of images."""

    async def open(self, content: Content) -> Any:
        if content.id != "an-image":
            raise Missing(content.id)
        return self

    size = len(BYTES)

    async def read(self, offset: int, length: int) -> bytes:
        return BYTES[offset : offset + length]

    async def close(self) -> None:
        return


class Site:
    """A control plane with a gate, and machines that join it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.house = House(folder)
        self.house.part.contents = lambda state: [Content("an-image")] if state == 5 else []  # type: ignore[attr-defined]
        self.machines = Machines(self.house.registry, folder / "secrets")
        self.port = free_port()
        self.gate = self.new_gate()

    def new_gate(self, port: int | None = None, places: Sequence[str] = ()) -> Gate:
        return Gate(
            self.house.conductor,
            self.machines,
            ("127.0.0.1", port or self.port),
            version="1",
            contents=Shelf,
            alike={"vxlan_port": 4789},
            places=lambda tx: list(places),
        )

    def token(self, name: str | None = None, minutes: int = 60) -> str:
        return self.house.db.write_now(lambda tx: self.machines.new_token(tx, name, minutes))

    async def join(self, name: str, token: str | None = None, *, folder: str = "") -> Identity:
        place = self.folder / (folder or name)
        given = token_of(token or self.token())
        url = f"https://127.0.0.1:{self.port}"
        cloud = await asyncio.to_thread(join, url, given, name, place)
        assert cloud == self.house.cloud
        return Identity(place)

    @asynccontextmanager
    async def link(self, identity: Identity, **settings: int) -> AsyncIterator[DialledLink]:
        made = DialledLink(
            [f"wss://127.0.0.1:{self.port}"], identity, version="1", settings=settings
        )

        async def answer(message: Ask) -> Answer:
            if message.question == "line":
                mine, theirs = socket.socketpair()
                mine.setblocking(False)
                theirs.setblocking(False)
                self.devices.append(mine)
                return Answer(theirs)
            if message.question == "no line":
                return Answer(refused="it has none")
            return Answer({"asked": message.question})

        self.devices: list[socket.socket] = []
        self.rung: list[str] = []
        made.bind({"lamp": int}, answer, self.rung.append)
        running = asyncio.create_task(made.run())
        try:
            yield made
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    @asynccontextmanager
    async def raw(self, identity: Identity) -> AsyncIterator[Any]:
        """A connection that may say anything."""
        url = f"wss://127.0.0.1:{self.port}/link"
        async with connect(url, ssl=identity.context(), proxy=None, max_size=None) as wire:
            yield wire


async def until(check: Callable[[], Any], seconds: float = 10) -> None:
    async with asyncio.timeout(seconds):
        while not check():
            await asyncio.sleep(0.02)


def with_site(tmp_path: Path, work: Callable[[Site], Awaitable[None]]) -> None:
    async def main() -> None:
        site = Site(tmp_path)
        running = asyncio.create_task(site.gate.run())
        try:
            await until(lambda: site.gate.listening)
            await work(site)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            site.house.db.close()

    asyncio.run(main())


def test_settings_that_must_be_alike(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def work(site: Site) -> None:
        identity = await site.join("far")
        for port in (4789, 4790):
            assert "vxlan_port" not in caplog.text
            async with site.link(identity, vxlan_port=port, other=1) as link:
                await until(lambda: link.welcome is not None)
        assert "vxlan_port is 4790 here and 4789 in the cloud" in caplog.text

    with_site(tmp_path, work)


def test_another_control_node_is_dialled_when_one_goes(tmp_path: Path) -> None:
    """A host learns where all of them are, and goes on with the next when its own is away."""

    async def work(site: Site) -> None:
        ports = [free_port(), free_port()]
        places = [f"wss://127.0.0.1:{port}" for port in ports]
        told = [*places, "wss://127.0.0.1", "ws://127.0.0.1:80", "wss://a b:1"]
        gates = [site.new_gate(port, told) for port in ports]
        identity = await site.join("far")
        learned: list[list[str]] = []
        running = [asyncio.create_task(gate.run()) for gate in gates]
        await until(lambda: all(gate.listening for gate in gates))
        link = DialledLink(places[:1], identity, version="1", settings={}, learned=learned.append)

        async def answer(message: Ask) -> Answer:
            return Answer({})

        link.bind({"lamp": int}, answer, lambda kind: None)
        dialling = asyncio.create_task(link.run())
        try:
            await until(lambda: link.welcome is not None)
            assert learned == [places[1:]]
            for gone, next_one in ((0, 1), (1, 0)):
                assert link.url == places[gone]
                running[gone].cancel()
                await asyncio.gather(running[gone], return_exceptions=True)
                await until(lambda at=next_one: link.url == places[at] and link.welcome)
                await until(lambda: site.house.conductor.connected("far"))
                await link.heartbeat()
                running[gone] = asyncio.create_task(gates[gone].run())
                await until(lambda at=gone: gates[at].listening)
            assert learned == [places[1:]]
        finally:
            for task in (dialling, *running):
                task.cancel()
            await asyncio.gather(dialling, *running, return_exceptions=True)

    with_site(tmp_path, work)


def test_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A device of a host that dialled in, byte by byte, both ways, and given back."""
    monkeypatch.setattr(lines, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(lines, "IDLE_SECONDS", 0.5)

    async def work(site: Site) -> None:
        loop = asyncio.get_running_loop()
        conductor = site.house.conductor
        async with site.link(await site.join("far")) as link:
            await until(lambda: link.welcome is not None)
            line = await conductor.line("far", "lamp", "line")
            [device] = site.devices
            await line.write(b"hello")
            assert await loop.sock_recv(device, 100) == b"hello"
            reading = asyncio.create_task(line.read())
            await asyncio.sleep(0.25)  # longer than one look
            await loop.sock_sendall(device, b"login: ")
            assert await reading == b"login: "
            large = os.urandom(700_000)
            sending = asyncio.create_task(loop.sock_sendall(device, large))
            got = b""
            while len(got) < len(large):
                got += await line.read()
            await sending
            assert got == large
            device.close()
            assert await line.read() == b""
            await line.close()
            with pytest.raises(OSError, match="not open"):
                await line.write(b"x")
            with pytest.raises(HostDown, match="it has none"):
                await conductor.line("far", "lamp", "no line")
            # Whoever does not read has it no more.
            line = await conductor.line("far", "lamp", "line")
            assert await loop.sock_recv(site.devices[-1], 1) == b""
            monkeypatch.setattr(lines, "IDLE_SECONDS", 60.0)
            many = [await conductor.line("far", "lamp", "line", id=n) for n in range(MOST_LINES)]
            with pytest.raises(HostDown, match="too many lines are"):
                await conductor.line("far", "lamp", "line")
            for closed in many[:9]:
                await closed.close()
            # One guest's lines are not all that there are.
            many += [await conductor.line("far", "lamp", "line", id="x") for _ in range(8)]
            with pytest.raises(HostDown, match="of this"):
                await conductor.line("far", "lamp", "line", id="x")
            # Whoever writes to a device that takes nothing has the line no more.
            monkeypatch.setattr(lines, "WRITE_SECONDS", 0.2)
            for _ in range(2):
                stuck = await conductor.line("far", "lamp", "line", id="stuck")
                with pytest.raises(OSError, match=r"takes nothing|not open"):
                    await stuck.write(bytes(10_000_000))
                while await loop.sock_recv(site.devices[-1], 1 << 20):
                    continue
        for device in site.devices[2:]:
            assert await loop.sock_recv(device, 1) == b""
        with pytest.raises(OSError):
            await many[-1].read()

    with_site(tmp_path, work)


def test_what_passes(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        async with site.link(await site.join("far")) as link:
            await until(lambda: link.welcome is not None)
            assert link.welcome is not None and link.welcome.settings == {"vxlan_port": 4789}
            assert site.house.conductor.connected("far") and link.local_address() == "127.0.0.1"
            site.rung.clear()
            site.house.wish("a", 5, host="far")
            site.house.wish("b", 6, host="h1")
            await until(lambda: "lamp" in site.rung)
            items = await link.fetch(Fetch("lamp"))
            assert [(each.id, each.state) for each in items.changed] == [("a", 5)]
            version = items.changed[0].version
            told = Report(
                kind="lamp", cloud=items.cloud, epoch=items.epoch, upto=items.upto,
                items=[Seen(id="a", version=version, done=True, state=5)], host="is well",
            )  # fmt: skip
            assert (await link.report(told)).refused == {}
            assert site.house.part.taken == [("far", "", "is well", True), ("far", "a", 5, True)]
            assert await site.house.conductor.ask("far", "lamp", "log") == {"asked": "log"}
            with pytest.raises(HostDown, match="no answer"):
                await link.query("lamp", "anything", {})
            await link.heartbeat()
            await link.failed("lamp", 1, "no oil")
            reader = await link.open(Content("an-image"))
            assert reader.size == len(BYTES)
            assert await reader.read(10, 100) == BYTES[10:110]
            assert len(await reader.read(0, 10**9)) == 1 << 20
            await reader.close()
            with pytest.raises(OSError, match="not open"):
                await reader.read(0, 1)
            site.house.part.contents = lambda state: [Content("another")]  # type: ignore[attr-defined]
            with pytest.raises(Missing):
                await link.open(Content("another"))
        await until(lambda: not site.house.conductor.connected("far"))
        with pytest.raises(PeerGone):
            await link.fetch(Fetch("lamp"))

    with_site(tmp_path, work)


def test_it_dials_again_and_its_certificate_is_renewed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(site: Site) -> None:
        identity = await site.join("far")
        before = identity.pair.read_bytes()
        monkeypatch.setattr(authority_module, "RENEW_DAYS", 1000)
        async with site.link(identity) as link:
            await until(lambda: identity.pair.read_bytes() != before)
            monkeypatch.undo()
            session = site.gate._sessions["far"]
            await session.end("for a test")
            await until(lambda: site.gate._sessions.get("far") not in (None, session))
            await until(lambda: link.welcome is not None)
        row = site.house.db.read_now(lambda tx: tx.get(MachineRow, "far"))
        assert row is not None and len(row.serials) == 1, "the first one is not good any more"
        identity.pair.write_bytes(before)
        with pytest.raises(ConnectionClosed):
            async with site.raw(identity) as wire:
                await wire.recv()

    with_site(tmp_path, work)


def test_tokens(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        used = site.token()
        await site.join("far", used)
        expired = site.token(minutes=0)
        await asyncio.sleep(0.01)
        named = site.token("other")
        wrong = site.token()[:-64] + "0" * 64
        with pytest.raises(CannotJoin, match="another"):
            await site.join("new", wrong)
        for token, name in ((used, "new"), (expired, "new"), (named, "new"), ("0" * 32, "new")):
            whole = token if "-" in token else f"{token}-{site.machines.authority.fingerprint}"
            with pytest.raises(CannotJoin, match="not good"):
                await site.join(name, whole)
        for bad in ("", "../x", "a b", "-a", "a" * 65, "a/b"):
            with pytest.raises(CannotJoin, match="name has letters"):
                await site.join(bad, site.token(), folder="bad")
        with pytest.raises(CannotJoin, match="already"):
            await site.join("h1", site.token())
        with pytest.raises(CannotJoin, match="already"):
            await site.join("h1", site.token("h1"))  # the control plane's own
        with pytest.raises(CannotJoin, match="token create --name far"):
            await site.join("far", site.token())
        # The machine was made anew: another epoch, and the old certificate is good for nothing.
        old = Identity(site.folder / "far")
        await site.join("far", site.token("far"), folder="far again")
        assert site.house.epoch("far") == 2
        with pytest.raises(ConnectionClosed):
            async with site.raw(old) as wire:
                await wire.recv()

    with_site(tmp_path, work)


def test_without_a_certificate_and_with_anothers(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        identity = await site.join("far")
        with pytest.raises(InvalidStatus, match="403"):
            url = f"wss://127.0.0.1:{site.port}/link"
            async with connect(url, ssl=client_context(identity.authority), proxy=None):
                pass
        other = Authority(tmp_path / "other")
        forged = Identity(tmp_path / "forged")
        forged.authority.parent.mkdir()
        forged.authority.write_bytes(identity.authority.read_bytes())
        request = authority_module.new_request(forged.key)
        forged.keep(other.sign_host("far", request)[0])
        with pytest.raises((OSError, WebSocketException)):
            async with site.raw(forged) as wire:
                await wire.recv()
        # A host's certificate is none of a control plane.
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(identity.pair)

        async def nothing(reader: Any, writer: asyncio.StreamWriter) -> None:
            writer.close()

        listener = await asyncio.start_server(nothing, "127.0.0.1", 0, ssl=server)
        port = listener.sockets[0].getsockname()[1]
        with pytest.raises(ssl.SSLError, match="purpose"):
            await asyncio.open_connection(
                "127.0.0.1", port, ssl=client_context(identity.authority), server_hostname="x"
            )
        listener.close()

    with_site(tmp_path, work)


def test_a_hostile_host_gets_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def work(site: Site) -> None:
        identity = await site.join("far")
        site.house.wish("b", 6, host="h1")
        async with site.link(identity) as link:
            await until(lambda: link.welcome is not None)
            items = await link.fetch(Fetch("lamp"))
            assert items.changed == []
            seen = [Seen(id="b", version=2, done=True, state=6), Seen(id="b", version=2, gone=True)]
            told = Report(
                kind="lamp", cloud=items.cloud, epoch=items.epoch, upto=10**18, items=seen
            )
            assert set((await link.report(told)).refused) == {"b"}
            stale = msgspec.structs.replace(told, epoch=0)
            assert (await link.report(stale)).stale
            assert site.house.part.taken == [] and site.house.part.over == []
            for kind in ("compute", "x" * 10**5):
                with pytest.raises(PeerFault, match="does no"):
                    await link._call("fetch", Fetch(kind, None, Mark()))
            for what, body in (
                ("fetch", {"kind": 5}), ("report", None), ("nothing", 1), ("piece", {"handle": 1}),
                ("report", {**msgspec.to_builtins(told), "items": [{"id": "b", "version": 1,
                                                                   "state": "no number"}]}),
                ("samples", {"samples": [{"value": "x"}]}), ("renew", {"request": b"x" * 1000}),
            ):  # fmt: skip
                with pytest.raises(PeerFault):
                    await link._call(what, body)
            # What nothing on it is made of it does not read.
            with pytest.raises(OSError, match="nothing on this host"):
                await link.open(Content("an-image"))
            site.house.wish("mine", 5, host="far")
            opened = [await link.open(Content("an-image")) for _ in range(8)]
            with pytest.raises(OSError, match="too much open"):
                await link.open(Content("an-image"))
            del opened

    with_site(tmp_path, work)
    assert "Traceback" not in caplog.text


@pytest.mark.parametrize(
    "said",
    [b"", b"\xc1", "text", b"\x93\xa1c\x01", b"\xff" * 100, msgspec.msgpack.encode({"a": 1})],
)
def test_nonsense_ends_the_connection(tmp_path: Path, said: str | bytes) -> None:
    async def work(site: Site) -> None:
        async with site.raw(await site.join("far")) as wire:
            await wire.send(said)
            with pytest.raises(ConnectionClosed):
                async with asyncio.timeout(5):
                    await wire.recv()

    with_site(tmp_path, work)


def test_giant_frames_and_floods(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(site: Site) -> None:
        identity = await site.join("far")
        async with site.raw(identity) as wire:
            with suppress(ConnectionClosed):
                await wire.send(b"x" * (peer_module.LONGEST + 1))
            with pytest.raises(ConnectionClosed):
                await wire.recv()
        # No more than so many calls are worked at, however many come.
        at_work, most = 0, 0

        async def slow(host_id: str, message: Fetch) -> Any:
            nonlocal at_work, most
            at_work += 1
            most = max(most, at_work)
            await asyncio.sleep(0.01)
            at_work -= 1
            raise PeerFault("slow")

        monkeypatch.setattr(site.house.conductor, "fetch", slow)
        async with site.raw(identity) as wire:
            peer = Peer(wire, {})
            running = asyncio.create_task(peer.run())
            await peer.call("hello", Hello(list(PROTOCOLS), "1", ["lamp"]))
            calls = [peer.call("fetch", Fetch("lamp")) for _ in range(300)]
            found = await asyncio.gather(*calls, return_exceptions=True)
            assert all(isinstance(each, PeerFault) for each in found)
            running.cancel()
        assert most == peer_module.AT_ONCE

    with_site(tmp_path, work)


def test_other_releases(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        async with site.raw(await site.join("far")) as wire:
            peer = Peer(wire, {})
            running = asyncio.create_task(peer.run())
            with pytest.raises(PeerFault, match="bring both to one release"):
                await peer.call("hello", Hello([99], "9", ["lamp"]))
            with pytest.raises(PeerFault, match="does no"):
                await peer.call("fetch", Fetch("lamp"))
            running.cancel()

    with_site(tmp_path, work)


def test_a_removed_host_is_cut_at_once(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        identity = await site.join("far")
        async with site.link(identity) as link:
            await until(lambda: link.welcome is not None)
            site.house.wish("a", 5, host="far")
            db, conductor = site.house.db, site.house.conductor
            for name, why in (("far", "1 of lamp"), ("h1", "own host")):
                with pytest.raises(Conflict, match=why):
                    db.write_now(
                        lambda tx, name=name: conductor.remove_host(tx, site.machines, name)
                    )
            site.house.remove("a", host="far")
            with pytest.raises(Conflict, match="still removing"):
                db.write_now(lambda tx: conductor.remove_host(tx, site.machines, "far"))
            db.write_now(lambda tx: tx.update(tx.get(HostRow, "far"), last_seen=tx.now[:4]))
            db.write_now(lambda tx: conductor.remove_host(tx, site.machines, "far"))
            await until(lambda: not conductor.connected("far"))
        with pytest.raises(ConnectionClosed) as ended:
            async with site.raw(identity) as wire:
                await wire.recv()
        assert ended.value.rcvd is not None and ended.value.rcvd.code == 4403

    with_site(tmp_path, work)


def test_the_authority_is_ours_alone(tmp_path: Path) -> None:
    made = Authority(tmp_path)
    assert Authority(tmp_path).fingerprint == made.fingerprint
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())
    end = made.certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC)
    assert end.days > 3000


def test_lost_renewals_lock_nobody_out(tmp_path: Path) -> None:
    async def work(site: Site) -> None:
        identity = await site.join("far")
        db, machines = site.house.db, site.machines
        row = db.read_now(lambda tx: tx.get(MachineRow, "far"))
        assert row is not None
        (used,) = row.serials
        for _ in range(3):
            request = new_request(tmp_path / "lost.key")
            db.write_now(lambda tx, request=request: machines.renew(tx, "far", used, request))
        async with site.link(identity) as link:
            await until(lambda: link.welcome is not None)

    with_site(tmp_path, work)
