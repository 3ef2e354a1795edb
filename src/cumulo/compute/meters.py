"""What compute is paid for: servers, by flavor and state."""

from typing import Any

from cumulo.compute.model.server import ServerRow
from cumulo.core.usage import Metered


def _facts(row: ServerRow) -> dict[str, Any] | None:
    if row.deleted_at is not None:
        return None
    return {
        "flavor_name": row.flavor.name,
        "flavor_id": row.flavor.id,
        "vcpus": row.flavor.vcpus,
        "memory": row.flavor.ram,
        "disk.root": row.flavor.disk,
        "state": row.vm_state,
    }


SERVERS: Metered[ServerRow] = Metered(
    "instance", "compute.server.usage", _facts, lambda row: row.name
)
METERS = (SERVERS,)
