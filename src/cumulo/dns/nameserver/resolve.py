"""From a question to an answer: RFC 1034, 4.3.2, with wildcards as RFC 4592 has them.

An answer comes from zones of one project: aliases are not followed into another one's zones, and
their addresses do not go along. Anybody may have a zone of any name here, and resolvers that pass
on whole answers (dnsmasq) would believe what it says.

There is no recursion: what is not below a zone of ours is refused. Any type at all is answered
with as little as RFC 8482 allows, so that nobody can make others be sent much.
"""

from cumulo.dns.nameserver.message import (
    BADVERS,
    NOERROR,
    NOTIMP,
    NXDOMAIN,
    QUERY,
    REFUSED,
    SERVFAIL,
    YXDOMAIN,
    Answer,
    Question,
    Records,
)
from cumulo.dns.nameserver.zones import Node, World, Zone

A, NS, CNAME, MX, AAAA, SRV, DNAME, DS = 1, 2, 5, 15, 28, 33, 39, 43
ANY, AXFR, IXFR = 255, 252, 251
META = frozenset((41, 249, 250, AXFR, 253, 254))
IN = 1
MOST_ALIASES = 8
MOST_NAMES = 20
"""In one answer, whose addresses are looked for: there are 13 servers of the root."""
MOST_ADDRESSES = 200
_NAME_AT = {NS: 0, MX: 2, SRV: 6}
"""Where in the data of a type the name is, whose addresses go along."""
_HINFO_ANY = b"\0\x0d\0\x01\0\0\x0e\x10\0\x09\x07RFC8482\0"


def resolve(world: World, question: Question) -> tuple[Answer, Zone | None]:
    """The answer, and the zone that it depends on; None: on more than one, or on all."""
    refused = _refused(world, question)
    if refused is not None:
        return Answer(question, refused), None
    zone = world.zone_of(question.name)
    if zone is None:
        return Answer(question, REFUSED), None
    if question.type == DS and question.name == zone.name:
        zone = _above(world, zone)
    if zone.soa is None:
        return Answer(question, SERVFAIL), zone
    answer = Answer(question, aa=True)
    if question.type == IXFR:
        # By UDP: who is told of another serial number than it has comes again by TCP.
        if question.name != zone.name:
            return Answer(question, REFUSED), zone
        answer.answer.append((zone.name, zone.soa))
        return answer, zone
    alone = _fill(world, zone, question.name, question.type, answer)
    alone = _add_addresses(world, zone, answer) and alone
    return answer, zone if alone else None


def _refused(world: World, question: Question) -> int | None:
    if question.version:
        return BADVERS
    if question.opcode != QUERY:
        return NOTIMP
    if question.dns_class != IN or question.type in META:
        return REFUSED
    return None if world.ready else SERVFAIL


def _above(world: World, zone: Zone) -> Zone:
    """What is signed of a zone is in its parent (RFC 4035, 3.1.4.1), if that has the cut, too."""
    parent = world.zone_of(zone.name[1 + zone.name[0] :]) if zone.name[0] else None
    if parent is None or parent.soa is None:
        return zone
    node = parent.nodes.get(zone.name)
    return parent if node is not None and NS in node.sets else zone


def _fill(world: World, zone: Zone, name: bytes, kind: int, answer: Answer) -> bool:
    """The answer's main parts, along aliases; False: they came from more than this zone."""
    here: Zone | None = zone
    for _ in range(MOST_ALIASES):
        if here is None or here.soa is None:
            return False
        alias = _find(here, name, kind, answer)
        if alias is None:
            return here is zone
        name = alias.lower()
        here = _of_the_same(world, zone, name)
        if here is not None and any(owner == name for owner, _ in answer.answer):
            break
    return here is zone


def _of_the_same(world: World, zone: Zone, name: bytes) -> Zone | None:
    """The zone of a name, if it is of the project that has this zone."""
    found = world.zone_of(name)
    return found if found is not None and found.project_id == zone.project_id else None


