"""Keystone to keystone: an assertion about a user of this cloud, for a cloud that believes us."""

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import Forbidden, NotFound
from cumulo.core.ids import new_hex
from cumulo.core.work import pools
from cumulo.identity.model.federation import ServiceProviderRow
from cumulo.identity.service.domains import Domains
from cumulo.identity.service.federation.parties import SamlParty
from cumulo.identity.service.federation.providers import FederationProviders
from cumulo.identity.service.groups import Groups
from cumulo.identity.service.lent import refuse_restricted
from cumulo.identity.service.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Letter:
    """A response for the other cloud, and where it goes. `relay_state`: what ECP wraps it with."""

    response: str
    relay_state: str
    sp_url: str
    auth_url: str


class Assertions:
    def __init__(
        self,
        database: Database,
        providers: FederationProviders,
        tokens: Tokens,
        groups: Groups,
        domains: Domains,
        saml: Callable[[], SamlParty],
    ) -> None:
        self._database = database
        self._providers = providers
        self._tokens = tokens
        self._groups = groups
        self._domains = domains
        self._saml = saml

    async def write(self, token: str, sp_id: str) -> Letter:
        """Raises NotFound, Unauthorized, and Forbidden for a token without a project."""

        def read(tx: Tx) -> tuple[ServiceProviderRow, Principal, dict[str, list[str]]]:
            provider = self._providers.service_provider(tx, sp_id)
            if not provider.enabled:
                raise Forbidden(f"Service Provider {sp_id} is disabled.")
            who = self._tokens.verify(tx, token)
            # What the other cloud makes of it knows no bounds of this one.
            refuse_restricted(who, "SAML assertions")
            if who.project_id is None:
                raise Forbidden(
                    "Use a project-scoped token when attempting to create a SAML assertion"
                )
            return provider, who, self._attributes(tx, who)

        provider, who, attributes = await self._database.read(read)
        response = await pools.HASH(
            lambda: self._saml().issue(provider.sp_url, who.user_name, attributes)
        )
        relay_state = f"{provider.relay_state_prefix}{new_hex()}"
        return Letter(response, relay_state, provider.sp_url, provider.auth_url)

    def envelope(self, letter: Letter) -> str:
        """The letter as an enhanced client hands it over."""
        return self._saml().envelope(letter.response, letter.relay_state)

    def _attributes(self, tx: Tx, who: Principal) -> dict[str, list[str]]:
        """Under the names that keystone gives them."""
        groups = []
        for group in self._groups.of_user(tx, who.user_id):
            try:
                domain = self._domains.get(tx, group.domain_id).name
            except NotFound:
                continue
            named = {"name": group.name, "domain": {"name": domain}}
            groups.append(f"JSON:{msgspec.json.encode(named).decode()}")
        found = {
            "openstack_user": [who.user_name],
            "openstack_user_domain": [who.user_domain_name],
            "openstack_roles": list(who.roles),
            "openstack_project": [who.project_name or ""],
            "openstack_project_domain": [who.project_domain_name or ""],
        }
        if groups:
            found["openstack_groups"] = groups
        return found
