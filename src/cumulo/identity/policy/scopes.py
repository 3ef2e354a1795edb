"""Which scope a token may have for an action: keystone's scope types, enforced as it does today.

A token for a domain administers what is in domains, and nothing that belongs to the whole cloud
(services, endpoints, regions …), whatever its roles are called.
"""

_DOMAIN_TOO = """
    add_user_to_group check_grant check_token check_user_in_group create_credential create_grant
    create_group create_project create_project_tag create_user delete_credential delete_group
    delete_project delete_project_tag delete_project_tags delete_user ec2tokens_validate
    get_credential get_domain get_group get_limit get_limit_model get_project get_project_tag
    get_region get_registered_limit get_role get_security_compliance_domain_config get_user
    list_credentials list_domains list_grants list_groups list_groups_for_user list_limits
    list_project_tags list_projects list_regions list_registered_limits list_role_assignments
    list_role_assignments_for_tree list_roles list_user_projects list_users list_users_in_group
    remove_user_from_group revoke_grant revoke_token s3tokens_validate update_credential
    update_group update_project update_project_tags update_user validate_token
"""
_PROJECT_ONLY = """
    authorize_request_token create_application_credential create_trust delete_access_token
    get_access_token get_access_token_role list_access_token_roles list_access_tokens
"""
_ANY = """
    change_password get_auth_catalog get_auth_domains get_auth_projects get_auth_system
"""


def scopes(actions: list[str]) -> dict[str, tuple[str, ...]]:
    """For those of the actions that are bound to scopes; names of mere rules are left out."""
    every = ("system", "domain", "project")
    named: dict[str, tuple[str, ...]] = {f"identity:{each}": every for each in _DOMAIN_TOO.split()}
    named |= {f"identity:{name}": ("project",) for name in _PROJECT_ONLY.split()}
    free = {f"identity:{name}" for name in _ANY.split()}
    return {
        action: named.get(action, ("system", "project"))
        for action in actions
        if action.startswith("identity:") and action not in free
    }
