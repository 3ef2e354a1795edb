"""The data of records: from the text of the API to the wire and back. dnspython knows how.

It is imported when a record is written or a zone file read, not before: 13 MB.
"""

from typing import TYPE_CHECKING

from cumulo.dns import names

if TYPE_CHECKING:
    from dns.rdata import Rdata

TYPES: dict[str, int] = {
    "A": 1,
    "NS": 2,
    "CNAME": 5,
    "SOA": 6,
    "PTR": 12,
    "MX": 15,
    "TXT": 16,
    "AAAA": 28,
    "SRV": 33,
    "NAPTR": 35,
    "CERT": 37,
    "SSHFP": 44,
    "TLSA": 52,
    "SVCB": 64,
    "HTTPS": 65,
    "SPF": 99,
    "CAA": 257,
}
"""The types of records that the API takes, with their numbers."""

MOST_TEXT = 4096
"""Characters of one record: the longest keys of DKIM take a fifth of it."""
_SIGNS = frozenset(";()")
"""What has a meaning of its own in zone files, outside of quotes."""

_TEXTS = ("TXT", "SPF")
_LONG = ("CERT", "SSHFP", "TLSA")
"""Of digits that zone files have on several lines, in parentheses."""
ALPN = frozenset(
    (
        *("http/0.9", "http/1.0", "http/1.1", "h2", "h2c", "h3", "spdy/1", "spdy/2", "spdy/3"),
        *("stun.turn", "stun.nat-discovery", "webrtc", "c-webrtc", "ftp", "imap", "pop3"),
        *("managesieve", "coap", "co", "xmpp-client", "xmpp-server", "acme-tls/1", "mqtt"),
        *("dot", "doq", "ntske/1", "sunrpc", "smb", "irc", "nntp", "nnsp", "sip/2", "tds/8.0"),
        *("dicom", "postgresql", "radius/1.0", "radius/1.1"),
    )
)
"""Protocols that IANA knows: anything else in an `alpn` is a slip, and cuts the service off."""


class BadRecord(ValueError):
    """A text that is no record of its type; says why."""


def number_of(kind: str) -> int:
    """A type's number; secondary zones may have types that the API does not take."""
    known = TYPES.get(kind)
    if known is None:
        import dns.rdatatype

        return int(dns.rdatatype.from_text(kind))
    return known


def to_wire(kind: str, text: str) -> bytes:
    """The record on the wire, without compression. Raises BadRecord."""
    return parsed(kind, text).to_wire() or b""


def parsed(kind: str, text: str) -> "Rdata":
    """The record as dnspython has it: every name in it absolute. Raises BadRecord."""
    import dns.exception
    import dns.name
    import dns.rdata
    import dns.rdataclass
    import dns.rdatatype

    if len(text) > MOST_TEXT:
        raise BadRecord(f"it is longer than {MOST_TEXT} characters")
    if kind in _LONG:
        text = _one_line(text)
    if any(ord(character) < 0x20 for character in text):
        raise BadRecord("it has a line break or another control character")
    if text.lstrip().startswith("\\#"):
        raise BadRecord("it is written as unknown data (RFC 3597)")
    if kind in _TEXTS:
        text = _quoted(text)
        _check_strings(text)
    if _has_signs(text):
        raise BadRecord("it has one of ; ( ) outside of double quotes")
    try:
        found = dns.rdata.from_text(
            dns.rdataclass.IN, dns.rdatatype.from_text(kind), text, None, relativize=False
        )
        found.to_wire()
        _check_services(found)
    except dns.name.NeedAbsoluteNameOrOrigin:
        raise BadRecord("a name in it does not end with a dot") from None
    except (dns.exception.DNSException, ValueError, LookupError, OverflowError) as error:
        raise BadRecord(str(error) or type(error).__name__) from None
    return found


def _one_line(text: str) -> str:
    """Lines in parentheses as one. Without both of them nothing is changed."""
    head, opened, rest = text.partition("(")
    body, closed, tail = rest.partition(")")
    if not (opened and closed) or tail.strip() or any(sign in body for sign in "();"):
        return text
    return " ".join(f"{head} {body}".split())


def _check_services(found: "Rdata") -> None:
    """SVCB and HTTPS (RFC 9460). Raises BadRecord."""
    import dns.rdtypes.svcbbase

    if not isinstance(found, dns.rdtypes.svcbbase.SVCBBase):
        return
    alpn = found.params.get(dns.rdtypes.svcbbase.ParamKey.ALPN)
    for each in getattr(alpn, "ids", ()):
        if each.decode("ascii", "replace") not in ALPN:
            raise BadRecord(f"alpn: {each.decode('ascii', 'replace')} is no known protocol")
    if found.priority == 0 and found.params:
        raise BadRecord("an alias (priority 0) has no parameters")


def _quoted(text: str) -> str:
    """One word without quotes is one string, whatever signs are in it (`v=DMARC1;p=none`)."""
    if text.endswith("\\") and '"' not in text:
        raise BadRecord("it ends with a backslash")
    return text if not text or '"' in text or " " in text else f'"{text}"'


def _has_signs(text: str) -> bool:
    """In zone files `;` begins a comment: what follows would be dropped without a word."""
    inside = escaped = False
    for character in text:
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == '"':
            inside = not inside
        elif character in _SIGNS and not inside:
            return True
    return False


def _check_strings(text: str) -> None:
    """Strings with spaces are quoted (RFC 1035, 5.1): what `v=spf1 -all` should mean is not
    guessed, since as it stands these are two strings."""
    inside = escaped = False
    for character in text:
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == '"':
            inside = not inside
        elif character == " " and not inside and not _between_quotes(text):
            raise BadRecord("a text with spaces has to be in double quotes")
    if inside:
        raise BadRecord("a double quote is missing")
    if escaped:
        raise BadRecord("it ends with a backslash")


def _between_quotes(text: str) -> bool:
    return text.startswith('"') and text.rstrip().endswith('"')


def to_text(kind: str, wire: bytes) -> str:
    """The record as text, names in it absolute."""
    import dns.rdata
    import dns.rdataclass
    import dns.rdatatype

    number = dns.rdatatype.from_text(kind)
    return dns.rdata.from_wire(dns.rdataclass.IN, number, wire, 0, len(wire)).to_text()


def soa(
    nameserver: str, email: str, serial: int, times: tuple[int, int, int, int]
) -> tuple[str, bytes]:
    """The start of a zone: as text and on the wire. Made for every change, so by hand.

    `times`: refresh, retry, expire, minimum. A dot before the `@` is escaped (RFC 1035, 8).
    """
    local, _, domain = email.partition("@")
    mailbox = f"{local.replace('.', chr(92) + '.')}.{domain}."
    numbers = (serial, *times)
    text = f"{nameserver} {mailbox} {' '.join(map(str, numbers))}"
    wire = names.wire(nameserver) + names.wire(mailbox)
    return text, wire + b"".join(number.to_bytes(4, "big") for number in numbers)


def pack(wires: list[bytes]) -> bytes:
    """Several records as one value: each after its length in two bytes."""
    return b"".join(len(wire).to_bytes(2, "big") + wire for wire in wires)


def unpack(packed: bytes) -> list[bytes]:
    found = []
    index = 0
    while index < len(packed):
        end = index + 2 + int.from_bytes(packed[index : index + 2], "big")
        found.append(packed[index + 2 : end])
        index = end
    return found
