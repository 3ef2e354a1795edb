"""The only file that knows every service: builds them and connects them.

`build` makes the services on top of a database; `Cloud.work` is what moves: the agents of this
process's hosts, the reconcilers, the end of old history.
"""

import asyncio
import functools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from cumulo import __version__, hosting
from cumulo.block_storage.api.face import block_storage_faces
from cumulo.block_storage.part import StoragePart
from cumulo.block_storage.policy import RULES as BLOCK_STORAGE_RULES
from cumulo.block_storage.service.block_storage import BlockStorageService
from cumulo.compute.api.face import compute_faces
from cumulo.compute.part import ComputePart
from cumulo.compute.policy import RULES as COMPUTE_RULES
from cumulo.compute.service.compute import ComputeService
from cumulo.compute.service.hosts import Ratios
from cumulo.core.auth.keyring import KeyRing
from cumulo.core.auth.passwords import Passwords
from cumulo.core.auth.policy import Rules, reload_rules
from cumulo.core.auth.tokens import TokenKeys
from cumulo.core.db import migrations
from cumulo.core.db.sqlite import SqliteDatabase
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.events.history import Retention
from cumulo.core.hosts import lineage
from cumulo.core.hosts.agent import Agent
from cumulo.core.hosts.conductor import Conductor, Part, WholePart
from cumulo.core.hosts.link import InProcessLink
from cumulo.core.hosts.registry import HostRegistry
from cumulo.core.http.application import Application
from cumulo.core.http.decisions import Decisions
from cumulo.core.http.front import Front
from cumulo.core.http.operations import Face
from cumulo.core.http.operator import operator_face
from cumulo.core.http.root import root_face
from cumulo.core.outbound.guard import Filter, Guard
from cumulo.core.outbound.guard import Limits as OutboundLimits
from cumulo.core.work.reconciler import Reconciler, ReconcilerLoop
from cumulo.hosting import Host
from cumulo.identity.api.face import identity_face
from cumulo.identity.drivers.directories import opener
from cumulo.identity.policy import RULES as IDENTITY_RULES
from cumulo.identity.policy import SCOPES as IDENTITY_SCOPES
from cumulo.identity.reconcile import DirectorySync, Expired
from cumulo.identity.service.federation.parties import OpenIdParty, Parties, SamlParty
from cumulo.identity.service.identity import IdentityService
from cumulo.identity.service.security import SecurityRules
from cumulo.image.api.face import image_face
from cumulo.image.drivers.file import FileDriver as ImageFiles
from cumulo.image.drivers.kinds import open_driver
from cumulo.image.drivers.rewrite import SubprocessRewriter
from cumulo.image.jobs import TaskRunner
from cumulo.image.policy import RULES as IMAGE_RULES
from cumulo.image.reconcile import CacheFill, ImageRemovals, InterruptedUploads
from cumulo.image.service.image import ImageService
from cumulo.image.service.imports import Rules as ImportRules
from cumulo.image.service.protection import Protection
from cumulo.image.service.stores import Store, Stores
from cumulo.image.service.uploads import Limits as ImageLimits
from cumulo.network.api.face import network_face
from cumulo.network.model.metadata import (
    MetadataHandler,
    MetadataRequest,
    MetadataResponse,
)
from cumulo.network.part import NetworkPart
from cumulo.network.policy import RULES as NETWORK_RULES
from cumulo.network.service.network import NetworkService
from cumulo.placement.api.face import placement_face
from cumulo.placement.policy import RULES as PLACEMENT_RULES
from cumulo.placement.service.placement import PlacementService
from cumulo.settings import BadSettings, Settings

log = logging.getLogger("cumulo")

STORE_OPTIONS = ("type", "description", "weight")
"""Of a store of images, whatever its type."""


@dataclass
class Services:
    """The services, by their names."""

    identity: IdentityService
    image: ImageService
    network: NetworkService
    placement: PlacementService
    block_storage: BlockStorageService
    compute: ComputeService


@dataclass
class Cloud:
    """One control plane process."""

    settings: Settings
    database: Database
    registry: HostRegistry
    conductor: Conductor
    services: Services
    application: Application
    reconcilers: list[ReconcilerLoop] = field(default_factory=list)
    agents: list[Agent] = field(default_factory=list)
    image_tasks: TaskRunner = field(init=False)

    def __post_init__(self) -> None:
        self.image_tasks = TaskRunner(self.database, self.services.image)
        self.services.image.tasks.ring = self.image_tasks.wakeup.ring

    async def work(self) -> None:
        """Agents and reconcilers, until cancelled."""
        async with asyncio.TaskGroup() as group:
            for agent in self.agents:
                group.create_task(agent.run())
            for loop in self.reconcilers:
                group.create_task(loop.run())
            group.create_task(self.image_tasks.run())
            group.create_task(reload_rules([face.rules for face in self.application.faces]))
            group.create_task(Retention(self.database, self.settings.history_days).run())

    def close(self) -> None:
        self.services.identity.passwords.close()
        self.database.close()