def _find(zone: Zone, name: bytes, kind: int, answer: Answer) -> bytes | None:
    """Add what a zone says of a name; the name to go on with, if it is an alias."""
    node, encloser, cut = _walk(zone, name)
    if cut is not None and not (kind == DS and cut == name):
        _refer(zone, cut, answer)
        return None
    if node is None and DNAME in zone.nodes[encloser].sets:
        return _renamed(zone, encloser, name, kind, answer)
    if node is None:
        node = zone.nodes.get(b"\x01*" + encloser)
        if not answer.answer:
            answer.wildcard = b"\x01*" + encloser
        if node is None:
            answer.rcode = NXDOMAIN
            answer.authority.append((zone.name, zone.negative))
            return None
    alias = node.sets.get(CNAME)
    if alias is not None and kind != CNAME and kind != ANY:
        tail = alias.tails[0]
        answer.answer.append((name, tail))
        return tail[10:]
    if kind == ANY and node.sets:
        answer.answer.append((name, _HINFO_ANY))
        return None
    found = node.sets.get(kind)
    if found is None:
        answer.authority.append((zone.name, zone.negative))
    else:
        answer.answer += [(name, tail) for tail in found.tails]
    return None


def _renamed(zone: Zone, owner: bytes, name: bytes, kind: int, answer: Answer) -> bytes | None:
    """All that is below one name is below another one (RFC 6672): who does not know that is told of
    an alias for this name."""
    tail = zone.nodes[owner].sets[DNAME].tails[0]
    alias = name[: -len(owner)] + tail[10:]
    if not answer.answer:
        answer.wildcard = owner
    answer.answer.append((owner, tail))
    if len(alias) > 255:
        answer.rcode = YXDOMAIN
        return None
    head = b"\0\x05\0\x01" + tail[4:8] + len(alias).to_bytes(2, "big")
    answer.answer.append((name, head + alias))
    return None if kind in (CNAME, ANY) else alias


def _walk(zone: Zone, name: bytes) -> tuple[Node | None, bytes, bytes | None]:
    """From the top of the zone down to a name: its node or None, the last name on the way that
    exists, and the name on the way at which the zone is cut."""
    steps = []
    rest = name
    while rest != zone.name:
        steps.append(rest)
        rest = rest[1 + rest[0] :]
    node, encloser = zone.apex, zone.name
    for step in reversed(steps):
        below = zone.nodes.get(step)
        if below is None:
            return None, encloser, None
        if NS in below.sets:
            return below, step, step
        node, encloser = below, step
    return node, encloser, None


def _refer(zone: Zone, cut: bytes, answer: Answer) -> None:
    """Those who know are others."""
    if not answer.answer:
        answer.aa = False
    answer.authority += [(cut, tail) for tail in zone.nodes[cut].sets[NS].tails]


def _add_addresses(world: World, zone: Zone, answer: Answer) -> bool:
    """Addresses of the names in the answer, glue below a cut among them; False: another zone was
    asked."""
    alone = True
    seen: set[bytes] = set()
    for _, tail in (*answer.answer, *answer.authority):
        at = _NAME_AT.get(int.from_bytes(tail[:2], "big"))
        if at is None:
            continue
        name = tail[10 + at :].lower()
        if name in seen:
            continue
        seen.add(name)
        here = _of_the_same(world, zone, name)
        if here is not zone:
            alone = False
        if here is not None:
            answer.additional += _addresses(here, name, MOST_ADDRESSES - len(answer.additional))
        if len(seen) == MOST_NAMES:
            break
    return alone


def _addresses(zone: Zone, name: bytes, most: int) -> Records:
    """Whole sets alone."""
    node = zone.nodes.get(name)
    if node is None:
        return []
    found: Records = []
    for rrset in (node.sets.get(A), node.sets.get(AAAA)):
        if rrset is not None and len(found) + len(rrset.tails) <= most:
            found += [(name, tail) for tail in rrset.tails]
    return found


__all__ = ["NOERROR", "resolve"]
