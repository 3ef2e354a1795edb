"""The catalog: regions, services and endpoints, and the view of them that a token carries."""

import time
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.core.auth.principal import Principal
from cumulo.core.db.announcements import Announcement
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, Forbidden, NotFound
from cumulo.core.ids import new_hex
from cumulo.core.wire.shapes import Unset
from cumulo.identity.model.catalog import EndpointRow, Interface, RegionRow, ServiceRow
from cumulo.identity.queries import catalog as queries
from cumulo.identity.service.endpoint_filters import EndpointFilters
from cumulo.identity.service.extras import given, split

Text255 = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


Url = Annotated[str, msgspec.Meta(min_length=1, max_length=2048, pattern=r"^[a-zA-Z0-9+.\-]+:.+")]


class RegionWishes(msgspec.Struct):
    id: Text255 | Unset | None = UNSET
    parent_region_id: str | Unset | None = UNSET
    description: str | Unset | None = UNSET


class ServiceWishes(msgspec.Struct):
    type: Text255 | Unset = UNSET
    name: str | Unset | None = UNSET
    description: str | Unset | None = UNSET
    enabled: bool | Unset = UNSET


class EndpointWishes(msgspec.Struct):
    service_id: str | Unset = UNSET
    region_id: str | Unset | None = UNSET
    region: str | Unset | None = UNSET
    interface: Interface | Unset = UNSET
    url: Url | Unset = UNSET
    enabled: bool | Unset = UNSET


