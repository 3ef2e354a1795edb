"""First-run content: what a new cloud has before anybody asks. Idempotent: run at each start.

Users, roles, regions, catalog, flavors, networks and the guest image are made through the same
verbs that clients use, each only when it is missing.
"""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cumulo.compute.agent import ComputeAgent
from cumulo.compute.service.compute import ComputeService
from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.ids import child_id
from cumulo.identity.model.catalog import Interface
from cumulo.identity.model.domain import DEFAULT_DOMAIN_ID, DomainRow
from cumulo.identity.model.project import ProjectRow
from cumulo.identity.model.role import SYSTEM
from cumulo.identity.model.user import UserRow
from cumulo.identity.service.identity import IdentityService
from cumulo.image.model.image import ImageRow, RemovalRow
from cumulo.image.service.image import ImageService
from cumulo.settings import Settings
from cumulo.wiring import Cloud

ROLES = ("admin", "manager", "member", "reader", "service")
IMPLIED = (("admin", "manager"), ("manager", "member"), ("member", "reader"))

# (name, official type, other types that clients look for, path below the base URL)
CATALOG: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    ("cumulo-identity", "identity", (), "/identity"),
    ("cumulo-image", "image", (), "/image"),
    ("cumulo-compute", "compute", (), "/compute/v2.1"),
    ("cumulo-placement", "placement", (), "/placement"),
)
# (name, processors, MiB of memory, GiB of disk)
FLAVORS = (
    ("m1.nano", 1, 128, 1),
    ("m1.micro", 1, 192, 1),
    ("m1.tiny", 1, 512, 1),
    ("m1.small", 1, 2048, 20),
    ("m1.medium", 2, 4096, 40),
    ("m1.large", 4, 8192, 80),
)
FLAVOR_IDS = ("42", "84", "1", "2", "3", "4")
GUEST_IMAGE = "cumulo-guest"
GUEST_PROPERTIES = {
    "os_admin_user": "cumulo",
    "os_distro": "debian",
    "os_type": "linux",
    "hw_disk_bus": "virtio",
    "hw_vif_model": "virtio",
    "hw_rng_model": "virtio",
    "hw_qemu_guest_agent": "yes",
    "hw_architecture": "x86_64",
}
INTERFACES: tuple[Interface, ...] = ("public", "internal", "admin")


@dataclass(frozen=True, slots=True)
class Account:
    """A user of the first run, with the file that holds its password."""

    name: str
    project: str
    role: str
    password_file: Path

    def password(self) -> str:
        """The password in the file, which only its owner reads; made at the first time."""
        path = self.password_file
        if not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary = path.with_suffix(".new")
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(18) + "\n")
            temporary.replace(path)
        return path.read_text().strip()


def accounts(settings: Settings) -> list[Account]:
    return [
        Account("admin", "admin", "admin", settings.secrets_dir / "admin-password"),
        Account("demo", "demo", "member", settings.secrets_dir / "demo-password"),
    ]


async def make(cloud: Cloud) -> None:
    """Make what is missing."""
    settings = cloud.settings
    passwords = [account.password() for account in accounts(settings)]
    missing = await cloud.database.read(lambda tx: _missing_users(tx, cloud.services.identity))
    hashes: dict[str, str] = {}
    if missing:
        hash_one = cloud.services.identity.passwords.hash
        made = await asyncio.gather(*(hash_one(password) for password in passwords))
        names = (account.name for account in accounts(settings))
        hashes = dict(zip(names, made, strict=True))
    await cloud.database.write(
        lambda tx: _identity(tx, settings, cloud.services.identity, hashes),
        name="first run: identity",
    )
    await image_content(cloud)
    await cloud.database.write(lambda tx: _compute(tx, cloud), name="first run: compute")


def _compute(tx: Tx, cloud: Cloud) -> None:
    """Flavors, and the hosts whose agents run in this process."""
    for agent in cloud.agents:
        cloud.registry.register(tx, agent.host_id, list(agent.parts))
    compute = cloud.services.compute
    if compute is None:
        return
    compute_content(tx, compute)
    for agent in cloud.agents:
        part = agent.parts.get("compute")
        if isinstance(part, ComputeAgent):
            compute.hosts.register(tx, agent.host_id, part.resources)


def compute_content(tx: Tx, compute: ComputeService) -> None:
    for number, (name, vcpus, ram, disk) in enumerate(FLAVORS):
        if compute.flavors.find(tx, name) is None:
            wishes = {"name": name, "vcpus": vcpus, "ram": ram, "disk": disk}
            # Devstack's numbers: scripts know them.
            compute.flavors.create(tx, {**wishes, "id": FLAVOR_IDS[number]}, None)


async def image_content(cloud: Cloud) -> None:
    """The guest image, public; a made-up one where nothing runs in earnest."""
    image, who = cloud.services.image, await cloud.database.read(partial(_operator, cloud))
    fake, path = cloud.settings.fake, cloud.settings.guest_image
    if not fake and not path.exists():
        return
    row = await cloud.database.write(
        lambda tx: _guest_image(tx, image, who, "raw" if fake else "qcow2"),
        name="first run: image",
    )
    if row is not None and row.content == "none":
        body = _made_up() if fake else _pieces(path)
        await image.uploads.receive(row.id, body, who, lambda tx, row: None)


