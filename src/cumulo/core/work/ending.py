"""Work that comes to its end although nobody waits for it any more.

    await to_its_end(self._detach(attachment))

A task is cancelled wherever it waits: a client that has left cancels its request, even while the
request cleans up behind itself. What must not stay half done is awaited through here.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """The work's result. Whoever is cancelled meanwhile waits for its end first, then is
    cancelled; what the work raises then is lost."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if not task.done():
                cancelled = error
        except Exception:
            break
    if cancelled is not None:
        if not task.cancelled():
            task.exception()  # looked at, or asyncio complains
        raise cancelled
    return task.result()
