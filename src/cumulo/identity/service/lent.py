"""What a lent right must not be made into.

A token with a part of its user's right (of a trust, OAuth, an application credential, EC2 keys)
makes, reads and removes nothing that outlives it or can do more than it: no seeds, no other keys,
no other delegations. Keystone's rules of 2026 (Launchpad 2150089, 2153453), and stricter where a
secret of the whole user could be read: keys are handled only with the right that they carry.
"""

from collections.abc import Mapping
from typing import Any

from cumulo.core.auth.principal import Principal
from cumulo.core.faults import Forbidden
from cumulo.identity.model.credential import EC2

SOURCES = ("trust_id", "app_cred_id", "access_token_id")
"""Where an EC2 credential's rights come from, in its blob."""


def forbidden(action: str) -> Forbidden:
    return Forbidden(f"You are not authorized to perform the requested action: {action}.")


def source_of(who: Principal) -> dict[str, str]:
    """Where the caller's own rights come from, if they are lent: what its keys carry."""
    source = {}
    if who.trust is not None:
        source["trust_id"] = who.trust.id
    if who.application_credential is not None:
        source["app_cred_id"] = who.application_credential.id
    if who.access_token is not None:
        source["access_token_id"] = who.access_token.id
    return source


def refuse_lent(who: Principal, action: str) -> None:
    """403 for every lent right."""
    if who.is_lent:
        raise forbidden(f"Using a delegated token for {action}")


def refuse_restricted(who: Principal, action: str, *, passes_rules_on: bool = False) -> None:
    """403 for every lent right but that of an application credential which is unrestricted. One
    with access rules makes only what has them, too (`passes_rules_on`)."""
    credential = who.application_credential
    bound = credential is None or credential.restricted
    if credential is not None and credential.access_rules is not None:
        bound = bound or not passes_rules_on
    if bound or "ec2credential" in who.methods:
        refuse_lent(who, action)


def may_handle(
    who: Principal,
    user_id: str | None,
    type: object,
    project_id: str | None,
    blob: Mapping[str, Any],
) -> bool:
    """May the caller handle this credential, as far as its right is lent?

    An administrator's right over others is in its role. Of its own user a lent right handles EC2
    keys which are for its project and carry the very same right.
    """
    if not who.is_lent or (who.is_admin and user_id != who.user_id):
        return True
    credential = who.application_credential
    if credential is not None and credential.restricted:
        return False
    carried = {name: blob[name] for name in SOURCES if blob.get(name) is not None}
    fits = isinstance(type, str) and type.lower() == EC2 and project_id == who.project_id
    return fits and carried == source_of(who)
