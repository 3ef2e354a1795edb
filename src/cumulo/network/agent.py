"""What runs on a host: networks, ports, groups and routers as they were ordered, handed to the
driver together, and what it sees of each."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from cumulo.core.hosts.journal import Order
from cumulo.core.hosts.messages import Stranger
from cumulo.core.hosts.set_worker import Made
from cumulo.network.drivers.driver import DriverFault, NetworkDriver
from cumulo.network.model.orders import (
    GroupMembers,
    HostNetworks,
    HostNetworksReport,
    HostTunnels,
    Neighbours,
    NetworkItem,
    NetworkSpec,
    Observed,
    PortSpec,
    RouterSpec,
    SecurityGroupSpec,
    SeenThing,
    item_id,
)


class NetworkHostPart:
    """Implements `core.hosts.set_worker.SetWork`. `tunnel`: where this host's tunnels end;
    `gateway`: external networks lead out of it."""

    kind = "network"
    item_type: Any = NetworkItem

    def __init__(
        self,
        driver: NetworkDriver,
        *,
        tunnel: Callable[[], str | None] = lambda: None,
        gateway: bool = True,
    ) -> None:
        self.driver = driver
        self._tunnel = tunnel
        self._gateway = gateway
        self._passes = 0

    async def apply_set(
        self, orders: Mapping[str, Order], gone: Sequence[str], *, audit: bool
    ) -> Mapping[str, Made]:
        if not audit or not self._passes:
            # The driver looks at everything when the same generation comes again.
            self._passes += 1
        items = [order.item for order in orders.values() if order.item is not None]
        report = await self.driver.apply(assembled(self._passes, items), gone)
        return _made(items, report)

    async def strangers(self) -> Sequence[Stranger]:
        return [Stranger(id, {"found": "on the host"}) for id in await self.driver.strangers()]

    def describe_order(self, order: Order) -> dict[str, Any]:
        match order.item:
            case PortSpec() as port:
                addresses = ", ".join(each.address for each in port.fixed_ips)
                return {"mac": port.mac, "addresses": addresses, "server": port.device_id}
            case NetworkSpec() as network:
                return {"subnets": ", ".join(each.cidr for each in network.subnets)}
            case RouterSpec() as router:
                return {"interfaces": len(router.interfaces)}
        return {}

    async def host(self) -> HostTunnels:
        return HostTunnels(self._tunnel(), self._gateway)

    async def answer(self, question: str, arguments: dict[str, Any]) -> Any:
        if question == "capabilities":
            return self.driver.capabilities
        raise DriverFault(f"network does not know the question {question!r}")


def assembled(generation: int, items: Sequence[Any]) -> HostNetworks:
    """The whole that the driver makes. A group that rules name is a group, too, of members only."""
    groups = {each.id: each for each in items if isinstance(each, SecurityGroupSpec)}
    for each in items:
        if isinstance(each, GroupMembers):
            group = groups.get(each.id, SecurityGroupSpec(each.id))
            groups[each.id] = msgspec.structs.replace(group, members=each.members)
    ports = [each for each in items if isinstance(each, PortSpec)]
    networks = [each for each in items if isinstance(each, NetworkSpec)]
    routers = [each for each in items if isinstance(each, RouterSpec)]
    return HostNetworks(
        generation=generation,
        networks=tuple(sorted(networks, key=lambda each: each.number)),
        ports=tuple(sorted(ports, key=lambda each: each.number)),
        security_groups=tuple(groups[id] for id in sorted(groups)),
        routers=tuple(sorted(routers, key=lambda each: each.number)),
        neighbours=tuple(
            sorted((e for e in items if isinstance(e, Neighbours)), key=lambda each: each.id)
        ),
    )


def _made(items: Sequence[Any], report: HostNetworksReport) -> dict[str, Made]:
    """What became of each. Of groups nothing is told: a port whose rules failed has the fault."""
    ports = {each.id: each for each in report.ports}
    networks = {each.id: each for each in report.networks}
    routers = {each.id: each for each in report.routers}
    floating = {each.id: each for each in report.floating_ips}
    made: dict[str, Made] = {}

    def tell(noun: str, own: Observed | None, **parts: tuple[Observed, ...]) -> None:
        if own is not None:
            made[item_id(noun, own.id)] = Made(SeenThing(own, **parts), own.fault)

    for item in items:
        match item:
            case PortSpec():
                tell("port", ports.get(item.id))
            case NetworkSpec(dhcp=dhcp) if dhcp is not None:
                served = ports.get(dhcp.port_id)
                own = networks.get(item.id)
                tell("network", own, ports=() if served is None else (served,))
            case RouterSpec():
                named = [each.port_id for each in item.interfaces]
                named += [item.gateway.port_id] if item.gateway is not None else []
                tell(
                    "router",
                    routers.get(item.id),
                    ports=tuple(ports[id] for id in named if id in ports),
                    floating_ips=tuple(
                        floating[each.id] for each in item.floating_ips if each.id in floating
                    ),
                )
    return made
