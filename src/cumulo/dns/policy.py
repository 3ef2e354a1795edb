"""DNS's rules: Designate's names, and its defaults in substance."""

_ADMIN = "role:admin"
_READ = "role:admin or (role:reader and project_id:%(project_id)s)"
_WRITE = "role:admin or (role:member and project_id:%(project_id)s)"
_TRANSFER = f"({_WRITE}) or project_id:%(target_project_id)s or None:%(target_project_id)s"
_SHARED = "'True':%(zone_shared)s"
_PRIMARY = "'PRIMARY':%(zone_type)s"
_SECONDARY = "'SECONDARY':%(zone_type)s"
_OWN_RECORD = "(role:member and project_id:%(recordset_project_id)s)"

RULES: dict[str, str] = {
    "admin": _ADMIN,
    "default": _WRITE,
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
    "abandon_zone": _ADMIN,
    "xfr_zone": _WRITE,
    "pool_move_zone": _ADMIN,
    "share_zone": _WRITE,
    "unshare_zone": _WRITE,
    "get_zone_share": _READ,
    "find_zone_shares": "@",
    "create_zone_import": _WRITE,
    "find_zone_imports": _READ,
    "get_zone_import": _READ,
    "delete_zone_import": _WRITE,
    "create_zone_export": _WRITE,
    "zone_export": _WRITE,
    "find_zone_exports": _READ,
    "get_zone_export": _READ,
    "delete_zone_export": _WRITE,
    "create_zone_transfer_request": _WRITE,
    "get_zone_transfer_request": _TRANSFER,
    "get_zone_transfer_request_detailed": _READ,
    "find_zone_transfer_requests": "@",
    "update_zone_transfer_request": _WRITE,
    "delete_zone_transfer_request": _WRITE,
    "create_zone_transfer_accept": _TRANSFER,
    "get_zone_transfer_accept": _READ,
    "find_zone_transfer_accepts": _ADMIN,
    **{
        f"{verb}_{noun}{'s' if verb == 'find' else ''}": _ADMIN
        for noun in ("tld", "blacklist", "tsigkey", "pool", "service_status")
        for verb in ("create", "find", "get", "update", "delete")
    },
    "find_service_statuses": _ADMIN,
    "find_service_status": _ADMIN,
    "use_blacklisted_zone": _ADMIN,
    "zone_create_forced_pool": _ADMIN,
    "get_quotas": f"{_READ} or ('True':%(all_tenants)s and role:reader)",
    "set_quota": _ADMIN,
    "reset_quotas": _ADMIN,
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
