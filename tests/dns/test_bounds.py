"""What one project puts in its zones, and where its masters are, is nobody else's trouble."""

import asyncio
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import dns.message
import dns.rrset
import pytest

from cumulo.core.outbound.guard import Guard
from cumulo.dns import rdata
from cumulo.dns.assembly import _name_server
from cumulo.dns.drivers import fetch
from cumulo.dns.drivers.bind import Bind
from cumulo.dns.drivers.embedded import FRAME_BYTES, _parts
from cumulo.dns.model.pool import Pool, PoolZone, TargetAway, TargetRefused
from cumulo.dns.model.transferred import TransferFailed
from cumulo.dns.nameserver.feed import MOST_FRAME, Put, Step, frame
from cumulo.dns.reconcile.pools import PoolSync
from cumulo.dns.service import checks
from cumulo.dns.service.refusals import InvalidObject
from cumulo.dns.settings import DnsSettings
from cumulo.settings import BadSettings


def test_frames_are_cut_by_their_bytes() -> None:
    steps: list[Step] = [Put("z", b"\0", 16, 60, b"x" * 400_000) for _ in range(280)]
    parts = list(_parts(steps))
    assert [step for part in parts for step in part] == steps
    assert max(len(frame(part)) for part in parts) < FRAME_BYTES + 500_000 < MOST_FRAME
    small: list[Step] = [Put("z", b"\0", 16, 60, b"x") for _ in range(10_000)]
    assert len(list(_parts(small))) == 2


def test_many_records_are_read_once_each() -> None:
    texts, wires = checks.records_of("A", ["192.0.2.1", "192.0.2.2", "192.0.2.1"])
    assert texts == ["192.0.2.1", "192.0.2.2"] and len(rdata.unpack(wires)) == 2
    with pytest.raises(InvalidObject):
        checks.records_of("A", ["192.0.2.1"] * (checks.MOST_RECORDS + 1))


@pytest.mark.parametrize("text", ["v=DMARC1;p=none", "v=DKIM1;k=rsa;p=MIG(f)", "a;b"])
def test_a_text_is_served_whole(text: str) -> None:
    wire = rdata.to_wire("TXT", text)
    assert wire == bytes([len(text)]) + text.encode()
    assert rdata.to_wire("TXT", f'"{text}"') == wire


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("A", "192.0.2.1 ;x"),
        ("A", "(192.0.2.1)"),
        ("MX", "10 mail.x.org. ; y"),
        ("TXT", '"a" ;b"c"'),
    ],
)
def test_nothing_of_a_record_is_a_comment(kind: str, text: str) -> None:
    with pytest.raises(rdata.BadRecord):
        rdata.to_wire(kind, text)


class Away:
    whole = True

    async def ensure(self, zone: PoolZone) -> None:
        raise TargetAway("it does not answer")

    remove = ensure


class Refuses(Away):
    async def ensure(self, zone: PoolZone) -> None:
        raise TargetRefused("192.0.2.1: no")


class There(Away):
    def __init__(self) -> None:
        self.told = 0

    async def ensure(self, zone: PoolZone) -> None:
        await asyncio.sleep(0.01)
        self.told += 1


def test_who_is_away_keeps_nothing_from_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    there = There()
    targets: Any = [Away(), there, Refuses()]
    pool = Pool(id="p", name="p", nameservers=[], targets=targets)
    zone = PoolZone(name="x.org.", serial=1, sets=[])

    class Row:
        name, change, pool_id, wanted, expired = "x.org.", 1, "p", True, False

    class Database:
        async def read(self, work: Any) -> Any:
            return Row(), zone, pool

    sync = PoolSync(Database(), None)  # type: ignore[arg-type]
    with pytest.raises(TargetRefused, match="no; it does not answer"):
        asyncio.run(sync.step("z"))
    assert there.told == 1


class Open:
    def check_address(self, host: str) -> None:
        """All masters may be asked."""


def answers(*records: str) -> Iterator[dns.message.Message]:
    made = dns.message.Message()
    made.answer = [dns.rrset.from_text("x.org.", 60, "IN", *each.split(" ", 1)) for each in records]
    yield made


