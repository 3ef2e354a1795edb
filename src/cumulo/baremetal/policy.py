"""Bare metal's rules: Ironic's names, and its defaults in substance.

Machines are the operators'; who is named as a node's owner sees it and works with it.
"""

_ADMIN = "role:admin or role:service"
_SEE_ALL = f"{_ADMIN} or (role:reader and system_scope:all)"
_READ = f"{_SEE_ALL} or (role:reader and project_id:%(node.owner)s)"
_WRITE = f"{_ADMIN} or (role:member and project_id:%(node.owner)s)"

RULES: dict[str, str] = {
    "baremetal:node:create": _ADMIN,
    "baremetal:node:list": "role:reader",
    "baremetal:node:list_all": _SEE_ALL,
    "baremetal:node:get": _READ,
    "baremetal:node:update": _WRITE,
    "baremetal:node:update:owner": _ADMIN,
    "baremetal:node:update:driver_info": _ADMIN,
    "baremetal:node:delete": _ADMIN,
    "baremetal:node:validate": _WRITE,
    "baremetal:node:set_maintenance": _WRITE,
    "baremetal:node:clear_maintenance": _WRITE,
    "baremetal:node:get_boot_device": _READ,
    "baremetal:node:set_boot_device": _WRITE,
    "baremetal:node:get_states": _READ,
    "baremetal:node:set_power_state": _WRITE,
    "baremetal:node:set_provision_state": _WRITE,
    "baremetal:node:traits:list": _READ,
    "baremetal:node:traits:set": _WRITE,
    "baremetal:node:traits:delete": _WRITE,
    "baremetal:port:list": "role:reader",
    "baremetal:port:list_all": _SEE_ALL,
    "baremetal:port:get": _READ,
    "baremetal:port:create": _ADMIN,
    "baremetal:port:update": _ADMIN,
    "baremetal:port:delete": _ADMIN,
    "baremetal:driver:get": _SEE_ALL,
    "baremetal:driver:get_properties": _SEE_ALL,
    "baremetal:conductor:get": _SEE_ALL,
}
