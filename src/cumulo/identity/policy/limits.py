"""Rules of registered limits and limits."""

from cumulo.identity.policy.parts import ADMIN, ANYONE, READ

RULES = {
    "identity:get_registered_limit": ANYONE,
    "identity:list_registered_limits": ANYONE,
    "identity:create_registered_limits": ADMIN,
    "identity:update_registered_limit": ADMIN,
    "identity:delete_registered_limit": ADMIN,
    "identity:get_limit_model": ANYONE,
    "identity:get_limit": f"{READ} or domain_id:%(target.limit.domain.id)s"
    " or domain_id:%(target.limit.project.domain_id)s"
    " or (project_id:%(target.limit.project_id)s and not None:%(target.limit.project_id)s)",
    "identity:list_limits": ANYONE,
    "identity:create_limits": ADMIN,
    "identity:update_limit": ADMIN,
    "identity:delete_limit": ADMIN,
}
