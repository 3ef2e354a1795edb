"""Identity providers, their protocols, mappings, and the clouds that believe this one."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.ids import new_hex
from cumulo.core.wire.shapes import Unset
from cumulo.identity.model.domain import DomainRow
from cumulo.identity.model.federation import (
    IdentityProviderRow,
    MappingRow,
    ProtocolRow,
    RemoteIdRow,
    ServiceProviderRow,
)
from cumulo.identity.queries import federation as queries
from cumulo.identity.service.extras import given
from cumulo.identity.service.federation.mapping import SchemaVersion, check_rules

RemoteId = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
MappingId = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Url = Annotated[str, msgspec.Meta(max_length=225, pattern=r"^https?://[^\s/]+")]
RELAY_STATE_PREFIX = "ss:mem:"
ID_LIMIT = 64


class ProviderWishes(msgspec.Struct, forbid_unknown_fields=True):
    enabled: bool | Unset = UNSET
    description: str | Unset | None = UNSET
    remote_ids: list[RemoteId] | Unset | None = UNSET
    authorization_ttl: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] | Unset | None = UNSET
    domain_id: str | Unset | None = UNSET


class ProtocolWishes(msgspec.Struct, forbid_unknown_fields=True):
    mapping_id: MappingId
    remote_id_attribute: RemoteId | Unset | None = UNSET


class MappingWishes(msgspec.Struct, forbid_unknown_fields=True):
    rules: list[dict[str, Any]]
    schema_version: SchemaVersion | Unset | None = UNSET
    id: str | Unset = UNSET


class ServiceProviderWishes(msgspec.Struct, forbid_unknown_fields=True):
    auth_url: Url | Unset = UNSET
    sp_url: Url | Unset = UNSET
    description: str | Unset | None = UNSET
    enabled: bool | Unset = UNSET
    relay_state_prefix: str | Unset | None = UNSET


def _wanted(wishes: Mapping[str, Any], kind: Any, noun: str, *, update: bool = False) -> Any:
    if update and not wishes:
        raise BadRequest(f"Invalid input for {noun}: {{}} should be non-empty")
    try:
        return msgspec.convert(wishes, kind)
    except msgspec.ValidationError as error:
        raise BadRequest(f"Invalid input for {noun}: {error}") from None


def _check_id(id: str, noun: str) -> None:
    if not 0 < len(id) <= ID_LIMIT:
        raise BadRequest(f"Invalid input for {noun}: an id has 1 to {ID_LIMIT} characters.")


class FederationProviders:
    """CRUD of all that federation is set up from."""

    providers = queries.PROVIDERS
    protocols = queries.PROTOCOLS
    mappings = queries.MAPPINGS
    service_providers = queries.SERVICE_PROVIDERS

    def __init__(self, forget_tokens: Callable[[], None]) -> None:
        self._forget_tokens = forget_tokens
        self._believers: list[dict[str, str]] | None = None

    def forget(self) -> None:
        """What is kept in memory may be otherwise now."""
        self._believers = None

    # Identity providers

    def provider(self, tx: Tx, idp_id: str) -> IdentityProviderRow:
        found = tx.get(IdentityProviderRow, idp_id)
        if found is None:
            raise NotFound(f"Could not find Identity Provider: {idp_id}.")
        return found

    def create_provider(
        self, tx: Tx, idp_id: str, wishes: Mapping[str, Any], who: Principal
    ) -> IdentityProviderRow:
        """Without a domain it gets one of its own, for its users."""
        _check_id(idp_id, "identity_provider")
        wanted: ProviderWishes = _wanted(wishes, ProviderWishes, "identity_provider")
        if tx.get(IdentityProviderRow, idp_id) is not None:
            raise Conflict(
                "Conflict occurred attempting to store identity_provider - Duplicate entry found "
                f"with ID {idp_id}."
            )
        row = IdentityProviderRow(
            id=idp_id,
            domain_id=self._domain(tx, idp_id, wanted, who),
            description=wanted.description or None,
            enabled=wanted.enabled is True,
            remote_ids=list(wanted.remote_ids or []),
            authorization_ttl=wanted.authorization_ttl or None,
        )
        tx.insert(row)
        self._keep_remote_ids(tx, row)
        emit(tx, "identity.identity_provider.create", row.id, principal=who)
        return row

    def _domain(self, tx: Tx, idp_id: str, wanted: ProviderWishes, who: Principal) -> str:
        if wanted.domain_id:
            if tx.get(DomainRow, wanted.domain_id) is None:
                raise BadRequest(f"Could not find domain: {wanted.domain_id}.")
            return wanted.domain_id
        made = new_hex()
        text = f"Auto generated federated domain for Identity Provider: {idp_id}"
        tx.insert(
            DomainRow(
                id=made, name=made, description=text, enabled=True, tags=[], options={}, extra={}
            )
        )
        emit(tx, "identity.domain.create", made, principal=who, name=made)
        return made

    def _keep_remote_ids(self, tx: Tx, row: IdentityProviderRow) -> None:
        tx.run(queries.DROP_REMOTE_IDS, idp_id_=row.id)
        if len(set(row.remote_ids)) != len(row.remote_ids):
            raise BadRequest("Invalid input for remote_ids: each is given once.")
        for remote_id in row.remote_ids:
            if tx.get(RemoteIdRow, remote_id) is not None:
                raise Conflict(
                    "Conflict occurred attempting to store identity_provider - Duplicate remote "
                    f"ID: {remote_id}."
                )
            tx.insert(RemoteIdRow(remote_id, row.id))

    def update_provider(
        self, tx: Tx, idp_id: str, wishes: Mapping[str, Any], who: Principal
    ) -> IdentityProviderRow:
        if "domain_id" in wishes:
            raise BadRequest("Invalid input for identity_provider: domain_id cannot be changed.")
        wanted: ProviderWishes = _wanted(wishes, ProviderWishes, "identity_provider", update=True)
        row = self.provider(tx, idp_id)
        changes = given(wanted, "enabled", "description", "authorization_ttl")
        if wanted.remote_ids is not UNSET:
            changes["remote_ids"] = list(wanted.remote_ids or [])
        row = tx.update(row, **changes)
        if "remote_ids" in changes:
            self._keep_remote_ids(tx, row)
        emit(tx, "identity.identity_provider.update", row.id, principal=who)
        tx.after_commit(self._forget_tokens)
        return row

    def delete_provider(self, tx: Tx, idp_id: str, who: Principal) -> None:
        """Its protocols go too; its users stay, without a way in."""
        row = self.provider(tx, idp_id)
        tx.delete(row)
        emit(tx, "identity.identity_provider.delete", row.id, principal=who)
        tx.after_commit(self._forget_tokens)

    def provider_of(self, tx: Tx, remote_id: str) -> IdentityProviderRow:
        """The provider that calls itself so. Raises NotFound."""
        found = tx.get(RemoteIdRow, remote_id)
        if found is None:
            raise NotFound(f"Could not find Identity Provider: {remote_id}.")
        return self.provider(tx, found.idp_id)

    # Protocols

    def is_believed(self, tx: Tx, idp_id: str, protocol_id: str) -> bool:
        provider = tx.get(IdentityProviderRow, idp_id)
        known = tx.get(ProtocolRow, idp_id, protocol_id) is not None
        return provider is not None and provider.enabled and known

    def protocol(self, tx: Tx, idp_id: str, protocol_id: str) -> ProtocolRow:
        found = tx.get(ProtocolRow, idp_id, protocol_id)
        if found is None:
            raise NotFound(
                f"Could not find federated protocol {protocol_id} for Identity Provider: {idp_id}."
            )
        return found

    def create_protocol(
        self, tx: Tx, idp_id: str, protocol_id: str, wishes: Mapping[str, Any], who: Principal
    ) -> ProtocolRow:
        _check_id(protocol_id, "protocol")
        wanted: ProtocolWishes = _wanted(wishes, ProtocolWishes, "protocol")
        self.provider(tx, idp_id)
        if tx.get(ProtocolRow, idp_id, protocol_id) is not None:
            raise Conflict(
                "Conflict occurred attempting to store federation_protocol - Duplicate entry found "
                f"with ID {protocol_id}."
            )
        self._refuse_unknown_mapping(tx, wanted.mapping_id)
        row = ProtocolRow(
            idp_id, protocol_id, wanted.mapping_id, wanted.remote_id_attribute or None
        )
        tx.insert(row)
        emit(tx, "identity.protocol.create", protocol_id, principal=who, idp_id=idp_id)
        return row

    def _refuse_unknown_mapping(self, tx: Tx, mapping_id: str) -> None:
        if tx.get(MappingRow, mapping_id) is None:
            raise BadRequest(f"Invalid mapping id: {mapping_id}")

    def update_protocol(
        self, tx: Tx, idp_id: str, protocol_id: str, wishes: Mapping[str, Any], who: Principal
    ) -> ProtocolRow:
        wanted: ProtocolWishes = _wanted(wishes, ProtocolWishes, "protocol", update=True)
        row = self.protocol(tx, idp_id, protocol_id)
        self._refuse_unknown_mapping(tx, wanted.mapping_id)
        row = tx.update(row, **given(wanted, "mapping_id", "remote_id_attribute"))
        emit(tx, "identity.protocol.update", protocol_id, principal=who, idp_id=idp_id)
        return row

    def delete_protocol(self, tx: Tx, idp_id: str, protocol_id: str, who: Principal) -> None:
        tx.delete(self.protocol(tx, idp_id, protocol_id))
        emit(tx, "identity.protocol.delete", protocol_id, principal=who, idp_id=idp_id)
        tx.after_commit(self._forget_tokens)

    # Mappings

    def mapping(self, tx: Tx, mapping_id: str) -> MappingRow:
        found = tx.get(MappingRow, mapping_id)
        if found is None:
            raise NotFound(f"Could not find mapping: {mapping_id}.")
        return found

    def create_mapping(
        self, tx: Tx, mapping_id: str, wishes: Mapping[str, Any], who: Principal
    ) -> MappingRow:
        _check_id(mapping_id, "mapping")
        wanted: MappingWishes = _wanted(wishes, MappingWishes, "mapping")
        if tx.get(MappingRow, mapping_id) is not None:
            raise Conflict(
                f"Conflict occurred attempting to store mapping - Duplicate entry found with ID "
                f"{mapping_id}."
            )
        version: SchemaVersion = wanted.schema_version or "1.0"
        check_rules(wanted.rules, version)
        row = MappingRow(mapping_id, wanted.rules, version)
        tx.insert(row)
        emit(tx, "identity.mapping.create", row.id, principal=who)
        return row

    def update_mapping(
        self, tx: Tx, mapping_id: str, wishes: Mapping[str, Any], who: Principal
    ) -> MappingRow:
        wanted: MappingWishes = _wanted(wishes, MappingWishes, "mapping", update=True)
        row = self.mapping(tx, mapping_id)
        version: Any = row.schema_version
        if wanted.schema_version is not UNSET:
            version = wanted.schema_version or "1.0"
        check_rules(wanted.rules, version)
        row = tx.update(row, rules=wanted.rules, schema_version=version)
        emit(tx, "identity.mapping.update", row.id, principal=who)
        return row

    def delete_mapping(self, tx: Tx, mapping_id: str, who: Principal) -> None:
        tx.delete(self.mapping(tx, mapping_id))
        emit(tx, "identity.mapping.delete", mapping_id, principal=who)

    # Service providers

    def service_provider(self, tx: Tx, sp_id: str) -> ServiceProviderRow:
        found = tx.get(ServiceProviderRow, sp_id)
        if found is None:
            raise NotFound(f"Could not find Service Provider: {sp_id}.")
        return found

    def believers(self, tx: Tx) -> list[dict[str, str]]:
        """The enabled service providers, as every token names them."""
        if self._believers is None:
            rows = self.service_providers.page(tx, where={"enabled": True})
            self._believers = [
                {"id": row.id, "auth_url": row.auth_url, "sp_url": row.sp_url} for row in rows
            ]
        return self._believers

    def create_service_provider(
        self, tx: Tx, sp_id: str, wishes: Mapping[str, Any], who: Principal
    ) -> ServiceProviderRow:
        _check_id(sp_id, "service_provider")
        wanted: ServiceProviderWishes = _wanted(wishes, ServiceProviderWishes, "service_provider")
        if wanted.auth_url is UNSET or wanted.sp_url is UNSET:
            missing = "auth_url" if wanted.auth_url is UNSET else "sp_url"
            raise BadRequest(
                f"Invalid input for service_provider: '{missing}' is a required property"
            )
        if tx.get(ServiceProviderRow, sp_id) is not None:
            raise Conflict(
                "Conflict occurred attempting to store service_provider - Duplicate entry found "
                f"with ID {sp_id}."
            )
        row = ServiceProviderRow(
            id=sp_id,
            auth_url=wanted.auth_url,
            sp_url=wanted.sp_url,
            description=wanted.description or None,
            enabled=wanted.enabled is True,
            relay_state_prefix=wanted.relay_state_prefix or RELAY_STATE_PREFIX,
        )
        tx.insert(row)
        emit(tx, "identity.service_provider.create", row.id, principal=who)
        tx.after_commit(self._forget_tokens)
        return row

    def update_service_provider(
        self, tx: Tx, sp_id: str, wishes: Mapping[str, Any], who: Principal
    ) -> ServiceProviderRow:
        wanted: ServiceProviderWishes = _wanted(
            wishes, ServiceProviderWishes, "service_provider", update=True
        )
        row = self.service_provider(tx, sp_id)
        changes = given(wanted, "auth_url", "sp_url", "description", "enabled")
        if wanted.relay_state_prefix is not UNSET:
            changes["relay_state_prefix"] = wanted.relay_state_prefix or RELAY_STATE_PREFIX
        row = tx.update(row, **changes)
        emit(tx, "identity.service_provider.update", row.id, principal=who)
        tx.after_commit(self._forget_tokens)
        return row

    def delete_service_provider(self, tx: Tx, sp_id: str, who: Principal) -> None:
        tx.delete(self.service_provider(tx, sp_id))
        emit(tx, "identity.service_provider.delete", sp_id, principal=who)
        tx.after_commit(self._forget_tokens)