class Catalog:
    regions = queries.REGIONS
    services = queries.SERVICES
    endpoints = queries.ENDPOINTS

    def __init__(self, filters: EndpointFilters) -> None:
        self._filters = filters
        self._views: dict[str | None, list[dict[str, Any]]] = {}
        self._forgot = 0.0
        self.forget = Announcement("catalog", self._forget)

    def view(self, tx: Tx, project_id: str | None) -> list[dict[str, Any]]:
        """The catalog as tokens carry it; kept until an endpoint or service changes."""
        found = self._views.get(project_id)
        if found is None:
            found = self._build(tx, project_id)
            if len(self._views) > 10_000:
                self._views.clear()
            if tx.began > self._forgot:  # or it may show what is not so any more
                self._views[project_id] = found
        return found

    def url(self, tx: Tx, service_type: str, region: str, interface: str) -> str | None:
        """Where a service of that type is, as the catalog says."""
        for service in self.view(tx, None):
            for each in service["endpoints"] if service["type"] == service_type else ():
                if (each["region"], each["interface"]) == (region, interface):
                    return str(each["url"])
        return None

    def _forget(self) -> None:
        self._forgot = time.monotonic()
        self._views.clear()

    def _build(self, tx: Tx, project_id: str | None) -> list[dict[str, Any]]:
        shown = self._filters.endpoints_of_project(tx, project_id) if project_id else []
        ids = {row.id for row in shown}
        endpoints: dict[str, list[dict[str, Any]]] = {}
        for row in tx.all(queries.ENABLED_ENDPOINTS):
            if ids and row.id not in ids:
                continue
            if "_id)s" in row.url:
                if project_id is None:
                    continue
                url = row.url
                for name in ("$(project_id)s", "%(project_id)s", "$(tenant_id)s", "%(tenant_id)s"):
                    url = url.replace(name, project_id)
            else:
                url = row.url
            endpoints.setdefault(row.service_id, []).append(
                {
                    "id": row.id,
                    "interface": row.interface,
                    "region_id": row.region_id,
                    "region": row.region_id,
                    "url": url,
                }
            )
        return [
            {
                "endpoints": endpoints.get(row.id, []),
                "id": row.id,
                "type": row.type,
                "name": row.name or "",
            }
            for row in tx.all(queries.ENABLED_SERVICES)
            if not ids or row.id in endpoints
        ]

    # Regions

    def region(self, tx: Tx, region_id: str) -> RegionRow:
        found = tx.get(RegionRow, region_id)
        if found is None:
            raise NotFound(f"Could not find region: {region_id}.")
        return found

    def create_region(self, tx: Tx, wishes: Mapping[str, Any], who: Principal | None) -> RegionRow:
        wanted, extra = split(wishes, RegionWishes, "region")
        region_id = wanted.id or new_hex()
        if tx.get(RegionRow, region_id) is not None:
            raise Conflict(
                f"Conflict occurred attempting to store region - Duplicate ID, {region_id}."
            )
        parent = wanted.parent_region_id or None
        if parent is not None:
            self.region(tx, parent)
        row = RegionRow(region_id, parent, wanted.description or "", extra)
        tx.insert(row)
        emit(tx, "identity.region.create", row.id, principal=who)
        return row

    def update_region(
        self, tx: Tx, region_id: str, wishes: Mapping[str, Any], who: Principal
    ) -> RegionRow:
        row = self.region(tx, region_id)
        wanted, extra = split(wishes, RegionWishes, "region")
        changes = given(wanted, "parent_region_id")
        if wanted.parent_region_id:
            parent = self.region(tx, wanted.parent_region_id).id
            if parent == row.id or parent in self._regions_below(tx, row.id):
                raise BadRequest(
                    f"The specified parent region {parent} would create a circular region "
                    "hierarchy."
                )
        if wanted.description is not UNSET:
            changes["description"] = wanted.description or ""
        if extra:
            changes["extra"] = {**row.extra, **extra}
        row = tx.update(row, **changes)
        emit(tx, "identity.region.update", row.id, principal=who)
        return row

    def delete_region(self, tx: Tx, region_id: str, who: Principal) -> None:
        row = self.region(tx, region_id)
        below = self._regions_below(tx, region_id)
        if any(
            queries.ENDPOINTS.page(tx, where={"region_id": id}, limit=1) for id in (row.id, *below)
        ):
            raise Forbidden(
                f"Unable to delete region {region_id} because it or its child regions have "
                "associated endpoints."
            )
        for child in reversed(below):
            tx.delete(self.region(tx, child))
        tx.delete(row)
        emit(tx, "identity.region.delete", row.id, principal=who)

    def _regions_below(self, tx: Tx, region_id: str) -> list[str]:
        """Parents come before their children."""
        below = [region_id]
        for id in below:
            children = queries.REGIONS.page(tx, where={"parent_region_id": id})
            below.extend(child.id for child in children)
        return below[1:]

    # Services

    def service(self, tx: Tx, service_id: str) -> ServiceRow:
        found = tx.get(ServiceRow, service_id)
        if found is None:
            raise NotFound(f"Could not find service: {service_id}.")
        return found

    def create_service(
        self, tx: Tx, wishes: Mapping[str, Any], who: Principal | None
    ) -> ServiceRow:
        wanted, extra = split(wishes, ServiceWishes, "service")
        if wanted.type is UNSET:
            raise BadRequest("Invalid input for service: 'type' is a required property")
        row = ServiceRow(
            id=new_hex(),
            type=wanted.type,
            name=None if wanted.name is UNSET else wanted.name,
            description=None if wanted.description is UNSET else wanted.description,
            enabled=wanted.enabled is not False,
            extra=extra,
        )
        tx.insert(row)
        emit(tx, "identity.service.create", row.id, principal=who, name=row.type)
        tx.after_commit(self.forget)
        return row

    def update_service(
        self, tx: Tx, service_id: str, wishes: Mapping[str, Any], who: Principal | None
    ) -> ServiceRow:
        row = self.service(tx, service_id)
        wanted, extra = split(wishes, ServiceWishes, "service")
        changes = given(wanted, "type", "name", "description", "enabled")
        if extra:
            changes["extra"] = {**row.extra, **extra}
        row = tx.update(row, **changes)
        emit(tx, "identity.service.update", row.id, principal=who)
        tx.after_commit(self.forget)
        return row

    def delete_service(self, tx: Tx, service_id: str, who: Principal) -> None:
        row = self.service(tx, service_id)
        tx.delete(row)
        emit(tx, "identity.service.delete", row.id, principal=who)
        tx.after_commit(self.forget)

    # Endpoints

    def endpoint(self, tx: Tx, endpoint_id: str) -> EndpointRow:
        found = tx.get(EndpointRow, endpoint_id)
        if found is None:
            raise NotFound(f"Could not find endpoint: {endpoint_id}.")
        return found

    def create_endpoint(
        self, tx: Tx, wishes: Mapping[str, Any], who: Principal | None
    ) -> EndpointRow:
        wanted, extra = split(wishes, EndpointWishes, "endpoint")
        if wanted.service_id is UNSET or wanted.interface is UNSET or wanted.url is UNSET:
            raise BadRequest(
                "Invalid input for endpoint: 'service_id', 'interface' and 'url' are required"
            )
        self._refuse_unknown_service(tx, wanted.service_id)
        _check_url(wanted.url)
        row = EndpointRow(
            id=new_hex(),
            service_id=wanted.service_id,
            region_id=self._region_of(tx, wanted),
            interface=wanted.interface,
            url=wanted.url,
            enabled=wanted.enabled is not False,
            extra=extra,
        )
        tx.insert(row)
        emit(tx, "identity.endpoint.create", row.id, principal=who)
        tx.after_commit(self.forget)
        return row

    def _refuse_unknown_service(self, tx: Tx, service_id: str) -> None:
        if tx.get(ServiceRow, service_id) is None:
            raise BadRequest(f"Could not find service: {service_id}.")

    def _region_of(self, tx: Tx, wanted: EndpointWishes) -> str | None:
        """The region that was asked for; the old attribute `region` makes a missing one."""
        if wanted.region_id:
            if tx.get(RegionRow, wanted.region_id) is None:
                raise BadRequest(f"Could not find region: {wanted.region_id}.")
            return wanted.region_id
        if wanted.region:
            tx.insert(RegionRow(wanted.region, None, "", {}), ignore_duplicate=True)
            return wanted.region
        return None

    def update_endpoint(
        self, tx: Tx, endpoint_id: str, wishes: Mapping[str, Any], who: Principal
    ) -> EndpointRow:
        row = self.endpoint(tx, endpoint_id)
        wanted, extra = split(wishes, EndpointWishes, "endpoint")
        if wanted.service_id is not UNSET:
            self._refuse_unknown_service(tx, wanted.service_id)
        if wanted.url is not UNSET:
            _check_url(wanted.url)
        changes = given(wanted, "service_id", "interface", "url", "enabled")
        if wanted.region_id is not UNSET or wanted.region is not UNSET:
            changes["region_id"] = self._region_of(tx, wanted)
        if extra:
            changes["extra"] = {**row.extra, **extra}
        row = tx.update(row, **changes)
        emit(tx, "identity.endpoint.update", row.id, principal=who)
        tx.after_commit(self.forget)
        return row

    def delete_endpoint(self, tx: Tx, endpoint_id: str, who: Principal) -> None:
        row = self.endpoint(tx, endpoint_id)
        tx.delete(row)
        emit(tx, "identity.endpoint.delete", row.id, principal=who)
        tx.after_commit(self.forget)


def _check_url(url: str) -> None:
    """400 for a placeholder that the catalog cannot fill in."""
    try:
        url.replace("$(", "%(") % {"project_id": "", "tenant_id": ""}
    except (KeyError, TypeError, ValueError):
        raise BadRequest(f"Cannot create an endpoint with an invalid URL: {url}.") from None
