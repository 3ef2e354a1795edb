"""Zones as other name servers get them: dnspython and dig ask, a server of the test is told."""

import asyncio
import base64
import contextlib
import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import dns.asyncquery
import dns.exception
import dns.message
import dns.name
import dns.opcode
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsig
import dns.tsigkeyring
import dns.xfr
import dns.zone
import pytest

from cumulo.dns import names, rdata
from cumulo.dns.drivers.embedded import EmbeddedNameServer
from cumulo.dns.nameserver.feed import All, Commit, Gone, Put, Secret, Secrets, Step, Whole
from cumulo.dns.nameserver.zones import World
from tests.dns.support import steps_of

ORIGIN = "example.org."
ZONE = "www 60 A 192.0.2.1\nwww 60 A 192.0.2.2\n*.wild 60 TXT any\n"
SECRET = b"a secret of the test"
KEYS = dns.tsigkeyring.from_text({"k1.": base64.b64encode(SECRET).decode()})


def soa(serial: int) -> Put:
    _, wire = rdata.soa("ns1.example.org.", "admin@example.org", serial, (1, 2, 3, 4))
    return Put(ORIGIN, names.wire(ORIGIN), 6, 3600, rdata.pack([wire]))


def address(name: str, *addresses: str) -> Put:
    wires = [rdata.to_wire("A", each) for each in addresses]
    return Put(ORIGIN, names.wire(f"{name}.{ORIGIN}"), 1, 60, rdata.pack(wires))


@contextlib.asynccontextmanager
async def a_server(folder: Path, steps: list[Step], **options: Any) -> AsyncIterator[Any]:
    server = EmbeddedNameServer(folder, **options)
    try:
        await server.start()
        secret = Secret(names.wire("k1."), "hmac-sha256", SECRET, "ZONE", ORIGIN)
        await server.send([Secrets([secret]), *steps])
        await server.commit(1)
        yield server
    finally:
        await server.stop()


def port_of(server: Any) -> int:
    return int(server.address.rpartition(":")[2])


def fetch(server: Any, zone: dns.zone.Zone, *, keyring: Any = None, udp: bool = False) -> Any:
    """What a secondary does: IXFR from the serial that it has, or AXFR."""
    query, _ = dns.xfr.make_query(zone, keyring=keyring)
    mode = dns.query.UDPMode.TRY_FIRST if udp else dns.query.UDPMode.NEVER
    dns.query.inbound_xfr(
        "127.0.0.1", zone, query, port=port_of(server), timeout=10, lifetime=20, udp_mode=mode
    )
    return query.question[0].rdtype


def records(zone: dns.zone.Zone) -> set[str]:
    return {
        f"{name} {dns.rdatatype.to_text(rdataset.rdtype)} {each}"
        for name, rdataset in zone.iterate_rdatasets()
        for each in rdataset
    }


def new_zone() -> dns.zone.Zone:
    return dns.zone.Zone(ORIGIN, relativize=False)


def test_a_whole_zone_for_a_network_that_is_known(tmp_path: Path) -> None:
    many = ZONE + "".join(f"m{n} 60 TXT {'x' * 200}\n" for n in range(1000))

    async def main() -> None:
        steps = steps_of(ORIGIN, many)
        async with a_server(tmp_path, steps, transfers=["127.0.0.0/8"]) as server:
            zone = new_zone()
            assert await asyncio.to_thread(fetch, server, zone) == dns.rdatatype.AXFR
            assert len(records(zone)) == 1005
            assert '*.wild.example.org. TXT "any"' in records(zone)

    asyncio.run(main())


