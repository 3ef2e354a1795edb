"""The way back to what a snapshot has saved of a resource.

That is asked for once, by the restore alone: the template stays as it was, and what it says of the
resource's origin (an image, another volume) is what later updates are compared with. So nothing is
made anew by an update with the user's own file, nor by the end of the snapshot.
"""

from collections.abc import Mapping
from typing import Any

from cumulo.orchestration.service.handlers import Handler, Work
from cumulo.orchestration.service.rest_handler import RestHandler


def led_back(work: Work, handler: Handler) -> Mapping[str, Any] | None:
    """The properties that lead back to what was saved; None: nothing is to be restored."""
    saved = work.row.stored.get("restore") if work.stack.action == "RESTORE" else None
    how = handler.type.snapshot if isinstance(handler, RestHandler) else None
    if saved is None or how is None or how.restored is None:
        return None
    return dict(how.restored(work.properties, saved))
