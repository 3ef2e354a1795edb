"""Stored policies and the endpoints that they are for: identity API v3, `policies` and
OS-ENDPOINT-POLICY."""

from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.identity.api.catalog import endpoint_body
from cumulo.identity.api.envelope import Wrapped, filters, listed, matching, self_link, unwrapped
from cumulo.identity.model.stored_policy import StoredPolicyRow
from cumulo.identity.service.identity import IdentityService

EXTENSION = "OS-ENDPOINT-POLICY"


def policy_body(call: Call, row: StoredPolicyRow) -> dict[str, Any]:
    return {
        **row.extra,
        "id": row.id,
        "type": row.type,
        "blob": row.blob,
        "links": self_link(call, "policies", row.id),
    }


class StoredPoliciesApi:
    def __init__(self, identity: IdentityService) -> None:
        self._policies = identity.stored_policies

    def operations(self) -> list[Operation]:
        many, one = "/v3/policies", "/v3/policies/{policy_id}"
        extension = f"{one}/{EXTENSION}"

        def of(method: str, path: str, handler: Any, rule: str, **more: Any) -> Operation:
            return Operation(method, path, handler, policy=f"identity:{rule}", **more)

        made = [
            of("GET", many, self.index, "list_policies"),
            of("POST", many, self.create, "create_policy", body=Wrapped, status=201),
            of("GET", one, self.show, "get_policy"),
            of("PATCH", one, self.update, "update_policy", body=Wrapped),
            of("DELETE", one, self.delete, "delete_policy", status=204),
            of("GET", extension + "/endpoints", self.endpoints, "list_endpoints_for_policy"),
            of("GET", extension + "/policy", self.in_use, "get_policy_for_endpoint"),
            of(
                "GET",
                f"/v3/endpoints/{{endpoint_id}}/{EXTENSION}/policy",
                self.for_endpoint,
                "get_policy_for_endpoint",
            ),
        ]
        for path, noun in (
            ("/endpoints/{endpoint_id}", "endpoint"),
            ("/services/{service_id}", "service"),
            ("/services/{service_id}/regions/{region_id}", "region_and_service"),
        ):
            rule = f"{{}}_policy_association_for_{noun}"
            made += [
                of("PUT", extension + path, self.associate, rule.format("create"), status=204),
                of("GET", extension + path, self.check, rule.format("check"), status=204),
                of("DELETE", extension + path, self.part, rule.format("delete"), status=204),
            ]
        return made

    def index(self, call: Call, tx: Tx) -> Any:
        rows = self._policies.listing.page(tx, where=filters(call, "type"))
        items = [policy_body(call, row) for row in rows]
        return listed(call, "policies", matching(call, items))

    def create(self, call: Call, tx: Tx) -> Any:
        row = self._policies.create(tx, unwrapped(call, "policy"), call.principal)
        return {"policy": policy_body(call, row)}

    def show(self, call: Call, tx: Tx) -> Any:
        return {"policy": policy_body(call, self._policies.get(tx, call.path["policy_id"]))}

    def update(self, call: Call, tx: Tx) -> Any:
        wishes = unwrapped(call, "policy")
        row = self._policies.update(tx, call.path["policy_id"], wishes, call.principal)
        return {"policy": policy_body(call, row)}

    def delete(self, call: Call, tx: Tx) -> None:
        self._policies.delete(tx, call.path["policy_id"], call.principal)

    def endpoints(self, call: Call, tx: Tx) -> Any:
        rows = self._policies.endpoints_of(tx, call.path["policy_id"])
        return listed(call, "endpoints", [endpoint_body(call, row) for row in rows])

    def for_endpoint(self, call: Call, tx: Tx) -> Any:
        row = self._policies.for_endpoint(tx, call.path["endpoint_id"])
        return {"policy": policy_body(call, row)}

    def in_use(self, call: Call, tx: Tx) -> Any:
        """The policy, if it is for any endpoint."""
        if not self._policies.endpoints_of(tx, call.path["policy_id"]):
            raise NotFound("Could not find policy association.")
        return self.show(call, tx)

    def associate(self, call: Call, tx: Tx) -> None:
        self._policies.associate(tx, *_ends(call))

    def check(self, call: Call, tx: Tx) -> None:
        self._policies.check(tx, *_ends(call))

    def part(self, call: Call, tx: Tx) -> None:
        self._policies.part(tx, *_ends(call))


def _ends(call: Call) -> tuple[str, str | None, str | None, str | None]:
    """(policy, endpoint, service, region) of the path."""
    path = call.path
    ends = (path.get("endpoint_id"), path.get("service_id"), path.get("region_id"))
    return path["policy_id"], *ends
