"""A name server without sockets, filled from zone files, and what it says as dnspython reads it."""

from collections.abc import Iterable

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.zone

from cumulo.dns import names
from cumulo.dns.nameserver.feed import Commit, Put, Step, Whole
from cumulo.dns.nameserver.limits import RateLimit
from cumulo.dns.nameserver.server import Desk
from cumulo.dns.nameserver.zones import World
from cumulo.dns.rdata import pack

TOP = """
@ 3600 SOA ns1 admin {serial} 3600 600 86400 300
@ 3600 NS ns1
"""


def steps_of(origin: str, text: str, serial: int = 1, project: str = "demo") -> list[Step]:
    """The feed's steps for a master file, read by dnspython."""
    zone = dns.zone.from_text(
        TOP.format(serial=serial) + text, origin=origin, relativize=False, check_origin=False
    )
    steps: list[Step] = [Whole(origin, names.wire(origin), "pool", project)]
    for name, rdataset in zone.iterate_rdatasets():
        wires = [rdata.to_wire() for rdata in rdataset]
        owner = name.canonicalize().to_wire()
        steps.append(Put(origin, owner, int(rdataset.rdtype), rdataset.ttl, pack(wires)))
    return steps


def desk_of(zones: dict[str, str], limit: int = 0) -> Desk:
    desk = Desk(World(), RateLimit(limit))
    for origin, text in zones.items():
        desk.world.take(steps_of(origin, text))
    desk.world.take([Commit(1)])
    return desk


def ask(desk: Desk, name: str, kind: str = "A", **options: object) -> dns.message.Message:
    """What the server says, read by dnspython, which checks all of its form."""
    query = dns.message.make_query(name, kind, **options)  # type: ignore[arg-type]
    wire = desk.by_udp(query.to_wire(), "192.0.2.9")
    assert wire is not None
    answer = dns.message.from_wire(wire, ignore_trailing=False)
    assert query.is_response(answer)
    return answer


def lines(sections: Iterable[dns.rrset.RRset]) -> list[str]:  # type: ignore[name-defined]
    """`name type data` of each record, sorted."""
    return sorted(
        f"{rrset.name} {dns.rdatatype.to_text(rrset.rdtype)} {rdata}"
        for rrset in sections
        for rdata in rrset
    )


def said(answer: dns.message.Message) -> tuple[str, list[str]]:
    return dns.rcode.to_text(answer.rcode()), lines(answer.answer)
