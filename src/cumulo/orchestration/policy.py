"""Policy: Heat's rule names and today's defaults."""

READER = "(role:reader and project_id:%(project_id)s) or rule:context_is_admin"
MEMBER = "(role:member and project_id:%(project_id)s) or rule:context_is_admin"
ADMIN = "rule:context_is_admin"

_READ = {
    "stacks": (
        "detail",
        "environment",
        "files",
        "generate_template",
        "index",
        "list_outputs",
        "list_resource_types",
        "list_template_functions",
        "list_template_versions",
        "lookup",
        "resource_schema",
        "show",
        "show_output",
        "template",
        "validate_template",
        "list_snapshots",
        "show_snapshot",
    ),
    "resource": ("index", "metadata", "show"),
    "events": ("index", "show"),
    "build_info": ("build_info",),
    "software_configs": ("index", "show"),
    "software_deployments": ("index", "show", "metadata"),
}
_WRITE = {
    "stacks": (
        "abandon",
        "create",
        "delete",
        "export",
        "preview",
        "update",
        "update_patch",
        "preview_update",
        "preview_update_patch",
        "snapshot",
        "delete_snapshot",
        "restore_snapshot",
    ),
    "actions": (
        "action",
        "snapshot",
        "suspend",
        "resume",
        "check",
        "cancel_update",
        "cancel_without_rollback",
    ),
    "resource": ("mark_unhealthy", "signal"),
    "software_configs": ("create", "delete"),
    "software_deployments": ("create", "update", "delete"),
}
RULES = {
    "context_is_admin": "role:admin",
    "stacks:global_index": ADMIN,
    "software_configs:global_index": ADMIN,
    "service:index": ADMIN,
    **{f"{noun}:{verb}": READER for noun, verbs in _READ.items() for verb in verbs},
    **{f"{noun}:{verb}": MEMBER for noun, verbs in _WRITE.items() for verb in verbs},
}
