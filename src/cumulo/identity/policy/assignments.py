"""Rules of roles, the roles that they imply, and of assignments."""

from cumulo.identity.policy.parts import ADMIN, READ, crud

_PLACES = tuple(
    f"domain_id:%(target.{actor}.domain_id)s and domain_id:%(target.{where})s"
    for actor in ("user", "group")
    for where in ("project.domain_id", "domain.id")
)


def _within(role: str) -> str:
    """The caller has the role on the domain of both the actor and the target."""
    return "(" + " or ".join(f"(role:{role} and {place})" for place in _PLACES) + ")"


_ROLE_IS_USABLE = "(domain_id:%(target.role.domain_id)s or None:%(target.role.domain_id)s)"
_GIVE = (
    f"{ADMIN} or ({_within('admin')} and {_ROLE_IS_USABLE})"
    f" or ({_within('manager')} and rule:domain_managed_target_role)"
)
_SYSTEM = {
    f"identity:{verb}_system_grant{many}_for_{actor}": READ if verb in ("list", "check") else ADMIN
    for actor in ("user", "group")
    for verb, many in (("list", "s"), ("check", ""), ("create", ""), ("revoke", ""))
}
_OF_DOMAIN = f"{READ} or (role:reader and domain_id:%(target.domain_id)s)"

RULES = {
    **crud("role"),
    "identity:get_role": f"{READ} or (role:manager and rule:domain_managed_target_role)",
    "identity:list_roles": f"{READ} or (role:manager and not domain_id:None)",
    **crud("domain_role"),
    "identity:get_implied_role": READ,
    "identity:list_implied_roles": READ,
    "identity:create_implied_role": ADMIN,
    "identity:delete_implied_role": ADMIN,
    "identity:check_implied_role": READ,
    "identity:list_role_inference_rules": READ,
    "identity:list_role_assignments": _OF_DOMAIN,
    "identity:list_role_assignments_for_tree": _OF_DOMAIN,
    "identity:check_grant": f"{READ} or ({_within('reader')} and {_ROLE_IS_USABLE})",
    "identity:list_grants": f"{READ} or {_within('reader')}",
    "identity:create_grant": _GIVE,
    "identity:revoke_grant": _GIVE,
    **_SYSTEM,
}
