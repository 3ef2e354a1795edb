"""The hosts of this process: one agent each, with every service's side of work on hosts.

On a machine with a data plane that is one host with real drivers. With `--fake` it is as many
simulated hosts as the settings ask for, the first of which also routes and stores.
"""

import socket
from collections.abc import Sequence

import msgspec

from cumulo.core.assembly import Assembly, Frame, HostFrame, HostKind
from cumulo.core.hosts.agent import Agent
from cumulo.core.hosts.link import InProcessLink
from cumulo.settings import Settings

FAKE_SWEEP = 60.0


def connect(frame: Frame, assemblies: Sequence[Assembly]) -> list[Agent]:
    """The agents of this process's hosts, connected with the conductor."""
    kinds = [kind for each in assemblies for kind in each.hosts]
    agents = []
    for host in host_frames(frame.settings, frame):
        agent = _agent(frame, host, kinds)
        for kind, bell in agent.bells.items():
            frame.registry.on_wake(host.name, kind, bell.ring)
        frame.conductor.connect(host.name, agent.ask)
        agents.append(agent)
    return agents


def _agent(frame: Frame, host: HostFrame, kinds: Sequence[HostKind]) -> Agent:
    made = [(kind, kind.make(host)) for kind in kinds]
    parts = [part for _, part in made if part is not None]
    sweeps = {
        part.kind: FAKE_SWEEP if host.fake else kind.sweep
        for kind, part in made
        if part is not None
    }
    link = InProcessLink(frame.conductor, host.name)
    return Agent(
        host.name,
        link,
        parts,
        journals=host.folder / "agent",
        sweeps=sweeps,
        sample_seconds=frame.settings.hosts.sample_seconds,
    )


def host_frames(settings: Settings, control: Frame | None = None) -> list[HostFrame]:
    """The hosts whose agents run in this process."""
    if not settings.fake:
        name = socket.gethostname() or "localhost"
        return [HostFrame(settings, name, 0, settings.data_dir, control)]
    count = settings.hosts.fake
    names = ["fake-host"] if count == 1 else [f"fake-{number + 1:04}" for number in range(count)]
    folder = settings.data_dir / "fake"
    return [
        HostFrame(settings, name, number, folder / name, control)
        for number, name in enumerate(names)
    ]


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