@pytest.mark.skipif(shutil.which("dig") is None, reason="bind9-dnsutils is missing")
def test_dig_gets_it_with_a_key_and_nobody_without(tmp_path: Path) -> None:
    async def main() -> None:
        async with a_server(tmp_path, steps_of(ORIGIN, ZONE)) as server:

            def dig(*arguments: str) -> str:
                argv = ["dig", "-p", str(port_of(server)), "@127.0.0.1", "example.org"]
                return subprocess.run(
                    [*argv, *arguments], capture_output=True, text=True, timeout=20, check=False
                ).stdout

            good = f"hmac-sha256:k1:{base64.b64encode(SECRET).decode()}"
            bad = f"hmac-sha256:k1:{base64.b64encode(b'wrong').decode()}"
            whole = await asyncio.to_thread(dig, "AXFR", "-y", good)
            assert "XFR size: 6 records" in whole and "TSIG" in whole, whole
            assert "couldn't verify" not in whole
            assert "Transfer failed" in await asyncio.to_thread(dig, "AXFR")
            assert "Transfer failed" in await asyncio.to_thread(dig, "AXFR", "-y", bad)
            asked = await asyncio.to_thread(dig, "SOA", "-y", good)
            assert "status: NOERROR" in asked and "couldn't verify" not in asked

    asyncio.run(main())


def test_a_key_is_for_its_own_zone(tmp_path: Path) -> None:
    async def main() -> None:
        steps = [*steps_of(ORIGIN, ZONE), *steps_of("example.net.", "")]
        async with a_server(tmp_path, steps) as server:
            zone = new_zone()
            await asyncio.to_thread(fetch, server, zone, keyring=KEYS)
            assert len(records(zone)) == 5
            other = dns.zone.Zone("example.net.", relativize=False)
            with pytest.raises(dns.xfr.TransferError) as refused:
                await asyncio.to_thread(fetch, server, other, keyring=KEYS)
            assert refused.value.rcode == dns.rcode.REFUSED
            with pytest.raises(dns.xfr.TransferError):
                await asyncio.to_thread(fetch, server, new_zone())

    asyncio.run(main())


def test_changes_alone_and_the_whole_when_they_are_forgotten(tmp_path: Path) -> None:
    async def main() -> None:
        steps = steps_of(ORIGIN, ZONE)
        async with a_server(tmp_path, steps, transfers=["127.0.0.0/8"]) as server:
            zone = new_zone()
            await asyncio.to_thread(fetch, server, zone)
            await server.send([address("www", "192.0.2.2", "192.0.2.3"), soa(2)])
            await server.commit(2)
            await server.send([address("new", "192.0.2.9"), soa(3)])
            await server.commit(3)
            assert await asyncio.to_thread(fetch, server, zone) == dns.rdatatype.IXFR
            found = records(zone)
            assert {line for line in found if " A " in line} == {
                "www.example.org. A 192.0.2.2",
                "www.example.org. A 192.0.2.3",
                "new.example.org. A 192.0.2.9",
            }
            # Told by UDP that there is nothing new; and signed, over many messages.
            assert await asyncio.to_thread(fetch, server, zone, udp=True) == dns.rdatatype.IXFR
            assert records(zone) == found
            for serial in range(4, 60):
                await server.send([address("new", f"192.0.2.{serial}"), soa(serial)])
                await server.commit(serial)
            await asyncio.to_thread(fetch, server, zone, udp=True)
            assert "new.example.org. A 192.0.2.59" in records(zone)

    asyncio.run(main())


class Told(asyncio.DatagramProtocol):
    """A secondary that is told: deaf at first."""

    def __init__(self) -> None:
        self.heard: list[dns.message.Message] = []
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        message = dns.message.from_wire(data)
        self.heard.append(message)
        if len(self.heard) > 1:
            self.transport.sendto(dns.message.make_response(message).to_wire(), addr)


