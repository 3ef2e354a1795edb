"""Named pools of threads: what blocks never runs on the loop, and no pool's long work holds up
another's short work.

    block = await pools.DISK(os.pread, descriptor, length, offset)

There is no default pool: `asyncio.to_thread` is not used in this house, since whatever is slow
there would hold up everything else that is there. Threads are made when they are needed.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Pool:
    """A bounded number of threads for one nature of work; call it with a function."""

    def __init__(self, name: str, threads: int) -> None:
        self.name = name
        self.threads = threads
        self.busy = 0
        """Calls that run or wait for a thread."""
        self._executor: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()

    async def __call__(
        self, function: Callable[P, T], /, *arguments: P.args, **named: P.kwargs
    ) -> T:
        """The function's result, from one of the pool's threads. A caller that is cancelled does
        not wait for it: what runs in a thread comes to its own end."""
        call = partial(function, *arguments, **named)
        self.busy += 1
        work = asyncio.get_running_loop().run_in_executor(self._threads(), call)
        work.add_done_callback(lambda _: self._done())
        return await work

    def _done(self) -> None:
        self.busy -= 1

    def _threads(self) -> ThreadPoolExecutor:
        if self._executor is None:
            with self._lock:
                if self._executor is None:
                    self._executor = ThreadPoolExecutor(self.threads, f"cumulo-{self.name}")
        return self._executor


DISK = Pool("disk", 8)
"""A step with a file: a block read, written and hashed, a rename, an fsync."""
COPY = Pool("copy", 4)
"""What takes minutes: a whole file copied, a disk converted."""
NET = Pool("net", 16)
"""Libraries that wait for another machine."""
STRANGERS = Pool("strangers", 24)
"""Libraries that wait for a machine that some user has named: who hangs there holds up his like."""
TOOLS = Pool("tools", 16)
"""Short commands of the machine, and netlink."""
HASH = Pool("hash", 2)
"""Computing: signatures, keys, checksums of what is in memory."""
HEAVY = Pool("heavy", 2)
"""Reads of the database that are long by nature: a month's usage."""

ALL = (DISK, COPY, NET, STRANGERS, TOOLS, HASH, HEAVY)
