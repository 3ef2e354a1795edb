"""Network's rules: Neutron's names and its defaults of today, in substance.

Targets hold the resource's `project_id` and, for what is in a network, `network:project_id` of the
network's owner; `shared`, `router:external` and `network_device` are True or False.
An attribute has a rule of its own where it is named `verb_noun:attribute`.
"""

_ADMIN = "rule:admin_only"
_MEMBER = "rule:admin_only or (role:member and project_id:%(project_id)s)"
_READER = "rule:admin_only or (role:reader and project_id:%(project_id)s)"
_NETWORK_MEMBER = "rule:admin_only or (role:member and rule:network_owner)"
_NETWORK_READER = "(role:reader and rule:network_owner)"
_OWNER = "rule:context_is_advsvc or rule:service_api or rule:admin_only or rule:network_owner"


def _verbs(noun: str, read: str = _READER) -> dict[str, str]:
    return {
        f"create_{noun}": _MEMBER,
        f"get_{noun}": read,
        f"update_{noun}": _MEMBER,
        f"delete_{noun}": _MEMBER,
    }


def _attributes(noun: str, rule: str, *names: str, get: bool = False) -> dict[str, str]:
    verbs = ("create", "update", "get") if get else ("create", "update")
    return {f"{verb}_{noun}:{name}": rule for verb in verbs for name in names}


RULES: dict[str, str] = {
    "context_is_admin": "role:admin",
    "admin_only": "rule:context_is_admin",
    "context_is_advsvc": "role:advsvc",
    "service_api": "role:service",
    "owner": "project_id:%(project_id)s",
    "network_owner": "project_id:%(network:project_id)s",
    "shared": "True:%(shared)s",
    "external": "True:%(router:external)s",
    "network_device": "True:%(network_device)s",
    "default": "rule:admin_only or rule:owner",
    **_verbs("network", f"{_READER} or rule:shared or rule:external or rule:context_is_advsvc"),
    **_attributes("network", _ADMIN, "shared", "router:external", "is_default"),
    **_attributes(
        "network",
        _ADMIN,
        "provider:network_type",
        "provider:physical_network",
        "provider:segmentation_id",
        get=True,
    ),
    **_attributes("network", _MEMBER, "port_security_enabled"),
    **_verbs("subnet", f"{_READER} or rule:shared"),
    "create_subnet": _NETWORK_MEMBER,
    "update_subnet": f"{_NETWORK_MEMBER} or (role:member and project_id:%(project_id)s)",
    "delete_subnet": f"{_NETWORK_MEMBER} or (role:member and project_id:%(project_id)s)",
    **_verbs("port", f"{_READER} or {_NETWORK_READER} or rule:context_is_advsvc"),
    "create_port": f"{_MEMBER} or rule:service_api",
    "update_port": f"{_MEMBER} or rule:context_is_advsvc or rule:service_api",
    "delete_port": f"{_MEMBER} or rule:network_owner or rule:service_api",
    **_attributes("port", _OWNER, "mac_address", "port_security_enabled"),
    "update_port:mac_address": f"{_ADMIN} or rule:context_is_advsvc or rule:service_api",
    **_attributes("port", f"{_OWNER} or rule:shared", "fixed_ips"),
    **_attributes("port", f"not rule:network_device or {_OWNER}", "device_owner"),
    **_attributes("port", _NETWORK_MEMBER, "allowed_address_pairs"),
    **_attributes("port", f"{_ADMIN} or rule:service_api", "binding:host_id", "binding:profile"),
    **{
        f"get_port:binding:{name}": f"{_ADMIN} or rule:service_api"
        for name in ("host_id", "profile", "vif_type", "vif_details")
    },
    **_verbs("router"),
    "add_router_interface": _MEMBER,
    "remove_router_interface": _MEMBER,
    **_attributes(
        "router",
        _ADMIN,
        "external_gateway_info:enable_snat",
        "external_gateway_info:external_fixed_ips",
    ),
    **_attributes("router", _ADMIN, "distributed", "ha", get=True),
    **_verbs("floatingip"),
    "create_floatingip:floating_ip_address": _ADMIN,
    **_verbs("floatingip_port_forwarding"),
    **_verbs("security_group", f"{_READER} or rule:shared"),
    **_verbs("security_group_rule"),
    **_verbs("subnetpool", f"{_READER} or rule:shared"),
    **_attributes("subnetpool", _ADMIN, "shared", "is_default"),
    "add_extraroutes": _MEMBER,
    "remove_extraroutes": _MEMBER,
    "get_network_ip_availability": _ADMIN,
    "get_auto_allocated_topology": _READER,
    "delete_auto_allocated_topology": _MEMBER,
    "get_floatingip_pool": "role:reader or rule:admin_only",
    "add_prefixes": _MEMBER,
    "remove_prefixes": _MEMBER,
    "onboard_network_subnets": _MEMBER,
    **_verbs("address_group", f"{_READER} or rule:shared"),
    **_verbs("default_security_group_rule"),
    "get_default_security_group_rule": "role:reader or rule:admin_only",
    "create_default_security_group_rule": _ADMIN,
    "delete_default_security_group_rule": _ADMIN,
    **_verbs("address_scope", f"{_READER} or rule:shared"),
    **_attributes("address_scope", _ADMIN, "shared"),
    "restrict_wildcard": "rule:admin_only or not True:%(wildcard)s",
    **_verbs("rbac_policy"),
    **_attributes("rbac_policy", "rule:restrict_wildcard", "target_tenant"),
    **_verbs("policy", f"{_READER} or rule:shared"),
    **{f"{verb}_policy": _ADMIN for verb in ("create", "update", "delete")},
    **{
        f"{verb}_policy_{kind}_rule": _READER if verb == "get" else _ADMIN
        for verb in ("create", "get", "update", "delete")
        for kind in ("bandwidth_limit", "dscp_marking", "packet_rate_limit", "minimum_bandwidth")
    },
    **_verbs("trunk"),
    "get_subports": _READER,
    "add_subports": _MEMBER,
    "remove_subports": _MEMBER,
    "get_rule_type": "role:reader or rule:admin_only",
    "show_rule_type": _ADMIN,
    "get_quota": f"{_READER} or role:manager and project_id:%(project_id)s",
    "update_quota": _ADMIN,
    "delete_quota": _ADMIN,
    "get_agent": _ADMIN,
    "update_agent": _ADMIN,
    "get_availability_zone": "role:reader or rule:admin_only",
    **{
        f"{verb}_{nouns}_tags": _READER if verb == "get" else _MEMBER
        for verb in ("get", "create", "update", "delete")
        for nouns in (
            "networks",
            "subnets",
            "ports",
            "routers",
            "floatingips",
            "security_groups",
            "subnetpools",
            "policies",
            "trunks",
        )
    },
}
