"""What serial number a name server answers with, and a word to it that there is a newer one."""

import asyncio
import time
from ipaddress import ip_address

from cumulo.dns import serials
from cumulo.dns.model.pool import TargetAway

PATIENCE = 3.0
CATCH_UP_SECONDS = 10.0
"""How long is waited for a server to have a change, before others are looked at again."""


def split(address: str) -> tuple[str, int]:
    """Raises ValueError."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    try:
        ip_address(host)
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise ValueError
    except ValueError:
        raise ValueError(f"address: {address!r} is not ADDRESS:PORT") from None
    return host, int(port)


async def serial_of(name: str, address: tuple[str, int]) -> int | None:
    """None: it does not have the zone: what it has heard of others (one that is a resolver, too)
    is not its own. Raises TargetAway."""
    import dns.asyncquery
    import dns.exception
    import dns.flags
    import dns.message
    import dns.rdatatype

    host, port = address
    query = dns.message.make_query(name, "SOA", flags=0)  # not to look for it elsewhere
    try:
        answer = await dns.asyncquery.udp(query, host, port=port, timeout=PATIENCE)
    except (dns.exception.DNSException, OSError) as error:
        raise TargetAway(f"{host}:{port} does not answer: {error!r}") from None
    if not answer.flags & dns.flags.AA:
        return None
    found = [each for each in answer.answer if each.rdtype == dns.rdatatype.SOA]
    return int(found[0][0].serial) if found else None


async def tell(name: str, address: tuple[str, int]) -> None:
    """NOTIFY (RFC 1996). Raises TargetAway."""
    import dns.asyncquery
    import dns.exception
    import dns.flags
    import dns.message
    import dns.opcode

    host, port = address
    message = dns.message.make_query(name, "SOA", flags=dns.flags.AA)
    message.set_opcode(dns.opcode.NOTIFY)
    try:
        await dns.asyncquery.udp(message, host, port=port, timeout=PATIENCE)
    except (dns.exception.DNSException, OSError) as error:
        raise TargetAway(f"{host}:{port} does not answer: {error!r}") from None


async def until_served(name: str, address: tuple[str, int], *, served: bool) -> None:
    """Until a server has a zone, or has it no more. Raises TargetAway when that takes long."""
    end, pause = time.monotonic() + CATCH_UP_SECONDS, 0.01
    while (await serial_of(name, address) is not None) is not served:
        if time.monotonic() > end:
            word = "does not have" if served else "still has"
            raise TargetAway(f"{address[0]}:{address[1]} {word} the zone")
        await asyncio.sleep(pause)
        pause = min(0.5, pause * 2)


async def caught_up(name: str, wanted: int, address: tuple[str, int]) -> None:
    """Until a server has a serial number. Raises TargetAway when that takes long."""
    end, pause = time.monotonic() + CATCH_UP_SECONDS, 0.01
    while True:
        found = await serial_of(name, address)
        if found is not None and (found == wanted or serials.is_newer(found, wanted)):
            return
        if time.monotonic() > end:
            raise TargetAway(f"{address[0]}:{address[1]} has serial {found}, not {wanted} yet")
        await asyncio.sleep(pause)
        pause = min(0.5, pause * 2)
