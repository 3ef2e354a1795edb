"""Both name servers, the process and the one inside the test, are told and asked the same."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.zone
import pytest

from cumulo.dns import names, rdata
from cumulo.dns.drivers.embedded import EmbeddedNameServer, Tls
from cumulo.dns.drivers.fake import FakeNameServer
from cumulo.dns.model.nameserver import NameServer, NameServerFailed
from cumulo.dns.nameserver import server as nameserver
from cumulo.dns.nameserver.feed import Drop, Put
from tests.contract.dns.certificates import a_certificate
from tests.contract.dns.servers import running
from tests.dns.support import desk_of, said, steps_of
from tests.support.ports import free_port

Ask = Callable[[str, str], Coroutine[Any, Any, dns.message.Message]]
ZONE = "www 60 A 192.0.2.1\nmany 60 TXT " + " ".join(f"{'x' * 250}{n}" for n in range(8))


@contextlib.asynccontextmanager
async def a_server(kind: str, folder: Path) -> AsyncIterator[tuple[NameServer, Ask]]:
    if kind == "fake":
        fake = FakeNameServer()

        async def ask_fake(name: str, kind: str) -> dns.message.Message:
            wire = fake.ask(dns.message.make_query(name, kind).to_wire())
            assert wire is not None
            return dns.message.from_wire(wire)

        yield fake, ask_fake
        return
    server = EmbeddedNameServer(folder)

    async def ask(name: str, kind: str) -> dns.message.Message:
        host, _, port = server.address.rpartition(":")
        query = dns.message.make_query(name, kind)
        return await dns.asyncquery.udp(query, host, port=int(port), timeout=10)

    try:
        yield server, ask
    finally:
        await server.stop()


def serving(kind: str, folder: Path, test: Callable[..., Coroutine[Any, Any, None]]) -> None:
    async def main() -> None:
        async with a_server(kind, folder) as (server, ask):
            await server.start()
            await server.send(steps_of("example.org.", ZONE))
            await server.commit(7)
            await test(server, ask)

    asyncio.run(main())


@pytest.mark.parametrize("kind", ["embedded", "fake"])
class TestNameServer:
    def test_says_what_it_was_told_at_the_commit(self, kind: str, tmp_path: Path) -> None:
        async def test(server: NameServer, ask: Ask) -> None:
            assert server.running and server.address
            assert said(await ask("www.example.org.", "A"))[1] == ["www.example.org. A 192.0.2.1"]
            owner = names.wire("www.example.org.")
            other = rdata.pack([rdata.to_wire("A", "192.0.2.2")])
            await server.send([Put("example.org.", owner, 1, 60, other)])
            assert said(await ask("www.example.org.", "A"))[1] == ["www.example.org. A 192.0.2.1"]
            await server.commit(8)
            assert said(await ask("www.example.org.", "A"))[1] == ["www.example.org. A 192.0.2.2"]
            await server.send([Drop("example.org.", owner, 1)])
            await server.commit(9)
            assert said(await ask("www.example.org.", "A"))[0] == "NXDOMAIN"

        serving(kind, tmp_path, test)

    def test_begins_empty_again(self, kind: str, tmp_path: Path) -> None:
        async def test(server: NameServer, ask: Ask) -> None:
            await server.start()
            await server.commit(1)
            answer = await ask("www.example.org.", "A")
            assert answer.rcode() == dns.rcode.REFUSED

        serving(kind, tmp_path, test)


def port_of(server: NameServer) -> int:
    return int(server.address.rpartition(":")[2])


def test_its_end_is_noticed_and_another_goes_on_at_the_same_port(tmp_path: Path) -> None:
    async def test(server: NameServer, ask: Ask) -> None:
        assert isinstance(server, EmbeddedNameServer) and server._child is not None
        port = port_of(server)
        ended = asyncio.Event()
        server.ended = ended.set
        os.kill(server._child.pid, signal.SIGKILL)
        await asyncio.wait_for(ended.wait(), 5)  # at once, not when it is asked for something
        with pytest.raises(NameServerFailed):
            await server.commit(8)
        await server.stop(keep=True)
        # Asked while nobody is there: it waits in the socket, which is ours.
        asked = asyncio.create_task(ask("www.example.org.", "A"))
        await asyncio.sleep(0.05)
        await server.start()
        await server.send(steps_of("example.org.", ZONE))
        await server.commit(9)
        assert port_of(server) == port
        assert (await asked).rcode() in (dns.rcode.NOERROR, dns.rcode.SERVFAIL)
        assert said(await ask("www.example.org.", "A"))[0] == "NOERROR"

    serving("embedded", tmp_path, test)


def test_tcp_for_what_is_long_and_a_silent_client_holds_up_nobody(tmp_path: Path) -> None:
    async def test(server: NameServer, ask: Ask) -> None:
        port = port_of(server)
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(30)]
        for _, writer in silent[:10]:
            writer.write(b"\xff\xff half of it")
        query = dns.message.make_query("many.example.org.", "TXT")
        answer, tcp = await dns.asyncquery.udp_with_fallback(
            query, "127.0.0.1", port=port, timeout=10
        )
        assert tcp and len(answer.answer[0][0].strings) == 8
        for _, writer in silent:
            writer.close()

    serving("embedded", tmp_path, test)


def test_nonsense_by_udp_and_tcp_harms_nobody_else(tmp_path: Path) -> None:
    async def test(server: NameServer, ask: Ask) -> None:
        port = port_of(server)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as nonsense:
            for size in (0, 1, 11, 12, 13, 100, 9000):
                nonsense.sendto(os.urandom(size), ("127.0.0.1", port))
        for junk in (b"\0\0", b"\0\x0c" + b"\0" * 12, b"GET / HTTP/1.1\r\n\r\n"):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(junk)
            writer.close()
        assert said(await ask("www.example.org.", "A"))[0] == "NOERROR"
        assert server.running

    serving("embedded", tmp_path, test)


def test_both_kinds_of_addresses(tmp_path: Path) -> None:
    """At one port; who asks by IPv4 is seen as what he is, and gets what his network may have."""

    async def main() -> None:
        port = free_port()
        server = EmbeddedNameServer(
            tmp_path,
            [f"[::]:{port}", f"0.0.0.0:{port}"],
            transfers=["127.0.0.0/8", "::1/128"],
            rate_limit=5,
            exempt=["127.0.0.0/8"],
        )
        await server.start()
        try:
            await server.send(steps_of("example.org.", ZONE))
            await server.commit(1)
            query = dns.message.make_query("www.example.org.", "A")
            whole = {}
            for host in ("127.0.0.1", "::1"):
                answers = []
                for _ in range(12):
                    with contextlib.suppress(dns.exception.Timeout):
                        answers.append(await dns.asyncquery.udp(query, host, 0.2, port))
                whole[host] = len([each for each in answers if not each.flags & dns.flags.TC])
                zone = dns.zone.Zone("example.org.")
                await dns.asyncquery.inbound_xfr(host, zone, port=port, timeout=5)
                assert zone.get_rdataset("www", "A") is not None
            assert whole == {"127.0.0.1": 12, "::1": 5}
        finally:
            await server.stop()

    asyncio.run(main())


def test_the_port_is_the_same_one_next_time(tmp_path: Path) -> None:
    async def main() -> None:
        ports = set()
        for _ in range(2):
            server = EmbeddedNameServer(tmp_path)
            said = server.where
            await server.start()
            assert said == server.address, "it says so before"
            ports.add(port_of(server))
            await server.stop()
        assert len(ports) == 1

    asyncio.run(main())


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    async def main() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            where = f"127.0.0.1:{taken.getsockname()[1]}"
            server = EmbeddedNameServer(tmp_path, (where,))
            with pytest.raises(NameServerFailed, match="cannot listen at 127"):
                await server.start()
            await server.stop()

    asyncio.run(main())


def test_by_tls_and_the_certificate_is_read_again(tmp_path: Path) -> None:
    """RFC 7858. Who says nothing in the handshake holds up nobody."""

    async def main() -> None:
        files = tmp_path / "crt", tmp_path / "key"
        first = a_certificate(*files)
        tls = Tls([f"127.0.0.1:{free_port()}"], *map(str, files))
        server = EmbeddedNameServer(tmp_path / "dns", tls=tls)
        await server.start()
        try:
            await server.send(steps_of("example.org.", ZONE))
            await server.commit(1)
            port = int(tls.listen[0].rpartition(":")[2])
            silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
            trusted = ssl.create_default_context(cafile=files[0])
            query = dns.message.make_query("many.example.org.", "TXT")

            async def ask(trust: ssl.SSLContext) -> list[str]:
                answer = await dns.asyncquery.tls(
                    query, "127.0.0.1", port=port, timeout=10, ssl_context=trust
                )
                return said(answer)[1]

            assert len(await ask(trusted)) == 1
            os.utime(files[1])  # half of it is new: that is none
            assert a_certificate(*files) != first
            trusted = ssl.create_default_context(cafile=files[0])
            end = asyncio.get_running_loop().time() + 10
            while True:
                try:
                    assert len(await ask(trusted)) == 1
                    break
                except ssl.SSLCertVerificationError:
                    assert asyncio.get_running_loop().time() < end
                    await asyncio.sleep(0.1)
            for _, writer in silent:
                writer.close()
        finally:
            await server.stop()

    asyncio.run(main())


def test_who_holds_many_connections_keeps_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nameserver, "MOST_CONNECTIONS", 12)

    async def main() -> None:
        desk = desk_of({"example.org.": ZONE})
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))
            bound.listen()
            bound.setblocking(False)
            close = await nameserver.listen(desk, [], [bound])
            port = bound.getsockname()[1]
            held = [
                await asyncio.open_connection("127.0.0.1", port, local_addr=(f"127.0.{n}.1", 0))
                for n in (1, 2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3)
            ]
            query = dns.message.make_query("www.example.org.", "A")
            answer = await dns.asyncquery.tcp(
                query, "127.0.0.1", port=port, source="127.0.9.1", timeout=5
            )
            assert said(answer)[0] == "NOERROR"
            for reader, _ in held[2:5]:
                with contextlib.suppress(ConnectionError):
                    assert await asyncio.wait_for(reader.read(), 5) == b"", "the silent ones go"
            for _, writer in held[:2]:  # those of others stay
                wire = query.to_wire()
                writer.write(len(wire).to_bytes(2, "big") + wire)
            for reader, _ in held[:2]:
                assert len(await asyncio.wait_for(reader.readexactly(2), 5)) == 2
            for _, writer in held:
                writer.close()
            close()

    asyncio.run(main())


def test_a_guests_resolver_hears_nothing_of_strangers(tmp_path: Path) -> None:
    """dnsmasq passes on whole answers, and remembers all that is in them."""
    if shutil.which("dnsmasq") is None:
        pytest.skip("dnsmasq is missing")

    async def ask(port: int, name: str) -> list[str]:
        query = dns.message.make_query(name, "A")
        answer = await dns.asyncquery.udp(query, "127.0.0.1", port=port, timeout=5)
        return [str(each) for rrset in answer.answer for each in rrset]

    async def main() -> None:
        server = EmbeddedNameServer(tmp_path / "dns")
        await server.start()
        text = "www 60 CNAME shop.cdn.test.\nown 60 CNAME host.mine.test.\n"
        await server.send(
            [
                *steps_of("victim.test.", text),
                *steps_of("mine.test.", "host 60 A 192.0.2.1\n"),
                *steps_of("cdn.test.", "shop 60 A 203.0.113.66\n", project="hostile"),
            ]
        )
        await server.commit(1)
        port, above = free_port(), server.address.replace(":", "#")
        argv = ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv"]
        argv += ["--no-hosts", "--pid-file=", "--bind-interfaces", "--listen-address=127.0.0.1"]
        argv += [f"--port={port}", f"--server=/victim.test/{above}"]
        try:
            with running(argv, tmp_path, port):
                assert await ask(port, "own.victim.test.") == ["host.mine.test.", "192.0.2.1"]
                assert await ask(port, "www.victim.test.") == ["shop.cdn.test."]
                assert await ask(port, "shop.cdn.test.") == []
        finally:
            await server.stop()

    asyncio.run(main())
