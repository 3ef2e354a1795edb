"""Rules of the catalog: regions, services, endpoints, who sees which, and stored policies."""

from cumulo.identity.policy.parts import ADMIN, ANYONE, READ, crud

_POLICY_FOR = ("endpoint", "service", "region_and_service")

RULES = {
    **crud("region", read=ANYONE),
    **crud("service"),
    **crud("endpoint"),
    **crud("endpoint_group"),
    "identity:list_projects_associated_with_endpoint_group": READ,
    "identity:list_endpoints_associated_with_endpoint_group": READ,
    "identity:get_endpoint_group_in_project": READ,
    "identity:list_endpoint_groups_for_project": READ,
    "identity:add_endpoint_group_to_project": ADMIN,
    "identity:remove_endpoint_group_from_project": ADMIN,
    "identity:list_projects_for_endpoint": READ,
    "identity:add_endpoint_to_project": ADMIN,
    "identity:check_endpoint_in_project": READ,
    "identity:list_endpoints_for_project": READ,
    "identity:remove_endpoint_from_project": ADMIN,
    **crud("policy", many="policies"),
    **{f"identity:create_policy_association_for_{noun}": ADMIN for noun in _POLICY_FOR},
    **{f"identity:check_policy_association_for_{noun}": READ for noun in _POLICY_FOR},
    **{f"identity:delete_policy_association_for_{noun}": ADMIN for noun in _POLICY_FOR},
    "identity:get_policy_for_endpoint": READ,
    "identity:list_endpoints_for_policy": READ,
}
