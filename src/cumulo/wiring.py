"""Builds the services in their order and connects them. It knows none of them by name.

`build` makes the services on top of a database; `Cloud.work` is what moves: the agents of this
process's hosts, the reconcilers, the services' own workers, the end of old history.
"""

import asyncio
import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from cumulo import __version__, hosting, order
from cumulo.core.assembly import AgentParts, Assembly, Frame, Principals, RotateKeys, Service
from cumulo.core.auth.policy import reload_rules
from cumulo.core.db.open import open_database
from cumulo.core.db.transaction import Database
from cumulo.core.events.history import Retention
from cumulo.core.hosts.agent import Agent
from cumulo.core.hosts.conductor import Conductor
from cumulo.core.hosts.registry import HostRegistry
from cumulo.core.http.application import Application, Authenticator
from cumulo.core.http.decisions import Decisions
from cumulo.core.http.front import Front
from cumulo.core.http.operator import operator_face
from cumulo.core.http.root import root_face
from cumulo.core.work.reconciler import ReconcilerLoop
from cumulo.settings import Settings


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
    agents: list[Agent]
    reconcilers: list[ReconcilerLoop] = field(default_factory=list)

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
            if service.first_run is not None:
                await service.first_run(hosts)

    async def work(self) -> None:
        """Agents, reconcilers and workers, until cancelled."""
        async with asyncio.TaskGroup() as group:
            running = [*self.agents, *self.reconcilers]
            for work in (each.run for each in running):
                group.create_task(work())
            for service in self.built:
                for worker in service.workers:
                    group.create_task(_until_cancelled(worker))
            group.create_task(reload_rules([face.rules for face in self.application.faces]))
            group.create_task(Retention(self.database, self.settings.history_days).run())

    def close(self) -> None:
        for service in self.built:
            if service.close is not None:
                service.close()
        self.database.close()


async def _until_cancelled(worker: Any) -> None:
    await worker()


def assemblies() -> list[Assembly]:
    """Of all services, in their order. Importing them declares every service's tables."""
    modules = (importlib.import_module(f"cumulo.{name}.assembly") for name in order.services())
    return [module.ASSEMBLY for module in modules]


def build(settings: Settings) -> Cloud:
    """All services on the settings' database; nothing moves yet."""
    all_of_them = assemblies()
    database, registry = open_database(settings), HostRegistry()
    conductor = Conductor(database, registry)
    catalog = [entry for each in all_of_them for entry in each.catalog]
    frame = Frame(settings, database, registry, conductor, catalog)
    built = {each.name: each.build(frame) for each in all_of_them}
    conductor.add(part for each in built.values() for part in each.parts)
    front = Front(settings.trusted_front)
    auth_url = f"{settings.base_url}/identity/v3"
    application = Application(database, frame.get(Authenticator), auth_url=auth_url, front=front)
    for face in (face for each in built.values() for face in each.faces):
        application.mount(face)
    counts = {noun: count for each in built.values() for noun, count in each.counts.items()}
    decisions = Decisions(lambda: application.faces, frame.get(Principals))
    application.mount(operator_face(registry, counts, decisions, frame.get(RotateKeys)))
    application.mount(root_face(application, settings.base_url, __version__))
    facades = {name: each.facade for name, each in built.items()}
    agents = hosting.connect(frame, all_of_them)
    services = SimpleNamespace(**facades)
    cloud = Cloud(settings, database, frame, [*built.values()], services, application, agents)
    for service in built.values():
        loops = [ReconcilerLoop(database, each) for each in service.reconcilers]
        cloud.reconcilers += loops
        if service.on_bells is not None:
            service.on_bells({loop.reconciler.name: loop.wakeup.ring for loop in loops})
    return cloud
