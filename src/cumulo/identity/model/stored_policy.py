"""Policies that identity keeps for other services, and the endpoints that they are for."""

from typing import Annotated, Any

from cumulo.core.db.rows import Index, Key, References, Row, table


@table("identity_policies")
class StoredPolicyRow(Row, frozen=True):
    id: Annotated[str, Key()]
    type: str
    """The MIME type of the blob."""
    blob: str
    extra: dict[str, Any]


@table("identity_policy_associations")
class PolicyAssociationRow(Row, frozen=True):
    """For one endpoint, or for all of a service (in a region and those below it)."""

    id: Annotated[str, Key()]
    policy_id: Annotated[str, Index(), References("identity_policies.id", on_delete="CASCADE")]
    endpoint_id: Annotated[
        str | None, Index(), References("identity_endpoints.id", on_delete="CASCADE")
    ]
    service_id: Annotated[
        str | None, Index(), References("identity_services.id", on_delete="CASCADE")
    ]
    region_id: Annotated[
        str | None, Index(), References("identity_regions.id", on_delete="CASCADE")
    ]
