"""What every driver of a host's data plane can do.

A driver is a function from the whole desired state to what was observed afterwards. It keeps no
record of its own that matters: what is there is looked up, so a new driver object (a restart)
goes on where the last one stopped, and disturbs nothing that is already as desired.
"""

from collections.abc import Collection
from typing import Protocol

import msgspec

from cumulo.network.model.orders import HostNetworks, HostNetworksReport


class DriverFault(Exception):
    """The host as a whole could not be worked on. Faults of single things are in the report."""


class NetworkCapabilities(msgspec.Struct, frozen=True):
    """What a driver can do, for the placement of ports and for the API's extensions."""

    name: str
    carries_packets: bool
    ports_per_network: int
    security_groups: bool = True
    stateless_security_groups: bool = True
    port_security: bool = True
    routers: bool = True
    floating_ips: bool = True
    dhcp: bool = True
    ipv6: bool = True
    metadata: bool = True


class NetworkDriver(Protocol):
    @property
    def capabilities(self) -> NetworkCapabilities: ...

    async def apply(
        self, desired: HostNetworks, gone: Collection[str] | None = None
    ) -> HostNetworksReport:
        """Make the host's data plane equal to `desired` and report what is there then.

        Idempotent: the same state again changes nothing and disturbs no established flow. `gone`:
        items (`port/ID`, `network/ID`, `router/ID`) of which nothing may be left; of what is in
        neither nothing is removed. None: all that is not desired goes. A fault of one thing is
        in the report and stops no other. Raises DriverFault when nothing could be done.
        """
        ...

    async def strangers(self) -> list[str]:
        """Items, or names of devices and namespaces, that the last `apply` found and kept though
        they were not desired. They are good for `gone`."""
        ...

    async def remove_all(self) -> None:
        """Remove everything that this driver, or an earlier one of the same cloud, made."""
        ...

    async def close(self) -> None:
        """Let go of sockets of this process. The data plane goes on working."""
        ...

    def tap_name(self, port_id: str) -> str:
        """The name of a compute port's device in the data plane, at most 15 characters."""
        ...

    def open_tap(self, port_id: str) -> int:
        """An open descriptor of the port's tap, to be handed to a guest, which owns it then.

        The port must have been applied. Raises DriverFault when there is no such tap or the
        driver carries no packets.
        """
        ...


def tap_name(port_id: str) -> str:
    """The name that the network API's own agents use: "tap" and 11 characters of the id."""
    return f"tap{port_id[:11]}"
