"""What takes long says so now and then: nobody takes it for hung, and no log is filled by it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

FIRST = 5.0
MOST = 60.0


@contextlib.asynccontextmanager
async def told(say: Callable[[str], None], words: Callable[[], str]) -> AsyncIterator[None]:
    """While the block lasts: `words` after 5 s, 10, 20, … and then once a minute."""

    async def tell() -> None:
        wait = FIRST
        spent = 0.0
        while True:
            await asyncio.sleep(wait)
            spent += wait
            say(f"{words()} ({spent:.0f} s)")
            wait = min(MOST, spent)

    teller = asyncio.ensure_future(tell())
    try:
        yield
    finally:
        teller.cancel()
