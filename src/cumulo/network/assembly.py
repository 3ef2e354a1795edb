"""What network is to the cloud."""

import contextlib
import shutil
from pathlib import Path

import msgspec

from cumulo.core.assembly import Assembly, CatalogEntry, Frame, HostFrame, HostKind, Service
from cumulo.core.auth.policy import project_only
from cumulo.core.hosts.conductor import HostDown
from cumulo.identity.interface import FirstUsers
from cumulo.network import resources
from cumulo.network.agent import NetworkHostPart
from cumulo.network.api.face import network_face
from cumulo.network.drivers.driver import NetworkDriver
from cumulo.network.drivers.make import make_driver
from cumulo.network.first_run import FirstNetworks
from cumulo.network.interface import (
    EVENTS,
    CardPorts,
    GuestMetadata,
    NamePublisher,
    Network,
    ServerViews,
    ServicePorts,
)
from cumulo.network.meters import METERS
from cumulo.network.model.metadata import MetadataHandler, MetadataRequest, MetadataResponse
from cumulo.network.part import NetworkPart
from cumulo.network.policy import RULES
from cumulo.network.reconcile import MemberSpread, Unplaced
from cumulo.network.service.network import NetworkService
from cumulo.network.service.questions import METADATA, MetadataQuestion, Questions
from cumulo.network.service.tools import DEFAULT_QUOTAS
from cumulo.settings import Settings, instance_prefix


def build(frame: Frame) -> Service:
    network = NetworkService(
        frame.registry,
        frame.quotas("network", DEFAULT_QUOTAS),
        frame.later(NamePublisher),
        frame.later(ServerViews),
    )
    frame.give(Network, network)
    frame.give(ServicePorts, network.service_ports)
    frame.give(CardPorts, network.card_ports)
    questions = Questions(frame.database, frame.registry, frame.later(GuestMetadata))
    first = FirstNetworks(frame.settings, frame.database, network, frame.get(FirstUsers))
    return Service(
        network,
        faces=[network_face(network, frame.rules("network", RULES, project_only(RULES)))],
        parts=[NetworkPart(network.ports, network.hosts, questions, network.publisher)],
        reconcilers=[Unplaced(frame.database, network.hosts, network.ports)],
        workers=[MemberSpread(frame.database, network.hosts).run],
        counts=network.counts(),
        first_run=first.make,
    )


def agent(host: HostFrame) -> NetworkHostPart:
    if host.fake:
        return NetworkHostPart(make_driver("fake"))
    driver = _driver(host.settings, host)
    return NetworkHostPart(driver, tunnel=host.tunnel_address, gateway=not host.joined)


def _metadata(host: HostFrame) -> MetadataHandler:
    """What a guest is told at 169.254.169.254: network knows who asks, compute what to answer."""

    async def handle(request: MetadataRequest) -> MetadataResponse:
        if host.uplink is None:
            return MetadataResponse(503)
        asked = MetadataQuestion(
            request.port_id, request.device_id, request.method, request.path, request.body
        )
        try:
            told = await host.uplink.query("network", METADATA, msgspec.structs.asdict(asked))
        except HostDown:
            return MetadataResponse(503)
        return msgspec.convert(told, MetadataResponse)

    return handle


def _driver(settings: Settings, host: HostFrame | None = None) -> NetworkDriver:
    state = run_dir(settings)
    state.mkdir(mode=0o755, parents=True, exist_ok=True)
    return make_driver(
        "linux",
        prefix=instance_prefix(settings),
        state=state,
        metadata=None if host is None else _metadata(host),
        outside=host is None or not host.joined,
        tunnel=(lambda: None) if host is None else host.tunnel_address,
        vxlan_port=settings.networks.vxlan_port,
        nat_to_outside=settings.networks.nat_to_outside,
        forwarders=_resolvers(),
    )


def run_dir(settings: Settings) -> Path:
    """Where other users' processes (dnsmasq runs as nobody) find what they need."""
    return Path("/run/cumulo") / instance_prefix(settings)


def _resolvers() -> list[str]:
    """The machine's own name servers, which guests' networks forward to."""
    try:
        lines = Path("/etc/resolv.conf").read_text().splitlines()
    except OSError:
        return []
    words = [line.split() for line in lines]
    return [w[1] for w in words if len(w) > 1 and w[0] == "nameserver"][:3]


async def stop(host: HostFrame, remove: bool) -> int:
    if remove:
        await _driver(host.settings).remove_all()
        shutil.rmtree(run_dir(host.settings), ignore_errors=True)
        with contextlib.suppress(OSError):  # other clouds of this machine are still in there
            run_dir(host.settings).parent.rmdir()
    return 0


ASSEMBLY = Assembly(
    "network",
    build,
    events=EVENTS,
    catalog=(CatalogEntry("network", (), "/network", "neutron"),),
    resource_types=resources.TYPES,
    finders=resources.FINDERS,
    meters=METERS,
    hosts=(HostKind("network", agent, sweep=60.0, stop=stop),),
)
