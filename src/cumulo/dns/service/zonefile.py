"""Master files (RFC 1035, 5), read by dnspython; nothing of them leads to other files."""

import re
from typing import Any

import msgspec

from cumulo.dns import names, rdata
from cumulo.dns.service.checks import shown_of
from cumulo.dns.service.recordsets import RecordsetWish

MOST_BYTES = 1024 * 1024
_ORIGIN = re.compile(r"\s*\$ORIGIN\s+(\S+)", re.IGNORECASE)
_LINE = re.compile(r"line:(\d+): (.*)", re.S)
_BAD = (ValueError, LookupError, OverflowError)


class BadZoneFile(Exception):
    """A text that is no zone file, or none that can be taken; says where and why."""


class ZoneFile(msgspec.Struct, kw_only=True):
    """What is in one: the zone's own values, and its records but for those of the service."""

    name: str
    shown: str | None
    email: str
    ttl: int
    sets: list[RecordsetWish]


def read(text: str) -> ZoneFile:
    """CPU work: for a thread. Raises BadZoneFile."""
    import dns.rdatatype

    first = next((line for line in text.splitlines() if line.split(";")[0].strip()), "")
    if not _ORIGIN.match(first):
        raise BadZoneFile(
            "The $ORIGIN statement is required and must be the first statement in the zonefile."
        )
    try:
        zone = _parsed(text)
    except _BAD as error:
        raise BadZoneFile(f"Malformed zonefile: {_reason(text, error)}") from None
    origin = zone.origin
    assert origin is not None
    name = origin.to_text().lower()
    if names.fault_of(name) is not None:
        raise BadZoneFile(f"{name} is no name of a zone: {names.fault_of(name)}")
    soa = zone.get_rdataset(origin, dns.rdatatype.SOA)
    if soa is None:
        raise BadZoneFile("An SOA record is required.")
    sets = []
    for owner, rdataset in zone.iterate_rdatasets():
        kind = dns.rdatatype.to_text(rdataset.rdtype)
        top = owner == origin
        if kind == "SOA" or (kind == "NS" and top):
            continue
        sets.append(_set(owner.to_text(), kind, rdataset))
    mailbox = names.labels(soa[0].rname.to_wire())
    email = f"{mailbox[0].decode('ascii', 'replace')}@" + names.text(
        soa[0].rname.to_wire()[1 + len(mailbox[0]) :]
    ).rstrip(".")
    return ZoneFile(
        name=name,
        shown=shown_of(origin.to_text(), name),
        email=email,
        ttl=max(1, soa.ttl),
        sets=sets,
    )


def _parsed(text: str) -> Any:
    """Raises what is in `_BAD`, and dnspython's own exceptions, which are of it."""
    import dns.exception
    import dns.zone

    try:
        return dns.zone.from_text(
            text,
            relativize=False,
            check_origin=False,
            allow_include=False,
            # Not $GENERATE: one line of it makes any number of records.
            allow_directives={"$ORIGIN", "$TTL"},
            filename="line",
        )
    except dns.exception.DNSException as error:
        raise ValueError(str(error) or type(error).__name__) from None


def _reason(text: str, error: Exception) -> str:
    """dnspython's word, with the right line: it may have read the end of the line already."""
    found = _LINE.match(str(error))
    if found is None:
        return str(error) or type(error).__name__
    number = int(found[1])
    try:
        _parsed("\n".join(text.splitlines()[: number - 1]) + "\n")
    except _BAD:
        number -= 1
    return f"line {number}: {found[2]}"


def _set(shown: str, kind: str, rdataset: "object") -> RecordsetWish:
    import dns.rdataset

    owner = shown.lower()
    assert isinstance(rdataset, dns.rdataset.Rdataset)
    fault = names.fault_of(owner, wildcard=True)
    if fault is not None:
        raise BadZoneFile(f"{owner[:80]} is no name of records: {fault}")
    if kind not in rdata.TYPES:
        raise BadZoneFile(f"{owner[:80]}: {kind} is not a supported record type")
    texts = [each.to_text() for each in rdataset]
    wires = [each.to_wire() or b"" for each in rdataset]
    return RecordsetWish(
        name=owner,
        type=kind,
        ttl=rdataset.ttl,
        records=texts,
        wire=rdata.pack(wires),
        shown=shown_of(shown, owner),
    )
