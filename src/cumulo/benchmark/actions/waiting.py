"""Waiting for a status: asked for often at first, then less and less.

Rally asks once a second, so a server that boots in 0.2 s takes "1.3 s". Here the wait grows with
what has been waited already: a tenth of it, at least 20 ms and at most 1 s. The figures are near
the truth, and a slow cloud is not asked to death.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from cumulo.benchmark.client.session import NotFound

SHORTEST = 0.02
LONGEST = 1.0


class TimeoutException(Exception):
    """A resource did not get where it should be in time."""


class GetResourceErrorStatus(Exception):
    """A resource went to an error status instead."""


Fetch = Callable[[], Awaitable[Any]]


async def until(
    fetch: Fetch, done: Callable[[Any], bool], what: str, timeout: float, *, wanted: str = "ready"
) -> Any:
    """Fetch until it is done, and return what was fetched."""
    clock = asyncio.get_running_loop().time
    began = clock()
    while True:
        found = await fetch()
        if done(found):
            return found
        waited = clock() - began
        if waited > timeout:
            raise TimeoutException(
                f"Timed out waiting for {what} to become {wanted} ({timeout:g} s)"
            )
        await asyncio.sleep(min(LONGEST, max(SHORTEST, waited / 10)))


async def status(
    fetch: Fetch,
    wanted: Iterable[str],
    what: str,
    timeout: float,
    *,
    failed: Iterable[str] = ("ERROR",),
    field: str = "status",
) -> Any:
    """Fetch until the status is one of the wanted. Statuses are compared without their case."""
    fine = {w.upper() for w in wanted}
    bad = {f.upper() for f in failed} - fine

    def done(found: Any) -> bool:
        seen = str(found.get(field)).upper()
        if seen in bad:
            fault = found.get("fault") or {}
            words = fault.get("message") if isinstance(fault, dict) else fault
            words = words or found.get("status_reason") or found.get("stack_status_reason") or "n/a"
            raise GetResourceErrorStatus(f"Resource {what} has {seen} status. Fault: {words}")
        return seen in fine

    return await until(fetch, done, what, timeout, wanted="/".join(sorted(fine)))


async def gone(fetch: Fetch, what: str, timeout: float, *, failed: Iterable[str] = ()) -> None:
    """Fetch until there is nothing to fetch."""
    bad = {f.upper() for f in failed}

    async def look() -> Any:
        try:
            return await fetch()
        except NotFound:
            return None

    def done(found: Any) -> bool:
        if found is None:
            return True
        seen = str(found.get("status")).upper()
        if seen in bad:
            raise GetResourceErrorStatus(f"Resource {what} has {seen} status.")
        return seen == "DELETED"

    await until(look, done, what, timeout, wanted="deleted")
