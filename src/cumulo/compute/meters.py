"""What compute is paid for: servers, by flavor and state."""

from typing import Any

from cumulo.compute.model.server import ServerRow
from cumulo.core.usage import Metered

GROUP = "metering.server_group"
"""The metadata by which alarms find the servers of a group that grows and shrinks."""


def _facts(row: ServerRow) -> dict[str, Any] | None:
    if row.deleted_at is not None:
        return None
    group = row.metadata.get(GROUP)
    return {
        "flavor_name": row.flavor.name,
        "flavor_id": row.flavor.id,
        "vcpus": row.flavor.vcpus,
        "memory": row.flavor.ram,
        "disk.root": row.flavor.disk,
        "state": row.vm_state,
        **({} if group is None else {"server_group": group}),
    }


SERVERS: Metered[ServerRow] = Metered(
    "instance", "compute.server.usage", _facts, lambda row: row.name
)
METERS = (SERVERS,)
