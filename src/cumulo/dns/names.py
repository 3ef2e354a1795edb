"""Domain names as text and as they are on the wire (RFC 1035, 3.1).

Names of zones and of sets of records are of letters, digits, `-` and `_`, in lower case, and end
with a dot; a first label `*` makes a wildcard. Names inside of records may be any (dnspython reads
those). `wire` and `text` know both.
"""

import re
from ipaddress import IPv4Network, IPv6Network
from itertools import takewhile

MOST_BYTES = 255
MOST_LABEL = 63
_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)\."
_ZONE = re.compile(rf"(?:{_LABEL})+\Z")
_HOST = re.compile(rf"(?:\*\.)?(?:{_LABEL})+\Z")
_PLAIN = re.compile(rb"[!-~]*\Z")
_OCTET = re.compile(r"0|[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5]")
_NIBBLE = re.compile(r"[0-9a-f]")
_SPECIAL = b'"().;\\@$'


def fault_of(name: str, *, wildcard: bool = False) -> str | None:
    """Why a text is not the (lower case) name of a zone, or of records; None if it is one."""
    if any(len(label) > MOST_LABEL for label in name.split(".")):
        return "a label is longer than 63 characters"
    if not name.endswith("."):
        return "it does not end with a dot"
    if len(name) + 1 > MOST_BYTES:
        return "it is longer than 255 bytes"
    if not (_HOST if wildcard else _ZONE).match(name):
        return "it is invalid"
    return None


def wire(name: str) -> bytes:
    """The name's labels, each after its length, and the root's 0. Knows `\\.` and `\\123`."""
    labels: list[bytes] = [b""]
    index = 0
    raw = name.encode("ascii")
    if raw == b".":
        return b"\0"
    while index < len(raw):
        byte = raw[index : index + 1]
        if byte == b".":
            labels.append(b"")
        elif byte == b"\\" and raw[index + 1 : index + 4].isdigit():
            labels[-1] += bytes([int(raw[index + 1 : index + 4])])
            index += 3
        elif byte == b"\\":
            index += 1
            labels[-1] += raw[index : index + 1]
        else:
            labels[-1] += byte
        index += 1
    return b"".join(bytes([len(label)]) + label for label in labels)


def labels(name: bytes) -> list[bytes]:
    """The labels of a name on the wire, without the root's."""
    found = []
    index = 0
    while name[index]:
        end = index + 1 + name[index]
        found.append(name[index + 1 : end])
        index = end
    return found


def text(name: bytes) -> str:
    """A name on the wire as text, with escapes (RFC 4343, 2.1)."""
    return "".join(_label_text(label) + "." for label in labels(name)) or "."


def _label_text(label: bytes) -> str:
    if _PLAIN.match(label) and not any(byte in label for byte in _SPECIAL):
        return label.decode()
    shown = []
    for byte in label:
        if byte in _SPECIAL:
            shown.append(f"\\{chr(byte)}")
        else:
            shown.append(chr(byte) if 0x20 < byte < 0x7F else f"\\{byte:03}")
    return "".join(shown)


def parts(name: str) -> list[str]:
    """The labels of a name as text. A dot after a backslash is no border: `a\\.b.c.` has two."""
    rough = name.removesuffix(".").split(".")
    if "\\" not in name:
        return rough
    found: list[str] = []
    for part in rough:
        if found and _is_open(found[-1]):
            found[-1] += f".{part}"
        else:
            found.append(part)
    return found


def _is_open(part: str) -> bool:
    """It ends with a backslash that stands for itself with what follows."""
    return (len(part) - len(part.rstrip("\\"))) % 2 == 1


def within(name: str, zone: str) -> bool:
    """Whether a name is the zone's own or below it."""
    return name == zone or (name.endswith(f".{zone}") and not _is_open(name[: -len(zone) - 1]))


def ancestors(name: str) -> list[str]:
    """The names above this one, the nearest first, without the root: `b.c.` and `c.` of `a.b.c.`"""
    labels_of = parts(name)
    return [".".join([*labels_of[index:], ""]) for index in range(1, len(labels_of))]


def addresses_of(name: str) -> IPv4Network | IPv6Network:
    """The network whose reverse names are at or below a name that is below `in-addr.arpa.` or
    `ip6.arpa.`; labels that are no numbers narrow it no further (RFC 2317)."""
    backwards = parts(name)[-3::-1]
    if name.endswith("in-addr.arpa."):
        octets = list(takewhile(_OCTET.fullmatch, backwards))[:4]
        address = ".".join([*octets, "0", "0", "0", "0"][:4])
        return IPv4Network((address, 8 * len(octets)))
    nibbles = "".join(takewhile(_NIBBLE.fullmatch, backwards))[:32]
    return IPv6Network((int(nibbles.ljust(32, "0"), 16), 4 * len(nibbles)))


def tree_key(name: str) -> str:
    """The labels from the root on, in hexadecimal: what is below a name begins with its key, and
    any database sorts such texts alike."""
    backwards = ".".join(reversed(parts(name))) + "."
    return backwards.encode().hex()
