"""Domains on the wire: identity API v3, `domains`."""

from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation
from cumulo.identity.api.envelope import Wrapped, filters, listed, matching, self_link, unwrapped
from cumulo.identity.model.domain import DomainRow
from cumulo.identity.service.identity import IdentityService


def domain_body(call: Call, row: DomainRow) -> dict[str, Any]:
    return {
        **row.extra,
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "enabled": row.enabled,
        "tags": row.tags,
        "options": row.options,
        "links": self_link(call, "domains", row.id),
    }


class DomainsApi:
    def __init__(self, identity: IdentityService) -> None:
        self._domains = identity.domains

    def operations(self) -> list[Operation]:
        one = "/v3/domains/{domain_id}"
        return [
            Operation(
                "GET", "/v3/domains", self.index, policy="identity:list_domains", early=False
            ),
            Operation(
                "POST",
                "/v3/domains",
                self.create,
                policy="identity:create_domain",
                body=Wrapped,
                status=201,
            ),
            Operation("GET", one, self.show, policy="identity:get_domain", early=False),
            Operation(
                "PATCH",
                one,
                self.update,
                policy="identity:update_domain",
                early=False,
                body=Wrapped,
            ),
            Operation("DELETE", one, self.delete, policy="identity:delete_domain", status=204),
        ]

    def index(self, call: Call, tx: Tx) -> Any:
        call.allow({"target.domain.id": call.principal.domain_id})
        where = filters(call, "name", "enabled")
        if call.principal.domain_id:
            where["id"] = call.principal.domain_id
        rows = self._domains.listing.page(tx, where=where)
        items = [domain_body(call, row) for row in rows]
        return listed(call, "domains", matching(call, items))

    def create(self, call: Call, tx: Tx) -> Any:
        row = self._domains.create(tx, unwrapped(call, "domain"), call.principal)
        return {"domain": domain_body(call, row)}

    def show(self, call: Call, tx: Tx) -> Any:
        found = tx.get(DomainRow, call.path["domain_id"])
        call.allow({"target.domain.id": found.id} if found is not None else {})
        return {"domain": domain_body(call, self._domains.get(tx, call.path["domain_id"]))}

    def update(self, call: Call, tx: Tx) -> Any:
        found = self._domains.get(tx, call.path["domain_id"])
        call.allow({"target.domain.id": found.id})
        wishes = unwrapped(call, "domain")
        row = self._domains.update(tx, call.path["domain_id"], wishes, call.principal)
        return {"domain": domain_body(call, row)}

    def delete(self, call: Call, tx: Tx) -> None:
        self._domains.delete(tx, call.path["domain_id"], call.principal)
