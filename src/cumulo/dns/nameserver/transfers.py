"""Whole zones for other name servers: AXFR (RFC 5936), IXFR (RFC 1995), and TSIG (RFC 8945).

A zone is given to networks that the settings name, and to whoever signs with a key that is for the
zone or for its pool; to nobody else. dnspython makes signatures; it is imported when the first
message comes whose own is right.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from ipaddress import ip_address, ip_network

from cumulo.dns.nameserver.message import (
    AA,
    FORMERR,
    HEADER,
    LEAST_PAYLOAD,
    NOTAUTH,
    NOTIFY,
    QR,
    REFUSED,
    SERVFAIL,
    Answer,
    Question,
    Records,
    record_end,
)
from cumulo.dns.nameserver.resolve import AXFR, IXFR, resolve
from cumulo.dns.nameserver.signatures import signature_of
from cumulo.dns.nameserver.zones import SOA, Change, World, Zone

MESSAGE_BYTES = 16_000
"""Of one message of a transfer; names are compressed within the first 16 kB only."""
_HALF = 1 << 31


class Transfers:
    def __init__(self, world: World, networks: Sequence[str]) -> None:
        self.world = world
        self._networks = [ip_network(each) for each in networks]
        self.heard: Callable[[Question, str], Answer] = lambda question, address: Answer(
            question, REFUSED
        )
        """What is said to a NOTIFY."""

    def plain(self, data: bytes, question: Question, address: str) -> Iterator[bytes]:
        """The messages for a wish without a signature."""
        if not self._is_known(address):
            yield Answer(question, REFUSED).wire(65535)
            return
        yield from self._messages(data, question, None)

    def signed(
        self, data: bytes, question: Question, address: str, *, udp: bool
    ) -> Iterator[bytes]:
        """The messages for anything that is signed, signed themselves; one, if `udp`."""
        found = signature_of(data, question.signature, self.world.secrets, time.time())
        if found is None:
            # An unknown key, a wrong signature, a clock that is wrong: all the same to others.
            yield Answer(question, NOTAUTH).wire(512 if udp else 65535)
            return
        import dns.message
        import dns.name
        import dns.tsig

        if question.opcode == NOTIFY:
            messages = iter([self.heard(question, address).wire(LEAST_PAYLOAD)])
        elif not udp and question.type in (AXFR, IXFR):
            messages = self._messages(data, question, found.key.name)
        else:
            room = question.room(udp) - 200
            messages = iter([resolve(self.world, question)[0].wire(room)])
        name = dns.name.from_wire(found.key.name, 0)[0]
        algorithm = _ALGORITHMS.get(found.key.algorithm, found.key.algorithm)
        key = dns.tsig.Key(name, found.key.secret, algorithm)
        context = None
        for plain in messages:
            # Each record for itself: a transfer begins and ends with the same one.
            answer = dns.message.from_wire(plain, one_rr_per_rrset=True)
            answer.use_tsig(key)
            answer.request_mac = found.mac
            sealed = answer.to_wire(multi=not udp, tsig_ctx=context, max_size=65535)
            assert sealed is not None
            yield sealed
            context = answer.tsig_ctx

    # --- who may ----------------------------------------------------------------------------

    def _is_known(self, address: str) -> bool:
        try:
            found = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        return any(found in network for network in self._networks)

    def _may(self, zone: Zone, key: bytes | None) -> bool:
        if key is None:
            return True
        secret = self.world.secrets.get(key)
        if secret is None:
            return False
        return secret.resource_id == (zone.id if secret.scope == "ZONE" else zone.pool_id)

    # --- what -------------------------------------------------------------------------------

    def _messages(self, data: bytes, question: Question, key: bytes | None) -> Iterator[bytes]:
        zone = self.world.zones.get(question.name)
        rcode = None
        if not self.world.ready:
            rcode = SERVFAIL
        elif zone is None or not self._may(zone, key):
            rcode = REFUSED
        elif zone.soa is None:
            rcode = SERVFAIL
        elif question.type == IXFR and not question.authority:
            rcode = FORMERR
        if rcode is not None or zone is None:
            yield Answer(question, rcode or REFUSED).wire(65535)
            return
        records = None
        if question.type == IXFR:
            end = record_end(data, question.authority)
            records = _since(zone, int.from_bytes(data[end - 20 : end - 16], "big"))
        yield from _cut_up(question, records or _whole(zone))


def _whole(zone: Zone) -> Iterator[tuple[bytes, bytes]]:
    """All records, between two SOA. A copy is made at once: a commit may come meanwhile."""
    soa = (zone.name, zone.soa or b"")
    rest: Records = [
        (name, tail)
        for name, node in zone.nodes.items()
        for kind, rrset in node.sets.items()
        if kind != SOA
        for tail in rrset.tails
    ]
    yield soa
    yield from rest
    yield soa


def _since(zone: Zone, serial: int) -> Records | None:
    """What has changed since a serial number, each change between its SOAs; None: it is not
    remembered from there on."""
    now = (zone.name, zone.soa or b"")
    if serial == zone.serial or (serial - zone.serial) % (1 << 32) < _HALF:
        return [now]
    changes: list[Change] = []
    for change in zone.history:
        if change.before == serial or changes:
            changes.append(change)
    if not changes or changes[-1].after != zone.serial:
        return None
    records: Records = [now]
    for change in changes:
        records.append((zone.name, change.old or b""))
        records += [(name, tail) for name, tails in change.gone for tail in tails]
        records.append((zone.name, change.new or b""))
        records += [(name, tail) for name, tails in change.come for tail in tails]
    return [*records, now]


def _cut_up(question: Question, records: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
    """Messages that hold the records in their order; the question is in the first one."""
    flags = QR | AA | (question.flags & 0x0100)
    parts: list[bytes] = []
    size, count, first = HEADER + len(question.asked), 0, True

    def message() -> bytes:
        numbers = (flags, int(first), count, 0, 0)
        head = b"".join(number.to_bytes(2, "big") for number in numbers)
        return question.id + head + (question.asked if first else b"") + b"".join(parts)

    for name, tail in records:
        if count and size + len(name) + len(tail) > MESSAGE_BYTES:
            yield message()
            parts, size, count, first = [], HEADER, 0, False
        parts += [name, tail]
        size += len(name) + len(tail)
        count += 1
    yield message()


_ALGORITHMS = {"hmac-md5": "hmac-md5.sig-alg.reg.int"}
