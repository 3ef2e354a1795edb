"""Rate limits on the wire: requests wait before their work begins. Only what its caller may do
counts: nobody uses up what others have."""

import asyncio
import dataclasses
import time
from collections.abc import Callable
from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Fault
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.object_store.model.rates import Rates
from cumulo.object_store.service.access import Access, Verb
from cumulo.object_store.service.object_store import ObjectStoreService

Place = tuple[Access, str, str]
"""Who asks, for which container and object."""


class RateLimits:
    def __init__(self, store: ObjectStoreService, rates: Rates) -> None:
        self._store = store
        self._rates = rates

    def info(self) -> dict[str, Any]:
        """For `/info`."""
        rates = self._rates
        return {
            "account_ratelimit": rates.account,
            "max_sleep_time_seconds": rates.longest,
            "container_ratelimits": [list(point) for point in rates.writes.points],
            "container_listing_ratelimits": [list(point) for point in rates.listings.points],
        }

    def kept(self, operation: Operation, place_of: Callable[[Call], Place]) -> Operation:
        """The operation, if need be after a while."""
        if not self._rates.on:
            return operation
        handler = operation.handler

        async def run(call: Call) -> Reply:
            seconds = await self._delay(call, place_of)
            if seconds > 0:
                await asyncio.sleep(seconds)
            reply: Reply = await handler(call)
            return reply

        return dataclasses.replace(operation, handler=run)

    async def _delay(self, call: Call, place_of: Callable[[Call], Place]) -> float:
        try:
            access, container, name = place_of(call)
        except Fault:
            return 0.0  # the handler says what is wrong
        writes = call.operation.method in ("PUT", "POST", "DELETE", "COPY")
        if not container or (not writes and (name or call.operation.method != "GET")):
            return 0.0
        if writes and not name:
            if not access.owner or call.operation.method == "POST":
                return 0.0
            return self._rates.delay((access.account,), self._rates.account, time.monotonic())
        verb: Verb = "write" if writes else "list"

        def size(tx: Tx) -> int | None:
            row = self._store.containers.find(tx, access.account, container)
            if row is None or not access.may(verb, row, container, name):
                return None
            return row.objects

        found = await self._store.database.read(size)
        if found is None:
            return 0.0
        curve = self._rates.writes if writes else self._rates.listings
        key = (access.account, container, verb)
        return self._rates.delay(key, curve.at(found), time.monotonic())
