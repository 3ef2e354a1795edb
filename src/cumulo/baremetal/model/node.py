"""Nodes: machines that are somebody's, or nobody's yet."""

from typing import Annotated, Any

from msgspec import structs

from cumulo.baremetal.model.state import Stage, provision_of
from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, Key, Row, Unique, table


@table("baremetal_nodes", Unique("name"), Unique("instance_uuid"))
class NodeRow(Row, frozen=True):
    """A machine with a BMC. Its provision state is computed: `model.state`."""

    id: Annotated[str, Key()]
    name: str | None
    driver: str
    interfaces: dict[str, str]
    stage: Stage
    """Where it was at rest last."""
    action: str | None
    """What leads to the next stage; None: it is at rest."""
    step: str | None
    failed: bool
    provision_state: Annotated[str, Index()]
    """A copy of what the four above say."""
    target_provision_state: str | None
    provision_updated_at: Moment
    job: str | None
    """The job that is at it; it has the node for itself unless it waits for the machine."""
    power_state: str | None
    target_power_state: str | None
    last_error: str | None
    maintenance: bool
    maintenance_reason: str | None
    instance_uuid: str | None
    owner: Annotated[str | None, Index()]
    description: str | None
    resource_class: str | None
    conductor_group: str
    protected: bool
    protected_reason: str | None
    automated_clean: bool | None
    allocation_id: Annotated[str | None, Index()]
    chassis_id: Annotated[str | None, Index()]
    lessee: Annotated[str | None, Index()]
    retired: bool
    retired_reason: str | None
    network_data: dict[str, Any]
    shard: Annotated[str | None, Index()]
    parent_node: Annotated[str | None, Index()]
    disable_power_off: bool
    instance_name: Annotated[str | None, Index()]
    console_enabled: bool
    fault: str | None
    """Why it is in maintenance by itself: `power failure`, `clean failure`, …"""
    boot_mode: str | None
    secure_boot: bool | None
    raid_config: dict[str, Any]
    target_raid_config: dict[str, Any]
    bios: list[dict[str, Any]]
    """Settings as they were read last."""
    inventory: dict[str, Any] | None
    """What the last inspection saw: `inventory` and `plugin_data`."""
    working_on: dict[str, Any]
    """The step of cleaning, deployment or service that is in work."""
    driver_info: dict[str, Any]
    """As it is shown: passwords masked."""
    driver_info_sealed: str | None
    """The whole of it, encrypted; None: there is nothing secret in it."""
    instance_info: dict[str, Any]
    instance_info_sealed: str | None
    properties: dict[str, Any]
    extra: dict[str, Any]
    traits: list[str]
    inspection_started_at: Moment | None
    inspection_finished_at: Moment | None
    created_at: Moment
    updated_at: Moment | None


def moved(row: NodeRow, moment: Moment, **changes: Any) -> dict[str, Any]:
    """The changes together with the state that follows from them."""
    new = structs.replace(row, **changes)
    state, target = provision_of(new.stage, new.action, new.step, new.failed)
    changes |= {"provision_state": state, "target_provision_state": target}
    if state != row.provision_state:
        changes["provision_updated_at"] = moment
    return changes
