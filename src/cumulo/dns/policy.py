"""DNS's rules: Designate's names, and its defaults in substance."""

_ADMIN = "role:admin"
_READ = "role:admin or (role:reader and project_id:%(project_id)s)"
_WRITE = "role:admin or (role:member and project_id:%(project_id)s)"
_SHARED = "'True':%(zone_shared)s"
_PRIMARY = "'PRIMARY':%(zone_type)s"
_SECONDARY = "'SECONDARY':%(zone_type)s"
_OWN_RECORD = "(role:member and project_id:%(recordset_project_id)s)"

RULES: dict[str, str] = {
    "admin": _ADMIN,
    "all_tenants": _ADMIN,
    "edit_managed_records": _ADMIN,
    "use_low_ttl": _ADMIN,
    "use_sudo": _ADMIN,
    "hard_delete": _ADMIN,
    "create_zone": _WRITE,
    "get_zone": f"{_READ} or {_SHARED}",
    "get_zone_ns_records": _READ,
    "find_zones": _READ,
    "update_zone": _WRITE,
    "delete_zone": _WRITE,
    "create_recordset": f"(role:admin and ({_PRIMARY} or {_SECONDARY})) or "
    f"(role:member and project_id:%(project_id)s and {_PRIMARY}) or "
    f"(role:member and {_SHARED} and {_PRIMARY})",
    "get_recordset": f"{_READ} or {_SHARED}",
    "find_recordsets": _READ,
    "update_recordset": f"(role:admin and ({_PRIMARY} or {_SECONDARY})) or "
    f"((role:member and project_id:%(project_id)s) and {_PRIMARY}) or "
    f"({_OWN_RECORD} and {_SHARED} and {_PRIMARY})",
    "delete_recordset": f"(role:admin and ({_PRIMARY} or {_SECONDARY})) or "
    f"((role:member and project_id:%(project_id)s) and {_PRIMARY}) or "
    f"({_OWN_RECORD} and {_SHARED} and {_PRIMARY})",
}
