"""A machine's power takes its time, whatever speaks to it."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from cumulo.baremetal.model.hardware import POWER_OFF, POWER_ON, Rejected

SETTLE_SECONDS = 60.0
"""How long a machine may take until its power is what it was told to be."""
SOFT_SECONDS = 600.0
"""The same of one whose system was asked to end."""


def wanted_of(target: str) -> str:
    """What the power is after a change: `soft power off` → `power off`."""
    return POWER_OFF if target.endswith(POWER_OFF) else POWER_ON


async def settled(look: Callable[[], Awaitable[str]], target: str) -> None:
    """Raises Rejected when it is not so in time."""
    wanted, seconds = wanted_of(target), SETTLE_SECONDS
    if target.startswith("soft"):
        seconds = SOFT_SECONDS
    end = time.monotonic() + seconds
    while await look() != wanted:
        if time.monotonic() > end:
            raise Rejected(f"its power is not '{wanted}' after {seconds:g} seconds")
        await asyncio.sleep(1.0)
