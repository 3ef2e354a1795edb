"""Wake-ups: hints that there may be work. Correctness never depends on one."""

import asyncio


class Wakeup:
    """A bell with a memory of one ring: a ring while the worker works is heard afterwards.

    An `asyncio.Event` within an `asyncio.timeout` does the same, at three times the cost; a change
    may wake hundreds of hosts.
    """

    def __init__(self) -> None:
        self._rung = False
        self._waiting: set[asyncio.Future[bool]] = set()

    def ring(self) -> None:
        self._rung = True
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(True)

    async def wait(self, timeout: float) -> bool:
        """Until the bell rings or `timeout` seconds went by; True when it rang."""
        if not self._rung:
            loop = asyncio.get_running_loop()
            waiter: asyncio.Future[bool] = loop.create_future()
            self._waiting.add(waiter)
            timer = loop.call_later(timeout, _over, waiter)
            try:
                if not await waiter:
                    return False
            finally:
                timer.cancel()
                self._waiting.discard(waiter)
        self._rung = False
        return True


def _over(waiter: asyncio.Future[bool]) -> None:
    if not waiter.done():
        waiter.set_result(False)
