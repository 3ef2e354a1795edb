"""Federation's set-up on the wire: identity API v3, OS-FEDERATION."""

from typing import Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation
from cumulo.identity.api.envelope import filters, listed, matching
from cumulo.identity.model.federation import (
    IdentityProviderRow,
    MappingRow,
    ProtocolRow,
    ServiceProviderRow,
)
from cumulo.identity.service.identity import IdentityService

ROOT = "/v3/OS-FEDERATION"


class FederationBody(msgspec.Struct, forbid_unknown_fields=True):
    identity_provider: dict[str, Any] | None = None
    protocol: dict[str, Any] | None = None
    mapping: dict[str, Any] | None = None
    service_provider: dict[str, Any] | None = None


def _wished(call: Call, noun: str) -> dict[str, Any]:
    found: dict[str, Any] | None = getattr(call.body, noun)
    if found is None:
        raise BadRequest(f"Invalid input: '{noun}' is a required property")
    return found


def _link(call: Call, *parts: str) -> str:
    return "/".join((f"{call.base_url}{ROOT}", *parts))


def provider_body(call: Call, row: IdentityProviderRow) -> dict[str, Any]:
    link = _link(call, "identity_providers", row.id)
    return {
        "id": row.id,
        "domain_id": row.domain_id,
        "description": row.description,
        "enabled": row.enabled,
        "remote_ids": row.remote_ids,
        "authorization_ttl": row.authorization_ttl,
        "links": {"self": link, "protocols": f"{link}/protocols"},
    }


def protocol_body(call: Call, row: ProtocolRow) -> dict[str, Any]:
    provider = _link(call, "identity_providers", row.idp_id)
    body: dict[str, Any] = {
        "id": row.id,
        "mapping_id": row.mapping_id,
        "links": {"self": f"{provider}/protocols/{row.id}", "identity_provider": provider},
    }
    if row.remote_id_attribute is not None:
        body["remote_id_attribute"] = row.remote_id_attribute
    return body


def mapping_body(call: Call, row: MappingRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "rules": row.rules,
        "schema_version": row.schema_version,
        "links": {"self": _link(call, "mappings", row.id)},
    }


def service_provider_body(call: Call, row: ServiceProviderRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "auth_url": row.auth_url,
        "sp_url": row.sp_url,
        "description": row.description,
        "enabled": row.enabled,
        "relay_state_prefix": row.relay_state_prefix,
        "links": {"self": _link(call, "service_providers", row.id)},
    }


