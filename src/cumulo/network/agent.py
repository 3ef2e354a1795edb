"""What runs on a host: the whole desired data plane in, the driver's report out."""

from collections.abc import Callable
from typing import Any

from cumulo.network.drivers.driver import DriverFault, NetworkDriver
from cumulo.network.model.orders import HostNetworks, HostNetworksReport


class NetworkHostPart:
    """Implements `core.hosts.agent.HostPart`."""

    kind = "network"

    def __init__(self, driver: NetworkDriver) -> None:
        self.driver = driver

    async def apply(self, desired: HostNetworks) -> HostNetworksReport:
        report = await self.driver.apply(desired)
        return report

    def unfinished(self) -> bool:
        """What failed is tried again at the sweep; nothing here waits for anything."""
        return False

    async def answer(self, question: str, arguments: dict[str, Any]) -> Any:
        if question == "capabilities":
            return self.driver.capabilities
        raise DriverFault(f"network does not know the question {question!r}")

    def on_change(self, ring: Callable[[], None]) -> None:
        """The data plane changes only when it is told to."""
