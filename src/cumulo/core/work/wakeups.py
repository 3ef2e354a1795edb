"""Wake-ups: hints that there may be work. Correctness never depends on one."""

import asyncio


class Wakeup:
    """A bell with a memory of one ring: a ring while the worker works is heard afterwards."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        self._event.set()

    async def wait(self, timeout: float) -> bool:
        """Until the bell rings or `timeout` seconds went by; True when it rang."""
        try:
            async with asyncio.timeout(timeout):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True
