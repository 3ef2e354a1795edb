"""From what is there to the report. Pure."""

from collections.abc import Mapping

from cumulo.network.drivers.driver import tap_name
from cumulo.network.drivers.linux import names
from cumulo.network.drivers.linux.links import Link, Tap, agrees
from cumulo.network.drivers.linux.plan import Plan
from cumulo.network.model.orders import (
    ACTIVE,
    DOWN,
    HostNetworks,
    HostNetworksReport,
    NetworkSpec,
    Observed,
    PortSpec,
    RouterSpec,
)


def make_report(
    desired: HostNetworks,
    plan: Plan,
    there: Mapping[str, Link],
    faults: Mapping[str, str],
    tap_faults: Mapping[str, str],
    trouble: str | None,
) -> HostNetworksReport:
    """`faults` by id of what could not be made; `tap_faults` by device; `trouble`: what `ip` said
    when something failed, for the devices that are then not as desired."""
    report = _Reporter(plan, there, faults, tap_faults, trouble)
    ports = [report.port(port) for port in desired.ports]
    for network in desired.networks:
        if network.dhcp is not None:
            ports.append(report.inner(network.dhcp.port_id, network.id, "nh", network.dhcp.mac))
    for spec in desired.routers:
        for port in (*spec.interfaces, *((spec.gateway,) if spec.gateway else ())):
            up = spec.admin_state_up
            ports.append(report.inner(port.port_id, spec.id, "qh", port.mac, up=up))
    # Router and DHCP ports may also be listed as ports; their device is the better witness.
    return HostNetworksReport(
        generation=desired.generation,
        networks=tuple(report.network(network) for network in desired.networks),
        ports=tuple({port.id: port for port in ports}.values()),
        routers=tuple(report.router(spec) for spec in desired.routers),
        floating_ips=tuple(
            report.floating(spec, floating.id)
            for spec in desired.routers
            for floating in spec.floating_ips
        ),
    )


class _Reporter:
    def __init__(
        self,
        plan: Plan,
        there: Mapping[str, Link],
        faults: Mapping[str, str],
        tap_faults: Mapping[str, str],
        trouble: str | None,
    ) -> None:
        self.plan = plan
        self.there = there
        self.faults = faults
        self.tap_faults = tap_faults
        self.trouble = trouble
        self.veths = {veth.name: veth for veth in plan.wanted.veths}

    def _failed(self, device: str) -> str:
        reason = self.tap_faults.get(device) or (self.trouble or "")[:500]
        return f"device {device} is not as desired: {reason}".rstrip(": ")

    def port(self, port: PortSpec) -> Observed:
        if port.id in self.faults:
            return Observed(port.id, DOWN, self.faults[port.id])
        network = self.plan.networks[port.network_id]
        device = tap_name(port.id)
        tap = Tap(device, names.bridge(network.number), network.mtu, port.admin_state_up)
        if not agrees(tap, self.there.get(device)):
            return Observed(port.id, DOWN, self._failed(device))
        return Observed(port.id, ACTIVE if port.admin_state_up else DOWN)

    def inner(self, port_id: str, owner: str, kind: str, mac: str, *, up: bool = True) -> Observed:
        if owner in self.faults:
            return Observed(port_id, DOWN, self.faults[owner])
        if not up:
            return Observed(port_id, DOWN)
        device = names.veth(kind, mac)
        veth = self.veths.get(device)
        if veth is None or not agrees(
            Tap(device, veth.bridge, veth.mtu, True), self.there.get(device)
        ):
            return Observed(port_id, DOWN, self._failed(device))
        return Observed(port_id, ACTIVE)

    def network(self, network: NetworkSpec) -> Observed:
        if network.id in self.faults:
            return Observed(network.id, DOWN, self.faults[network.id])
        device = names.bridge(network.number)
        link = self.there.get(device)
        if link is None or not link.up:
            return Observed(network.id, DOWN, self._failed(device))
        return Observed(network.id, ACTIVE)

    def router(self, spec: RouterSpec) -> Observed:
        fault = self.faults.get(spec.id)
        up = spec.admin_state_up and fault is None
        return Observed(spec.id, ACTIVE if up else DOWN, fault)

    def floating(self, spec: RouterSpec, identifier: str) -> Observed:
        fault = self.faults.get(spec.id)
        up = spec.admin_state_up and fault is None and spec.gateway is not None
        return Observed(identifier, ACTIVE if up else DOWN, fault)