def test_changes_are_told_until_they_are_heard(tmp_path: Path) -> None:
    """By IPv4 and by IPv6, whoever else is not there to be told."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        transport, told = await loop.create_datagram_endpoint(Told, local_addr=("127.0.0.1", 0))
        where = f"127.0.0.1:{transport.get_extra_info('sockname')[1]}"
        other, told6 = await loop.create_datagram_endpoint(Told, local_addr=("::1", 0))
        where6 = f"[0::1]:{other.get_extra_info('sockname')[1]}"
        steps = steps_of(ORIGIN, ZONE)
        notify = {"pool": [where, where6, "[ff0e::1]:0"], "x": [where]}
        async with a_server(tmp_path, steps, notify=notify) as server:
            end = loop.time() + 10
            while len(told.heard) < 2:
                assert loop.time() < end
                await asyncio.sleep(0.02)
            await asyncio.sleep(1.5)
            assert len(told.heard) == 2, "it was heard"
            assert len(told6.heard) == 2
            await server.send([soa(9)])
            await server.commit(2)
            while len(told.heard) < 3:
                assert loop.time() < end
                await asyncio.sleep(0.02)
        message = told.heard[2]
        assert message.opcode() == dns.opcode.NOTIFY
        assert message.question[0].name == dns.name.from_text(ORIGIN)
        assert message.answer[0][0].serial == 9
        transport.close()
        other.close()

    asyncio.run(main())


def test_a_catalog_says_which_zones_there_are(tmp_path: Path) -> None:
    """RFC 9432. It is given as any zone is, and its serial number grows."""
    catalog = {"pool": "catalog.test."}

    def told(zone: dns.zone.Zone) -> set[str]:
        return {line.rpartition(" ")[2] for line in records(zone) if " PTR " in line}

    async def main() -> None:
        steps = steps_of(ORIGIN, ZONE)
        known = {"transfers": ["127.0.0.0/8"], "catalogs": catalog}
        async with a_server(tmp_path, steps, **known) as server:
            zone = dns.zone.Zone("catalog.test.", relativize=False)
            await asyncio.to_thread(fetch, server, zone)
            assert told(zone) == {ORIGIN}
            assert 'version.catalog.test. TXT "2"' in records(zone)
            await server.send([*steps_of("example.net.", ""), *steps_of("example.com.", "")])
            await server.commit(7)
            await asyncio.to_thread(fetch, server, zone)
            assert told(zone) == {ORIGIN, "example.net.", "example.com."}
            await server.send([Gone("example.net."), *steps_of(ORIGIN, ZONE, serial=2)])
            await server.commit(8)
            assert await asyncio.to_thread(fetch, server, zone) == dns.rdatatype.IXFR
            assert told(zone) == {ORIGIN, "example.com."}
            (soa,) = (line for line in records(zone) if " SOA " in line)
            assert " 8 " in soa
            other = Whole(ORIGIN, names.wire(ORIGIN), "another pool")
            await server.send([other, *steps_of(ORIGIN, ZONE, serial=3)[1:]])
            await server.commit(9)
            await asyncio.to_thread(fetch, server, zone)
            assert told(zone) == {"example.com."}
            # Of what there is nothing yet, or nothing any more, others are not told.
            empty = Whole("second.org.", names.wire("second.org."), "pool")
            await server.send([empty, Whole("example.com.", names.wire("example.com."), "pool")])
            await server.commit(10)
            await asyncio.to_thread(fetch, server, zone)
            assert told(zone) == set()
            await server.send([*steps_of("second.org.", ""), *steps_of("example.com.", "")])
            await server.commit(11)
            await asyncio.to_thread(fetch, server, zone)
            assert told(zone) == {"second.org.", "example.com."}

    asyncio.run(main())


def test_a_catalog_that_is_read_while_zones_come_has_another_number() -> None:
    """A name server that begins has zones that are newer than the number it began with: whoever has
    the catalog of that number has to hear of them."""
    world = World({"pool": names.wire("catalog.test.")})
    catalog = world.zones[names.wire("catalog.test.")]

    def members() -> int:
        return sum(12 in node.sets for node in catalog.nodes.values())

    one, two = steps_of(ORIGIN, ZONE), steps_of("example.net.", "")
    world.take([All(), *one, Commit(100)])
    assert (catalog.serial, members()) == (100, 1)
    # It begins anew, and the second zone is made meanwhile, as change 101.
    world.take([All(), *one, *two, Commit(100)])
    assert members() == 2
    world.take([*two, Commit(101)])
    assert (catalog.serial, members()) == (101, 2)
    world.take([*two, Commit(102)])
    assert catalog.serial == 101, "once is enough"