class FederationApi:
    def __init__(self, identity: IdentityService) -> None:
        self._providers = identity.federation

    def operations(self) -> list[Operation]:
        nouns = (
            ("identity_provider", f"{ROOT}/identity_providers", "idp_id"),
            ("protocol", f"{ROOT}/identity_providers/{{idp_id}}/protocols", "protocol_id"),
            ("mapping", f"{ROOT}/mappings", "mapping_id"),
            ("service_provider", f"{ROOT}/service_providers", "sp_id"),
        )
        made = []
        for noun, many, key in nouns:
            one = f"{many}/{{{key}}}"
            index, show = getattr(self, f"list_{noun}s"), getattr(self, f"show_{noun}")
            made += [
                Operation("GET", many, index, policy=f"identity:list_{noun}s"),
                Operation("GET", one, show, policy=f"identity:get_{noun}"),
            ]
            for method, verb, status in (("PUT", "create", 201), ("PATCH", "update", 200)):
                made.append(
                    Operation(
                        method,
                        one,
                        getattr(self, f"{verb}_{noun}"),
                        policy=f"identity:{verb}_{noun}",
                        body=FederationBody,
                        status=status,
                    )
                )
            made.append(
                Operation(
                    "DELETE",
                    one,
                    getattr(self, f"delete_{noun}"),
                    policy=f"identity:delete_{noun}",
                    status=204,
                )
            )
        return made

    def list_identity_providers(self, call: Call, tx: Tx) -> Any:
        rows = self._providers.providers.page(tx, where=filters(call, "id", "enabled"))
        items = [provider_body(call, row) for row in rows]
        return listed(call, "identity_providers", matching(call, items))

    def show_identity_provider(self, call: Call, tx: Tx) -> Any:
        row = self._providers.provider(tx, call.path["idp_id"])
        return {"identity_provider": provider_body(call, row)}

    def create_identity_provider(self, call: Call, tx: Tx) -> Any:
        wishes = _wished(call, "identity_provider")
        row = self._providers.create_provider(tx, call.path["idp_id"], wishes, call.principal)
        return {"identity_provider": provider_body(call, row)}

    def update_identity_provider(self, call: Call, tx: Tx) -> Any:
        wishes = _wished(call, "identity_provider")
        row = self._providers.update_provider(tx, call.path["idp_id"], wishes, call.principal)
        return {"identity_provider": provider_body(call, row)}

    def delete_identity_provider(self, call: Call, tx: Tx) -> None:
        self._providers.delete_provider(tx, call.path["idp_id"], call.principal)

    def list_protocols(self, call: Call, tx: Tx) -> Any:
        idp_id = call.path["idp_id"]
        self._providers.provider(tx, idp_id)
        rows = self._providers.protocols.page(tx, where={"idp_id": idp_id})
        items = [
            {
                **protocol_body(call, row),
                "idp_id": idp_id,
                "remote_id_attribute": row.remote_id_attribute,
            }
            for row in rows
        ]
        return listed(call, "protocols", items)

    def show_protocol(self, call: Call, tx: Tx) -> Any:
        row = self._providers.protocol(tx, call.path["idp_id"], call.path["protocol_id"])
        return {"protocol": protocol_body(call, row)}

    def create_protocol(self, call: Call, tx: Tx) -> Any:
        row = self._providers.create_protocol(
            tx,
            call.path["idp_id"],
            call.path["protocol_id"],
            _wished(call, "protocol"),
            call.principal,
        )
        return {"protocol": protocol_body(call, row)}

    def update_protocol(self, call: Call, tx: Tx) -> Any:
        row = self._providers.update_protocol(
            tx,
            call.path["idp_id"],
            call.path["protocol_id"],
            _wished(call, "protocol"),
            call.principal,
        )
        return {"protocol": protocol_body(call, row)}

    def delete_protocol(self, call: Call, tx: Tx) -> None:
        self._providers.delete_protocol(
            tx, call.path["idp_id"], call.path["protocol_id"], call.principal
        )

    def list_mappings(self, call: Call, tx: Tx) -> Any:
        rows = self._providers.mappings.page(tx, where={})
        return listed(call, "mappings", [mapping_body(call, row) for row in rows])

    def show_mapping(self, call: Call, tx: Tx) -> Any:
        return {"mapping": mapping_body(call, self._providers.mapping(tx, call.path["mapping_id"]))}

    def create_mapping(self, call: Call, tx: Tx) -> Any:
        wishes = _wished(call, "mapping")
        row = self._providers.create_mapping(tx, call.path["mapping_id"], wishes, call.principal)
        return {"mapping": mapping_body(call, row)}

    def update_mapping(self, call: Call, tx: Tx) -> Any:
        wishes = _wished(call, "mapping")
        row = self._providers.update_mapping(tx, call.path["mapping_id"], wishes, call.principal)
        return {"mapping": mapping_body(call, row)}

    def delete_mapping(self, call: Call, tx: Tx) -> None:
        self._providers.delete_mapping(tx, call.path["mapping_id"], call.principal)

    def list_service_providers(self, call: Call, tx: Tx) -> Any:
        rows = self._providers.service_providers.page(tx, where=filters(call, "id", "enabled"))
        items = [service_provider_body(call, row) for row in rows]
        return listed(call, "service_providers", matching(call, items))

    def show_service_provider(self, call: Call, tx: Tx) -> Any:
        row = self._providers.service_provider(tx, call.path["sp_id"])
        return {"service_provider": service_provider_body(call, row)}

    def create_service_provider(self, call: Call, tx: Tx) -> Any:
        wishes = _wished(call, "service_provider")
        row = self._providers.create_service_provider(
            tx, call.path["sp_id"], wishes, call.principal
        )
        return {"service_provider": service_provider_body(call, row)}

    def update_service_provider(self, call: Call, tx: Tx) -> Any:
        wishes = _wished(call, "service_provider")
        row = self._providers.update_service_provider(
            tx, call.path["sp_id"], wishes, call.principal
        )
        return {"service_provider": service_provider_body(call, row)}

    def delete_service_provider(self, call: Call, tx: Tx) -> None:
        self._providers.delete_service_provider(tx, call.path["sp_id"], call.principal)
