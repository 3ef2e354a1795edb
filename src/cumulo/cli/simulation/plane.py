"""A control plane with simulated hosts, which dies and comes back on the same data directory."""

import asyncio
import contextlib
import logging
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import Context, copy_context
from pathlib import Path
from typing import Any

from cumulo import settings, wiring
from cumulo.cloud import Cloud
from cumulo.core.assembly import Principals
from cumulo.core.auth.principal import Principal
from cumulo.core.blobs.content import Contents
from cumulo.core.db.engines import engine_of
from cumulo.core.faults import Unavailable
from cumulo.core.hosts.conductor import Conductor
from cumulo.core.http.caller import Result
from cumulo.core.sim.faults import BadLine, Chances, Process, process
from cumulo.core.sim.neighbours import Neighbour, Neighbours
from cumulo.core.sim.player import Lost

log = logging.getLogger("cumulo.sim")


def settings_of(data_dir: Path, hosts: int, *, content: bool = True) -> settings.Settings:
    return settings.load(
        data_dir,
        listen="127.0.0.1:1",
        public_url="http://cloud.sim",
        fake=True,
        identity={"password_rounds": 4},
        dns={"serve": False},
        hosts={"fake": hosts},
        node={"content": content},
    )


class Plane:
    """The one with the hosts and the files, or, with a `first`, another one beside it."""

    def __init__(
        self,
        data_dir: Path,
        hosts: int,
        chances: Chances,
        told: Callable[[str], None],
        *,
        neighbours: Neighbours | None = None,
        first: "Plane | None" = None,
    ) -> None:
        self._settings = settings_of(data_dir, hosts, content=first is None)
        self._database = (first or self)._settings.data_dir / "cumulo.db"
        self._neighbours = neighbours
        self._first = first
        self.name = "the control plane" if first is None else "the other control plane"
        if first is not None:
            secrets = first._settings.secrets_dir
            shutil.copytree(secrets, self._settings.secrets_dir, dirs_exist_ok=True)
        self._chances = chances
        self._told = told
        self._context = copy_context()
        self.cloud: Cloud | None = None
        self._work: asyncio.Task[None] | None = None
        self._agents: dict[str, asyncio.Task[None]] = {}
        self.died = asyncio.Event()
        self.deaths = 0
        self.wrong: list[str] = []

    async def start(self) -> None:
        """May die at once; see `died`."""
        process.set(self)
        self._context = copy_context()
        self.died.clear()
        self.cloud = cloud = wiring.build(self._settings, engine=self._engine)
        for agent in cloud.agents:
            line: Any = agent.link
            agent.link = BadLine(line, self._chances)
        if self._neighbours is not None:
            # Machines dial in by sockets, which there are none of.
            cloud.frame.nodes.expected = lambda tx: False  # type: ignore[method-assign]
            if self._first is not None:
                cloud.connected.links = Neighbour(self._first._reached, self._chances)  # type: ignore[assignment]
        self._work = asyncio.get_running_loop().create_task(self._run(cloud))

    def _engine(self, its: settings.Settings) -> Any:
        return engine_of(its) if self._neighbours is None else self._neighbours.open(self._database)

    def _reached(self) -> tuple[Process, Context, Conductor, Contents] | None:
        """What the other one talks to."""
        if self.cloud is None or self.died.is_set():
            return None
        frame = self.cloud.frame
        return self, self._context, self.cloud.conductor, frame.get(Contents)

    async def _run(self, cloud: Cloud) -> None:
        try:
            await cloud.first_run()
            await cloud.work()
        except Exception as error:
            # It has ended by itself, and whoever looks after it starts it again.
            self._told(f"{self.name} ended: {type(error).__name__}")
            if self._chances.calm:
                self.wrong.append(f"{self.name} ended: {error!r}")
            self._end()

    def cut(self, point: str) -> None:
        """What is not committed is not there; nothing of this process writes any more."""
        self._told(f"power cut of {self.name} {point}")
        self._end()

    def _end(self) -> None:
        if self.cloud is not None and not self.died.is_set():
            database: Any = self.cloud.database
            database._connection.close()
            self.died.set()

    async def bury(self) -> None:
        """What was left of the process ends."""
        self.deaths += 1
        work, cloud, self.cloud = self._work, self.cloud, None
        if work is not None:
            work.cancel()
            # However it ends: it is dead.
            await asyncio.wait({work})
            if not work.cancelled():
                work.exception()
        if cloud is not None:
            _forget(cloud)

    async def stop(self) -> None:
        """An orderly end."""
        assert self.cloud is not None and self._work is not None
        self._work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._work
        self.cloud.close()

    async def ask(self, method: str, path: str, body: Any, user: str) -> Result:
        """A request, answered or lost. Raises Lost."""
        cloud = self.cloud
        if cloud is None or self.died.is_set():
            await asyncio.sleep(1.0)
            raise Lost(path)
        process.set(self)
        try:
            principal = await cloud.database.read(lambda tx: self._principal(cloud, tx, user))
            found = await cloud.frame.caller.call(principal, method, path, body, version="latest")
        except BaseException:
            if self.died.is_set() or self.cloud is not cloud:
                raise Lost(path) from None
            raise
        if self.died.is_set() or self.cloud is not cloud:
            raise Lost(path)
        if isinstance(found.fault, Unavailable):
            raise Lost(path)  # the disk was full: it may be tried again
        return found

    def _principal(self, cloud: Cloud, tx: Any, user: str) -> Principal:
        """As the user of the first start, in the project of the same name."""
        found = cloud.frame.get(Principals)(tx, user)
        return next(each for each in found if each.project_name == user)

    @property
    def hosts(self) -> Mapping[str, Mapping[str, Any]]:
        assert self.cloud is not None
        return {agent.host_id: agent.parts for agent in self.cloud.agents}

    @property
    def orders(self) -> dict[str, dict[str, dict[str, int]]]:
        assert self.cloud is not None
        return {
            agent.host_id: {
                kind: {
                    id: order.version
                    for id, order in worker.follower.journal.orders.items()
                    if not order.gone
                }
                for kind, worker in agent.workers.items()
            }
            for agent in self.cloud.agents
        }

    def wanted(self, tx: Any, kind: str, host: str, ids: Sequence[str]) -> Iterable[str]:
        assert self.cloud is not None
        return self.cloud.conductor.parts[kind].items(tx, host, ids) if ids else ()


def _forget(cloud: Cloud) -> None:
    database: Any = cloud.database
    database._closing.set()
    for service in cloud.built:
        if service.close is not None:
            with contextlib.suppress(Exception):  # it is dead anyway
                service.close()
