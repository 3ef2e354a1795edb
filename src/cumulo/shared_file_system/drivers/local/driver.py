"""The driver of real hosts: a pool, and export servers in projects' networks."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from cumulo.shared_file_system.drivers.driver import Refused, Room, Waiting, check_id
from cumulo.shared_file_system.drivers.local import plug
from cumulo.shared_file_system.drivers.local.pool import Pool, missing
from cumulo.shared_file_system.drivers.local.server import Server
from cumulo.shared_file_system.model.orders import Rule, WantedServer

T = TypeVar("T")
_SNAPSHOTS = "snapshots"


def _reading(rules: Sequence[Rule]) -> list[Rule]:
    """Nobody writes into a snapshot, whatever a rule says."""
    return [Rule(rule.to, "ro") for rule in rules]


class LocalDriver:
    """`prefix`: of the cloud's devices and namespaces; `folder`: of the host, on disk; `run`: a
    directory of this boot of the machine."""

    def __init__(self, prefix: str, folder: Path, run: Path, *, pool_gb: int) -> None:
        self._prefix = prefix
        self._pool = Pool(folder, run, pool_gb)
        self._servers = run / "servers"
        self._kept = folder / "servers"
        # One at a time: mounts and qgroups of one file system, milliseconds each.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="cumulo-shares")

    async def _do(self, function: Callable[..., T], *arguments: Any) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, function, *arguments)

    def _usable(self) -> None:
        fault = missing()
        if fault is not None:
            raise OSError(fault)

    def _server(self, id: str) -> Server:
        return Server(check_id(id), self._servers, self._kept)

    def _known(self) -> list[Server]:
        places = {path.name for path in self._kept.iterdir()} if self._kept.is_dir() else set()
        return [self._server(name) for name in sorted(places)]

    async def room(self) -> Room:
        total, free = await self._do(self._pool.room)
        return Room(driver="local", total_gb=total, free_gb=free, fault=missing())

    async def ensure_server(self, server: WantedServer) -> None:
        await self._do(self._ensure_server, server)

    def _ensure_server(self, server: WantedServer) -> None:
        self._usable()
        own = self._server(server.id)
        namespace = plug.plug(self._prefix, server)
        # What it served before a restart of the machine is mounted again before it starts.
        own.start("::" if server.more else server.address, namespace)

    async def remove_server(self, id: str) -> None:
        await self._do(self._remove_server, id)

    def _remove_server(self, id: str) -> None:
        self._server(id).forget()
        plug.unplug(self._prefix, id)

    async def server_fits(self, server: WantedServer) -> bool:
        return await self._do(
            lambda: self._server(server.id).runs() and plug.is_plugged(self._prefix, server)
        )

    async def ensure_share(self, id: str, size_gb: int, snapshot_id: str | None) -> int:
        def make() -> int:
            check_id(id)
            self._usable()
            return self._pool.ensure_share(id, size_gb, snapshot_id)

        return await self._do(make)

    async def export(self, id: str, server_id: str, rules: Sequence[Rule]) -> None:
        await self._do(self._export, id, server_id, rules)

    def _export(self, id: str, server_id: str, rules: Sequence[Rule]) -> None:
        server = self._server(check_id(server_id))
        check_id(id)
        if not server.runs():
            raise Waiting(f"export server {server_id} does not run")
        if not self._pool.size(id):
            raise Refused(f"share {id} is not there")
        for other in self._known():
            if other.id != server.id and other.has(id):
                other.unexport(id)  # it was managed into another share network
        server.export(id, self._pool.mounted(id), rules)

    async def shrink(self, id: str, size_gb: int) -> int:
        return await self._do(self._opened_with, self._pool.shrink, check_id(id), size_gb)

    def _opened_with(self, function: Callable[..., T], *arguments: Any) -> T:
        self._usable()
        if self._pool.exists():
            self._pool.open()
        return function(*arguments)

    async def revert(self, id: str, snapshot_id: str, size_gb: int, token: str) -> None:
        await self._do(self._revert, check_id(id), check_id(snapshot_id), size_gb, token)

    def _revert(self, id: str, snapshot_id: str, size_gb: int, token: str) -> None:
        """No server may hold what is replaced."""

        def replace() -> None:
            if self._pool.reverted(id, token):
                return
            if not self._pool.has_snapshot(snapshot_id):
                raise Refused(f"snapshot {snapshot_id} is not on this host")
            self._unexport(id)
            self._pool.revert(id, snapshot_id, size_gb, token)

        self._opened_with(replace)

    async def share_fits(self, id: str, server_id: str, rules: Sequence[Rule]) -> bool:
        def fits() -> bool:
            return self._server(server_id).exports(id, self._pool.place(id), rules)

        return await self._do(fits)

    async def remove_share(self, id: str) -> None:
        await self._do(self._remove_share, id)

    def _remove_share(self, id: str) -> None:
        self._unexport(check_id(id))
        self._pool.remove_share(id)

    def _unexport(self, id: str) -> None:
        for server in self._known():
            if server.has(id):
                server.unexport(id)

    async def ensure_snapshot(self, id: str, share_id: str) -> None:
        await self._do(self._pool.ensure_snapshot, check_id(id), check_id(share_id))

    async def export_snapshot(self, id: str, server_id: str, rules: Sequence[Rule]) -> None:
        await self._do(self._export_snapshot, check_id(id), check_id(server_id), rules)

    def _export_snapshot(self, id: str, server_id: str, rules: Sequence[Rule]) -> None:
        server = self._server(server_id)
        if not server.runs():
            raise Waiting(f"export server {server_id} does not run")
        place = self._opened_with(self._pool.snapshot_mounted, id)
        server.export(id, place, _reading(rules), _SNAPSHOTS)

    async def snapshot_fits(self, id: str, server_id: str, rules: Sequence[Rule]) -> bool:
        def fits() -> bool:
            place = self._pool.place(id)
            return self._server(server_id).exports(id, place, _reading(rules), _SNAPSHOTS)

        return await self._do(fits)

    async def remove_snapshot(self, id: str) -> None:
        def remove() -> None:
            self._unexport(id)
            self._pool.remove_snapshot(id)

        check_id(id)
        await self._do(remove)

    async def share_size(self, id: str) -> int:
        return await self._do(self._opened, self._pool.size, check_id(id))

    async def has_snapshot(self, id: str) -> bool:
        return await self._do(self._opened, self._pool.has_snapshot, check_id(id))

    def _opened(self, function: Callable[[str], T], id: str) -> T:
        if self._pool.exists():
            self._pool.open()
        return function(id)

    async def names(self) -> dict[str, str]:
        def look() -> dict[str, str]:
            servers = {server.id: "server" for server in self._known()}
            return {**servers, **(self._pool.names() if missing() is None else {})}

        return await self._do(look)

    async def stop(self) -> None:
        """Serve nothing, mount nothing: no control plane runs any more."""

        def halt() -> None:
            for server in self._known():
                server.stop()
            self._pool.close()

        await self._do(halt)

    async def remove_all(self) -> None:
        await self.stop()

        def forget() -> None:
            for server in self._known():
                self._remove_server(server.id)
            self._pool.remove()
            # Empty by now; what we do not know keeps them.
            for place in (self._servers, self._servers.parent, self._servers.parent.parent):
                with contextlib.suppress(OSError):
                    place.rmdir()

        await self._do(forget)
