"""Arrivals: a user of a foreign provider becomes one here.

At the first login a shadow user is made in the provider's domain; at each one the mapping says
anew which groups it is in. Groups are the token's alone, or, when the provider's
`authorization_ttl` says so, memberships that end some minutes after the last login.
"""

from collections.abc import Mapping
from urllib.parse import quote

from cumulo.core.auth.principal import FederationMark
from cumulo.core.clock import later
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Forbidden, NotFound, Unauthorized
from cumulo.core.ids import new_hex
from cumulo.identity.model.domain import DomainRow
from cumulo.identity.model.federation import IdentityProviderRow, ProtocolRow
from cumulo.identity.model.group import GroupRow, MembershipRow
from cumulo.identity.model.user import UserRow
from cumulo.identity.queries import federation as queries
from cumulo.identity.service.authentication.method import REFUSED, Binding, Identified
from cumulo.identity.service.domains import Domains
from cumulo.identity.service.federation.mapping import (
    Domain,
    Mapped,
    MappedProject,
    SchemaVersion,
    apply_rules,
    check_rules,
)
from cumulo.identity.service.federation.providers import FederationProviders
from cumulo.identity.service.groups import Groups
from cumulo.identity.service.projects import Projects
from cumulo.identity.service.roles import Roles
from cumulo.identity.service.users import Users


