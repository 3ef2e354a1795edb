"""What the rules of several nouns have in common."""

ADMIN = "rule:admin_required"
READ = "rule:admin_required or (role:reader and system_scope:all)"
ANYONE = "@"

RULES = {
    "admin_required": "role:admin",
    "default": "rule:admin_required",
    "service_role": "role:service",
    "service_or_admin": "rule:admin_required or rule:service_role",
    "owner": "user_id:%(user_id)s",
    "admin_or_owner": "rule:admin_required or rule:owner",
    "token_subject": "user_id:%(target.token.user_id)s",
    "domain_managed_target_role": "'manager':%(target.role.name)s or 'member':%(target.role.name)s"
    " or 'reader':%(target.role.name)s",
}


def crud(noun: str, read: str = READ, write: str = ADMIN, many: str = "") -> dict[str, str]:
    """The five rules of a noun that has nothing special."""
    return {
        f"identity:get_{noun}": read,
        f"identity:list_{many or noun + 's'}": read,
        f"identity:create_{noun}": write,
        f"identity:update_{noun}": write,
        f"identity:delete_{noun}": write,
    }
