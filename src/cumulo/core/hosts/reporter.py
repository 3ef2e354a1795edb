"""What a host tells of one kind: only what changed, many in one message, until it is taken over."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from cumulo.core.hosts.conductor import PAGE
from cumulo.core.hosts.link import Link
from cumulo.core.hosts.messages import Mark, Report, Seen, Stranger
from cumulo.core.hosts.peer import PeerGone
from cumulo.core.work.reconciler import backoff
from cumulo.core.work.wakeups import Wakeup

log = logging.getLogger("cumulo.agent")

LEAST_INTERVAL = 0.05
"""Seconds between two reports: one serves all changes of a burst, a lone change does not wait."""


class Reporter:
    """`on_taken` is called with what was taken over, `on_stale` when the epoch is another."""

    def __init__(
        self,
        kind: str,
        link: Callable[[], Link],
        mark: Callable[[], Mark],
        *,
        on_taken: Callable[[Seen], None],
        on_stale: Callable[[], None],
    ) -> None:
        self.kind = kind
        self.reports = 0
        self._link = link
        self._mark = mark
        self._on_taken = on_taken
        self._on_stale = on_stale
        self._seen: dict[str, Seen] = {}
        self._told: dict[str, Seen] = {}
        self._waiting: dict[str, None] = {}
        self._refused: dict[str, str] = {}
        self._host: list[Any] = [None, None]
        self._unknown: list[list[Stranger]] = [[], []]
        """What is so, and what was told, of the host and of what is unknown."""
        self._trouble: str | None = None
        self._bell = Wakeup()

    def say(self, seen: Seen) -> None:
        self._seen[seen.id] = seen
        if self._told.get(seen.id) != seen:
            self._waiting[seen.id] = None
            self._bell.ring()

    def say_host(self, state: Any) -> None:
        self._host[0] = state
        if state != self._host[1]:
            self._bell.ring()

    def say_unknown(self, found: Iterable[Stranger]) -> None:
        self._unknown[0] = sorted(found, key=lambda each: each.id)
        if self._unknown[0] != self._unknown[1]:
            self._bell.ring()

    def last(self, id: str) -> Seen | None:
        return self._seen.get(id)

    def forget(self, id: str) -> None:
        self._seen.pop(id, None)
        self._told.pop(id, None)
        self._waiting.pop(id, None)
        self._refused.pop(id, None)

    def say_all_again(self) -> None:
        """Another epoch: nothing that was told counts."""
        self._told.clear()
        self._refused.clear()
        self._host[1] = None
        self._unknown[1] = [Stranger("", {})]
        self._waiting = dict.fromkeys(self._seen)
        self._bell.ring()

    def try_again(self) -> None:
        """What was refused, or could not be told, is told once more."""
        self._waiting.update(dict.fromkeys(self._refused))
        self._bell.ring()

    async def trouble(self, reason: str | None) -> None:
        """Nothing of this kind can be done on the host, and why; None: it works again."""
        if reason == self._trouble:
            return
        self._trouble = reason
        if reason is None:
            log.info("%s: works again", self.kind)
            self._bell.ring()
            await self.report(even_nothing=True)
            return
        log.error("%s: %s", self.kind, reason)
        try:
            await self._link().failed(self.kind, self._mark().version, reason)
        except PeerGone:
            self._trouble = None  # told when there is somebody to tell
        except Exception:
            log.exception("%s: the trouble could not be reported", self.kind)

    async def run(self) -> None:
        """Until cancelled."""
        failures = 0
        loop = asyncio.get_running_loop()
        while True:
            if not self._waiting:
                await self._bell.wait(3600.0)
            began = loop.time()
            try:
                await self.report()
                failures = 0
            except Exception as error:
                failures += 1
                if failures == 1 and not isinstance(error, PeerGone):
                    log.error("%s: a report failed", self.kind, exc_info=error)
                await asyncio.sleep(backoff(failures, first=0.2, most=10.0))
            await asyncio.sleep(max(0.0, began + LEAST_INTERVAL - loop.time()))

    async def report(self, *, even_nothing: bool = False) -> None:
        """One message, if there is anything to tell."""
        ids = list(self._waiting)[:PAGE]
        items = [self._seen[id] for id in ids if id in self._seen]
        items = [seen for seen in items if self._told.get(seen.id) != seen]
        host, unknown = self._host[0], self._unknown[0]
        mark = self._mark()
        message = Report(
            kind=self.kind,
            cloud=mark.cloud,
            epoch=mark.epoch,
            upto=mark.version,
            items=items,
            host=host if host != self._host[1] else None,
            unknown=unknown if unknown != self._unknown[1] else None,
            trouble=self._trouble,
        )
        if mark.epoch == 0:
            return  # nothing was ordered yet: the control plane would not know what it is about
        if items or message.host is not None or message.unknown is not None or even_nothing:
            self.reports += 1
            taken = await self._link().report(message)
            if taken.stale:
                self._on_stale()
                await asyncio.sleep(LEAST_INTERVAL)
                return
            self._host[1], self._unknown[1] = host, unknown
            for seen in items:
                self._taken(seen, taken.refused.get(seen.id))
        for id in ids:
            seen_now = self._seen.get(id)
            if seen_now is None or self._told.get(id) == seen_now or id in self._refused:
                self._waiting.pop(id, None)

    def _taken(self, seen: Seen, refused: str | None) -> None:
        if refused is None:
            self._refused.pop(seen.id, None)
            self._told[seen.id] = seen
            self._on_taken(seen)
        else:
            if self._refused.get(seen.id) != refused:
                log.warning("%s %s: the report was refused: %s", self.kind, seen.id, refused)
            self._refused[seen.id] = refused


def renewed(seen: Seen | None, id: str, version: int) -> Seen:
    """What is said of a thing at the beginning of work on a new order: what it looks like stays."""
    if seen is None:
        return Seen(id=id, version=version)
    return msgspec.structs.replace(seen, version=version, done=False, gone=False, final=False)
