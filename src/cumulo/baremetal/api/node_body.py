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
    created_at: Text = UNSET
    updated_at: Text = UNSET
    ports: list[dict[str, str]] | Unset = UNSET
    states: Annotated[list[dict[str, str]] | Unset, Since("1.14")] = UNSET
    links: list[dict[str, str]] | Unset = UNSET


def _time(moment: str | None) -> str | None:
    return None if moment is None else f"{zulu(moment)[:-1]}+00:00"


SAME = (
    "name", "instance_uuid", "driver", "driver_info", "instance_info", "properties", "extra",
    "power_state", "target_power_state", "provision_state", "target_provision_state", "last_error",
    "maintenance", "maintenance_reason", "resource_class", "traits", "conductor_group",
    "automated_clean", "protected", "protected_reason", "owner", "description",
)  # fmt: skip
TIMES = (
    "created_at", "updated_at", "provision_updated_at", "inspection_started_at",
    "inspection_finished_at",
)  # fmt: skip


def node_body(call: Call, row: NodeRow, host: str, locked: bool) -> NodeBody:
    """All of it."""
    values: dict[str, Any] = {name: getattr(row, name) for name in SAME}
    values |= {name: _time(getattr(row, name)) for name in TIMES}
    values |= {f"{name}_interface": kind for name, kind in row.interfaces.items()}
    return NodeBody(
        uuid=row.id,
        chassis_uuid=None,
        driver_internal_info={},
        reservation=host if locked else None,
        console_enabled=False,
        clean_step={},
        deploy_step={},
        raid_config={},
        target_raid_config={},
        fault=None,
        conductor=host,
        ports=link(call, "nodes", row.id, "ports"),
        states=link(call, "nodes", row.id, "states"),
        links=link(call, "nodes", row.id),
        **values,
    )
