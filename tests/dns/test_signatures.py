"""Signed questions: nothing is made of what strangers send, and dnspython's own are good."""

import base64
import time
from collections.abc import Iterator
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rrset
import dns.tsig
import dns.tsigkeyring
import pytest

from cumulo.dns import names
from cumulo.dns.model.tsigkey import ALGORITHMS
from cumulo.dns.nameserver.feed import Commit, Secret, Secrets, Whole
from cumulo.dns.nameserver.message import Malformed
from cumulo.dns.nameserver.server import Desk
from tests.dns.support import desk_of, steps_of

ZONE = {"example.org.": "www 60 A 192.0.2.1\n"}
SECRET = b"a secret of the test"
ADDRESS = "198.51.100.7"


def desk_with_keys(limit: int = 0) -> Desk:
    desk = desk_of(ZONE, limit)
    keys = [
        Secret(names.wire(f"{algorithm}.example.org."), algorithm, SECRET, "ZONE", "example.org.")
        for algorithm in ALGORITHMS
    ]
    desk.world.take([Secrets(keys), Commit(2)])
    return desk


def signed(
    algorithm: str = "hmac-sha256", *, name: str = "", secret: bytes = SECRET, **more: Any
) -> dns.message.Message:
    theirs = dns.tsig.HMAC_MD5 if algorithm == "hmac-md5" else dns.name.from_text(algorithm)
    owner = dns.name.from_text(name or f"{algorithm}.example.org.")
    query = dns.message.make_query("www.example.org.", "A", **more)
    query.use_tsig(dns.tsig.Key(owner, secret, theirs))
    return query


def rcode_of(answer: bytes | None) -> int:
    assert answer is not None
    return answer[3] & 15


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_what_dnspython_signs_is_good(algorithm: str) -> None:
    desk = desk_with_keys()
    for edns in (-1, 0):
        query = signed(algorithm, use_edns=edns)
        wire = query.to_wire()
        for answer in (desk.by_udp(wire, ADDRESS), next(desk.by_tcp(wire, ADDRESS))):
            assert answer is not None
            found = dns.message.from_wire(answer, keyring=query.keyring, request_mac=query.mac)
            assert found.had_tsig and str(found.answer[0][0]) == "192.0.2.1"


def test_what_is_signed_otherwise_is_not() -> None:
    desk = desk_with_keys()
    late = signed()
    for query in (signed(secret=b"wrong"), signed(name="k.")):
        assert rcode_of(desk.by_udp(query.to_wire(), ADDRESS)) == dns.rcode.NOTAUTH
    other = dns.message.make_query("www.example.org.", "A")
    key = dns.name.from_text("hmac-sha256.example.org.")
    other.use_tsig(dns.tsig.Key(key, SECRET, "hmac-sha512"))
    assert rcode_of(desk.by_udp(other.to_wire(), ADDRESS)) == dns.rcode.NOTAUTH
    wire = late.to_wire()
    for at in range(12, len(wire)):  # any octet that is another one
        changed = wire[:at] + bytes([wire[at] ^ 1]) + wire[at + 1 :]
        answer = desk.by_udp(changed, ADDRESS)
        # Where its type is another one, it is not signed; and nothing is signed in return.
        assert answer is None or answer[10:12] == bytes(2), at
    assert b"\xc0\x00\x02\x01" in (desk.by_udp(wire, ADDRESS) or b"")


def test_a_clock_that_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = desk_with_keys()
    wire = signed().to_wire()
    now = time.time()
    for after, rcode in ((290, 0), (310, dns.rcode.NOTAUTH), (-310, dns.rcode.NOTAUTH)):
        monkeypatch.setattr(time, "time", lambda after=after: now + after)
        assert rcode_of(desk.by_udp(wire, ADDRESS)) == rcode


def stuffed(kind: int, size: int, key: str) -> bytes:
    """A question with one long record of nothing but small parts, which says that it is signed."""
    wire = bytearray(signed(secret=b"wrong", name=key).to_wire())
    end = wire.index(b"\0", 12) + 5
    data = bytes(size)
    wire[10:12] = b"\0\2"
    wire[end:end] = (
        b"\0" + kind.to_bytes(2, "big") + b"\0\1\0\0\0\0" + size.to_bytes(2, "big") + data
    )
    return bytes(wire)


def test_what_only_says_that_it_is_signed_is_no_work() -> None:
    def answers(desk: Desk, wire: bytes) -> Iterator[bytes | None]:
        yield desk.by_udp(wire, ADDRESS)
        try:
            yield from desk.by_tcp(wire, ADDRESS)
        except Malformed:
            yield None

    desk = desk_with_keys(limit=200)
    wires = [
        stuffed(kind, size, key)
        for kind in (16, 41)
        for size in (800, 1200, 64_000)
        for key in ("k.", "hmac-sha256.example.org.")
    ]
    for wire in wires:
        assert all(each is None or each[3] & 15 for each in answers(desk, wire))
    began = time.process_time()
    for wire in wires:
        for _ in range(100):
            assert all(each is None or len(each) < 512 for each in answers(desk, wire))
    assert time.process_time() - began < 0.3


def test_a_name_that_leads_to_itself() -> None:
    desk = desk_with_keys()
    wire = signed().to_wire()
    at = wire.index(b"\x0bhmac-sha256", 30)
    for name in (b"\xc0" + bytes([at]), b"\xff\xff", b"\x01a\xc0" + bytes([at]), b"\x40a"):
        answer = desk.by_udp(wire[:at] + name + wire[at + 25 :], ADDRESS)
        assert answer is None or answer[3] & 15


def test_a_master_that_signs_is_heard() -> None:
    desk = desk_with_keys()
    whole = Whole("s.org.", names.wire("s.org."), "pool", "demo", [ADDRESS])
    desk.world.take([whole, *steps_of("s.org.", "")[1:], Commit(3)])
    heard = []
    desk.notified = lambda name, address: heard.append((name, address))
    query = dns.message.make_query("s.org.", "SOA", flags=dns.flags.AA)
    query.set_opcode(dns.opcode.NOTIFY)
    query.answer.append(dns.rrset.from_text("s.org.", 0, "IN", "SOA", "ns. a. 9 1 1 1 1"))
    secret = base64.b64encode(SECRET).decode()
    query.use_tsig(dns.tsigkeyring.from_text({"hmac-sha256.example.org.": secret}))
    answer = desk.by_udp(query.to_wire(), ADDRESS)
    assert answer is not None
    found = dns.message.from_wire(answer, keyring=query.keyring, request_mac=query.mac)
    assert found.rcode() == 0 and found.had_tsig
    assert heard == [(names.wire("s.org."), ADDRESS)]
    assert rcode_of(desk.by_udp(query.to_wire(), "203.0.113.1")) == dns.rcode.REFUSED
    assert len(heard) == 1
