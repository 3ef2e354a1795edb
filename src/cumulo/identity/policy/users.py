"""Rules of users, groups and tokens."""

from cumulo.identity.policy.parts import ADMIN, READ

_SEE_USER = (
    f"{READ} or (role:reader and domain_id:%(target.user.domain_id)s) or user_id:%(target.user.id)s"
)
_MANAGE_USER = f"{ADMIN} or (role:manager and domain_id:%(target.user.domain_id)s)"
_GROUPS_DOMAIN = "domain_id:%(target.group.domain_id)s"
_BOTH_DOMAINS = f"{_GROUPS_DOMAIN} and domain_id:%(target.user.domain_id)s"
_SEE_GROUP = f"{READ} or (role:reader and {_GROUPS_DOMAIN})"
_MANAGE_GROUP = f"{ADMIN} or (role:manager and {_GROUPS_DOMAIN})"
_MANAGE_MEMBERS = f"{ADMIN} or (role:manager and {_BOTH_DOMAINS})"

RULES = {
    "identity:list_users": f"{READ} or (role:reader and domain_id:%(target.domain_id)s)",
    "identity:get_user": _SEE_USER,
    "identity:list_user_projects": _SEE_USER,
    "identity:create_user": _MANAGE_USER,
    "identity:update_user": _MANAGE_USER,
    "identity:delete_user": _MANAGE_USER,
    "identity:change_password": "user_id:%(target.user.id)s",
    "identity:get_group": _SEE_GROUP,
    "identity:list_groups": _SEE_GROUP,
    "identity:list_groups_for_user": _SEE_USER,
    "identity:create_group": _MANAGE_GROUP,
    "identity:update_group": _MANAGE_GROUP,
    "identity:delete_group": _MANAGE_GROUP,
    "identity:list_users_in_group": _SEE_GROUP,
    "identity:check_user_in_group": f"{READ} or (role:reader and {_BOTH_DOMAINS})",
    "identity:add_user_to_group": _MANAGE_MEMBERS,
    "identity:remove_user_from_group": _MANAGE_MEMBERS,
    "identity:check_token": f"{READ} or rule:token_subject",
    "identity:validate_token": f"{READ} or rule:service_role or rule:token_subject",
    "identity:revoke_token": f"{ADMIN} or rule:token_subject",
}
