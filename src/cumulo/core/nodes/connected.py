"""How a control plane's parts are tied to the other control nodes, where there may be any.

Hints that are said and heard here: `host HOST KIND` (an item of it changed), `reconciler NAME`,
`jobs`, `events`, `leases`.
"""

import asyncio
import functools
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cumulo.core.auth import keyring
from cumulo.core.blobs.content import Contents
from cumulo.core.events import history
from cumulo.core.http import texts
from cumulo.core.http.operations import Face, Operation
from cumulo.core.nodes import leases
from cumulo.core.nodes.model import EDITION
from cumulo.core.work.reconciler import HINT, ReconcilerLoop

if TYPE_CHECKING:
    from cumulo.core.nodes.links import NodeLinks


log = logging.getLogger("cumulo.nodes")


class Connected:
    """`frame`: a `core.assembly.Frame`, whose services are built afterwards."""

    def __init__(self, frame: Any) -> None:
        self._frame = frame
        self._nodes = frame.nodes
        self._loops: dict[str, ReconcilerLoop] = {}
        self._asyncio: asyncio.AbstractEventLoop | None = None
        if not self._nodes.grown:
            return
        registry = frame.registry
        registry.node_id = self._nodes.me.id
        registry.ring_elsewhere = lambda host, kind: self._say(f"host {kind} {host}")
        history.ring_elsewhere = lambda: self._say("events")
        keyring.look_elsewhere = self._nodes.shared.look_now
        if not self._nodes.content:
            frame.jobs.ring = self._ring_for_jobs

    @functools.cached_property
    def links(self) -> "NodeLinks":
        """Its libraries are loaded when there is another node to talk to."""
        from cumulo.core.nodes.links import NodeLinks

        frame = self._frame
        return NodeLinks(
            frame.database,
            self._nodes.me,
            frame.settings.secrets_dir,
            lambda: frame.machines.authority,
        )

    def faces(self, service: Any) -> Sequence[Face]:
        """As this node answers them."""
        if self._nodes.content or not service.has_files:
            return list(service.faces)
        return [
            replace(face, operations=[self._as_here(o) for o in face.operations])
            for face in service.faces
        ]

    def _as_here(self, operation: Operation) -> Operation:
        if operation.kind != "stream":
            return operation
        # Who asks is proved where the answer is made.
        return replace(
            operation, handler=self.links.forward, public=True, policy=None, body=None, writes=None
        )

    def loops(self, service: Any) -> list[ReconcilerLoop]:
        """Of its reconcilers."""
        made = []
        for each in service.reconcilers:
            name = each.name
            loop = ReconcilerLoop(self._frame.database, each, mine=self._whose(service, name))
            self._loops[name] = loop
            made.append(loop)
        return made

    def _whose(self, service: Any, name: str) -> Callable[[], bool]:
        if service.has_files:
            content: bool = self._nodes.content
            return lambda: content
        self._nodes.leases.names.append(name)
        return lambda: bool(self._nodes.leases.holds(name))

    def listen(self) -> None:
        """All is built."""
        if not self._nodes.grown:
            return
        self._nodes.leases.gained = lambda name: self._loops[name].gained()
        self._nodes.leases.lost = lambda name: self._loops[name].drop()
        self._nodes.leases.beaten = self._look_after_hosts
        self._nodes.leases.looked = lambda edition: texts.keep_any(edition >= EDITION)
        texts.keep_any(False)  # until it is known who else is there
        self._frame.conductor.elsewhere = _Late(self)
        if not self._nodes.content:
            self._frame.give(Contents, _Late(self))

    def run_on(self, loop: asyncio.AbstractEventLoop) -> None:
        """From now on hints are heard."""
        self._asyncio = loop
        self._frame.database.on_hint(lambda hint: loop.call_soon_threadsafe(self._hear, hint))

    async def _look_after_hosts(self) -> None:
        """A node that died after its commit has told nobody."""
        registry = self._frame.registry
        try:
            behind = await self._frame.database.read(registry.behind)
        except Exception as error:  # the database is away: the next look finds the same
            log.info("hosts could not be looked after: %s", error)
            return
        for host, kind in behind:
            registry.ring(host, kind)

    def _ring_for_jobs(self) -> None:
        """Here, and where the files are."""
        self._frame.jobs.wakeup.ring()
        self._say("jobs")

    def close(self) -> None:
        """This process's other parts have nobody to tell any more."""
        if self._nodes.grown:
            texts.keep_any(True)
            history.ring_elsewhere = history.nobody
            keyring.look_elsewhere = keyring.nowhere
        self._nodes.shared.close()

    def _say(self, hint: str) -> None:
        self._frame.database.hint(hint)

    def _hear(self, hint: str) -> None:
        what, _, rest = hint.partition(" ")
        if what == HINT and rest in self._loops:
            self._loops[rest].wakeup.ring()
        elif what == "host":
            kind, _, host = rest.partition(" ")
            self._frame.registry.ring(host, kind)
        elif what == "jobs":
            self._frame.jobs.wakeup.ring()
        elif what == "events":
            history.ring_here()
        elif what == leases.LOOK:
            self._nodes.leases.look()


class _Late:
    """The links, loaded when something is asked of another node."""

    def __init__(self, connected: Connected) -> None:
        self._connected = connected

    def ask(self, *arguments: Any) -> Any:
        return self._connected.links.ask(*arguments)

    def line(self, *arguments: Any) -> Any:
        return self._connected.links.line(*arguments)

    def open(self, content: Any) -> Any:
        return self._connected.links.open(content)