class Arrivals:
    def __init__(
        self,
        providers: FederationProviders,
        users: Users,
        groups: Groups,
        domains: Domains,
        projects: Projects,
        roles: Roles,
    ) -> None:
        self._providers = providers
        self._users = users
        self._groups = groups
        self._domains = domains
        self._projects = projects
        self._roles = roles

    def way(self, tx: Tx, idp_id: str, protocol_id: str) -> tuple[IdentityProviderRow, ProtocolRow]:
        """A provider that may speak, and how. Raises NotFound, Forbidden."""
        provider = self._providers.provider(tx, idp_id)
        protocol = self._providers.protocol(tx, idp_id, protocol_id)
        if not provider.enabled:
            raise Forbidden(f"Identity Provider {idp_id} is disabled.")
        return provider, protocol

    def arrive(
        self,
        tx: Tx,
        idp_id: str,
        protocol_id: str,
        attributes: Mapping[str, str],
        issuer_attribute: str,
    ) -> Identified:
        """The user that a verified assertion is about; a writing transaction.

        `issuer_attribute`: which attribute names the provider, unless the protocol knows better.
        Raises BadRequest, Unauthorized, Forbidden, NotFound.
        """
        provider, protocol = self.way(tx, idp_id, protocol_id)
        _check_issuer(provider, protocol.remote_id_attribute or issuer_attribute, attributes)
        mapping = self._providers.mapping(tx, protocol.mapping_id)
        version: SchemaVersion = "2.0" if mapping.schema_version == "2.0" else "1.0"
        rules = check_rules(mapping.rules, version)
        mapped = apply_rules(rules, attributes, version, mapping.id)
        if mapped.local:
            return Identified(user=self._local(tx, mapped), methods=(protocol_id,))
        name = mapped.user_name or mapped.user_id or attributes.get("REMOTE_USER")
        if not name:
            raise Unauthorized("Could not map user while setting ephemeral user identity.")
        user = self._shadow(tx, provider, protocol_id, mapped, name)
        if not user.enabled:
            raise Unauthorized(REFUSED)
        group_ids = self._group_ids(tx, mapped, mapping.id)
        for project in mapped.projects:
            self._provision(tx, provider, user, project)
        if provider.authorization_ttl:
            self._remember_groups(tx, provider, user, group_ids)
        return Identified(
            user=user,
            methods=(protocol_id,),
            binding=Binding(federation=FederationMark(idp_id, protocol_id, tuple(group_ids))),
            explicit_scope=True,
        )

    def _local(self, tx: Tx, mapped: Mapped) -> UserRow:
        found = None
        if mapped.user_id is not None:
            found = tx.get(UserRow, mapped.user_id)
        elif mapped.user_name is not None and mapped.user_domain is not None:
            domain = self._domain(tx, mapped.user_domain)
            found = None if domain is None else self._users.find(tx, mapped.user_name, domain.id)
        if found is None or not found.enabled:
            raise Unauthorized(REFUSED)
        return found

    def _domain(self, tx: Tx, named: Domain) -> DomainRow | None:
        if named.id is not None:
            return tx.get(DomainRow, named.id)
        return None if named.name is None else self._domains.find(tx, named.name)

    def _shadow(
        self, tx: Tx, provider: IdentityProviderRow, protocol_id: str, mapped: Mapped, name: str
    ) -> UserRow:
        unique_id = quote(mapped.user_id or name, safe="")
        known = tx.one(
            queries.BY_UNIQUE_ID, idp_id=provider.id, protocol_id=protocol_id, unique_id=unique_id
        )
        if known is None:
            return self._first_time(tx, provider, protocol_id, mapped, unique_id, name)
        user = self._users.get(tx, known.user_id)
        changes: dict[str, object] = {}
        if name != known.display_name:
            tx.update(known, display_name=name)
            if self._users.find(tx, name, user.domain_id) is None:
                changes["name"] = name
        if mapped.email and user.extra.get("email") != mapped.email:
            changes["extra"] = {**user.extra, "email": mapped.email}
        return tx.update(user, **changes) if changes else user

    def _first_time(
        self,
        tx: Tx,
        provider: IdentityProviderRow,
        protocol_id: str,
        mapped: Mapped,
        unique_id: str,
        name: str,
    ) -> UserRow:
        domain_id = provider.domain_id
        if mapped.user_domain is not None:
            domain = self._domain(tx, mapped.user_domain)
            if domain is None:
                raise BadRequest("The mapping names a domain that does not exist.")
            domain_id = domain.id
        # Names are unique here, and a foreign user must not get a local one's: then the unique id
        # is the name, and if that is taken too (say by a user of another protocol), a new one.
        free = (each for each in (name, unique_id) if not self._users.find(tx, each, domain_id))
        wishes: dict[str, object] = {
            "name": next(free, f"{name[:200]} {new_hex()}"),
            "domain_id": domain_id,
            "federated": [
                {
                    "idp_id": provider.id,
                    "protocols": [{"protocol_id": protocol_id, "unique_id": unique_id}],
                }
            ],
        }
        if mapped.email:
            wishes["email"] = mapped.email
        return self._users.create(tx, wishes, None, None)

    def _group_ids(self, tx: Tx, mapped: Mapped, mapping_id: str) -> list[str]:
        for group_id in mapped.group_ids:
            if tx.get(GroupRow, group_id) is None:
                raise BadRequest(
                    f"Group {group_id} returned by mapping {mapping_id} was not found in the "
                    "backend."
                )
        found = dict.fromkeys(mapped.group_ids)
        for named in mapped.groups:
            domain = self._domain(tx, Domain(named.domain_id, named.domain_name))
            group = None if domain is None else self._groups.find(tx, named.name, domain.id)
            if group is not None:  # a provider may know groups that mean nothing here
                found[group.id] = None
        return list(found)

    def _remember_groups(
        self, tx: Tx, provider: IdentityProviderRow, user: UserRow, group_ids: list[str]
    ) -> None:
        ends = later(tx.now, 60.0 * (provider.authorization_ttl or 0))
        for group_id in group_ids:
            known = tx.get(MembershipRow, user.id, group_id)
            if known is None:
                tx.insert(MembershipRow(user.id, group_id, provider.id, ends))
            elif known.expires is not None:
                tx.update(known, idp_id=provider.id, expires=ends)

    def _provision(
        self, tx: Tx, provider: IdentityProviderRow, user: UserRow, wanted: MappedProject
    ) -> None:
        """The project is made if it is not there, and the user gets the roles on it."""
        domain_id = provider.domain_id
        if wanted.domain is not None:
            domain = self._domain(tx, wanted.domain)
            if domain is None:
                raise BadRequest("The mapping names a domain that does not exist.")
            domain_id = domain.id
        project = self._projects.find(tx, wanted.name, domain_id)
        if project is None:
            wishes = {"name": wanted.name, "domain_id": domain_id}
            project = self._projects.create(tx, wishes, None)
            emit(tx, "identity.project.provision", project.id, idp_id=provider.id)
        for name in wanted.roles:
            role = self._roles.find(tx, name)
            if role is None:
                raise NotFound(f"Could not find role: {name}.")
            self._roles.grant(tx, role.id, user.id, "project", project.id, None)


def _check_issuer(
    provider: IdentityProviderRow, attribute: str, attributes: Mapping[str, str]
) -> None:
    """Whoever has names here must have called itself by one of them."""
    if not provider.remote_ids:
        return
    said = attributes.get(attribute)
    if said is None:
        raise BadRequest("Could not find Identity Provider identifier in environment")
    if said not in provider.remote_ids:
        raise Forbidden(
            "Incoming identity provider identifier not included among the accepted identifiers."
        )