def _operator(cloud: Cloud, tx: Tx) -> Principal:
    """First-run content is the administrator's."""
    identity = cloud.services.identity
    user = identity.users.find(tx, "admin", DEFAULT_DOMAIN_ID)
    project = identity.projects.find(tx, "admin", DEFAULT_DOMAIN_ID)
    assert user is not None and project is not None
    return Principal(
        user_id=user.id,
        user_name=user.name,
        user_domain_id=DEFAULT_DOMAIN_ID,
        project_id=project.id,
        project_name=project.name,
        roles=("admin", "manager", "member", "reader"),
    )


def _guest_image(tx: Tx, image: ImageService, who: Principal, disk_format: str) -> ImageRow | None:
    """The row, ready for its bytes; None while those of an earlier one wait for their removal."""
    image_id = child_id("cumulo", "image", GUEST_IMAGE)
    found = tx.get(ImageRow, image_id)
    if found is not None and found.upload_id is not None:
        # No process is at it: an earlier start was killed while it copied.
        image.uploads.take_back(tx, image_id, found.upload_id, "the upload was interrupted")
        return tx.get(ImageRow, image_id)
    if found is not None or tx.get(RemovalRow, image_id) is not None:
        return found
    attributes = {
        "id": image_id,
        "name": GUEST_IMAGE,
        "visibility": "public",
        "disk_format": disk_format,
        "container_format": "bare",
        "min_ram": 96,
    }
    return image.images.create(tx, attributes, GUEST_PROPERTIES, who.project_id, who)


async def _made_up() -> AsyncIterator[bytes]:
    yield bytes(64 * 1024)


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    with path.open("rb") as file:
        while piece := await asyncio.to_thread(file.read, 1024 * 1024):
            yield piece


def _missing_users(tx: Tx, identity: IdentityService) -> bool:
    return any(
        identity.users.find(tx, name, DEFAULT_DOMAIN_ID) is None for name in ("admin", "demo")
    )


def _identity(
    tx: Tx, settings: Settings, identity: IdentityService, hashes: dict[str, str]
) -> None:
    if tx.get(DomainRow, DEFAULT_DOMAIN_ID) is None:
        wishes = {"name": "Default", "description": "The default domain"}
        identity.domains.create(tx, wishes, None, id=DEFAULT_DOMAIN_ID)
    for name in ROLES:
        if identity.roles.find(tx, name) is None:
            identity.roles.create(tx, {"name": name}, None)
    for prior, implied in IMPLIED:
        first, second = identity.roles.find(tx, prior), identity.roles.find(tx, implied)
        assert first is not None and second is not None
        identity.roles.imply(tx, first, second)
    for account in accounts(settings):
        _account(tx, identity, account, hashes)
    _catalog(tx, settings, identity)


def _account(tx: Tx, identity: IdentityService, account: Account, hashes: dict[str, str]) -> None:
    project = identity.projects.find(tx, account.project, DEFAULT_DOMAIN_ID)
    if project is None:
        wishes = {"name": account.project, "description": f"The {account.project} project"}
        project = identity.projects.create(tx, wishes, None)
    user = identity.users.find(tx, account.name, DEFAULT_DOMAIN_ID)
    if user is None:
        wishes = {"name": account.name, "default_project_id": project.id}
        user = identity.users.create(tx, wishes, hashes[account.name], None)
    _grant(tx, identity, account.role, user, project)
    if account.role == "admin":
        role = identity.roles.find(tx, "admin")
        assert role is not None
        identity.roles.grant(tx, role.id, user.id, "system", SYSTEM, None)
        identity.roles.grant(tx, role.id, user.id, "domain", DEFAULT_DOMAIN_ID, None)


def _grant(
    tx: Tx, identity: IdentityService, name: str, user: UserRow, project: ProjectRow
) -> None:
    role = identity.roles.find(tx, name)
    assert role is not None
    identity.roles.grant(tx, role.id, user.id, "project", project.id, None)


def _catalog(tx: Tx, settings: Settings, identity: IdentityService) -> None:
    """The region, and the services with their aliases at the address where we listen now."""
    catalog = identity.catalog
    if not catalog.regions.page(tx, where={}):
        catalog.create_region(tx, {"id": settings.region}, None)
    for name, official, aliases, path in CATALOG:
        for kind in (official, *aliases):
            found = catalog.services.page(tx, where={"type": kind, "name": name})
            if found:
                service = found[0]
            else:
                wishes = {"type": kind, "name": name}
                service = catalog.create_service(tx, wishes, None)
            _endpoints(tx, settings, identity, service.id, settings.base_url + path)


def _endpoints(
    tx: Tx, settings: Settings, identity: IdentityService, service_id: str, url: str
) -> None:
    catalog = identity.catalog
    known = {
        row.interface: row for row in catalog.endpoints.page(tx, where={"service_id": service_id})
    }
    for interface in INTERFACES:
        row = known.get(interface)
        if row is None:
            wishes = {
                "service_id": service_id,
                "region_id": settings.region,
                "interface": interface,
                "url": url,
            }
            catalog.create_endpoint(tx, wishes, None)
        elif row.url != url and row.extra.get("cumulo", True):
            tx.update(row, url=url)
            tx.after_commit(catalog.forget)
