"""Feeds: server-sent events (the HTML standard's `text/event-stream`).

    async def events(call: Call) -> AsyncIterator[FeedEvent]: …
    Operation("GET", "/events", events, kind="feed", policy=…)

A client that comes back says in `Last-Event-ID` (or, where it cannot set headers, `last_event_id`
in the query) which event it saw last; `call` has both, `resumed_at(call)` reads them. A feed ends
with its client, with the caller's token, and after an hour; clients then come again by themselves.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from cumulo.core.http.crowd import Crowd
from cumulo.core.http.operations import Call, Reply

FEEDS = Crowd("feeds", 2000, 16)
LONGEST_SECONDS = 3600.0
BEAT_SECONDS = 15.0
"""Between two signs of life, so that proxies do not take the silence for the end."""
COME_AGAIN_MS = 2000


@dataclass(frozen=True, slots=True)
class FeedEvent:
    data: Any
    """Becomes JSON."""
    id: str = ""
    """What a client that comes back is asked for."""
    type: str = ""


def resumed_at(call: Call) -> str | None:
    """The id of the last event that the client has seen."""
    return call.header("Last-Event-ID") or call.query.get("last_event_id")


def key_of(call: Call) -> str:
    """Whom a place is counted for."""
    who = call.maybe_principal
    return call.address if who is None else who.user_id


Holds = Callable[[], Awaitable[bool]]


def as_reply(call: Call, events: AsyncIterator[FeedEvent], holds: Holds) -> Reply:
    """`holds`: may the caller still have what comes? Asked before each event. Raises
    TooManyRequests and Unavailable."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Reply(
        200, headers=headers, stream=_Lines(call, events, holds), content_type="text/event-stream"
    )


class _Lines:
    """A feed as bytes. Closed at the end, even if it never began."""

    def __init__(self, call: Call, events: AsyncIterator[FeedEvent], holds: Holds) -> None:
        self._holds = holds
        who = call.maybe_principal
        self._key = key_of(call)
        FEEDS.enter(self._key)
        self._events = events
        lasts = LONGEST_SECONDS
        if who is not None and who.expires:
            lasts = min(lasts, who.expires - time.time())
        self._end = asyncio.get_running_loop().time() + lasts
        self._coming: asyncio.Future[FeedEvent] | None = None
        self._begun = self._closed = False

    def __aiter__(self) -> "_Lines":
        return self

    async def __anext__(self) -> bytes:
        if not self._begun:
            self._begun = True
            return f"retry: {COME_AGAIN_MS}\n\n".encode()
        left = self._end - asyncio.get_running_loop().time()
        if left <= 0:
            raise StopAsyncIteration
        if self._coming is None:
            self._coming = asyncio.ensure_future(anext(self._events))
        await asyncio.wait({self._coming}, timeout=min(BEAT_SECONDS, left))
        if not self._coming.done():
            return b":\n\n"
        event, self._coming = self._coming.result(), None
        if not await self._holds():
            # The token was revoked, or its user has lost the role: clients come again, and hear so.
            raise StopAsyncIteration
        return line_of(event)

    async def aclose(self) -> None:
        if self._closed:
            return
        self._closed = True
        FEEDS.leave(self._key)
        if self._coming is not None:
            self._coming.cancel()
            await asyncio.wait({self._coming})
        close = getattr(self._events, "aclose", None)
        if close is not None:
            await close()


def line_of(event: FeedEvent) -> bytes:
    text = f"id: {event.id}\n" if event.id else ""
    if event.type:
        text += f"event: {event.type}\n"
    return text.encode() + b"data: " + msgspec.json.encode(event.data) + b"\n\n"
