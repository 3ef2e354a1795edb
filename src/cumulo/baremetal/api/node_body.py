"""Nodes as they are shown, each field since its microversion."""

from typing import Annotated, Any

from msgspec import UNSET

from cumulo.baremetal.api.common import link
from cumulo.baremetal.model.node import NodeRow
from cumulo.core.clock import zulu
from cumulo.core.http.operations import Call
from cumulo.core.wire.shapes import Before, Body, Since, Unset

SUMMARY = ("uuid", "name", "instance_uuid", "maintenance", "power_state", "provision_state")
Text = str | Unset | None
Object = dict[str, Any] | Unset
Interface31 = Annotated[Text, Since("1.31")]


def _as_before_manage(state: Any) -> Any:
    """Before 1.2 a node at rest had no state."""
    return None if state == "available" else state


def _as_before_wait(state: Any) -> Any:
    return "inspecting" if state == "inspect wait" else state


class NodeBody(Body, kw_only=True):
    uuid: str | Unset = UNSET
    name: Annotated[Text, Since("1.5")] = UNSET
    instance_uuid: Text = UNSET
    chassis_uuid: Text = UNSET
    driver: str | Unset = UNSET
    driver_info: Object = UNSET
    driver_internal_info: Annotated[Object, Since("1.3")] = UNSET
    instance_info: Object = UNSET
    properties: Object = UNSET
    extra: Object = UNSET
    power_state: Text = UNSET
    target_power_state: Text = UNSET
    provision_state: Annotated[
        Text, Before("1.39", _as_before_wait), Before("1.2", _as_before_manage)
    ] = UNSET
    target_provision_state: Annotated[Text, Before("1.2", _as_before_manage)] = UNSET
    provision_updated_at: Text = UNSET
    last_error: Text = UNSET
    maintenance: bool | Unset = UNSET
    maintenance_reason: Text = UNSET
    reservation: Text = UNSET
    console_enabled: bool | Unset = UNSET
    inspection_started_at: Annotated[Text, Since("1.6")] = UNSET
    inspection_finished_at: Annotated[Text, Since("1.6")] = UNSET
    clean_step: Annotated[Object, Since("1.7")] = UNSET
    raid_config: Annotated[Object, Since("1.12")] = UNSET
    target_raid_config: Annotated[Object, Since("1.12")] = UNSET
    network_interface: Annotated[Text, Since("1.20")] = UNSET
    resource_class: Annotated[Text, Since("1.21")] = UNSET
    boot_interface: Interface31 = UNSET
    console_interface: Interface31 = UNSET
    deploy_interface: Interface31 = UNSET
    inspect_interface: Interface31 = UNSET
    management_interface: Interface31 = UNSET
    power_interface: Interface31 = UNSET
    raid_interface: Interface31 = UNSET
    vendor_interface: Interface31 = UNSET
    storage_interface: Annotated[Text, Since("1.33")] = UNSET
    traits: Annotated[list[str] | Unset, Since("1.37")] = UNSET
    rescue_interface: Annotated[Text, Since("1.38")] = UNSET
    bios_interface: Annotated[Text, Since("1.40")] = UNSET
    fault: Annotated[Text, Since("1.42")] = UNSET
    deploy_step: Annotated[Object, Since("1.44")] = UNSET
    conductor_group: Annotated[str | Unset, Since("1.46")] = UNSET
    automated_clean: Annotated[bool | Unset | None, Since("1.47")] = UNSET
    protected: Annotated[bool | Unset, Since("1.48")] = UNSET
    protected_reason: Annotated[Text, Since("1.48")] = UNSET
    conductor: Annotated[Text, Since("1.49")] = UNSET
    owner: Annotated[Text, Since("1.50")] = UNSET
    description: Annotated[Text, Since("1.51")] = UNSET
    allocation_uuid: Annotated[Text, Since("1.52")] = UNSET
    retired: Annotated[bool | Unset, Since("1.61")] = UNSET
    retired_reason: Annotated[Text, Since("1.61")] = UNSET
    lessee: Annotated[Text, Since("1.65")] = UNSET
    network_data: Annotated[Object, Since("1.66")] = UNSET
    boot_mode: Annotated[Text, Since("1.75")] = UNSET
    secure_boot: Annotated[bool | Unset | None, Since("1.75")] = UNSET
    shard: Annotated[Text, Since("1.82")] = UNSET
    parent_node: Annotated[Text, Since("1.83")] = UNSET
    firmware_interface: Annotated[Text, Since("1.86")] = UNSET
    service_step: Annotated[Object, Since("1.87")] = UNSET
    disable_power_off: Annotated[bool | Unset, Since("1.95")] = UNSET
    instance_name: Annotated[Text, Since("1.104")] = UNSET
    health: Annotated[Text, Since("1.109")] = UNSET
    created_at: Text = UNSET
    updated_at: Text = UNSET
    ports: list[dict[str, str]] | Unset = UNSET
    portgroups: Annotated[list[dict[str, str]] | Unset, Since("1.24")] = UNSET
    volume: Annotated[list[dict[str, str]] | Unset, Since("1.32")] = UNSET
    states: Annotated[list[dict[str, str]] | Unset, Since("1.14")] = UNSET
    links: list[dict[str, str]] | Unset = UNSET


