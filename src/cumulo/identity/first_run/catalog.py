"""The catalog: the region, and each service with its aliases at the address where we listen."""

from collections.abc import Sequence

from cumulo.core.assembly import CatalogEntry
from cumulo.core.db.transaction import Database, Tx
from cumulo.identity.model.catalog import Interface
from cumulo.identity.service.identity import IdentityService
from cumulo.settings import Settings

INTERFACES: tuple[Interface, ...] = ("public", "internal", "admin")


class FirstCatalog:
    """Makes the region, and the services with their aliases at the address where we listen now."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        identity: IdentityService,
        entries: Sequence[CatalogEntry],
    ) -> None:
        self._settings = settings
        self._database = database
        self._identity = identity
        self._entries = entries

    async def make(self) -> None:
        if not self._settings.node.content:
            return  # the catalog has the address of the first control node, or of the balancer
        await self._database.write(self._make, name="first run: catalog")

    def _make(self, tx: Tx) -> None:
        settings, catalog = self._settings, self._identity.catalog
        if not catalog.regions.page(tx, where={}):
            catalog.create_region(tx, {"id": settings.region}, None)
        for entry in self._entries:
            name = entry.name or f"cumulo-{entry.type}"
            for kind in (entry.type, *entry.aliases):
                found = catalog.services.page(tx, where={"type": kind, "name": name})
                # As the first releases called it.
                old = f"cumulo-{entry.type}"
                former = catalog.services.page(tx, where={"type": kind, "name": old})
                if found:
                    service = found[0]
                elif former:
                    service = catalog.update_service(tx, former[0].id, {"name": name}, None)
                else:
                    service = catalog.create_service(tx, {"type": kind, "name": name}, None)
                _endpoints(tx, settings, self._identity, service.id, settings.base_url + entry.path)


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
