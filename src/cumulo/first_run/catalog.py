"""The catalog: the region, and each service with its aliases at the address where we listen."""

from cumulo.core.db.transaction import Tx
from cumulo.identity.model.catalog import Interface
from cumulo.identity.service.identity import IdentityService
from cumulo.settings import Settings
from cumulo.wiring import Cloud

# (name, official type, other types that clients look for, path below the base URL)
CATALOG: tuple[tuple[str, str, tuple[str, ...], str], ...] = (
    ("cumulo-identity", "identity", (), "/identity"),
    ("cumulo-image", "image", (), "/image"),
    ("cumulo-network", "network", (), "/network"),
    ("cumulo-placement", "placement", (), "/placement"),
    ("cumulo-compute", "compute", (), "/compute/v2.1"),
    (
        "cumulo-block-storage",
        "block-storage",
        ("volumev3", "block-store"),
        "/volume/v3/$(project_id)s",
    ),
)
INTERFACES: tuple[Interface, ...] = ("public", "internal", "admin")


async def make(cloud: Cloud) -> None:
    await cloud.database.write(
        lambda tx: _catalog(tx, cloud.settings, cloud.services.identity), name="first run: catalog"
    )


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
