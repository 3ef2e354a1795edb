"""Rules of domains, their configuration, projects and their tags."""

from cumulo.identity.policy.parts import ADMIN, ANYONE, READ

_IN_DOMAIN = "domain_id:%(target.project.domain_id)s and not None:%(target.project.domain_id)s"
_SEE_PROJECT = f"{READ} or (role:reader and {_IN_DOMAIN}) or project_id:%(target.project.id)s"
_MANAGE_PROJECT = f"{ADMIN} or (role:manager and {_IN_DOMAIN})"

RULES = {
    "identity:list_domains": f"{READ} or (role:reader and domain_id:%(target.domain.id)s)",
    "identity:get_domain": f"{READ} or domain_id:%(target.domain.id)s"
    " or project_domain_id:%(target.domain.id)s",
    "identity:create_domain": ADMIN,
    "identity:update_domain": ADMIN,
    "identity:delete_domain": ADMIN,
    "identity:get_domain_config": READ,
    "identity:create_domain_config": ADMIN,
    "identity:update_domain_config": ADMIN,
    "identity:delete_domain_config": ADMIN,
    "identity:get_domain_config_default": READ,
    "identity:get_security_compliance_domain_config": ANYONE,
    "identity:list_projects": f"{READ} or (role:reader and domain_id:%(target.domain_id)s)",
    "identity:get_project": _SEE_PROJECT,
    "identity:create_project": _MANAGE_PROJECT,
    "identity:update_project": _MANAGE_PROJECT,
    "identity:delete_project": _MANAGE_PROJECT,
    "identity:list_project_tags": _SEE_PROJECT,
    "identity:get_project_tag": _SEE_PROJECT,
    "identity:update_project_tags": _MANAGE_PROJECT,
    "identity:create_project_tag": _MANAGE_PROJECT,
    "identity:delete_project_tags": _MANAGE_PROJECT,
    "identity:delete_project_tag": _MANAGE_PROJECT,
}
