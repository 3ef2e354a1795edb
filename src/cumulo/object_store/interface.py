"""What the object store tells the others: its events. Nobody calls it inside the process.

Objects themselves have none: there are too many of them.
"""

from cumulo.core.events.types import events, on
from cumulo.object_store.meters import METERS

EVENTS = (
    *events(
        "object_store",
        on(
            "container",
            "object_store.container.create",
            "object_store.container.delete",
            name=str,
        ),
    ),
    *(event for each in METERS for event in each.declared("object_store")),
)
