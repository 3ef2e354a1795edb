"""Packets that nobody should send, and too many of them."""

import contextlib
import os
import random
import time
from pathlib import Path

import dns.exception
import dns.message
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cumulo.dns import names, rdata
from cumulo.dns.nameserver import server
from cumulo.dns.nameserver.feed import Commit, Put
from cumulo.dns.nameserver.limits import network_of, plain
from cumulo.dns.nameserver.main import Ear
from cumulo.dns.nameserver.message import Malformed, read
from cumulo.dns.nameserver.resolve import resolve
from cumulo.dns.nameserver.server import Desk
from tests.dns.support import desk_of

ZONE = {"example.org.": "www 60 A 192.0.2.1\n* 60 TXT wild\nsub 60 NS ns.sub\n"}
MUTATIONS = 200_000 if os.environ.get("CUMULO_FUZZ_SECONDS") else 20_000
"""All of them take 20 s and more; every tenth, at other places each time, is asked every time."""
GROWN = 16 * 1024 * 1024
"""Bytes that the second half of them may take: what is kept of answers is bounded."""


def seeds() -> list[bytes]:
    kinds = ("A", "TXT", "ANY", "SOA", "AXFR", "IXFR", "HTTPS")
    asked = [dns.message.make_query("www.example.org.", kind) for kind in kinds]
    asked += [dns.message.make_query("x.sub.example.org.", "A", use_edns=0, want_dnssec=True)]
    return [query.to_wire() for query in asked]


def mutated(rng: random.Random, wire: bytes) -> bytes:
    data = bytearray(wire)
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(data) + 1)
        choice = rng.randrange(5)
        if choice == 0 and at < len(data):
            data[at] = rng.randrange(256)
        elif choice == 1:
            data[at:at] = bytes([rng.choice((0, 63, 64, 0xC0, 255))]) * rng.randint(1, 3)
        elif choice == 2:
            del data[at : at + rng.randint(1, 5)]
        elif choice == 3:
            data += data[:at]
        elif at < len(data):
            data[at] ^= 1 << rng.randrange(8)
    return bytes(data)


def test_mutated_questions_are_answered_or_dropped() -> None:
    rng = random.Random()
    desk = desk_of(ZONE)
    wires = seeds()
    answered = half = 0
    for number in range(MUTATIONS):
        query = mutated(rng, rng.choice(wires))
        if number == MUTATIONS // 2:
            half = resident()
        if number % 8 == 0:
            with contextlib.suppress(Malformed):
                for message in desk.by_tcp(query, "192.0.2.9"):
                    assert message[:2] == query[:2] and message[2] & 0x80, query.hex()
        answer = desk.by_udp(query, "192.0.2.9")
        if answer is None:
            continue
        answered += 1
        assert answer[:2] == query[:2] and answer[2] & 0x80, query.hex()
        assert len(answer) <= 1232, query.hex()
        # dnspython has its own rules for what other operations have to have.
        plain = bytes([answer[0], answer[1], answer[2] & 0x87]) + answer[3:]
        dns.message.from_wire(plain, ignore_trailing=False)
    assert answered > MUTATIONS // 10
    assert resident() - half < GROWN


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@given(st.binary(max_size=600))
def test_any_bytes(data: bytes) -> None:
    try:
        question = read(data)
    except Malformed:
        return
    assert len(question.name) <= 255
    try:
        theirs = dns.message.from_wire(data, question_only=True, ignore_trailing=True)
    except dns.exception.DNSException:
        return
    assert theirs.question[0].name.canonicalize().to_wire() == question.name


def test_an_answer_is_not_answered() -> None:
    desk = desk_of(ZONE)
    wire = bytearray(seeds()[0])
    assert desk.by_udp(bytes(wire), "192.0.2.9") is not None  # which is kept
    wire[2] |= 0x80
    assert desk.by_udp(bytes(wire), "192.0.2.9") is None
    assert desk.by_udp(b"", "192.0.2.9") is None
    assert desk.by_udp(b"\0" * 11, "192.0.2.9") is None


def test_a_network_is_not_flooded() -> None:
    desk = desk_of(ZONE, limit=10)
    wire = seeds()[0]
    answers = [desk.by_udp(wire, f"198.51.100.{index % 250}") for index in range(100)]
    whole = [answer for answer in answers if answer is not None and not answer[2] & 0x02]
    cut = [answer for answer in answers if answer is not None and answer[2] & 0x02]
    assert len(whole) == 10
    assert len(cut) == 45
    assert all(len(answer) <= len(wire) for answer in cut), "nothing is made larger"
    for answer in cut:
        dns.message.from_wire(answer)
    assert desk.by_udp(wire, "203.0.113.1") is not None, "others are answered"
    desk.limit.tick()
    assert desk.by_udp(wire, "198.51.100.1") in whole


def test_random_names_are_one_answer() -> None:
    desk = desk_of({"example.org.": ""}, limit=10)
    whole = 0
    for index in range(100):
        query = dns.message.make_query(f"r{index}.example.org.", "A").to_wire()
        answer = desk.by_udp(query, "198.51.100.7")
        whole += answer is not None and not answer[2] & 0x02
    assert whole == 10


