"""Regions, services and endpoints on the wire: identity API v3."""

from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation
from cumulo.identity.api.envelope import Wrapped, filters, listed, matching, self_link, unwrapped
from cumulo.identity.model.catalog import EndpointRow, RegionRow, ServiceRow
from cumulo.identity.service.identity import IdentityService


def region_body(call: Call, row: RegionRow) -> dict[str, Any]:
    return {
        **row.extra,
        "id": row.id,
        "description": row.description,
        "parent_region_id": row.parent_region_id,
        "links": self_link(call, "regions", row.id),
    }


def service_body(call: Call, row: ServiceRow) -> dict[str, Any]:
    body = {
        **row.extra,
        "id": row.id,
        "type": row.type,
        "name": row.name or "",
        "enabled": row.enabled,
        "links": self_link(call, "services", row.id),
    }
    if row.description is not None:
        body["description"] = row.description
    return body


def endpoint_body(call: Call, row: EndpointRow) -> dict[str, Any]:
    return {
        **row.extra,
        "id": row.id,
        "service_id": row.service_id,
        "region_id": row.region_id,
        "region": row.region_id,
        "interface": row.interface,
        "url": row.url,
        "enabled": row.enabled,
        "links": self_link(call, "endpoints", row.id),
    }


class CatalogApi:
    def __init__(self, identity: IdentityService) -> None:
        self._catalog = identity.catalog

    def operations(self) -> list[Operation]:
        made = []
        for noun in ("region", "service", "endpoint"):
            many, one = f"/v3/{noun}s", f"/v3/{noun}s/{{id}}"
            made += [
                Operation(
                    "GET", many, getattr(self, f"list_{noun}s"), policy=f"identity:list_{noun}s"
                ),
                Operation(
                    "POST",
                    many,
                    getattr(self, f"create_{noun}"),
                    policy=f"identity:create_{noun}",
                    body=Wrapped,
                    status=201,
                ),
                Operation("GET", one, getattr(self, f"show_{noun}"), policy=f"identity:get_{noun}"),
                Operation(
                    "PATCH",
                    one,
                    getattr(self, f"update_{noun}"),
                    policy=f"identity:update_{noun}",
                    body=Wrapped,
                ),
                Operation(
                    "DELETE",
                    one,
                    getattr(self, f"delete_{noun}"),
                    policy=f"identity:delete_{noun}",
                    status=204,
                ),
            ]
        made.append(
            Operation(
                "PUT",
                "/v3/regions/{id}",
                self.put_region,
                policy="identity:create_region",
                body=Wrapped,
                status=201,
            )
        )
        return made

    def put_region(self, call: Call, tx: Tx) -> Any:
        """Create a region whose id the client chooses by the path."""
        wishes = unwrapped(call, "region")
        id = call.path["id"]
        if wishes.get("id", id) != id:
            raise BadRequest(f'Conflicting region IDs specified: "{id}" != "{wishes["id"]}"')
        wishes = {**wishes, "id": id}
        return {
            "region": region_body(call, self._catalog.create_region(tx, wishes, call.principal))
        }

    def list_regions(self, call: Call, tx: Tx) -> Any:
        rows = self._catalog.regions.page(tx, where=filters(call, "parent_region_id"))
        items = [region_body(call, row) for row in rows]
        return listed(call, "regions", matching(call, items))

    def create_region(self, call: Call, tx: Tx) -> Any:
        row = self._catalog.create_region(tx, unwrapped(call, "region"), call.principal)
        return {"region": region_body(call, row)}

    def show_region(self, call: Call, tx: Tx) -> Any:
        return {"region": region_body(call, self._catalog.region(tx, call.path["id"]))}

    def update_region(self, call: Call, tx: Tx) -> Any:
        wishes = unwrapped(call, "region")
        row = self._catalog.update_region(tx, call.path["id"], wishes, call.principal)
        return {"region": region_body(call, row)}

    def delete_region(self, call: Call, tx: Tx) -> None:
        self._catalog.delete_region(tx, call.path["id"], call.principal)

    def list_services(self, call: Call, tx: Tx) -> Any:
        rows = self._catalog.services.page(tx, where=filters(call, "type", "name"))
        items = [service_body(call, row) for row in rows]
        return listed(call, "services", matching(call, items))

    def create_service(self, call: Call, tx: Tx) -> Any:
        row = self._catalog.create_service(tx, unwrapped(call, "service"), call.principal)
        return {"service": service_body(call, row)}

    def show_service(self, call: Call, tx: Tx) -> Any:
        return {"service": service_body(call, self._catalog.service(tx, call.path["id"]))}

    def update_service(self, call: Call, tx: Tx) -> Any:
        wishes = unwrapped(call, "service")
        row = self._catalog.update_service(tx, call.path["id"], wishes, call.principal)
        return {"service": service_body(call, row)}

    def delete_service(self, call: Call, tx: Tx) -> None:
        self._catalog.delete_service(tx, call.path["id"], call.principal)

    def list_endpoints(self, call: Call, tx: Tx) -> Any:
        rows = self._catalog.endpoints.page(
            tx, where=filters(call, "service_id", "interface", "region_id")
        )
        items = [endpoint_body(call, row) for row in rows]
        return listed(call, "endpoints", matching(call, items))

    def create_endpoint(self, call: Call, tx: Tx) -> Any:
        row = self._catalog.create_endpoint(tx, unwrapped(call, "endpoint"), call.principal)
        return {"endpoint": endpoint_body(call, row)}

    def show_endpoint(self, call: Call, tx: Tx) -> Any:
        return {"endpoint": endpoint_body(call, self._catalog.endpoint(tx, call.path["id"]))}

    def update_endpoint(self, call: Call, tx: Tx) -> Any:
        wishes = unwrapped(call, "endpoint")
        row = self._catalog.update_endpoint(tx, call.path["id"], wishes, call.principal)
        return {"endpoint": endpoint_body(call, row)}

    def delete_endpoint(self, call: Call, tx: Tx) -> None:
        self._catalog.delete_endpoint(tx, call.path["id"], call.principal)
