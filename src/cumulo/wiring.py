"""Builds the services in their order and connects them. It knows none of them by name."""

import importlib
from types import SimpleNamespace
from typing import Any

import msgspec

from cumulo import __version__, hosting, order
from cumulo.cloud import Cloud
from cumulo.core.assembly import Assembly, Frame, Principals, RotateKeys, UserNames
from cumulo.core.db import migrations
from cumulo.core.db.engines import Engine, engine_of
from cumulo.core.events.history import let_turns_grow
from cumulo.core.hosts import lineage
from cumulo.core.hosts.conductor import Conductor
from cumulo.core.hosts.registry import HostRegistry
from cumulo.core.http.admission import Authenticator
from cumulo.core.http.application import Application
from cumulo.core.http.decisions import Decisions
from cumulo.core.http.front import Front
from cumulo.core.http.load import LoadLimits
from cumulo.core.http.operator import operator_face
from cumulo.core.http.root import root_face
from cumulo.core.http.watched import watch_clocks, watch_hosts, watch_reconcilers
from cumulo.core.nodes.connected import Connected
from cumulo.settings import Settings


def assemblies() -> list[Assembly]:
    """Of all services, in their order. Importing them declares every service's tables."""
    modules = (importlib.import_module(f"cumulo.{name}.assembly") for name in order.services())
    return [module.ASSEMBLY for module in modules]


def open_database(settings: Settings, *, foreign: bool = False, engine: Engine = engine_of) -> Any:
    """The settings' database, with this release's schema. Raises ForeignDatabase for another
    cloud's, unless it is `foreign` on purpose."""
    assemblies()
    database = engine(settings)
    if not foreign:
        lineage.refuse_foreign(database, settings.data_dir, settings.secrets_dir)
    migrations.prepare(database)
    database.write_now(let_turns_grow, name="turns of events")
    return database


def build(settings: Settings, *, offline: bool = False, engine: Engine = engine_of) -> Cloud:
    """All services on the settings' database; nothing moves yet. `offline`: for the command line,
    without hosts, and whosever database it is."""
    all_of_them = assemblies()
    database, registry = open_database(settings, foreign=offline, engine=engine), HostRegistry()
    lineage.start(database, registry, settings.data_dir)
    conductor = Conductor(database, registry)
    frame = Frame(settings, database, registry, conductor, all_of_them)
    if not offline:
        frame.nodes.shared.alike()
    connected = Connected(frame)
    built = {each.name: each.build(frame) for each in all_of_them}
    if not offline:
        frame.nodes.shared.alike()  # with the keys that were made just now
    conductor.add(part for each in built.values() for part in each.parts)
    application = Application(
        database,
        frame.get(Authenticator),
        auth_url=f"{settings.base_url}/identity/v3",
        front=Front(settings.trusted_front),
        limits=msgspec.convert(msgspec.structs.asdict(settings.load), LoadLimits),
    )
    for face in (face for each in built.values() for face in connected.faces(each)):
        application.mount(face)
    counts = {noun: count for each in built.values() for noun, count in each.counts.items()}
    faults = {name: each.faults for name, each in built.items() if each.faults is not None}
    policy = settings.data_dir / "policy"
    decisions = Decisions(lambda: application.faces, frame.get(Principals), policy)
    rotate, names = frame.get(RotateKeys), frame.get(UserNames)
    hosts = (frame.machines, frame.nodes, settings.link_address)
    application.mount(
        operator_face(conductor, *hosts, counts, decisions, rotate, frame.feed, names, faults)
    )
    application.mount(root_face(application, settings.base_url, __version__))
    application.mount(application.health.face())
    frame.caller.bind(application.execution, application.operations_at, settings.base_url)
    facades = {name: each.facade for name, each in built.items()}
    agents = hosting.connect(frame, all_of_them) if settings.node.content and not offline else []
    services = SimpleNamespace(**facades)
    cloud = Cloud(
        settings, database, frame, [*built.values()], services, application, connected, agents
    )
    for service in built.values():
        loops = connected.loops(service)
        cloud.reconcilers += loops
        if service.on_bells is not None:
            service.on_bells({loop.reconciler.name: loop.ring for loop in loops})
    connected.listen()
    watch_reconcilers(application.metrics, application.health, cloud.reconcilers)
    watch_hosts(application.health, registry)
    watch_clocks(application.health, frame.nodes)
    return cloud
