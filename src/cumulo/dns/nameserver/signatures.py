"""Signatures of questions (TSIG, RFC 8945), looked at by hand.

Anybody may send what says that it is signed: nothing is made of it before its key is known to be
one of ours and its signature is right, and what is longer than a question can be is not looked at.
"""

import hmac
from collections.abc import Mapping
from typing import NamedTuple

from cumulo.dns.nameserver.feed import Secret
from cumulo.dns.nameserver.message import TSIG, Malformed, name_end, skip_name

MOST_BYTES = 1024
"""Of a signed question: its name, the SOA of an IXFR, EDNS, and a signature are less."""
_MD5 = b"\x08hmac-md5\x07sig-alg\x03reg\x03int\0"
_HEAD = TSIG.to_bytes(2, "big") + b"\0\xff" + bytes(4)
"""Its type, class (ANY) and TTL."""


class Signature(NamedTuple):
    key: Secret
    mac: bytes


def signature_of(
    data: bytes, at: int, secrets: Mapping[bytes, Secret], now: float
) -> Signature | None:
    """Who signed a message, in which the signature's record begins `at`. None: nobody whom we know,
    or not now."""
    if len(data) > MOST_BYTES:
        return None
    try:
        key = secrets.get(_name_at(data, at))
        return None if key is None else _checked(data, at, key, now)
    except Malformed:
        return None


def _checked(data: bytes, at: int, key: Secret, now: float) -> Signature | None:
    head = skip_name(data, at)
    rdata = data[head + 10 :]
    if data[head : head + 8] != _HEAD or data[head + 8 : head + 10] != _two(len(rdata)):
        return None
    end = name_end(rdata, 0)
    if rdata[:end].lower() != _algorithm(key):
        return None
    times, size = rdata[end : end + 8], _number(rdata, end + 8)
    mac, rest = rdata[end + 10 : end + 10 + size], rdata[end + 10 + size :]
    if len(rest) < 6 or len(rest) != 6 + _number(rest, 4):
        return None
    # The message as it was before it was signed, then what the signature says of itself.
    signed = rest[:2] + data[2:10] + _two(_number(data, 10) - 1) + data[12:at]
    signed += key.name + _HEAD[2:] + _algorithm(key) + times + rest[2:]
    if not hmac.compare_digest(mac, hmac.digest(key.secret, signed, key.algorithm[5:])):
        return None
    if abs(int.from_bytes(times[:6], "big") - now) > _number(times, 6):
        return None
    return Signature(key, mac)


def _algorithm(key: Secret) -> bytes:
    if key.algorithm == "hmac-md5":
        return _MD5
    return bytes([len(key.algorithm)]) + key.algorithm.encode() + b"\0"


def _name_at(data: bytes, at: int) -> bytes:
    """A name that may be compressed, in lower case. Each pointer leads further back, and the whole
    is not longer than a name: so it ends. Raises Malformed."""
    name, least = b"", at
    while len(name) < 255 and at < len(data):
        length = data[at]
        if length >= 0xC0:
            at = _number(data, at) & 0x3FFF
            if at >= least:
                break
            least = at
        elif length > 63:
            break
        else:
            name += data[at : at + 1 + length]
            if length == 0:
                return name.lower()
            at += 1 + length
    raise Malformed(True)


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "big")


def _two(number: int) -> bytes:
    return number.to_bytes(2, "big")
