"""Pools on the wire. Those of the settings are shown, those of the API are made and changed."""

from typing import Any

from msgspec import UNSET

from cumulo.core.clock import to_moment
from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.wire.shapes import StrictBody
from cumulo.dns.api import common
from cumulo.dns.model.pool import Pool
from cumulo.dns.service.dns import DnsService
from cumulo.dns.service.refusals import bad_request

WRITABLE = ("name", "description", "project_id", "attributes", "ns_records")


class PoolRequest(StrictBody):
    id: Any = UNSET
    name: Any = UNSET
    description: Any = UNSET
    project_id: Any = UNSET
    attributes: Any = UNSET
    ns_records: Any = UNSET
    created_at: Any = UNSET
    updated_at: Any = UNSET
    links: Any = UNSET


class PoolsApi:
    def __init__(self, dns: DnsService) -> None:
        self._dns = dns
        self._pools = dns.pools

    def operations(self) -> list[Operation]:
        many, one = "/v2/pools", "/v2/pools/{id}"
        body: dict[str, Any] = {"body": PoolRequest}
        return [
            Operation("GET", many, self.index, policy="find_pools"),
            Operation("POST", many, self.create, policy="create_pool", status=201, **body),
            Operation("GET", one, self.show, policy="get_pool"),
            Operation("PATCH", one, self.update, policy="update_pool", status=202, **body),
            Operation("DELETE", one, self.delete, policy="delete_pool", status=204),
        ]

    def _body(self, call: Call, pool: Pool) -> dict[str, Any]:
        row = pool.row
        return {
            "id": pool.id,
            "name": pool.name,
            "description": pool.description,
            "attributes": pool.attributes,
            "project_id": None if row is None else row.project_id,
            "ns_records": [
                {"hostname": each.hostname, "priority": each.priority} for each in pool.ns_records
            ],
            "created_at": to_moment(self._dns.started) if row is None else row.created_at,
            "updated_at": None if row is None else row.updated_at,
            "links": {"self": common.link(call, "pools", pool.id)},
        }

    def index(self, call: Call, tx: Tx) -> Any:
        common.scope_of(call)
        where = common.filters_of(call, ("name",), ())
        limit = common.limit_of(call)
        found = [
            pool
            for pool in self._pools.all(tx)
            if where.get("name", pool.name) in (pool.name, pool.name.lower())
        ]
        page = found
        marker = call.query.get("marker")
        if marker:
            at = next((at for at, pool in enumerate(found) if pool.id == marker), None)
            if at is None:
                raise bad_request(f"Marker {marker:.60} could not be found", "marker_not_found")
            page = found[at + 1 :]
        items = [self._body(call, pool) for pool in page[:limit]]
        total = common.counted(call, lambda: len(found))
        return common.page_body(call, "pools", items, total, items[-1]["id"] if items else None)

    def create(self, call: Call, tx: Tx) -> Any:
        common.scope_of(call)
        values = common.changes_of(call.body, {}, WRITABLE, "pool")
        body = self._body(call, self._pools.create(tx, values))
        return Reply(201, body, {"Location": body["links"]["self"]})

    def show(self, call: Call, tx: Tx) -> Any:
        common.scope_of(call)
        return self._body(call, self._pools.shown(tx, call.path["id"]))

    def update(self, call: Call, tx: Tx) -> Any:
        common.scope_of(call)
        pool = self._pools.shown(tx, call.path["id"])
        values = common.changes_of(call.body, self._body(call, pool), WRITABLE, "pool")
        pool = self._pools.update(tx, pool, values)
        tx.after_commit(self._dns.changes.announcement)
        return self._body(call, pool)

    def delete(self, call: Call, tx: Tx) -> None:
        common.scope_of(call)
        self._pools.delete(tx, self._pools.shown(tx, call.path["id"]))