def _time(moment: str | None) -> str | None:
    return None if moment is None else f"{zulu(moment)[:-1]}+00:00"


SAME = (
    "name", "instance_uuid", "driver", "driver_info", "instance_info", "properties", "extra",
    "power_state", "target_power_state", "provision_state", "target_provision_state", "last_error",
    "maintenance", "maintenance_reason", "resource_class", "traits", "conductor_group",
    "automated_clean", "protected", "protected_reason", "owner", "description", "retired",
    "retired_reason", "lessee", "network_data", "boot_mode", "secure_boot", "shard",
    "parent_node", "disable_power_off", "instance_name", "fault", "raid_config",
    "target_raid_config", "console_enabled",
)  # fmt: skip
TIMES = (
    "created_at", "updated_at", "provision_updated_at", "inspection_started_at",
    "inspection_finished_at",
)  # fmt: skip


def node_body(
    call: Call, row: NodeRow, host: str, locked: bool, internal: dict[str, Any] | None = None
) -> NodeBody:
    """All of it."""
    values: dict[str, Any] = {name: getattr(row, name) for name in SAME}
    values |= {name: _time(getattr(row, name)) for name in TIMES}
    values |= {f"{name}_interface": kind for name, kind in row.interfaces.items()}
    works = {"service": "service_step", "deploy": "deploy_step", "rebuild": "deploy_step"}
    working = works.get(row.action or "", "clean_step")
    values |= {name: _shown(row) if name == working else {} for name in STEPS}
    return NodeBody(
        uuid=row.id,
        chassis_uuid=row.chassis_id,
        allocation_uuid=row.allocation_id,
        driver_internal_info=internal or {},
        reservation=host if locked else None,
        conductor=host,
        health=None,
        ports=link(call, "nodes", row.id, "ports"),
        portgroups=link(call, "nodes", row.id, "portgroups"),
        volume=link(call, "nodes", row.id, "volume"),
        states=link(call, "nodes", row.id, "states"),
        links=link(call, "nodes", row.id),
        **values,
    )


STEPS = ("clean_step", "deploy_step", "service_step")
SINCE: dict[str, str] = {
        "name": "1.5", "resource_class": "1.21", "network_interface": "1.20",
        "boot_interface": "1.31", "console_interface": "1.31", "deploy_interface": "1.31",
        "inspect_interface": "1.31", "management_interface": "1.31", "power_interface": "1.31",
        "raid_interface": "1.31", "vendor_interface": "1.31", "storage_interface": "1.33",
        "traits": "1.37", "rescue_interface": "1.38", "bios_interface": "1.40", "fault": "1.42",
        "conductor_group": "1.46", "automated_clean": "1.47", "protected": "1.48",
        "protected_reason": "1.48", "owner": "1.50", "description": "1.51", "retired": "1.61",
        "retired_reason": "1.61", "lessee": "1.65", "network_data": "1.66", "shard": "1.82",
        "parent_node": "1.83", "firmware_interface": "1.86", "disable_power_off": "1.95",
        "instance_name": "1.104",
}  # fmt: skip
"""What patches know since when."""


def _shown(row: NodeRow) -> dict[str, Any]:
    """The step in work, without its number among them."""
    return {name: value for name, value in row.working_on.items() if name != "number"}
