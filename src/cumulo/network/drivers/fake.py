"""The simulated data plane: holds the desired state, carries no packets, fails when told to.

A report is made anew only for what changed, so a simulated host with thousands of ports costs
little.
"""

import asyncio
from collections.abc import Collection

import msgspec

from cumulo.network.drivers.driver import DriverFault, NetworkCapabilities, tap_name
from cumulo.network.model.orders import (
    ACTIVE,
    DOWN,
    HostNetworks,
    HostNetworksReport,
    Observed,
    RouterSpec,
)


class FakeNetworkDriver:
    """`faults` maps the id of a port, network, router or floating IP to the reason it fails."""

    def __init__(self, *, delay: float = 0.0) -> None:
        self.capabilities = NetworkCapabilities(
            name="fake", carries_packets=False, ports_per_network=100_000
        )
        self.delay = delay
        self.faults: dict[str, str] = {}
        self.desired: HostNetworks | None = None
        self.applied = 0
        self._fail_next: list[str] = []
        self._last: tuple[HostNetworks, dict[str, str], HostNetworksReport] | None = None

    def fail_next_apply(self, reason: str) -> None:
        """The next `apply` raises DriverFault with this reason and changes nothing."""
        self._fail_next.append(reason)

    async def apply(
        self, desired: HostNetworks, gone: Collection[str] | None = None
    ) -> HostNetworksReport:
        if self.delay:
            await asyncio.sleep(self.delay)
        if self._fail_next:
            raise DriverFault(self._fail_next.pop(0))
        self.applied += 1
        self.desired = desired
        if self._last is not None and self._last[1] == self.faults:
            before, _, report = self._last
            if msgspec.structs.replace(before, generation=desired.generation) == desired:
                return msgspec.structs.replace(report, generation=desired.generation)
        report = self._report(desired)
        self._last = (desired, dict(self.faults), report)
        return report

    async def strangers(self) -> list[str]:
        return []

    async def remove_all(self) -> None:
        self.desired = None
        self._last = None

    async def close(self) -> None:
        """Nothing is held."""

    def tap_name(self, port_id: str) -> str:
        return tap_name(port_id)

    def open_tap(self, port_id: str) -> int:
        raise DriverFault(f"port {port_id}: the fake driver has no taps")

    def _see(self, identifier: str, up: bool = True) -> Observed:
        fault = self.faults.get(identifier)
        return Observed(identifier, ACTIVE if up and fault is None else DOWN, fault)

    def _report(self, desired: HostNetworks) -> HostNetworksReport:
        known = {network.id for network in desired.networks}
        ports = [
            self._see(port.id, port.admin_state_up)
            if port.network_id in known
            else Observed(port.id, DOWN, f"network {port.network_id} is not on this host")
            for port in desired.ports
        ]
        ports += [self._see(network.dhcp.port_id) for network in desired.networks if network.dhcp]
        for router in desired.routers:
            ports += [self._see(i.port_id, router.admin_state_up) for i in router.interfaces]
            if router.gateway is not None:
                ports.append(self._see(router.gateway.port_id, router.admin_state_up))
        return HostNetworksReport(
            generation=desired.generation,
            networks=tuple(self._see(network.id) for network in desired.networks),
            ports=tuple({port.id: port for port in ports}.values()),
            routers=tuple(self._see(r.id, r.admin_state_up) for r in desired.routers),
            floating_ips=tuple(
                self._see(floating.id, _translates(router))
                for router in desired.routers
                for floating in router.floating_ips
            ),
        )


def _translates(router: RouterSpec) -> bool:
    return router.admin_state_up and router.gateway is not None