def test_what_a_master_sends_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    soa, ns = "SOA ns.x.org. a.x.org. 7 3600 600 86400 60", "NS ns.x.org."
    monkeypatch.setattr("dns.query.xfr", lambda *a, **k: answers(soa, "A 192.0.2.1", ns))
    found = fetch._received("x.org.", "192.0.2.53", 53, time.monotonic() + 5)
    assert found.serial == 7 and {kind for _, kind, *_ in found.sets} == {"SOA", "A", "NS"}
    # What no server of a pool would take.
    alias, other = "CNAME y.org.", "SOA ns.x.org. a.x.org. 8 3600 600 86400 60"
    for records, word in (
        ([soa, "A 192.0.2.1"], "no NS at its top"),
        ([soa, ns, other], "SOA that is not"),
        ([soa, ns, alias], "beside a CNAME"),
        ([soa, ns, "DNAME y.org.", "DNAME z.org."], "more than one DNAME"),
        ([soa, ns, "TYPE65402 \\# 2 abcd"], "some servers would run it"),
        ([soa, ns, *(f"TYPE{n} \\# 1 00" for n in range(300, 400))], "more than 100 types"),
    ):
        monkeypatch.setattr("dns.query.xfr", lambda *a, r=records, **k: answers(*r))
        with pytest.raises(TransferFailed, match=word):
            fetch._received("x.org.", "192.0.2.53", 53, time.monotonic() + 5)
    long = [f'TXT "{number:0255}"' for number in range(100)]
    monkeypatch.setattr(fetch, "MOST_BYTES", 5000)
    monkeypatch.setattr("dns.query.xfr", lambda *a, **k: answers(soa, *long))
    with pytest.raises(TransferFailed, match="5000 bytes"):
        fetch._received("x.org.", "192.0.2.53", 53, time.monotonic() + 5)
    # Each record of a set is in each answer.
    wide = [f"SRV 0 0 {number} y.org." for number in range(5000)]
    monkeypatch.setattr("dns.query.xfr", lambda *a, **k: answers(soa, *wide))
    with pytest.raises(TransferFailed, match="more than 100 records of type SRV"):
        fetch._received("x.org.", "192.0.2.53", 53, time.monotonic() + 5)


def test_addresses_are_numbers() -> None:
    """A name is not looked for by a server that answers for names."""
    for each in ("ns1.example.org:53", "192.0.2.1", "[2001:db8::1]", "192.0.2.1:99999"):
        with pytest.raises(BadSettings, match="ADDRESS:PORT"):
            _name_server(DnsSettings(also_notify=(each,)), None, [])  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="ADDRESS:PORT"):
            Bind(each, "192.0.2.1:53", "")
        with pytest.raises(ValueError, match="ADDRESS:PORT"):
            Bind("192.0.2.1:53", f"192.0.2.1:53, {each}", "")
    assert Bind("[2001:db8::1]:53", "192.0.2.1:53, [2001:db8::2]:53", "").identity


def test_many_masters_have_one_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    now = 1000.0

    def slow(name: str, host: str, *rest: Any) -> None:
        nonlocal now
        asked.append(host)
        now += 40
        raise TransferFailed("no")

    monkeypatch.setattr(fetch, "time", SimpleNamespace(monotonic=lambda: now))
    monkeypatch.setattr(fetch, "_fetch", slow)
    with pytest.raises(TransferFailed, match="no time is left"):
        fetch.Fetcher(Open())("x.org.", [f"192.0.2.{n}" for n in range(32)], None)  # type: ignore[arg-type]
    assert len(asked) == 2


def test_a_master_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked up once; what is judged is what is asked. A name for us is no way around."""
    asked = []
    monkeypatch.setattr(fetch, "_fetch", lambda name, host, *rest: asked.append(host))
    found = {"ns.example.net.": "192.0.2.53", "inside.example.net.": "127.0.0.1"}

    def lookup(host: str, port: int, **more: Any) -> list[Any]:
        if host not in found:
            raise OSError("no such name")
        return [(0, 0, 0, "", (found[host], port))]

    monkeypatch.setattr("socket.getaddrinfo", lookup)
    fetcher = fetch.Fetcher(Guard(["192.0.2.0/24"]))
    fetcher("x.org.", ["gone.example.net.", "ns.example.net.:5353"], None)
    assert asked == ["192.0.2.53"]
    with pytest.raises(TransferFailed, match="inside"):
        fetcher("x.org.", ["inside.example.net."], None)
    assert asked == ["192.0.2.53"]
