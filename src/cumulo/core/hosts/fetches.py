"""Fetches of many hosts, answered together: after a change that concerns a group or a network all
its hosts ask at once, and what they are told is mostly the same.

Whoever asks first leads: it lets the others of this turn of the loop come, and answers some of
them, itself among them, out of one read transaction. Then the next one leads. Nobody waits for
more than those that came before it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple

from cumulo.core.db.transaction import Database, Tx
from cumulo.core.hosts.messages import Fetch, Items

AT_ONCE = 40
"""Hosts whose fetches one transaction answers: it is on the loop."""


class Wish(NamedTuple):
    host_id: str
    message: Fetch
    answer: "asyncio.Future[Items | str | None]"
    """None: it is this one's turn to lead."""


Answer = Callable[[Tx, Sequence[Wish]], Sequence[Items | str]]


class Fetches:
    """`answer`: one for each wish, in their order."""

    def __init__(self, database: Database, answer: Answer) -> None:
        self._database = database
        self._answer = answer
        self._waiting: deque[Wish] = deque()
        self._led = False

    async def ask(self, host_id: str, message: Fetch) -> Items | str:
        """Raises what answering it raises."""
        wish = Wish(host_id, message, asyncio.get_running_loop().create_future())
        self._waiting.append(wish)
        if self._led:
            try:
                found = await wish.answer
            except asyncio.CancelledError:
                if wish.answer.done() and not wish.answer.cancelled():
                    self._hand_on(wish)
                raise
            if found is not None:
                return found
            wish = wish._replace(answer=asyncio.get_running_loop().create_future())
            self._waiting.appendleft(wish)
        return await self._lead(wish)

    def _hand_on(self, wish: Wish) -> None:
        """Who was to lead has left."""
        if wish.answer.exception() is None and wish.answer.result() is None:
            self._pass_on()

    async def _lead(self, own: Wish) -> Items | str:
        self._led = True
        some: list[Wish] = []
        try:
            await asyncio.sleep(0)
            while self._waiting and len(some) < AT_ONCE:
                some.append(self._waiting.popleft())
            await self._answer_some(some)
        finally:
            # Without an answer this one was cancelled: those that it has taken are the next ones.
            own.answer.cancel()
            self._waiting.extendleft(wish for wish in reversed(some) if not wish.answer.done())
            self._pass_on()
        found = await own.answer
        assert found is not None, "who leads is told an answer"
        return found

    def _pass_on(self) -> None:
        while self._waiting:
            wish = self._waiting.popleft()
            if not wish.answer.done():
                wish.answer.set_result(None)
                return
        self._led = False

    async def _answer_some(self, some: Sequence[Wish]) -> None:
        some = [wish for wish in some if not wish.answer.done()]
        try:
            found = await self._database.read(lambda tx: self._answer(tx, some))
        except Exception as error:
            if len(some) == 1:
                some[0].answer.set_exception(error)
                return
            # One that cannot be answered harms no other.
            for wish in some:
                await self._answer_some([wish])
            return
        for wish, answer in zip(some, found, strict=True):
            if not wish.answer.done():
                wish.answer.set_result(answer)
