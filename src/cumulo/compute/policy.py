"""Compute's rules: nova's names, and its defaults in substance."""

_ADMIN = "rule:context_is_admin"
_MEMBER = "rule:project_member_or_admin"
_READER = "rule:project_reader_or_admin"

_BASE = {
    "context_is_admin": "role:admin",
    "admin_api": "role:admin",
    "project_member_or_admin": "(role:member and project_id:%(project_id)s) or role:admin",
    "project_manager_or_admin": "(role:manager and project_id:%(project_id)s) or role:admin",
    "project_reader_or_admin": "(role:reader and project_id:%(project_id)s) or role:admin",
    "default": "rule:admin_api",
}

_MEMBERS = """
    os-remote-consoles
    servers:create servers:update servers:delete servers:reboot servers:start servers:stop
    os-pause-server:pause os-pause-server:unpause os-lock-server:lock os-lock-server:unlock
    servers:rebuild servers:resize servers:confirm_resize servers:revert_resize
    servers:create_image servers:trigger_crash_dump os-create-backup os-admin-password
    os-suspend-server:suspend os-suspend-server:resume os-rescue os-unrescue
    os-shelve:shelve os-shelve:unshelve os-deferred-delete:restore
    os-deferred-delete:force os-console-output os-server-password:clear
    images:delete os-floating-ips:create os-floating-ips:delete os-floating-ips:add
    os-floating-ips:remove os-multinic:add os-multinic:remove
    os-volumes:create os-volumes:delete os-volumes:snapshots:create os-volumes:snapshots:delete
    server-metadata:create server-metadata:update_all server-metadata:update
    server-metadata:delete
    os-server-tags:update_all os-server-tags:delete_all os-server-tags:update
    os-server-tags:delete
    os-volumes-attachments:create os-volumes-attachments:delete
    os-volumes-attachments:update
    os-attach-interfaces:create os-attach-interfaces:delete
    os-server-shares:create os-server-shares:delete
    os-server-groups:create os-server-groups:delete
    os-security-groups:create os-security-groups:update os-security-groups:delete
    os-security-groups:rule:create os-security-groups:rule:delete
    os-security-groups:add os-security-groups:remove
"""
_READERS = """
    servers:index servers:detail servers:show
    images:list images:show image-metadata os-networks:list os-networks:show
    os-tenant-networks:list os-tenant-networks:show os-floating-ip-pools
    os-floating-ips:list os-floating-ips:show os-volumes:list os-volumes:detail os-volumes:show
    os-volumes:snapshots:list os-volumes:snapshots:detail os-volumes:snapshots:show
    ips:index ips:show os-security-groups:list os-security-groups:get os-security-groups:show
    server-metadata:index server-metadata:show os-server-tags:index os-server-tags:show
    os-instance-actions:list os-instance-actions:show os-server-password:show
    os-volumes-attachments:index os-volumes-attachments:show
    os-attach-interfaces:list os-attach-interfaces:show
    os-server-shares:index os-server-shares:show
    os-server-groups:index os-server-groups:show
    os-quota-sets:show os-quota-sets:detail os-simple-tenant-usage:show
    os-flavor-extra-specs:index os-flavor-extra-specs:show
"""
_ADMINS = """
    servers:index:get_all_tenants servers:detail:get_all_tenants servers:create:forced_host
    servers:show:host_status os-extended-server-attributes os-admin-actions:reset_state
    os-admin-actions:reset_network os-admin-actions:inject_network_info
    os-migrate-server:migrate:host os-shelve:shelve_offload
    os-shelve:unshelve_to_host os-migrations:index servers:migrations:index
    servers:migrations:show
    os-server-diagnostics os-lock-server:unlock:unlock_override
    os-flavor-manage:create os-flavor-manage:update os-flavor-manage:delete
    os-flavor-extra-specs:create os-flavor-extra-specs:update os-flavor-extra-specs:delete
    os-flavor-access os-flavor-access:add_tenant_access os-flavor-access:remove_tenant_access
    os-hypervisors:list os-hypervisors:list-detail os-hypervisors:statistics os-hypervisors:show
    os-hypervisors:uptime os-hypervisors:search os-hypervisors:servers
    os-services:list os-services:update os-services:delete os-migrate-server:abort os-evacuate
    os-baremetal-nodes:list os-baremetal-nodes:show os-availability-zone:detail
    os-quota-sets:update os-quota-sets:delete os-quota-class-sets:show
    os-hosts:list os-hosts:show os-hosts:update os-hosts:startup os-hosts:shutdown
    os-hosts:reboot os-instance-usage-audit-log:list os-instance-usage-audit-log:show
    os-quota-class-sets:update
    os-aggregates:index os-aggregates:create os-aggregates:show os-aggregates:update
    os-aggregates:delete os-aggregates:add_host os-aggregates:remove_host
    os-console-auth-tokens os-aggregates:set_metadata os-simple-tenant-usage:list
"""
_ANYBODY = "flavors limits extensions os-quota-sets:defaults os-availability-zone:list"


def _rules(names: str, rule: str) -> dict[str, str]:
    return {f"os_compute_api:{name}": rule for name in names.split()}


RULES: dict[str, str] = {
    **_BASE,
    **_rules(_MEMBERS, _MEMBER),
    **_rules(_READERS, _READER),
    **_rules(_ADMINS, _ADMIN),
    **_rules(_ANYBODY, "@"),
    **{
        f"os_compute_api:os-keypairs:{verb}": "(rule:context_is_admin) or user_id:%(user_id)s"
        for verb in ("index", "show", "create", "delete")
    },
    "compute:servers:create:requested_destination": _ADMIN,
    "compute:server:topology:index": _READER,
    "compute:server:topology:host:index": _ADMIN,
    "compute:aggregates:images": _ADMIN,
    "os_compute_api:os-migrate-server:migrate": "rule:project_manager_or_admin",
    "os_compute_api:os-server-external-events:create": "role:service or role:admin",
    "os_compute_api:os-volumes-attachments:swap": "role:service or role:admin",
}
