"""The web server in front: what it says of a client, and when it is believed.

It ends TLS, so only it has seen a client's certificate; it may know users by itself (Kerberos, a
company's sign-on). It tells us in headers, which anybody could send: they count on connections
from the addresses that the operator named (`trusted_front`), and from nowhere else.

    X-Forwarded-For        the client's address: the last one listed
    X-Remote-User          a user's name, when the front has authenticated somebody
    X-Remote-Domain        the name of the user's domain
    X-Client-Certificate   the certificate that the client has proved to own, PEM or base64 of DER
"""

import base64
import binascii
import functools
import ssl
from collections.abc import Callable, Iterable
from ipaddress import ip_address, ip_network
from urllib.parse import unquote

from cumulo.core.auth.vouched import NOBODY, Vouched

Header = Callable[[str], str | None]

CERTIFICATE_LIMIT = 32 * 1024
"""Characters: headers are bounded by the server, too, at 64 KiB in all."""

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


class Front:
    """`addresses`: of the servers in front, or networks (CIDR). Raises ValueError for others."""

    def __init__(self, addresses: Iterable[str] = ()) -> None:
        self._networks = [ip_network(each) for each in addresses]
        self.trusts = functools.lru_cache(1024)(self._trusts)
        """Whether what comes from this address is believed."""

    def _trusts(self, address: str) -> bool:
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._networks)

    def read(self, address: str, header: Header) -> tuple[str, Vouched]:
        """(the client's address, what is said of it) of a request that came from `address`."""
        if not self._networks or not self.trusts(address):
            return address, NOBODY
        client = (header("X-Forwarded-For") or "").rpartition(",")[2].strip()
        said = Vouched(
            (header("X-Remote-User") or "").strip(),
            (header("X-Remote-Domain") or "").strip(),
            pem_of(header("X-Client-Certificate") or ""),
        )
        return client or address, said


def pem_of(text: str) -> str:
    """A certificate as web servers write it into a header, in PEM with its usual line breaks.

    nginx escapes it like a URL, Apache has blanks for line breaks, HAProxy gives the DER in
    base64. Empty for what is none of these.
    """
    if not text or len(text) > CERTIFICATE_LIMIT:
        return ""
    plain = unquote(text) if "%" in text else text
    body = "".join(plain.replace(_BEGIN, "").replace(_END, "").split())
    try:
        der = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError):
        return ""
    return ssl.DER_cert_to_PEM_cert(der) if der else ""