def test_names_of_one_wildcard_are_one_answer() -> None:
    desk = desk_of({"example.org.": f"* TXT {'x' * 200}\nhost TXT y\n"}, limit=10)
    host = dns.message.make_query("host.example.org.", "TXT").to_wire()
    assert desk.by_udp(host, "203.0.113.1") is not None
    whole = 0
    for index in range(100):
        query = dns.message.make_query(f"q{index}.example.org.", "TXT").to_wire()
        for _ in range(1 + index % 2):  # the second one from what was kept
            answer = desk.by_udp(query, "198.51.100.7")
            whole += answer is not None and not answer[2] & 0x02
    assert whole == 10
    other = desk.by_udp(host, "198.51.100.7")
    assert other is not None and not other[2] & 0x02, "another name is another answer"


def costly(limit: int = 0) -> Desk:
    """A zone with a wildcard of 1,000 servers, each with a name of 100 labels in it."""
    desk = desk_of({"example.org.": "", "example.net.": "* 60 A 192.0.2.1\n"}, limit)
    below = names.wire("a." * 100 + "example.org.")
    servers = [bytes(6) + f"\x06n{n:05}".encode() + below for n in range(1000)]
    owner = names.wire("*.example.org.")
    desk.world.take([Put("example.org.", owner, 33, 60, rdata.pack(servers)), Commit(2)])
    return desk


def test_an_answer_is_no_more_work_than_it_is_long() -> None:
    desk = costly()
    query = dns.message.make_query("www.example.org.", "SRV", use_edns=0)
    began = time.process_time()
    for index in range(200):
        query = dns.message.make_query(f"r{index}.example.org.", "SRV", use_edns=0)
        answer = desk.by_udp(query.to_wire(), "198.51.100.7")
        assert answer is not None and answer[2] & 0x02
    # The same name, as it looks with another size and other flags of EDNS, is the same answer.
    kept = len(desk._kept)
    for size in range(2000, 2200):
        query.use_edns(0, ednsflags=size, payload=size)
        assert desk.by_udp(query.to_wire(), "198.51.100.7") is not None
    assert len(desk._kept) == kept
    assert time.process_time() - began < 0.4


def test_what_is_not_sent_is_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = costly(limit=10)
    made = []
    monkeypatch.setattr(
        server, "resolve", lambda world, question: made.append(1) or resolve(world, question)
    )

    def asked(index: int, zone: str, address: str) -> bytes | None:
        query = dns.message.make_query(f"r{index}.{zone}", "A").to_wire()
        answer = desk.by_udp(query, address)
        assert answer is None or dns.message.from_wire(answer).id == dns.message.from_wire(query).id
        return answer

    for index in range(200):
        asked(index, "example.net.", "198.51.100.7")
    assert len(made) == 10 + 11
    for zone, address in (("example.org.", "198.51.100.7"), ("example.net.", "203.0.113.7")):
        answer = asked(0, zone, address)
        assert answer is not None and not answer[2] & 0x02, "others, and other zones"
    desk.limit.tick()
    answer = asked(300, "example.net.", "198.51.100.7")
    assert answer is not None and not answer[2] & 0x02


def test_by_tcp_a_network_has_its_share() -> None:
    desk = costly(limit=10)
    query = dns.message.make_query("www.example.org.", "SRV").to_wire()
    answers = 0
    while not desk.limit.has_to_wait("198.51.100.7"):
        answers += len([*desk.by_tcp(query, "198.51.100.7")])
    assert answers < 5, "of those that are long"
    assert desk.limit.has_to_wait("198.51.100.8") and not desk.limit.has_to_wait("203.0.113.1")
    desk.limit.tick()
    assert not desk.limit.has_to_wait("198.51.100.7")


def test_a_network_of_ipv6_is_one_that_connects() -> None:
    tcp = server.Tcp(desk_of(ZONE))
    for address in ("2001:db8::{:x}", "192.0.2.{}"):
        open_ = [tcp._begun(address.format(n), lambda: None) for n in range(60)]
        held = [each for each in open_ if each is not None]
        assert len(held) == (server.MOST_OF_ONE if ":" in address else 60)
        for n, each in enumerate(open_):
            tcp._ended(address.format(n), each)
    assert not tcp._of and not tcp._open


class Feed:
    """Where a name server tells the cloud what it heard."""

    def __init__(self) -> None:
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)


def test_what_is_heard_again_is_told_again() -> None:
    """A zone may have changed between the two, and nobody says it a third time."""
    feed = Feed()
    ear = Ear(feed)  # type: ignore[arg-type]
    for _ in range(100):
        ear.hear(b"\x01a\0", "192.0.2.1")
    assert len(feed.written) == 1, "but not each time"
    ear.tick()
    assert len(feed.written) == 2 and feed.written[0] == feed.written[1]
    ear.hear(b"\x01a\0", "192.0.2.1")
    assert len(feed.written) == 2, "once a second"
    for _ in range(3):
        ear.tick()
    assert len(feed.written) == 3


def test_networks() -> None:
    assert network_of("192.0.2.1") == network_of("192.0.2.200") != network_of("192.0.3.1")
    assert network_of("2001:db8:1:2::1") == network_of("2001:db8:1:ff:a:b:c:d")
    assert network_of("2001:db8:1:2::1") != network_of("2001:db8:1:300::1")
    assert network_of("fe80::1%eth0") == network_of("fe80::2")
    assert plain("::ffff:192.0.2.1") == plain("192.0.2.1") and plain("::1") == "::1"
