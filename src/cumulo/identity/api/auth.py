"""What the caller's token can be used for: identity API v3, `auth/{catalog,projects,…}`."""

from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Forbidden
from cumulo.core.http.operations import Call, Operation
from cumulo.identity.api.domains import domain_body
from cumulo.identity.api.envelope import listed
from cumulo.identity.api.projects import project_body
from cumulo.identity.model.domain import DomainRow
from cumulo.identity.model.role import SYSTEM
from cumulo.identity.service.identity import IdentityService


class AuthApi:
    def __init__(self, identity: IdentityService) -> None:
        self._identity = identity

    def operations(self) -> list[Operation]:
        handlers = {
            "catalog": self.catalog,
            "projects": self.projects,
            "domains": self.domains,
            "system": self.system,
        }
        return [
            Operation("GET", f"/v3/auth/{name}", handler, policy=f"identity:get_auth_{name}")
            for name, handler in handlers.items()
        ]

    def catalog(self, call: Call, tx: Tx) -> Any:
        who = call.principal
        if who.project_id is None and who.domain_id is None and not who.system:
            raise Forbidden(
                "You are not authorized to perform the requested action: The token is unscoped "
                "and has no catalog."
            )
        view = self._identity.catalog.view(tx, who.project_id)
        return {"catalog": view, "links": {"self": call.url}}

    def projects(self, call: Call, tx: Tx) -> Any:
        """The projects that the caller could scope to."""
        who = call.principal
        ids = self._identity.roles.targets(tx, who.user_id, "project", who.group_ids)
        rows = self._identity.projects.listing.page(tx, where={"ids": ids, "enabled": True})
        return listed(call, "projects", [project_body(call, row) for row in rows])

    def domains(self, call: Call, tx: Tx) -> Any:
        who = call.principal
        ids = self._identity.roles.targets(tx, who.user_id, "domain", who.group_ids)
        rows = [row for row in (tx.get(DomainRow, id) for id in sorted(ids)) if row is not None]
        found = [domain_body(call, row) for row in rows if row.enabled]
        return listed(call, "domains", found)

    def system(self, call: Call, tx: Tx) -> Any:
        who = call.principal
        has = self._identity.roles.targets(tx, who.user_id, SYSTEM, who.group_ids)
        return listed(call, "system", [{"all": True}] if has else [])
