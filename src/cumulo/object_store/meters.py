"""What the object store is paid for: what containers hold, looked at once an hour.

Every upload changes it, and an event for each would be a bill of events (`ContainerLooks`). Who
fills and empties a container within an hour pays for what was there at the look.
"""

from cumulo.core.usage import Metered
from cumulo.object_store.model.container import ContainerRow

CONTAINERS: Metered[ContainerRow] = Metered(
    "container",
    "object_store.container.usage",
    lambda row: {
        "size": round(row.bytes / 2**30, 6),
        "bytes": row.bytes,
        "objects": row.objects,
    },
    lambda row: row.name.decode(errors="replace"),
)
METERS = (CONTAINERS,)
