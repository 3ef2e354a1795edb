"""A server of a pool that is only said to be there: it has each zone as soon as it is told."""

from collections.abc import Collection

from cumulo.dns.model.pool import PoolZone, TargetAway, TargetRefused


class FakeTarget:
    """`faults`: `away` (it never answers), `refuses` (it says no to all)."""

    whole = True

    def __init__(self, address: str, faults: Collection[str] = ()) -> None:
        self.address = address
        self.identity = f"fake {address}"
        self.faults = set(faults)
        self.zones: dict[str, PoolZone] = {}

    async def ensure(self, zone: PoolZone) -> None:
        self._may()
        self.zones[zone.name] = zone

    async def remove(self, zone: PoolZone) -> None:
        self._may()
        self.zones.pop(zone.name, None)

    async def serial(self, name: str) -> int | None:
        self._may()
        found = self.zones.get(name)
        return None if found is None else found.serial

    def _may(self) -> None:
        if "away" in self.faults:
            raise TargetAway(f"{self.address} does not answer: made to be away")
        if "refuses" in self.faults:
            raise TargetRefused(f"{self.address}: made to refuse")
