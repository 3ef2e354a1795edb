"""Ports on the wire: networking API v2.0, `ports`."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import UNSET

from cumulo.core.db.transaction import Tx
from cumulo.network.api.attributes import STANDARD, Noun, standard_body
from cumulo.network.api.networks import parent_target
from cumulo.network.model.network import NetworkRow
from cumulo.network.model.port import PortRow
from cumulo.network.service.addresses import addresses_of
from cumulo.network.service.names import full_name
from cumulo.network.service.network import NetworkService
from cumulo.network.service.port_wishes import CREATE_ONLY, PortWishes

SHOWN = STANDARD | {
    "name",
    "network_id",
    "mac_address",
    "admin_state_up",
    "status",
    "device_id",
    "device_owner",
    "fixed_ips",
    "security_groups",
    "port_security_enabled",
    "allowed_address_pairs",
    "extra_dhcp_opts",
    "dns_name",
    "dns_domain",
    "qos_policy_id",
    "qos_network_policy_id",
    "trunk_details",
    "dns_assignment",
    "binding:host_id",
    "binding:vnic_type",
    "binding:vif_type",
    "binding:vif_details",
    "binding:profile",
}


def ports(network: NetworkService) -> Noun[PortRow]:
    def show(tx: Tx, rows: Sequence[PortRow]) -> list[dict[str, Any]]:
        ids = [row.id for row in rows]
        fixed = addresses_of(tx, ids)
        groups = network.ports.groups_of(tx, ids)
        networks = network.networks.by_ids(tx, sorted({row.network_id for row in rows}))
        carried = network.trunks.details(tx, ids)
        policies = {each.id: each.qos_policy_id for each in networks.values()}
        bodies = [
            _body(
                row,
                networks.get(row.network_id),
                [
                    {"subnet_id": each.subnet_id, "ip_address": each.ip_address}
                    for each in fixed.get(row.id, ())
                ],
                groups.get(row.id, []),
                policies,
            )
            for row in rows
        ]
        for body in bodies if carried else ():
            # Only ports that carry others have it, as in the real service.
            if body["id"] in carried:
                body["trunk_details"] = carried[body["id"]]
        return bodies

    return Noun(
        name="port",
        plural="ports",
        path="ports",
        verbs=network.ports,
        show=show,
        shown=SHOWN,
        wishes=PortWishes,
        create_only=CREATE_ONLY,
        target=lambda tx, row: {
            **parent_target(tx, row.network_id),
            "project_id": row.project_id,
            "tenant_id": row.project_id,
            "network_device": row.device_owner.startswith("network:"),
        },
        parent=_parent,
        wished=_device,
        shared_with=lambda tx, rows, project: network.networks.shared_within(tx, rows, project),
        aliases={"security_group_ids": "security_groups"},
    )


def _device(sent: Mapping[str, Any]) -> dict[str, Any]:
    if "device_owner" not in sent:
        return {}
    return {"network_device": str(sent["device_owner"]).startswith("network:")}


def _parent(tx: Tx, wishes: PortWishes) -> dict[str, Any]:
    owner = "" if wishes.device_owner is UNSET else wishes.device_owner
    return {
        **parent_target(tx, wishes.network_id),
        "network_device": owner.startswith("network:"),
    }


def _assignment(
    row: PortRow, network: NetworkRow | None, fixed_ips: list[dict[str, str]]
) -> list[dict[str, str]]:
    found = []
    for each in fixed_ips:
        host, full = full_name(row, network, each["ip_address"])
        found.append({"ip_address": each["ip_address"], "hostname": host, "fqdn": full})
    return found


def _body(
    row: PortRow,
    network: NetworkRow | None,
    fixed_ips: list[dict[str, str]],
    groups: list[str],
    policies: Mapping[str, str | None],
) -> dict[str, Any]:
    bound = row.host_id is not None
    return {
        **standard_body(row),
        "name": row.name,
        "network_id": row.network_id,
        "mac_address": row.mac_address,
        "admin_state_up": row.admin_state_up,
        "status": row.status,
        "device_id": row.device_id,
        "device_owner": row.device_owner,
        "fixed_ips": fixed_ips,
        "security_groups": groups,
        "port_security_enabled": row.port_security_enabled,
        "allowed_address_pairs": [
            {"ip_address": pair.address, "mac_address": pair.mac or row.mac_address}
            for pair in row.allowed_address_pairs
        ],
        "extra_dhcp_opts": row.extra_dhcp_opts,
        "dns_name": row.dns_name,
        "dns_domain": row.dns_domain,
        "qos_policy_id": row.qos_policy_id,
        "qos_network_policy_id": policies.get(row.network_id),
        "dns_assignment": _assignment(row, network, fixed_ips),
        "binding:host_id": row.host_id or "",
        "binding:vnic_type": row.vnic_type,
        "binding:vif_type": "bridge" if bound else "unbound",
        "binding:vif_details": {"port_filter": True} if bound else {},
        "binding:profile": row.profile,
    }
