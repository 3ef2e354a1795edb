"""What serial number a name server answers with, and a word to it that there is a newer one."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from ipaddress import ip_address

from cumulo.dns import serials
from cumulo.dns.model.pool import TargetAway, TargetLacks

PATIENCE = 3.0
CATCH_UP_SECONDS = 10.0
"""How long is waited for a server to have a change, before others are looked at again."""
AGAIN_SECONDS = 1.0

Address = tuple[str, int]


def split(address: str) -> Address:
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


async def soa_of(name: str, address: Address) -> tuple[int, str] | None:
    """Its serial number and the name of its first server. None: it does not have the zone: what it
    has heard of others (one that is a resolver, too) is not its own. Raises TargetAway."""
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
    return (int(found[0][0].serial), found[0][0].mname.to_text().lower()) if found else None


async def serial_of(name: str, address: Address) -> int | None:
    """None: it does not have the zone. Raises TargetAway."""
    found = await soa_of(name, address)
    return None if found is None else found[0]


async def tell(name: str, address: Address, soa: str = "") -> None:
    """NOTIFY (RFC 1996), with the SOA as it is now, if that is known. Raises TargetAway."""
    import dns.asyncquery
    import dns.exception
    import dns.flags
    import dns.message
    import dns.opcode
    import dns.rrset

    host, port = address
    message = dns.message.make_query(name, "SOA", flags=dns.flags.AA)
    message.set_opcode(dns.opcode.NOTIFY)
    if soa:
        message.answer.append(dns.rrset.from_text(name, 0, "IN", "SOA", soa))
    try:
        await dns.asyncquery.udp(message, host, port=port, timeout=PATIENCE)
    except (dns.exception.DNSException, OSError) as error:
        raise TargetAway(f"{host}:{port} does not answer: {error!r}") from None


async def until(
    done: Callable[[], Awaitable[bool]], again: Callable[[], Awaitable[None]] | None = None
) -> bool:
    """Whether it is so within a while, looked at again and again. `again`: done at first and each
    second, since a word that came too early, or not at all, is heard of no more."""
    begun = time.monotonic()
    pause, told = 0.01, begun - AGAIN_SECONDS
    while True:
        now = time.monotonic()
        if again is not None and now - told >= AGAIN_SECONDS:
            await again()
            told = now
        if await done():
            return True
        if now - begun > CATCH_UP_SECONDS:
            return False
        await asyncio.sleep(pause)
        pause = min(0.5, pause * 2)


async def caught_up(
    name: str,
    wanted: int,
    address: Address,
    again: Callable[[], Awaitable[None]] | None = None,
    *,
    before: int | None = None,
) -> None:
    """Until a server has a serial number, or a newer one; `before`: it had that already, which is
    newer and may be of another past: that alone counts after a moment only. Raises TargetAway;
    TargetLacks, if all these words have changed nothing."""
    found, begun = before, time.monotonic()
    first: list[int | None] = []

    async def done() -> bool:
        nonlocal found
        found = await serial_of(name, address)
        if not first:
            first.append(found)
        if found is None or found == wanted:
            return found is not None
        patient = found == before and time.monotonic() - begun < AGAIN_SECONDS
        return serials.is_newer(found, wanted) and not patient

    if await until(done, again):
        return
    where = f"{address[0]}:{address[1]}"
    if found is None:
        raise TargetLacks(f"{where} was told of the zone and does not have it")
    word = f"{where} has serial {found}, not {wanted} yet"
    if [found] == first:
        raise TargetLacks(f"{word}, though it was told again and again")
    raise TargetAway(word)
