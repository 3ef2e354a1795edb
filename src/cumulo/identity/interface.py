"""What other services may ask of identity."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.types import events, on

_PLAIN = (
    "access_rule application_credential consumer credential domain domain_config endpoint "
    "endpoint_group group identity_provider limit mapping policy project protocol region "
    "registered_limit role service service_provider trust user"
)

EVENTS = events(
    "identity",
    *(
        on(
            noun,
            *(f"identity.{noun}.{verb}" for verb in ("create", "update", "delete")),
            name=str | None,
            why=str | None,
            what=str | None,
            user=str | None,
            enabled=bool | None,
            missing=bool | None,
            idp_id=str | None,
            trustee=str | None,
        )
        for noun in _PLAIN.split()
    ),
    on(
        "group",
        "identity.group.add_user",
        "identity.group.remove_user",
        user=str | None,
        user_id=str | None,
        why=str | None,
    ),
    on(
        "assignment",
        "identity.assignment.create",
        "identity.assignment.delete",
        role=str,
        actor_type=str,
        target_type=str,
        target=str,
        inherited=bool,
    ),
    on(
        "project",
        *(
            f"identity.project.{verb}_{what}"
            for verb in ("add", "remove")
            for what in ("endpoint", "endpoint_group")
        ),
        id=str,
    ),
    on("project", "identity.project.provision", idp_id=str),
    on("role", "identity.role.imply", "identity.role.stop_implying", implied=str),
    on("directory", "identity.directory.synced", users=int, groups=int, notes=str | None),
    on("directory", "identity.directory.failed", reason=str),
    on("directory", "identity.directory.forgotten"),
    on("request_token", "identity.request_token.create", "identity.request_token.authorize"),
    on(
        "access_token",
        "identity.access_token.create",
        "identity.access_token.delete",
        why=str | None,
    ),
    on("token", "identity.token.revoke"),
    on("keys", "identity.keys.rotate"),
)


class FirstUsers(Protocol):
    """Whom the content of a new cloud belongs to."""

    def operator(self, tx: Tx) -> Principal:
        """The first administrator."""

    async def reset(self) -> list[str]:
        """New passwords for `admin` and for whom no password is written down, with the rights of
        the first run; their names. For an operator at the machine."""

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

    def signed(
        self,
        tx: Tx,
        access: str,
        signature: str,
        *,
        verb: str,
        host: str,
        path: str,
        params: Mapping[str, str],
        headers: Mapping[str, str],
        body_hash: str,
    ) -> Principal:
        """Whom a request stands for that is signed as tools of EC2 do it (version 2 and 4), not
        long ago. Raises Unauthorized."""


class Identity(Protocol):
    """Identity as the other services see it."""

    def cached(self, token: str) -> Principal | None:
        """The principal of a token that was verified before and is still good."""

    def verify(self, tx: Tx, token: str, *, allow_expired: bool = False) -> Principal:
        """The principal of a token; raises core.faults.Unauthorized."""

    def principal_in_project(
        self, tx: Tx, user_id: str, project_id: str, lent: Mapping[str, str] | None = None
    ) -> Principal | None:
        """What a token of the user for the project would say now; None where there would be
        none (no role, or one of the two is disabled or gone). `lent`: by the trust, application
        credential or access token of a `Principal.lent`; or by the sign-on of a foreign provider:
        its token's `audit_id`, `identity_provider_id`, `protocol_id` and `group_ids` (with spaces
        between). None once that has ended, was revoked, or is believed no more."""

    @property
    def revocations_kept(self) -> float:
        """So many seconds after a token's end it is known still that it was revoked."""

    def proofs_end_before(self, tx: Tx, user_id: str) -> float:
        """What a user has shown before this moment (seconds since the epoch) counts no more: since
        then there is another password, or all tokens were revoked."""

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
