"""What other services may ask of identity.

Events emitted: identity.NOUN.{create,update,delete} with domain, project, user, group, role,
region, service, endpoint, credential, registered_limit, limit … as noun; besides them
identity.group.{add_user,remove_user}, identity.assignment.{create,delete}, identity.token.revoke.
"""

from collections.abc import Sequence
from typing import Protocol

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx


class FirstUsers(Protocol):
    """Whom the content of a new cloud belongs to."""

    def operator(self, tx: Tx) -> Principal:
        """The first administrator."""

    def project_id(self, tx: Tx, name: str) -> str | None:
        """A first-run project, `admin` or `demo`; None when somebody renamed or removed it."""


class Endpoints(Protocol):
    """Where services are, as the catalog says."""

    def url(self, tx: Tx, service_type: str, region: str, interface: str) -> str | None: ...


class RequestKey(Protocol):
    """The key of an EC2 credential, which requests to S3 are signed with."""

    def version_4(self, scope: Sequence[str]) -> bytes:
        """The signing key of a scope: date, region, service, `aws4_request`."""

    def version_2(self, text: bytes) -> str:
        """The signature of a text, as version 2 makes them."""

    def principal(self, tx: Tx) -> Principal:
        """Whom it stands for, once its signature has proved right. Raises Unauthorized."""


class RequestKeys(Protocol):
    def find(self, tx: Tx, access: str) -> RequestKey | None:
        """By the access key; None for an unknown one."""


class Identity(Protocol):
    """Identity as the other services see it."""

    def cached(self, token: str) -> Principal | None:
        """The principal of a token that was verified before and is still good."""

    def verify(self, tx: Tx, token: str, *, allow_expired: bool = False) -> Principal:
        """The principal of a token; raises core.faults.Unauthorized."""

    def project_exists(self, tx: Tx, project_id: str) -> bool: ...

    def limits_of(
        self, tx: Tx, service_type: str, project_id: str, region_id: str | None = None
    ) -> dict[str, int]:
        """Unified limits: resource name → what the project may have (-1: any amount). Names that
        nobody registered for the service are missing."""

    def domain_limits_of(
        self, tx: Tx, service_type: str, domain_id: str, region_id: str | None = None
    ) -> dict[str, int]:
        """What all projects of a domain may have together; empty in the flat model."""
