"""Rules of what users lend and are let in by: application credentials, trusts, OAuth, tokens."""

from cumulo.identity.policy.parts import ADMIN, READ

_OWNER = "rule:owner"
_OWN_USER = "user_id:%(target.user.id)s"
_TRUSTOR = "user_id:%(target.trust.trustor_user_id)s"
_TRUSTEE = "user_id:%(target.trust.trustee_user_id)s"
_SERVICE = "rule:service_or_admin"
_SYSTEM_READER = "(role:reader and system_scope:all)"
_SYSTEM_ADMIN = "(role:admin and system_scope:all)"

RULES = {
    "identity:get_auth_catalog": "",
    "identity:get_auth_projects": "",
    "identity:get_auth_domains": "",
    "identity:get_auth_system": "",
    "identity:check_token": f"{READ} or rule:service_role or rule:token_subject",
    "identity:list_revoke_events": f"{_SERVICE} or {_SYSTEM_READER}",
    "identity:get_application_credential": f"{READ} or {_OWNER}",
    "identity:list_application_credentials": f"{READ} or {_OWNER}",
    "identity:create_application_credential": _OWNER,
    "identity:delete_application_credential": f"{ADMIN} or {_OWNER}",
    "identity:get_access_rule": f"{_SYSTEM_READER} or {_OWN_USER}",
    "identity:list_access_rules": f"{_SYSTEM_READER} or {_OWN_USER}",
    "identity:delete_access_rule": f"{_SYSTEM_ADMIN} or {_OWN_USER}",
    "identity:create_trust": "user_id:%(trust.trustor_user_id)s",
    "identity:list_trusts": READ,
    "identity:list_trusts_for_trustor": f"{READ} or {_TRUSTOR}",
    "identity:list_trusts_for_trustee": f"{READ} or {_TRUSTEE}",
    "identity:get_trust": f"{READ} or {_TRUSTOR} or {_TRUSTEE}",
    "identity:list_roles_for_trust": f"{READ} or {_TRUSTOR} or {_TRUSTEE}",
    "identity:get_role_for_trust": f"{READ} or {_TRUSTOR} or {_TRUSTEE}",
    "identity:delete_trust": f"{ADMIN} or {_TRUSTOR}",
    "identity:get_consumer": READ,
    "identity:list_consumers": READ,
    "identity:create_consumer": ADMIN,
    "identity:update_consumer": ADMIN,
    "identity:delete_consumer": ADMIN,
    "identity:authorize_request_token": ADMIN,
    "identity:get_access_token": ADMIN,
    "identity:list_access_tokens": ADMIN,
    "identity:delete_access_token": ADMIN,
    "identity:get_access_token_role": ADMIN,
    "identity:list_access_token_roles": ADMIN,
    "identity:ec2tokens_validate": _SERVICE,
    "identity:s3tokens_validate": _SERVICE,
}
