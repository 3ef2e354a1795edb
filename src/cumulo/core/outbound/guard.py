"""Where requests may go that a user has asked for: web downloads, webhooks, templates.

A user's URL must not become a way into the cloud's own networks. So the name is resolved once,
every address is judged, and the connection goes to an address that was judged: a name that
resolves otherwise a moment later changes nothing (DNS rebinding). Each redirect starts from the
beginning. Refused are loopback, link-local, private, shared, multicast and reserved addresses, and
IPv6 forms that carry an IPv4 address of those (mapped, 6to4, Teredo, NAT64), unless an operator's
setting names their network.
"""

import asyncio
import ipaddress
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urljoin

from cumulo.core.outbound import client
from cumulo.core.outbound.client import RequestFailed, Response, Target, target_of

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]

REDIRECTS = 5
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_NOT_OUTSIDE = tuple(
    ipaddress.ip_network(text)
    for text in ("100.64.0.0/10", "192.88.99.0/24", "fec0::/10", "64:ff9b:1::/48", "100::/64")
)


class Refused(Exception):
    """The rules do not allow this request; the text says why."""


@dataclass(frozen=True, slots=True)
class Limits:
    """`most_bytes` of a body; `patience`: seconds without a byte; `seconds` for the whole."""

    most_bytes: int = 1 << 40
    patience: float = 30.0
    seconds: float = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Filter:
    """What an operator allows, by scheme, host and port. An allow list that is not empty wins
    over its deny list."""

    allowed_schemes: Sequence[str] = ("http", "https")
    denied_schemes: Sequence[str] = ()
    allowed_hosts: Sequence[str] = ()
    denied_hosts: Sequence[str] = ()
    allowed_ports: Sequence[int] = ()
    denied_ports: Sequence[int] = ()

    def problem(self, target: Target) -> str | None:
        """Why this target is filtered out."""
        for what, value, allowed, denied in (
            ("scheme", target.scheme, self.allowed_schemes, self.denied_schemes),
            ("host", target.host.lower(), self.allowed_hosts, self.denied_hosts),
            ("port", target.port, self.allowed_ports, self.denied_ports),
        ):
            if (value not in allowed) if allowed else (value in denied):
                return f"the {what} {value} is not allowed"
        return None


async def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a name, as the system's resolver has them."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise RequestFailed(f"the name {host} cannot be resolved: {error}") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def carried(address: Address) -> Address:
    """The IPv4 address inside an IPv6 one that stands for it, or the address itself."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        if address.teredo is not None:
            return address.teredo[1]
        if address in _NAT64:
            return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


class Guard:
    """Makes requests that obey the rules.

    `allowed`: networks (CIDR) that are no danger although they are private. `resolver`: tests
    bring their own.
    """

    def __init__(
        self,
        allowed: Sequence[str] = (),
        *,
        filter: Filter | None = None,
        limits: Limits | None = None,
        resolver: Resolver = resolve,
    ) -> None:
        self._allowed = [ipaddress.ip_network(text) for text in allowed]
        self._filter = filter or Filter()
        self.limits = limits or Limits()
        self._resolver = resolver

    def check_url(self, url: str) -> Target:
        """What can be judged without a resolver. Raises Refused."""
        try:
            target = target_of(url)
        except ValueError as error:
            raise Refused(str(error)) from None
        problem = self._filter.problem(target)
        if problem is not None:
            raise Refused(problem)
        try:
            literal = ipaddress.ip_address(target.host)
        except ValueError:
            return target
        self._judge(literal)
        return target

    def check_address(self, text: str) -> None:
        """For what is no HTTP: may this address be spoken to? Raises Refused."""
        try:
            self._judge(ipaddress.ip_address(text))
        except ValueError:
            raise Refused(f"{text} is no address") from None

    def _judge(self, found: Address) -> None:
        inner = carried(found)
        for address in (found, inner):
            if any(address.version == net.version and address in net for net in self._allowed):
                return
        outside = inner.is_global and not inner.is_multicast and not inner.is_reserved
        for network in _NOT_OUTSIDE:
            if inner.version == network.version and inner in network:
                outside = False
        if not outside:
            raise Refused(f"the address {found} is not one of the outside world")

    async def addresses(self, target: Target) -> list[str]:
        """The addresses to connect to, all of them judged. Raises Refused, RequestFailed."""
        found = list(await self._resolver(target.host, target.port))
        if not found:
            raise RequestFailed(f"the name {target.host} has no address")
        for text in found:
            # A zone (fe80::1%eth0) is link-local by nature and does not parse everywhere.
            self._judge(ipaddress.ip_address(text.partition("%")[0]))
        return found

    async def get(self, url: str, headers: Mapping[str, str] | None = None) -> Response:
        """GET with redirects followed, each of them judged anew. Headers are not sent on to
        another host."""
        return await self.request("GET", url, headers=headers)

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Response:
        """One request. Redirects are followed for GET and HEAD only. Raises Refused,
        RequestFailed."""
        first: Target | None = None
        for _ in range(REDIRECTS + 1):
            target = self.check_url(url)
            addresses = await self.addresses(target)
            first = first or target
            same = (target.scheme, target.host, target.port) == (
                first.scheme,
                first.host,
                first.port,
            )
            response = await client.request(
                method,
                target,
                addresses,
                headers=headers if same else None,
                body=body,
                patience=self.limits.patience,
            )
            location = response.headers.get("location")
            if response.status not in (301, 302, 303, 307, 308) or location is None:
                return response
            if method not in ("GET", "HEAD"):
                return response
            await response.close()
            url = urljoin(url, location)
        raise Refused(f"more than {REDIRECTS} redirects")

    async def blocks(self, response: Response) -> AsyncIterator[bytes]:
        """The body, within the limits. Raises Refused when it is too long or too slow."""
        named = response.headers.get("content-length", "")
        if named.isdecimal() and (len(named) > 18 or int(named) > self.limits.most_bytes):
            raise Refused(f"the body has {named} bytes, more than {self.limits.most_bytes}")
        end = time.monotonic() + self.limits.seconds
        total = 0
        async for piece in response.blocks():
            total += len(piece)
            if total > self.limits.most_bytes:
                raise Refused(f"the body has more than {self.limits.most_bytes} bytes")
            if time.monotonic() > end:
                raise Refused(f"the transfer took longer than {self.limits.seconds:g} s")
            yield piece
