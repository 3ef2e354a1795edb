"""A BIND as a secondary of the cloud's name server: zones come and go by `rndc`, or by a
catalog zone that it follows; changes are told by NOTIFY, and it fetches them itself (AXFR, IXFR).

What it has of a name that is not the cloud's is left as it is, and said. By `rndc` a zone is the
cloud's if its file is called so, or if it is fetched from one of the cloud's name servers.
"""

import hashlib
import re
from collections.abc import Iterable
from ipaddress import ip_address

from cumulo.core.run.commands import CommandFailed, run
from cumulo.dns import serials
from cumulo.dns.drivers.serial import Address, caught_up, serial_of, soa_of, split, tell, until
from cumulo.dns.model.pool import PoolZone, TargetAway, TargetRefused

SECONDS = 20.0
MOST_KNOWN = 100_000
MOST_FILE = 200
"""Letters of a file's name."""
_PRIMARY = re.compile(r"(?<![\w.:-])([0-9A-Fa-f.:]+) port (\d+)")
_AWAY = ("connect failed", "connection refused", "timed out", "no end after")


class Bind:
    """`primary`: addresses of the cloud's name servers, with commas. `catalog`: the name of the
    catalog zone; empty: `rndc`. Raises ValueError for addresses that are none."""

    whole = False

    def __init__(self, address: str, primary: str, rndc_conf: str, catalog: str = "") -> None:
        self._address = split(address)
        self._catalog = catalog
        given = [] if catalog else primary.split(",")
        self._primaries = [split(each.strip()) for each in given]
        self.identity = f"bind9 {address} {catalog or self._from()}"
        self._rndc = ["rndc", *(["-c", rndc_conf] if rndc_conf else [])]
        self._ours: set[str] = set()
        """Zones that it is known to have from the cloud."""

    async def serial(self, name: str) -> int | None:
        return await serial_of(name, self._address)

    async def ensure(self, zone: PoolZone) -> None:
        found = await soa_of(zone.name, self._address)
        before = None
        if found is not None and serials.is_newer(found[0], zone.serial):
            before = found[0]
        if self._catalog:
            if before is not None and found is not None and found[1] != zone.server:
                raise TargetRefused(self._foreign(zone.name, f"of {found[1]}"))
        elif found is None or zone.name not in self._ours:
            await self._add(zone, there=found is not None)
        if before is not None and not self._catalog:
            # Of another past: the serial number alone would not make it fetch the zone.
            await self._run("retransfer", zone.name)

        async def again() -> None:
            if self._catalog and found is None:
                await tell(self._catalog, self._address)
            await tell(zone.name, self._address, zone.soa)

        try:
            await caught_up(zone.name, zone.serial, self._address, again, before=before)
        except TargetAway:
            if self._catalog and not zone.known:
                await self._refuse_foreign(zone)
            raise

    async def _refuse_foreign(self, zone: PoolZone) -> None:
        """What it does not follow, and has from another server than ours: it is somebody else's."""
        found = await soa_of(zone.name, self._address)
        if found is not None and zone.server and found[1] != zone.server:
            raise TargetRefused(self._foreign(zone.name, f"of {found[1]}"))

    async def remove(self, zone: PoolZone) -> None:
        self._ours.discard(zone.name)
        if self._catalog:
            await self._until_gone(zone)
            return
        known = await self._shown(zone.name)
        if known is not None and self._is_ours(known, zone.owner):
            try:
                await self._run("delzone", "-clean", zone.name)
            except TargetRefused as error:
                if "not found" not in str(error):
                    raise

    async def _until_gone(self, zone: PoolZone) -> None:
        async def gone() -> bool:
            found = await soa_of(zone.name, self._address)
            return found is None or (bool(zone.soa) and found[1] != zone.server)

        if not await until(gone, lambda: tell(self._catalog, self._address)):
            host, port = self._address
            raise TargetAway(f"{host}:{port} still has the zone")

    async def _add(self, zone: PoolZone, *, there: bool) -> None:
        name = zone.name
        primaries = " ".join(f"{host} port {port};" for host, port in self._primaries)
        # A zone's name is of letters, digits, `-` and `_`: nothing in it means anything to BIND.
        file = _file_of(zone)
        config = f'{{ type secondary; file "{file}"; primaries {{ {primaries} }}; }};'
        if not there:
            try:
                await self._run("addzone", name, config)
                self._know(name)
                return
            except TargetRefused as error:
                if "already exists" not in str(error):
                    raise
        known = await self._shown(name)
        if known is None or not self._is_ours(known, zone.owner):
            raise TargetRefused(self._foreign(name, f"and it is {known or 'not told by rndc'}"))
        if _primaries_in(known) != _plain(self._primaries):
            await self._run("modzone", name, config)
        self._know(name)

    def _from(self) -> str:
        """What zones there are fetched from: those that there are have to hear of another one."""
        return "from " + ", ".join(sorted(f"{host}:{port}" for host, port in self._primaries))

    def _know(self, name: str) -> None:
        if len(self._ours) >= MOST_KNOWN:
            self._ours.clear()
        self._ours.add(name)

    async def _shown(self, name: str) -> str | None:
        """A zone's configuration there; None: there is none."""
        try:
            return await self._run("showzone", name)
        except TargetRefused as error:
            if "not found" in str(error) or "no matching zone" in str(error):
                return None
            raise

    def _is_ours(self, config: str, owner: str) -> bool:
        """It was added by this cloud, or is fetched from one of its name servers."""
        if owner and f'"{owner}-' in config:
            return True
        return not _primaries_in(config).isdisjoint(_plain(self._primaries))

    def _foreign(self, name: str, word: str) -> str:
        host, port = self._address
        return f"{host}:{port} has a zone {name} that is not this cloud's, {word}"[:500]

    async def _run(self, *arguments: str) -> str:
        try:
            done = await run([*self._rndc, *arguments], timeout=SECONDS)
        except CommandFailed as error:
            host, port = self._address
            text = f"{host}:{port}: rndc {arguments[0]}: {error.stderr.strip()[:500]}"
            if error.status == -1 or any(word in error.stderr.lower() for word in _AWAY):
                raise TargetAway(text) from None
            raise TargetRefused(text) from None
        return done.decode(errors="replace")


def _file_of(zone: PoolZone) -> str:
    """It says whose the zone is, whatever it is fetched from."""
    if not zone.owner:
        return f"{zone.name}db"
    name = f"{zone.owner}-{zone.name}db"
    if len(name) <= MOST_FILE:
        return name
    return f"{zone.owner}-{hashlib.sha256(zone.name.encode()).hexdigest()}.db"


def _plain(addresses: Iterable[Address]) -> set[Address]:
    return {(str(ip_address(host)), port) for host, port in addresses}


def _primaries_in(config: str) -> set[Address]:
    """From where a zone is fetched, as `rndc showzone` says it."""
    found = set()
    for host, port in _PRIMARY.findall(config):
        try:
            found |= _plain([(host, int(port))])
        except ValueError:
            continue
    return found
