"""Signed URLs (TempURL): a key of the account or the container signs method, end and path.

Keys are in metadata, `Temp-URL-Key` and `Temp-URL-Key-2`. The path is Swift's, `/v1/AUTH_x/c/o`,
whatever is before it in public; with the public prefix it counts as well.
"""

import base64
import binascii
import hmac
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network

METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE")
DIGESTS = ("sha1", "sha256", "sha512")
_BY_LENGTH = {40: "sha1", 64: "sha256", 128: "sha512"}
_HEX = re.compile(r"[0-9a-f]+")
_FORMS = ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M", "%Y-%m-%d")


@dataclass(frozen=True, slots=True)
class TempUrl:
    """What the query of a URL says."""

    signature: str
    expires: str
    prefix: str | None = None
    ip_range: str | None = None


def expiry(text: str) -> int | None:
    """Seconds since the epoch, from a number or an ISO 8601 time; None for what is neither."""
    if text.isdecimal() and len(text) < 12:
        return int(text)
    for form in _FORMS:
        try:
            return int(datetime.strptime(text, form).replace(tzinfo=UTC).timestamp())
        except ValueError:
            continue
    return None


def digest_of(signature: str) -> tuple[str, str] | None:
    """(hash, hexadecimal signature) of either form: hexadecimal digits, or `sha256:` and base64."""
    name, mark, text = signature.partition(":")
    if not mark:
        low = signature.lower()
        known = _BY_LENGTH.get(len(low))
        return (known, low) if known and _HEX.fullmatch(low) else None
    if name not in DIGESTS:
        return None
    padded = text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4)
    try:
        return name, base64.b64decode(padded, validate=True).hex()
    except (binascii.Error, ValueError):
        return None


def holds(
    url: TempUrl,
    method: str,
    paths: Sequence[str],
    name: str,
    address: str,
    keys: Iterable[str],
    *,
    clock: Callable[[], float] = time.time,
) -> bool:
    """`paths`: those that count as signed, up to the object's name, without it; `name`: the
    object's. All are decoded."""
    found, end = digest_of(url.signature), expiry(url.expires)
    if found is None or end is None or end < clock() or method not in METHODS:
        return False
    if url.prefix is not None and not name.startswith(url.prefix):
        return False
    if url.ip_range is not None and not _is_in(address, url.ip_range):
        return False
    digest, signature = found
    mark, rest = ("", name) if url.prefix is None else ("prefix:", url.prefix)
    before = "" if url.ip_range is None else f"ip={url.ip_range}\n"
    # A HEAD may look at whatever another method was allowed for.
    methods = ("HEAD", "GET", "POST", "PUT") if method == "HEAD" else (method,)
    texts = [f"{before}{verb}\n{end}\n{mark}{path}{rest}" for verb in methods for path in paths]
    signed = (
        hmac.digest(key.encode("latin-1"), text.encode(), digest).hex()
        for key in keys
        for text in texts
    )
    return any(hmac.compare_digest(each, signature) for each in signed)


def _is_in(address: str, network: str) -> bool:
    try:
        return ip_address(address) in ip_network(network)
    except ValueError:
        return False
