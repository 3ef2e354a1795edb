"""The hosts of this process: one agent each, with every service's side of work on hosts.

On a machine with a data plane that is one host with real drivers: the control plane's own, or, on
a machine that joined, just that host (`joined`), which dials the control plane. With `--fake` it is
as many simulated hosts as the settings ask for, the first of which also routes and stores.
"""

import ipaddress
import socket
from collections.abc import Sequence

import msgspec

from cumulo import __version__
from cumulo.core.assembly import Assembly, Frame, HostFrame, HostKind
from cumulo.core.blobs.content import Contents
from cumulo.core.hosts.agent import Agent
from cumulo.core.hosts.dial import DialledLink, Identity
from cumulo.core.hosts.joining import Membership, dialled
from cumulo.core.hosts.link import InProcessLink, Link
from cumulo.settings import Settings

FAKE_SWEEP = 60.0


def connect(frame: Frame, assemblies: Sequence[Assembly]) -> list[Agent]:
    """The agents of this process's hosts, connected with the conductor."""
    kinds = [kind for each in assemblies for kind in each.hosts]
    agents = []
    for host in host_frames(frame.settings):
        address = None if host.fake else _own_address(frame.settings)
        link = InProcessLink(frame.conductor, host.name, frame.later(Contents), address)
        host = HostFrame(host.settings, host.name, host.number, host.folder, uplink=link)
        agent = _agent(link, host, kinds)
        for kind, bell in agent.bells.items():
            frame.registry.on_wake(host.name, kind, bell.ring)
        frame.conductor.connect(host.name, agent.ask)
        agents.append(agent)
    return agents


def joined(
    settings: Settings, membership: Membership, assemblies: Sequence[Assembly]
) -> tuple[Agent, DialledLink]:
    """The agent of a machine that joined, and its way to the control plane; both are run."""
    identity = Identity(settings.secrets_dir)

    def learned(nodes: list[str]) -> None:
        msgspec.structs.replace(membership, nodes=nodes).keep(settings.data_dir)

    link = DialledLink(
        [dialled(membership.url), *membership.nodes],
        identity,
        version=__version__,
        settings=settings.alike,
        learned=learned,
    )
    host = HostFrame(settings, membership.name, 0, settings.data_dir, joined=True, uplink=link)
    kinds = [kind for each in assemblies for kind in each.hosts if kind.joined]
    agent = _agent(link, host, kinds)
    types = {kind: part.item_type for kind, part in agent.parts.items()}
    link.bind(types, agent.ask, lambda kind: agent.bells[kind].ring())
    return agent, link


def _own_address(settings: Settings) -> str | None:
    """Where other hosts find this one, if that is the address where they dial in."""
    try:
        found = ipaddress.ip_address(settings.link_address[0])
    except ValueError:
        return None
    return None if found.is_loopback or found.is_unspecified else str(found)


def _agent(link: Link, host: HostFrame, kinds: Sequence[HostKind]) -> Agent:
    made = [(kind, kind.make(host)) for kind in kinds]
    parts = [part for _, part in made if part is not None]
    sweeps = {
        part.kind: FAKE_SWEEP if host.fake else kind.sweep
        for kind, part in made
        if part is not None
    }
    return Agent(
        host.name,
        link,
        parts,
        journals=host.folder / "agent",
        sweeps=sweeps,
        sample_seconds=host.settings.hosts.sample_seconds,
    )


def host_frames(settings: Settings) -> list[HostFrame]:
    """The hosts whose agents run in the control plane's process."""
    if not settings.fake:
        name = socket.gethostname() or "localhost"
        return [HostFrame(settings, name, 0, settings.data_dir)]
    count = settings.hosts.fake
    names = ["fake-host"] if count == 1 else [f"fake-{number + 1:04}" for number in range(count)]
    folder = settings.data_dir / "fake"
    return [HostFrame(settings, name, number, folder / name) for number, name in enumerate(names)]


async def stop(settings: Settings, assemblies: Sequence[Assembly], *, remove: bool) -> int:
    """Stop the guests of this machine while no control plane runs; how many there were. With
    `remove` their disks and all networks that Cumulo made go too."""
    # What is there counts, not what a setting says now.
    if settings.fake and not (settings.data_dir / "agent").exists():
        return 0
    settings = msgspec.structs.replace(settings, fake=False)
    stopped = 0
    for host in host_frames(settings):
        for kind in (kind for each in reversed(assemblies) for kind in each.hosts):
            if kind.stop is not None:
                stopped += await kind.stop(host, remove)
    return stopped
