"""What a token says of itself on the wire: identity API v3."""

from typing import Any

from cumulo.core.auth.principal import Principal
from cumulo.core.clock import zulu_micro
from cumulo.core.db.transaction import Tx
from cumulo.identity.service.authentication.receipts import Receipt
from cumulo.identity.service.identity import IdentityService


def token_body(
    identity: IdentityService, tx: Tx, who: Principal, with_catalog: bool
) -> dict[str, Any]:
    token: dict[str, Any] = {
        "methods": who.methods,
        "user": _user(who),
        "audit_ids": who.audit_ids,
        "expires_at": zulu_micro(who.expires_at),
        "issued_at": zulu_micro(who.issued_at),
    }
    if who.project_id is not None:
        token["project"] = {
            "domain": {"id": who.project_domain_id, "name": who.project_domain_name},
            "id": who.project_id,
            "name": who.project_name,
        }
        token["is_domain"] = who.is_domain
    elif who.domain_id is not None:
        token["domain"] = {"id": who.domain_id, "name": who.domain_name}
    elif who.system:
        token["system"] = {"all": True}
    if who.roles:
        token["roles"] = [
            {"id": id, "name": name} for id, name in zip(who.role_ids, who.roles, strict=True)
        ]
        if with_catalog:
            token["catalog"] = identity.catalog.view(tx, who.project_id)
    if believers := identity.federation.believers(tx):
        token["service_providers"] = believers
    _add_delegation(token, who)
    return {"token": token}


def _user(who: Principal) -> dict[str, Any]:
    user: dict[str, Any] = {
        "domain": {"id": who.user_domain_id, "name": who.user_domain_name},
        "id": who.user_id,
        "name": who.user_name,
        "password_expires_at": who.password_expires_at,
    }
    federation = who.federation
    if federation is not None:
        user["OS-FEDERATION"] = {
            "groups": [{"id": id} for id in federation.group_ids],
            "identity_provider": {"id": federation.identity_provider_id},
            "protocol": {"id": federation.protocol_id},
        }
    return user


def _add_delegation(token: dict[str, Any], who: Principal) -> None:
    if who.trust is not None:
        token["OS-TRUST:trust"] = {
            "id": who.trust.id,
            "impersonation": who.trust.impersonation,
            "trustor_user": {"id": who.trust.trustor_user_id},
            "trustee_user": {"id": who.trust.trustee_user_id},
        }
    if who.access_token is not None:
        token["OS-OAUTH1"] = {
            "access_token_id": who.access_token.id,
            "consumer_id": who.access_token.consumer_id,
        }
    if who.certificate is not None:
        token["oauth2_credential"] = {"x5t#S256": who.certificate}
    credential = who.application_credential
    if credential is not None:
        token["application_credential"] = {
            "id": credential.id,
            "name": credential.name,
            "restricted": credential.restricted,
        }
        if credential.access_rules is not None:
            token["application_credential"]["access_rules"] = credential.access_rules


def receipt_body(receipt: Receipt) -> dict[str, Any]:
    """What is still asked of somebody who has shown a part."""
    user, home = receipt.user, receipt.home
    return {
        "receipt": {
            "methods": receipt.methods,
            "user": {
                "domain": {"id": home.id, "name": home.name},
                "id": user.id,
                "name": user.name,
            },
            "expires_at": zulu_micro(receipt.expires_at),
            "issued_at": zulu_micro(receipt.issued_at),
        },
        "required_auth_methods": receipt.rules,
    }
