"""A BIND as a secondary of the cloud's name server: zones come and go by `rndc`, or by a
catalog zone that it follows; changes are told by NOTIFY, and it fetches them itself (AXFR, IXFR).
"""

from cumulo.core.run.commands import CommandFailed, run
from cumulo.dns.drivers.serial import caught_up, serial_of, split, tell, until_served
from cumulo.dns.model.pool import PoolZone, TargetAway, TargetRefused

SECONDS = 20.0
_AWAY = ("connect failed", "connection refused", "timed out", "no end after")


class Bind:
    """`catalog`: the name of the catalog zone; empty: `rndc`. Raises ValueError for addresses that
    are none."""

    def __init__(self, address: str, primary: str, rndc_conf: str, catalog: str = "") -> None:
        self._address = split(address)
        self._catalog = catalog
        self._primary = ("", 0) if catalog else split(primary)
        self._rndc = ["rndc", *(["-c", rndc_conf] if rndc_conf else [])]

    async def ensure(self, zone: PoolZone) -> None:
        if await serial_of(zone.name, self._address) is None:
            if self._catalog:
                await tell(self._catalog, self._address)
                await until_served(zone.name, self._address, served=True)
            else:
                await self._add(zone.name)
        await tell(zone.name, self._address)
        await caught_up(zone.name, zone.serial, self._address)

    async def remove(self, name: str) -> None:
        if self._catalog:
            await tell(self._catalog, self._address)
            await until_served(name, self._address, served=False)
            return
        try:
            await self._run("delzone", "-clean", name)
        except TargetRefused as error:
            if "not found" not in str(error):
                raise

    async def _add(self, name: str) -> None:
        host, port = self._primary
        # A zone's name is of letters, digits, `-` and `_`: nothing in it means anything to BIND.
        config = f'{{ type secondary; file "{name}db"; primaries {{ {host} port {port}; }}; }};'
        try:
            await self._run("addzone", name, config)
        except TargetRefused as error:
            if "already exists" not in str(error):
                raise

    async def _run(self, *arguments: str) -> None:
        try:
            await run([*self._rndc, *arguments], timeout=SECONDS)
        except CommandFailed as error:
            host, port = self._address
            text = f"{host}:{port}: rndc {arguments[0]}: {error.stderr.strip()[:500]}"
            if error.status == -1 or any(word in error.stderr.lower() for word in _AWAY):
                raise TargetAway(text) from None
            raise TargetRefused(text) from None