def engine_of(settings: Settings) -> Any:
    """The engine that the settings name."""
    url = settings.database.url
    if not url:
        path = settings.data_dir / "cumulo.db"
        return SqliteDatabase(path, durable=settings.database.durable_commits)
    from cumulo.core.db.postgresql import PostgresqlDatabase

    return PostgresqlDatabase(url, threads=settings.database.threads)


def open_database(settings: Settings) -> Any:
    """The same, with this release's schema."""
    database = engine_of(settings)
    migrations.prepare(database)
    return database


def build(settings: Settings) -> Cloud:
    """All services on the settings' database; nothing moves yet."""
    database = open_database(settings)
    registry = HostRegistry()
    lineage.start(database, registry, settings.data_dir)
    services = _services(settings, database, registry)
    parts: list[Part | WholePart] = [
        NetworkPart(services.network.hosts, services.network.ports),
        StoragePart(registry, services.block_storage.volumes, services.block_storage.snapshots),
        ComputePart(services.compute.servers, services.compute.hosts),
    ]
    conductor = Conductor(database, registry, parts)
    application = Application(
        database,
        services.identity,
        auth_url=f"{settings.base_url}/identity/v3",
        front=Front(settings.trusted_front),
    )
    for face in _faces(settings, services, database, conductor):
        application.mount(face)
    decisions = Decisions(lambda: application.faces, services.identity.principals)
    application.mount(
        operator_face(conductor, _counts(services), decisions, services.identity.keys.rotate)
    )
    application.mount(root_face(application, settings.base_url, __version__))
    cloud = Cloud(settings, database, registry, conductor, services, application)
    _add_hosts(cloud, hosting.hosts(settings, _metadata(database, services.compute)))
    cloud.reconcilers = [ReconcilerLoop(database, each) for each in _reconcilers(cloud)]
    bells = {loop.reconciler.name: loop.wakeup.ring for loop in cloud.reconcilers}
    services.identity.directories.ring = bells["directories"]
    services.image.contents.ring = bells["image removals"]
    services.image.cache.ring = bells["image cache"]
    return cloud


def _services(settings: Settings, database: Database, registry: HostRegistry) -> Services:
    """Each service, given the interfaces of those that it stands on."""
    identity = IdentityService(
        database,
        TokenKeys(settings.secrets_dir / "token-keys"),
        Passwords(rounds=settings.identity.password_rounds),
        msgspec.convert(msgspec.structs.asdict(settings.identity), SecurityRules),
        credential_keys=KeyRing(settings.secrets_dir / "credential-keys"),
        limit_model=settings.identity.limit_model,
        parties=_parties(settings),
        open_directory=opener(fakes=settings.fake),
        directory_sync_seconds=settings.identity.directory_sync_seconds,
    )
    image = _image(settings, database, identity)
    network = NetworkService(registry)
    placement = PlacementService()
    block_storage = BlockStorageService(registry, image.images)
    given = settings.compute
    compute = ComputeService(
        registry,
        placement=placement,
        images=image.images,
        network=network,
        volumes=block_storage,
        ratios=Ratios(
            given.cpu_allocation_ratio, given.ram_allocation_ratio, given.disk_allocation_ratio
        ),
    )
    return Services(identity, image, network, placement, block_storage, compute)


def _image(settings: Settings, database: Database, identity: IdentityService) -> ImageService:
    """Image on the stores that the settings name."""
    given, data = settings.image, settings.data_dir
    guard = Guard(settings.outbound.allowed_networks)
    stores = []
    for name, options in given.stores.items():
        own = {key: value for key, value in options.items() if key not in STORE_OPTIONS}
        try:
            driver = open_driver(str(options.get("type", "")), own, data, guard)
        except ValueError as error:
            raise BadSettings(f"[image.stores.{name}]: {error}") from None
        weight = options.get("weight", 0)
        stores.append(Store(name, driver, str(options.get("description", "")), weight))
    if given.default_store not in {each.name for each in stores if not each.read_only}:
        raise BadSettings(f"default_store: there is no writable store {given.default_store!r}")
    protection = Protection()
    if given.property_protection:
        path = data / given.property_protection
        try:
            protection = Protection(path.read_text(), given.property_protection_format)
        except (OSError, ValueError) as error:
            raise BadSettings(f"property_protection: {path}: {error}") from None
    cache = ImageFiles(data / "image-cache") if given.cache_gib else None
    staging = ImageFiles(data / "image-staging", open_to_guests=False)
    return ImageService(
        database,
        Stores(stores, given.default_store, staging=staging, cache=cache),
        ImageLimits(given.largest_image_gib, given.largest_disk_gib),
        cache_bytes=given.cache_gib << 30,
        unified=lambda tx, project: identity.limits_of(tx, "image", project, settings.region),
        protection=protection,
        rules=_import_rules(settings, identity),
        task_hours=given.task_hours,
    )


