"""Shared file systems' rules: Manila's names, and its defaults in substance."""

_ADMIN = "rule:context_is_admin"
_READ = "rule:admin_or_project_reader"
_WRITE = "rule:admin_or_project_member"


def _rules(noun: str, **rules: str) -> dict[str, str]:
    return {f"{noun}:{name}": rule for name, rule in rules.items()}


RULES: dict[str, str] = {
    "context_is_admin": "role:admin",
    "admin_or_project_reader": "role:admin or (role:reader and project_id:%(project_id)s)",
    "admin_or_project_member": "role:admin or (role:member and project_id:%(project_id)s)",
    **_rules("availability_zone", index=""),
    **_rules(
        "share",
        create=_WRITE,
        get=_READ,
        get_all=_READ,
        update=_WRITE,
        delete=_WRITE,
        extend=_WRITE,
        shrink=_WRITE,
        revert_to_snapshot=_WRITE,
        soft_delete=_WRITE,
        restore=_WRITE,
        manage=_ADMIN,
        unmanage=_ADMIN,
        migration_start=_ADMIN,
        migration_complete=_ADMIN,
        migration_cancel=_ADMIN,
        migration_get_progress=_ADMIN,
        reset_task_state=_ADMIN,
        force_extend=_ADMIN,
        create_on_host=_ADMIN,
        force_delete=_ADMIN,
        reset_status=_ADMIN,
        allow_access=_WRITE,
        deny_access=_WRITE,
        access_get=_READ,
        access_get_all=_READ,
        get_share_metadata=_READ,
        update_share_metadata=_WRITE,
        update_admin_only_metadata=_ADMIN,
        delete_share_metadata=_WRITE,
        list_by_host=_ADMIN,
        list_by_share_server_id=_ADMIN,
        create_public_share=_ADMIN,
        set_public_share=_ADMIN,
        create_snapshot=_WRITE,
        delete_snapshot=_WRITE,
        snapshot_update=_WRITE,
    ),
    **_rules(
        "share_export_location", index=_READ, show=_READ, get_metadata=_READ,
        update_metadata=_WRITE, delete_metadata=_WRITE, update_admin_only_metadata=_ADMIN,
    ),
    **_rules("share_access_rule", get=_READ, index=_READ, update=_WRITE),
    **_rules("share_access_metadata", update=_WRITE, delete=_WRITE),
    **_rules(
        "share_snapshot", get_snapshot=_READ, get_all_snapshots=_READ, force_delete=_ADMIN,
        reset_status=_ADMIN, manage_snapshot=_ADMIN, unmanage_snapshot=_ADMIN, access_list=_READ,
        allow_access=_WRITE, deny_access=_WRITE, get_metadata=_READ, update_metadata=_WRITE,
        delete_metadata=_WRITE,
    ),
    **_rules("share_snapshot_export_location", index=_READ, show=_READ),
    **_rules("share_snapshot_instance", index=_ADMIN, detail=_ADMIN, show=_ADMIN,
             reset_status=_ADMIN),
    **_rules("share_snapshot_instance_export_location", index=_ADMIN, show=_ADMIN),
    **_rules("share_instance", index=_ADMIN, show=_ADMIN, force_delete=_ADMIN,
             reset_status=_ADMIN),
    **_rules("share_instance_export_location", index=_ADMIN, show=_ADMIN),
    **_rules(
        "share_network", create=_WRITE, show=_READ, index=_READ, detail=_READ, update=_WRITE,
        delete=_WRITE, get_all_share_networks=_ADMIN, add_security_service=_WRITE,
        add_security_service_check=_WRITE, remove_security_service=_WRITE,
        update_security_service=_WRITE, update_security_service_check=_WRITE,
        subnet_create_check=_WRITE, reset_status=_ADMIN,
    ),
    **_rules(
        "share_network_subnet", index=_READ, show=_READ, create=_WRITE, delete=_WRITE,
        get_metadata=_READ, update_metadata=_WRITE, delete_metadata=_WRITE,
    ),
    **_rules(
        "share_server", index=_ADMIN, show=_ADMIN, details=_ADMIN, delete=_ADMIN,
        reset_status=_ADMIN, manage_share_server=_ADMIN, unmanage_share_server=_ADMIN,
        **{f"share_server_{name}": _ADMIN for name in (
            "migration_start", "migration_complete", "migration_cancel", "migration_check",
            "migration_get_progress", "reset_task_state")},
    ),
    **_rules(
        "security_service", index=_READ, detail=_READ, show=_READ, create=_WRITE, update=_WRITE,
        delete=_WRITE, get_all_security_services=_ADMIN,
    ),
    **_rules("message", get=_READ, get_all=_READ, delete=_WRITE),
    **_rules(
        "resource_lock", get=_READ, get_all=_READ, get_all_projects=_ADMIN, create=_WRITE,
        update=_WRITE, delete=_WRITE,
    ),
    **_rules("share_transfer", get=_READ, get_all=_READ, create=_WRITE, delete=_WRITE,
             accept=_WRITE),
    **_rules("share_replica", get=_READ, get_all=_READ, create=_WRITE, update=_WRITE,
             delete=_WRITE),
    **_rules("share_group", get=_READ, get_all=_READ, create=_WRITE, update=_WRITE,
             delete=_WRITE),
    **_rules("share_group_snapshot", get=_READ, get_all=_READ, create=_WRITE, update=_WRITE,
             delete=_WRITE),
    **_rules(
        "share_group_type", show=_READ, index=_READ, default=_READ, create=_ADMIN, delete=_ADMIN,
        list_project_access=_ADMIN, add_project_access=_ADMIN, remove_project_access=_ADMIN,
    ),
    **_rules(
        "share_group_types_spec", show=_ADMIN, index=_ADMIN, create=_ADMIN, update=_ADMIN,
        delete=_ADMIN,
    ),
    **_rules("share_backup", get=_READ, get_all=_READ, create=_WRITE, update=_WRITE,
             delete=_WRITE),
    **_rules("qos_type", show=_READ, index=_READ, create=_ADMIN, update=_ADMIN, delete=_ADMIN),
    **_rules(
        "qos_type_spec", show=_READ, index=_READ, create=_ADMIN, update=_ADMIN, delete=_ADMIN
    ),
    **_rules(
        "share_type", create=_ADMIN, show=_READ, index=_READ, default=_READ, update=_ADMIN,
        delete=_ADMIN, list_project_access=_ADMIN, add_project_access=_ADMIN,
        remove_project_access=_ADMIN,
    ),
    **_rules(
        "share_types_extra_spec", create=_ADMIN, show=_ADMIN, index=_ADMIN, update=_ADMIN,
        delete=_ADMIN,
    ),
    **_rules("quota_set", show=_READ, update=_ADMIN, delete=_ADMIN),
    **_rules("quota_class_set", show=_ADMIN, update=_ADMIN),
    **_rules("limits", index=_READ),
    **_rules("service", index=_ADMIN, update=_ADMIN, ensure_shares=_ADMIN),
    **_rules("scheduler_stats:pools", index=_ADMIN, detail=_ADMIN),
}  # fmt: skip
