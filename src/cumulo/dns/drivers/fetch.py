"""Zones of other name servers by AXFR, with dnspython. For a thread; bounded in time and size."""

import time

from cumulo.core.outbound.guard import Guard, Refused
from cumulo.dns import names, rdata, serials
from cumulo.dns.model.transferred import Received, TransferFailed

MOST_RECORDS = 20_000
SECONDS = 60.0
PATIENCE = 10.0


class Fetcher:
    """`guard`: masters are addresses that users name."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    def __call__(self, name: str, masters: list[str], serial: int | None) -> Received | None:
        reasons = []
        for master in masters:
            host, port = _address(master)
            try:
                self._guard.check_address(host)
                return _fetch(name, host, port, serial)
            except Refused as error:
                reasons.append(f"{master}: {error}")
            except TransferFailed as error:
                reasons.append(f"{master}: {error}")
        raise TransferFailed("; ".join(reasons) or "there are no masters")


def _fetch(name: str, host: str, port: int, serial: int | None) -> Received | None:
    import dns.exception
    import dns.message
    import dns.name
    import dns.query
    import dns.rcode

    try:
        asked = dns.message.make_query(name, "SOA")
        answer, _ = dns.query.udp_with_fallback(asked, host, timeout=PATIENCE, port=port)
        if answer.rcode() != dns.rcode.NOERROR or not answer.answer:
            raise TransferFailed(f"it says {dns.rcode.to_text(answer.rcode())}")
        theirs = int(answer.answer[0][0].serial)
        if serial is not None and not serials.is_newer(theirs, serial):
            return None
        return _received(name, host, port)
    except (dns.exception.DNSException, OSError, EOFError, ValueError, AttributeError) as error:
        raise TransferFailed(str(error) or type(error).__name__) from None


def _received(name: str, host: str, port: int) -> Received:
    import dns.query
    import dns.rdatatype
    import dns.rdtypes.ANY.SOA

    found: dict[tuple[str, str], tuple[int, list[str], list[bytes]]] = {}
    soa: dns.rdtypes.ANY.SOA.SOA | None = None
    soa_ttl, count, end = 3600, 0, time.monotonic() + SECONDS
    messages = dns.query.xfr(
        host, name, port=port, relativize=False, timeout=PATIENCE, lifetime=SECONDS
    )
    for message in messages:
        for rrset in message.answer:
            owner = rrset.name.to_text().lower()
            if not names.within(owner, name):
                raise TransferFailed(f"{owner} is not in the zone")
            kind = dns.rdatatype.to_text(rrset.rdtype)
            _, texts, wires = found.setdefault((owner, kind), (rrset.ttl, [], []))
            for each in rrset:
                count += 1
                if kind == "SOA":
                    soa, soa_ttl = each, rrset.ttl
                wire = each.to_wire() or b""
                if wire not in wires:
                    texts.append(each.to_text())
                    wires.append(wire)
        if count > MOST_RECORDS:
            raise TransferFailed(f"it has more than {MOST_RECORDS} records")
        if time.monotonic() > end:
            raise TransferFailed(f"it took more than {SECONDS:.0f} seconds")
    if soa is None:
        raise TransferFailed("there is no SOA in it")
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
            (owner, kind, ttl, texts, rdata.pack(wires))
            for (owner, kind), (ttl, texts, wires) in found.items()
        ],
    )


def _address(master: str) -> tuple[str, int]:
    if master.startswith("["):
        host, _, port = master[1:].partition("]")
        return host, int(port.removeprefix(":") or 53)
    if master.count(":") == 1:
        host, _, port = master.partition(":")
        return host, int(port)
    return master, 53