def _import_rules(settings: Settings, identity: IdentityService) -> ImportRules:
    given, web = settings.image, settings.image.web_download
    filter = Filter(
        web.allowed_schemes,
        web.disallowed_schemes,
        web.allowed_hosts,
        web.disallowed_hosts,
        web.allowed_ports,
        web.disallowed_ports,
    )

    def endpoint(tx: Tx, region: str, interface: str) -> str | None:
        """Where the image service of a region is, as the catalog says; "" is here."""
        for service in identity.catalog.view(tx, None):
            for each in service["endpoints"] if service["type"] == "image" else ():
                if (each["region"], each["interface"]) == (region, interface):
                    return "" if region == settings.region else str(each["url"])
        return None

    web_guard = Guard(
        settings.outbound.allowed_networks,
        filter=filter,
        limits=OutboundLimits(most_bytes=given.largest_image_gib << 30),
    )
    return ImportRules(
        methods=given.import_methods,
        guard=web_guard,
        convert_to=given.convert_to,
        decompress=given.decompress,
        inject=given.inject,
        inject_ignored_roles=given.inject_ignored_roles,
        secure_hash=given.secure_hash,
        show_locations=given.show_locations,
        show_direct_url=given.show_direct_url,
        endpoint=endpoint,
        rewriter=SubprocessRewriter(),
    )


def _parties(settings: Settings) -> Parties:
    """Those whom identity believes. Their drivers are large: they are imported when needed."""
    given = settings.identity
    openid: dict[str, OpenIdParty] = {}
    if given.openid:
        from cumulo.identity.drivers.openid import OpenIdProvider

        for name, client in given.openid.items():
            openid[name] = OpenIdProvider(**msgspec.structs.asdict(client))

    @functools.cache
    def saml() -> SamlParty:
        from cumulo.identity.drivers import saml as driver

        providers = {n: (each.metadata_file, each.entity_id) for n, each in given.saml.items()}
        base = f"{settings.base_url}/identity/v3/OS-FEDERATION"
        return driver.SamlParty(base, settings.secrets_dir, providers)

    return Parties(openid, frozenset(given.saml), saml, given.trusted_dashboards)


def _metadata(database: Database, compute: ComputeService) -> MetadataHandler:
    """What a guest is told at 169.254.169.254: network knows who asks, compute what to answer."""

    async def handle(request: MetadataRequest) -> MetadataResponse:
        def answer(tx: Tx) -> MetadataResponse:
            found = compute.metadata.answer(
                tx, request.device_id, request.method, request.path, request.body
            )
            return MetadataResponse(found.status, found.content_type, found.body)

        if request.method == "POST":
            return await database.write(answer, name="metadata password")
        return await database.read(answer)

    return handle


def _faces(
    settings: Settings, services: Services, database: Database, conductor: Conductor
) -> list[Face]:
    def rules(
        service: str, defaults: dict[str, str], scopes: dict[str, tuple[str, ...]] | None = None
    ) -> Rules:
        path = settings.data_dir / "policy" / f"{service}.yaml"
        return Rules(defaults, path=path, scopes=scopes)

    return [
        identity_face(
            services.identity,
            database,
            f"{settings.base_url}/identity",
            rules("identity", IDENTITY_RULES, IDENTITY_SCOPES),
        ),
        image_face(services.image, database, rules("image", IMAGE_RULES)),
        network_face(services.network, rules("network", NETWORK_RULES)),
        placement_face(services.placement, rules("placement", PLACEMENT_RULES)),
        *block_storage_faces(services.block_storage, rules("block_storage", BLOCK_STORAGE_RULES)),
        *compute_faces(services.compute, database, conductor, rules("compute", COMPUTE_RULES)),
    ]


def _counts(services: Services) -> dict[str, Callable[[Tx], int]]:
    """What `cumulo status` counts."""
    return {
        "images": services.image.images.count,
        "volumes": services.block_storage.volumes.count,
        **services.network.counts(),
    }


def _reconcilers(cloud: Cloud) -> Sequence[Reconciler]:
    return [
        Expired(cloud.database, cloud.services.identity.expiring),
        DirectorySync(cloud.services.identity.directories),
        ImageRemovals(cloud.database, cloud.services.image),
        InterruptedUploads(cloud.database, cloud.services.image),
        CacheFill(cloud.database, cloud.services.image),
    ]


def _add_hosts(cloud: Cloud, hosts: Sequence[Host]) -> None:
    """Connect the hosts whose agents run in this process."""
    for host in hosts:
        link = InProcessLink(cloud.conductor, host.id)
        agent = Agent(host.id, link, host.parts, journals=host.journals, sweeps=host.sweeps)
        for kind, bell in agent.bells.items():
            cloud.registry.on_wake(host.id, kind, bell.ring)
        cloud.conductor.connect(host.id, agent.ask)
        cloud.agents.append(agent)
