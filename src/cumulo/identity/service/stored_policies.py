"""Policies kept for other services, and which one is for an endpoint."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.ids import new_hex
from cumulo.core.wire.shapes import Unset
from cumulo.identity.model.catalog import EndpointRow, RegionRow
from cumulo.identity.model.stored_policy import PolicyAssociationRow, StoredPolicyRow
from cumulo.identity.queries import catalog as endpoints
from cumulo.identity.queries import stored_policy as queries
from cumulo.identity.service.catalog import Catalog
from cumulo.identity.service.extras import given, split


class StoredPolicyWishes(msgspec.Struct):
    type: Annotated[str, msgspec.Meta(max_length=255)] | Unset = UNSET
    blob: str | Unset = UNSET


class StoredPolicies:
    listing = queries.POLICIES

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def get(self, tx: Tx, policy_id: str) -> StoredPolicyRow:
        found = tx.get(StoredPolicyRow, policy_id)
        if found is None:
            raise NotFound(f"Could not find policy: {policy_id}.")
        return found

    def create(self, tx: Tx, wishes: Mapping[str, Any], who: Principal) -> StoredPolicyRow:
        wanted, extra = split(wishes, StoredPolicyWishes, "policy")
        if wanted.type is UNSET or wanted.blob is UNSET:
            raise BadRequest("Invalid input for policy: 'blob' and 'type' are required")
        row = StoredPolicyRow(new_hex(), wanted.type, wanted.blob, extra)
        tx.insert(row)
        emit(tx, "identity.policy.create", row.id, principal=who)
        return row

    def update(
        self, tx: Tx, policy_id: str, wishes: Mapping[str, Any], who: Principal
    ) -> StoredPolicyRow:
        row = self.get(tx, policy_id)
        wanted, extra = split(wishes, StoredPolicyWishes, "policy")
        changes = given(wanted, "type", "blob")
        if extra:
            changes["extra"] = {**row.extra, **extra}
        row = tx.update(row, **changes)
        emit(tx, "identity.policy.update", row.id, principal=who)
        return row

    def delete(self, tx: Tx, policy_id: str, who: Principal) -> None:
        row = self.get(tx, policy_id)
        tx.delete(row)
        emit(tx, "identity.policy.delete", row.id, principal=who)

    # What it is for

    def associate(
        self,
        tx: Tx,
        policy_id: str,
        endpoint_id: str | None,
        service_id: str | None,
        region_id: str | None,
    ) -> None:
        """In the place of whatever policy was for the same."""
        self._ends(tx, policy_id, endpoint_id, service_id, region_id)
        found = self._association(tx, endpoint_id, service_id, region_id)
        if found is not None:
            tx.update(found, policy_id=policy_id)
            return
        tx.insert(PolicyAssociationRow(new_hex(), policy_id, endpoint_id, service_id, region_id))

    def check(
        self,
        tx: Tx,
        policy_id: str,
        endpoint_id: str | None,
        service_id: str | None,
        region_id: str | None,
    ) -> PolicyAssociationRow:
        """404 for a policy that is not for this."""
        self._ends(tx, policy_id, endpoint_id, service_id, region_id)
        found = self._association(tx, endpoint_id, service_id, region_id)
        if found is None or found.policy_id != policy_id:
            raise NotFound("Could not find policy association.")
        return found

    def part(
        self,
        tx: Tx,
        policy_id: str,
        endpoint_id: str | None,
        service_id: str | None,
        region_id: str | None,
    ) -> None:
        tx.delete(self.check(tx, policy_id, endpoint_id, service_id, region_id))

    def _ends(
        self,
        tx: Tx,
        policy_id: str,
        endpoint_id: str | None,
        service_id: str | None,
        region_id: str | None,
    ) -> None:
        self.get(tx, policy_id)
        if endpoint_id is not None:
            self._catalog.endpoint(tx, endpoint_id)
        if service_id is not None:
            self._catalog.service(tx, service_id)
        if region_id is not None:
            self._catalog.region(tx, region_id)

    def _association(
        self, tx: Tx, endpoint_id: str | None, service_id: str | None, region_id: str | None
    ) -> PolicyAssociationRow | None:
        if endpoint_id is not None:
            return tx.one(queries.FOR_ENDPOINT, endpoint_id=endpoint_id)
        for row in tx.all(queries.FOR_SERVICE, service_id=service_id):
            if row.region_id == region_id:
                return row
        return None

    def for_endpoint(self, tx: Tx, endpoint_id: str) -> StoredPolicyRow:
        """Its own, else that of its service in its region or one above, else its service's."""
        endpoint = self._catalog.endpoint(tx, endpoint_id)
        found = tx.one(queries.FOR_ENDPOINT, endpoint_id=endpoint_id)
        if found is None:
            by_region = {
                row.region_id: row
                for row in tx.all(queries.FOR_SERVICE, service_id=endpoint.service_id)
            }
            places = [*_upwards(tx, endpoint.region_id), None]
            found = next((by_region[place] for place in places if place in by_region), None)
        if found is None:
            raise NotFound(f"No policy is associated with endpoint {endpoint_id}.")
        return self.get(tx, found.policy_id)

    def endpoints_of(self, tx: Tx, policy_id: str) -> list[EndpointRow]:
        """Each once, in whichever way the policy is for it."""
        self.get(tx, policy_id)
        found: dict[str, EndpointRow] = {}
        for row in tx.all(queries.OF_POLICY, policy_id=policy_id):
            if row.endpoint_id is not None:
                endpoint = self._catalog.endpoint(tx, row.endpoint_id)
                found[endpoint.id] = endpoint
                continue
            for endpoint in endpoints.ENDPOINTS.page(tx, where={"service_id": row.service_id}):
                if row.region_id is None or row.region_id in _upwards(tx, endpoint.region_id):
                    found[endpoint.id] = endpoint
        return list(found.values())


def _upwards(tx: Tx, region_id: str | None) -> list[str]:
    """The region and those above it."""
    above: list[str] = []
    while region_id is not None and region_id not in above:
        above.append(region_id)
        region = tx.get(RegionRow, region_id)
        region_id = region.parent_region_id if region is not None else None
    return above
