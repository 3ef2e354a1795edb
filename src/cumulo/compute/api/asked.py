"""Which query parameters a request may have: the compute API became strict in steps, most lists in
2.75, all that is left in 2.102. Before its step an operation overlooks what it does not know."""

from collections.abc import Sequence
from dataclasses import replace
from functools import wraps
from typing import Any

from cumulo.core.http.operations import Call, Operation, refuse_query
from cumulo.core.wire.shapes import Version

_PAGE = ("limit", "marker")
_OLD_PAGE = ("limit", "offset")
_SERVERS = (
    *_PAGE,
    *("access_ip_v4", "access_ip_v6", "all_tenants", "auto_disk_config", "availability_zone"),
    *("block_device_mapping", "changes-before", "changes-since", "config_drive", "created_at"),
    *("deleted", "description", "display_description", "display_name", "flavor", "host"),
    *("hostname", "image", "image_ref", "info_cache", "ip", "ip6", "kernel_id", "key_name"),
    *("launch_index", "launched_at", "locked", "locked_by", "metadata", "name", "node"),
    *("not-tags", "not-tags-any", "pci_devices", "power_state", "progress", "project_id"),
    *("ramdisk_id", "reservation_id", "root_device_name", "security_groups", "services"),
    *("soft_deleted", "sort_dir", "sort_key", "status", "system_metadata", "tags", "tags-any"),
    *("task_state", "tenant_id", "terminated_at", "user_id", "uuid", "vm_state"),
)
_FLAVORS = (*_PAGE, "is_public", "minRam", "minDisk", "sort_key", "sort_dir")
_MIGRATIONS = (
    *("hidden", "host", "instance_uuid", "migration_type", "source_compute", "status", *_PAGE),
    "changes-since",
)
_CHANGES = ("2.66", ("changes-before",))

Step = tuple[str, Sequence[str]]
"""From this version on these are known, besides those of earlier steps; with the first, no
others."""
STEPS: dict[str, Sequence[Step]] = {
    "GET /servers": [("2.75", _SERVERS)],
    "GET /servers/detail": [("2.75", _SERVERS)],
    "GET /flavors": [("2.75", _FLAVORS), ("2.102", ("name",))],
    "GET /flavors/detail": [("2.75", _FLAVORS), ("2.102", ("name",))],
    "GET /os-keypairs": [("2.75", ("user_id", *_PAGE))],
    "GET /os-keypairs/{name}": [("2.75", ("user_id",))],
    "DELETE /os-keypairs/{name}": [("2.75", ("user_id",))],
    "GET /limits": [("2.75", ("tenant_id",))],
    "GET /os-quota-sets/{tenant}": [("2.75", ("user_id",))],
    "GET /os-quota-sets/{tenant}/detail": [("2.75", ("user_id",))],
    "PUT /os-quota-sets/{tenant}": [("2.75", ("user_id",))],
    "DELETE /os-quota-sets/{tenant}": [("2.75", ("user_id",))],
    "GET /os-server-groups": [("2.75", ("all_projects", *_OLD_PAGE))],
    "GET /os-services": [("2.75", ("binary", "host"))],
    "GET /os-simple-tenant-usage": [("2.75", ("detailed", "start", "end", *_PAGE))],
    "GET /os-simple-tenant-usage/{tenant}": [("2.75", ("start", "end", *_PAGE))],
    "GET /servers/{server_id}/os-volume_attachments": [("2.75", _OLD_PAGE)],
    "GET /os-hypervisors": [
        ("2.53", ("hypervisor_hostname_pattern", "with_servers", *_PAGE)),
    ],
    "GET /os-hypervisors/detail": [
        ("2.53", ("hypervisor_hostname_pattern", "with_servers", *_PAGE)),
    ],
    "GET /os-hypervisors/{id}": [("2.53", ("with_servers",))],
    "GET /servers/{server_id}/os-instance-actions": [
        ("2.58", ("changes-since", *_PAGE)),
        _CHANGES,
    ],
    "GET /os-migrations": [
        ("2.59", _MIGRATIONS),
        _CHANGES,
        ("2.80", ("user_id", "project_id")),
    ],
    "DELETE /os-assisted-volume-snapshots/{id}": [("2.75", ("delete_info",))],
    "GET /os-console-auth-tokens/{token}": [("2.99", ())],
}
OTHERS: Sequence[Step] = [("2.102", ())]
"""All other ways to read something: nothing is asked of them by a query."""


def strict(operations: Sequence[Operation]) -> list[Operation]:
    """The same operations, each of which refuses what it does not know."""
    return [_strict(each) for each in operations]


def _strict(operation: Operation) -> Operation:
    steps = STEPS.get(f"{operation.method} {operation.path}")
    if steps is None:
        if operation.method != "GET":
            return operation
        steps = OTHERS
    known = [(Version.parse(since), frozenset(names)) for since, names in steps]
    handler = operation.handler

    @wraps(handler)
    def checked(call: Call, *rest: Any) -> Any:
        if call.version is not None and call.version >= known[0][0]:
            names = frozenset[str]().union(*(n for since, n in known if call.version >= since))
            refuse_query(call, set(names))
        return handler(call, *rest)

    return replace(operation, handler=checked)
