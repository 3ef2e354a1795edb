"""Placement's rules: today's names and defaults."""

_ADMIN_OR_SERVICE = "role:admin or role:service"
_PROJECT_READER = "role:admin or role:service or (role:reader and project_id:%(project_id)s)"

_NOUNS = {
    "resource_providers": ("list", "create", "show", "update", "delete"),
    "resource_classes": ("list", "create", "show", "update", "delete"),
    "traits": ("list", "show", "update", "delete"),
    "allocations": ("list", "update", "delete", "manage"),
    "allocation_candidates": ("list",),
}
_OF_PROVIDERS = {
    "inventories": ("list", "create", "show", "update", "delete"),
    "aggregates": ("list", "update"),
    "traits": ("list", "update", "delete"),
    "usages": ("list",),
    "allocations": ("list",),
}

RULES: dict[str, str] = {
    **{f"placement:{noun}:{verb}": _ADMIN_OR_SERVICE for noun, vs in _NOUNS.items() for verb in vs},
    **{
        f"placement:resource_providers:{noun}:{verb}": _ADMIN_OR_SERVICE
        for noun, vs in _OF_PROVIDERS.items()
        for verb in vs
    },
    "placement:reshaper:reshape": _ADMIN_OR_SERVICE,
    "placement:usages": _PROJECT_READER,
}
