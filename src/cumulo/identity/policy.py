"""Identity's rules: keystone's names, and its defaults in substance.

Targets carry `target.domain_id`-like keys flat, as the policy language wants them.
"""

_ADMIN = "role:admin"
_READ_SYSTEM = "(role:reader and system_scope:all)"

_READ_DOMAIN = (
    f"rule:admin_required or {_READ_SYSTEM} or (role:reader and domain_id:%(target.domain.id)s)"
)
_READ_PROJECT = (
    f"rule:admin_required or {_READ_SYSTEM} or "
    "(role:reader and domain_id:%(target.project.domain_id)s) or "
    "project_id:%(target.project.id)s"
)
_READ_USER = (
    f"rule:admin_required or {_READ_SYSTEM} or "
    "(role:reader and domain_id:%(target.user.domain_id)s) or user_id:%(target.user.id)s"
)
_MANAGE_PROJECT = "rule:admin_required or (role:manager and domain_id:%(target.project.domain_id)s)"
_MANAGE_USER = "rule:admin_required or (role:manager and domain_id:%(target.user.domain_id)s)"

RULES: dict[str, str] = {
    "admin_required": _ADMIN,
    "default": "rule:admin_required",
    "identity:list_domains": f"rule:admin_required or {_READ_SYSTEM} or role:reader",
    "identity:get_domain": _READ_DOMAIN + " or domain_id:%(target.domain.id)s"
    " or project_domain_id:%(target.domain.id)s",
    "identity:create_domain": "rule:admin_required",
    "identity:update_domain": "rule:admin_required",
    "identity:delete_domain": "rule:admin_required",
    "identity:list_projects": f"rule:admin_required or {_READ_SYSTEM} or "
    "(role:reader and domain_id:%(target.domain_id)s)",
    "identity:get_project": _READ_PROJECT,
    "identity:create_project": _MANAGE_PROJECT,
    "identity:update_project": _MANAGE_PROJECT,
    "identity:delete_project": _MANAGE_PROJECT,
    "identity:list_users": f"rule:admin_required or {_READ_SYSTEM} or "
    "(role:reader and domain_id:%(target.domain_id)s)",
    "identity:get_user": _READ_USER,
    "identity:list_user_projects": _READ_USER,
    "identity:create_user": _MANAGE_USER,
    "identity:update_user": _MANAGE_USER,
    "identity:delete_user": _MANAGE_USER,
    "identity:change_password": "user_id:%(target.user.id)s",
    "identity:list_roles": f"rule:admin_required or {_READ_SYSTEM} or role:manager",
    "identity:get_role": f"rule:admin_required or {_READ_SYSTEM} or role:manager",
    "identity:create_role": "rule:admin_required",
    "identity:update_role": "rule:admin_required",
    "identity:delete_role": "rule:admin_required",
    "identity:list_implied_roles": f"rule:admin_required or {_READ_SYSTEM}",
    "identity:list_role_assignments": f"rule:admin_required or {_READ_SYSTEM} or "
    "(role:reader and domain_id:%(target.domain_id)s)",
    "identity:list_grants": f"rule:admin_required or {_READ_SYSTEM}",
    "identity:check_grant": f"rule:admin_required or {_READ_SYSTEM}",
    "identity:create_grant": "rule:admin_required",
    "identity:revoke_grant": "rule:admin_required",
    "identity:list_regions": "@",
    "identity:get_region": "@",
    "identity:create_region": "rule:admin_required",
    "identity:update_region": "rule:admin_required",
    "identity:delete_region": "rule:admin_required",
    "identity:list_services": f"rule:admin_required or {_READ_SYSTEM}",
    "identity:get_service": f"rule:admin_required or {_READ_SYSTEM}",
    "identity:create_service": "rule:admin_required",
    "identity:update_service": "rule:admin_required",
    "identity:delete_service": "rule:admin_required",
    "identity:list_endpoints": f"rule:admin_required or {_READ_SYSTEM}",
    "identity:get_endpoint": f"rule:admin_required or {_READ_SYSTEM}",
    "identity:create_endpoint": "rule:admin_required",
    "identity:update_endpoint": "rule:admin_required",
    "identity:delete_endpoint": "rule:admin_required",
    "identity:validate_token": f"rule:admin_required or {_READ_SYSTEM} or role:service or "
    "user_id:%(target.token.user_id)s",
    "identity:check_token": f"rule:admin_required or {_READ_SYSTEM} or role:service or "
    "user_id:%(target.token.user_id)s",
    "identity:revoke_token": "rule:admin_required or user_id:%(target.token.user_id)s",
    # Federation: operators set it up, system readers look at it.
    **{
        f"identity:{verb}": f"rule:admin_required or {_READ_SYSTEM}"
        for noun in ("identity_provider", "protocol", "mapping", "service_provider")
        for verb in (f"list_{noun}s", f"get_{noun}")
    },
    **{
        f"identity:{verb}_{noun}": "rule:admin_required"
        for noun in ("identity_provider", "protocol", "mapping", "service_provider")
        for verb in ("create", "update", "delete")
    },
}
