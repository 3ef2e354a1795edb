"""Work that takes longer than clients wait without a byte: the answer begins, and blanks follow
until its body is there. Who goes away ends the work."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

from cumulo.core.http.operations import Reply
from cumulo.object_store.model.faults import StoreFault

EVERY = 10.0
"""Seconds, as `/info` announces them (`yield_frequency`)."""


async def patient(
    work: Coroutine[Any, Any, Reply],
    content_type: str,
    failed: Callable[[StoreFault], bytes],
    *,
    head: bytes = b"",
    status: int = 200,
    at_once: bool = False,
) -> Reply:
    """The work's own answer, if that is there soon (unless `at_once`). Else one that has this
    `status` in any case, and whose body begins with `head` and blanks: what comes out stands in it,
    a refusal in the words of `failed`."""
    task = asyncio.ensure_future(work)
    try:
        done, _ = await asyncio.wait({task}, timeout=0 if at_once else EVERY)
    except BaseException:
        task.cancel()
        raise
    if done and not at_once:
        return task.result()
    stream = _blanks(task, head, failed)
    return Reply(status, headers={}, stream=stream, content_type=content_type)


async def _blanks(
    task: "asyncio.Task[Reply]", head: bytes, failed: Callable[[StoreFault], bytes]
) -> AsyncIterator[bytes]:
    try:
        yield head or b" "
        while not task.done():
            await asyncio.wait({task}, timeout=EVERY)
            if not task.done():
                yield b" "
        try:
            body = task.result().raw or b""
        except StoreFault as fault:
            body = failed(fault)
        yield body.removeprefix(head)
    finally:
        task.cancel()
