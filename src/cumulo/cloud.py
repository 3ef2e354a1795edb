"""One control plane process: its services, and what moves in it."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from cumulo import __version__
from cumulo.core.assembly import AgentParts, Frame, Service
from cumulo.core.auth.policy import reload_rules
from cumulo.core.blobs.content import Contents
from cumulo.core.db.transaction import Database, DatabaseAway
from cumulo.core.events.consumers import ConsumerLoop
from cumulo.core.events.retention import Retention
from cumulo.core.hosts import lineage
from cumulo.core.hosts.agent import Agent
from cumulo.core.hosts.conductor import Conductor
from cumulo.core.hosts.registry import HostRegistry
from cumulo.core.http import texts
from cumulo.core.http.application import Application
from cumulo.core.nodes.connected import Connected
from cumulo.core.work.reconciler import ReconcilerLoop
from cumulo.core.work.runner import JobRunner
from cumulo.settings import Settings

log = logging.getLogger("cumulo")

NOTE_SECONDS = 5.0
DRAIN_SECONDS = 5.0
"""For answers to other control nodes that are on their way when this one ends."""


class NodeRemoved(Exception):
    """An operator has removed this control node."""


async def _looked(look: Callable[[], Coroutine[Any, Any, None]]) -> None:
    try:
        await look()
    except Exception as error:  # the database is away: who was removed is refused when it dials
        log.warning("who was removed could not be looked at: %s", error)


@dataclass
class Cloud:
    """One control plane process."""

    settings: Settings
    database: Database
    frame: Frame
    built: Sequence[Service]
    services: Any
    """Each service's facade, by its name."""
    application: Application
    connected: Connected
    agents: list[Agent]
    reconcilers: list[ReconcilerLoop] = field(default_factory=list)
    door: Any = None
    """The other control nodes' way in, once there may be any."""

    @property
    def registry(self) -> HostRegistry:
        return self.frame.registry

    @property
    def conductor(self) -> Conductor:
        return self.frame.conductor

    async def first_run(self) -> None:
        """Make what a new cloud has and this one lacks."""
        hosts = [AgentParts(agent.host_id, agent.parts) for agent in self.agents]
        await self.database.write(
            lambda tx: [self.registry.register(tx, h.host_id, list(h.parts)) for h in hosts],
            name="first run: hosts",
        )
        for service in self.built:
            if service.first_run is not None and (
                self.frame.nodes.content or not service.has_files
            ):
                await service.first_run(hosts)

    async def work(self) -> None:
        """Agents, reconcilers, jobs and workers, until cancelled."""
        nodes = self.frame.nodes
        self.connected.run_on(asyncio.get_running_loop())
        async with asyncio.TaskGroup() as group:
            group.create_task(nodes.leases.run())
            group.create_task(self._end_when_removed())
            group.create_task(nodes.shared.run())
            for agent in self.agents:
                group.create_task(agent.run())
            for loop in self.reconcilers:
                group.create_task(loop.run())
            for service in self.built:
                for consumer in service.consumers:
                    group.create_task(ConsumerLoop(self.database, consumer).run())
                if nodes.content or not service.has_files:
                    for worker in service.workers:
                        group.create_task(worker())
            group.create_task(self._admit_hosts())
            group.create_task(self.application.load.run())
            jobs = JobRunner(
                self.database,
                self.frame.jobs,
                content=nodes.content,
                ahead=lambda: nodes.leases.ahead,
            )
            group.create_task(jobs.run())
            group.create_task(reload_rules([face.rules for face in self.application.faces]))
            group.create_task(Retention(self.database, self.settings.history_days).run())
            group.create_task(self._note_how_far())

    async def _note_how_far(self) -> None:
        """So that an older copy of the database is known for one, at once or at the next start."""
        watch = lineage.Watch(
            self.database, self.frame.registry, self.settings.data_dir, texts.forget_all
        )
        while True:
            await asyncio.sleep(NOTE_SECONDS)
            try:
                await watch.look()
            except Exception as error:  # the database is away: later
                log.info("how far the database is was not noted: %s", error)

    async def _admit_hosts(self) -> None:
        """Hosts on other machines, from when the first one is expected: until then nothing
        listens, and none of it is loaded."""
        machines, nodes = self.frame.machines, self.frame.nodes
        while not machines.needed.is_set():
            try:
                if await self.database.read(lambda tx: machines.expected(tx) or nodes.expected(tx)):
                    break
                await machines.needed.wait()
            except DatabaseAway:  # it is told by the database itself
                await asyncio.sleep(NOTE_SECONDS)
        from cumulo.core.hosts.gate import Gate
        from cumulo.core.nodes.door import Door

        contents = self.frame.later(Contents)
        door = Door(nodes, self.conductor, contents, self.application.asgi)
        gate = Gate(
            self.conductor,
            machines,
            self.settings.link_address,
            version=__version__,
            contents=contents,
            alike=self.settings.alike,
            others=door if nodes.grown else None,
            places=nodes.places,
        )
        self.door = door
        loop = asyncio.get_running_loop()

        def later(look: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
            def heard() -> None:
                asyncio.run_coroutine_threadsafe(_looked(look), loop)

            return heard

        machines.on_changed, nodes.on_changed = later(gate.look_again), later(door.look_again)
        for announcement in (machines.changed, nodes.changed):
            self.database.subscribe(announcement)
        await gate.run()

    async def _end_when_removed(self) -> None:
        await self.frame.nodes.leases.removed.wait()
        raise NodeRemoved

    async def drain(self) -> None:
        """This process is about to end. Where there are others they get its work at once, and
        balancers some time to send requests there."""
        leases = self.frame.nodes.leases
        self.application.health.draining = True
        await leases.leave()
        if leases.others:
            log.info("%.0f s for balancers", self.settings.node.drain_seconds)
            await asyncio.sleep(self.settings.node.drain_seconds)
        end = asyncio.get_running_loop().time() + DRAIN_SECONDS
        while self.door is not None and self.door.at_work:
            # Other nodes' requests for files.
            if asyncio.get_running_loop().time() > end:
                break
            await asyncio.sleep(0.1)

    def close(self) -> None:
        with contextlib.suppress(Exception):  # the database may be away, and it is a note only
            lineage.note(self.database, self.settings.data_dir)
        for service in self.built:
            if service.close is not None:
                service.close()
        self.connected.close()
        self.database.close()
