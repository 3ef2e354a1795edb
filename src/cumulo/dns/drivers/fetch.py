"""Zones of other name servers by AXFR, with dnspython. For a thread; bounded in time and size."""

import socket
import time
from collections.abc import Mapping, Sequence
from ipaddress import ip_address

from cumulo.core.outbound.guard import Guard, Refused
from cumulo.dns import names, rdata, serials
from cumulo.dns.model.transferred import Received, TransferFailed

MOST_RECORDS = 5000
MOST_OF_A_SET = 100
"""Records of one name and type, as BIND takes them: each is in each answer."""
MOST_KINDS = 100
"""Of a name, as BIND takes them."""
RUN_BY_SERVERS = ("TYPE65401", "TYPE65402")
"""PowerDNS's ALIAS and LUA: a master's word would be done on servers of the operator's."""
BESIDE_ALIASES = ("RRSIG", "NSEC", "KEY")
"""What may be where a CNAME is (RFC 4034, 2.5)."""
MOST_BYTES = 4 * 1024 * 1024
"""Of all records: they are in our memory, in the database, and in the name server's."""
SECONDS = 60.0
"""For a zone, over all of its masters."""
PATIENCE = 5.0


class Fetcher:
    """`guard`: masters are addresses that users name."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def __call__(self, name: str, masters: list[str], serial: int | None) -> Received | None:
        reasons = []
        end = time.monotonic() + SECONDS
        for master in masters:
            if time.monotonic() > end:
                reasons.append("no time is left for the others")
                break
            host, port = _address(master)
            try:
                address = self._address_of(host, port)
                return _fetch(name, address, port, serial, end)
            except Refused as error:
                reasons.append(f"{master}: {error}")
            except TransferFailed as error:
                reasons.append(f"{master}: {error}")
        raise TransferFailed("; ".join(reasons) or "there are no masters")

    def _address_of(self, host: str, port: int) -> str:
        """Of a master that is named: looked up once, so that it is judged and asked the same.
        Raises Refused, TransferFailed."""
        if not _is_address(host):
            try:
                found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            except (OSError, UnicodeError) as error:
                raise TransferFailed(f"its address is not found: {error}") from None
            host = str(found[0][4][0])
        self._guard.check_address(host)
        return host


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _fetch(name: str, host: str, port: int, serial: int | None, end: float) -> Received | None:
    import dns.exception
    import dns.message
    import dns.name
    import dns.query
    import dns.rcode

    try:
        asked = dns.message.make_query(name, "SOA", flags=0)
        answer, _ = dns.query.udp_with_fallback(asked, host, timeout=PATIENCE, port=port)
        if answer.rcode() != dns.rcode.NOERROR or not answer.answer:
            raise TransferFailed(f"it says {dns.rcode.to_text(answer.rcode())}")
        theirs = int(answer.answer[0][0].serial)
        if serial is not None and not serials.is_newer(theirs, serial):
            return None
        return _received(name, host, port, end)
    except (dns.exception.DNSException, OSError, EOFError, ValueError, AttributeError) as error:
        raise TransferFailed(str(error) or type(error).__name__) from None


def _received(name: str, host: str, port: int, end: float) -> Received:
    import dns.name
    import dns.query
    import dns.rdatatype
    import dns.rdtypes.ANY.SOA

    found: dict[tuple[str, str], tuple[int, dict[bytes, str]]] = {}
    soa: dns.rdtypes.ANY.SOA.SOA | None = None
    soa_ttl, count, size = 3600, 0, 0
    origin = dns.name.from_text(name)
    messages = dns.query.xfr(
        host,
        name,
        port=port,
        relativize=False,
        timeout=PATIENCE,
        lifetime=max(0.1, end - time.monotonic()),
    )
    for message in messages:
        for rrset in message.answer:
            owner = rrset.name.to_text().lower()
            if not rrset.name.is_subdomain(origin):
                raise TransferFailed(f"{owner} is not in the zone")
            kind = dns.rdatatype.to_text(rrset.rdtype)
            _, wires = found.setdefault((owner, kind), (rrset.ttl, {}))
            for each in rrset:
                count += 1
                if kind == "SOA" and rrset.name == origin:
                    soa, soa_ttl = each, rrset.ttl
                wire = each.to_wire() or b""
                size += len(wire) + len(owner)
                if wire not in wires:
                    wires[wire] = each.to_text()
                if len(wires) > MOST_OF_A_SET:
                    word = f"{owner} has more than {MOST_OF_A_SET} records of type {kind}"
                    raise TransferFailed(word)
                if count > MOST_RECORDS:
                    raise TransferFailed(f"it has more than {MOST_RECORDS} records")
                if size > MOST_BYTES:
                    raise TransferFailed(f"it has more than {MOST_BYTES} bytes")
        if time.monotonic() > end:
            raise TransferFailed(f"it took more than {SECONDS:.0f} seconds")
    if soa is None:
        raise TransferFailed("there is no SOA in it")
    _refuse_odd(name, {key: list(wires) for key, (_, wires) in found.items()})
    mailbox = names.labels(soa.rname.to_wire() or b"\0")
    local = mailbox[0].decode("ascii", "replace") if mailbox else "hostmaster"
    rest = ".".join(label.decode("ascii", "replace") for label in mailbox[1:])
    return Received(
        serial=soa.serial,
        refresh=soa.refresh,
        retry=soa.retry,
        expire=soa.expire,
        minimum=soa.minimum,
        ttl=soa_ttl,
        email=f"{local}@{rest}",
        sets=[
            (owner, kind, ttl, list(wires.values()), rdata.pack(list(wires)))
            for (owner, kind), (ttl, wires) in found.items()
        ],
    )


def _refuse_odd(name: str, found: Mapping[tuple[str, str], Sequence[bytes]]) -> None:
    """What no secondary takes, and so no server of a pool. Raises TransferFailed."""
    if (name, "NS") not in found:
        raise TransferFailed("there is no NS at its top")
    names_with: dict[str, int] = {}
    kinds_of: dict[str, int] = {}
    for owner, kind in found:
        if kind in RUN_BY_SERVERS:
            raise TransferFailed(f"{owner} has a record of {kind}: some servers would run it")
        kinds_of[owner] = kinds_of.get(owner, 0) + 1
        if kinds_of[owner] > MOST_KINDS:
            raise TransferFailed(f"{owner} has records of more than {MOST_KINDS} types")
        if kind not in BESIDE_ALIASES:
            names_with[owner] = names_with.get(owner, 0) + 1
    for (owner, kind), wires in found.items():
        if kind == "SOA" and (owner != name or len(wires) > 1):
            raise TransferFailed(f"{owner} has an SOA that is not the zone's only one")
        if kind in ("CNAME", "DNAME") and len(wires) > 1:
            raise TransferFailed(f"{owner} has more than one {kind}")
        if kind == "CNAME" and names_with[owner] > 1:
            raise TransferFailed(f"{owner} has other records beside a CNAME")


def _address(master: str) -> tuple[str, int]:
    if master.startswith("["):
        host, _, port = master[1:].partition("]")
        return host, int(port.removeprefix(":") or 53)
    if master.count(":") == 1:
        host, _, port = master.partition(":")
        return host, int(port)
    return master, 53
