"""Simulated shares: the same contract without bytes, with a capacity and faults to inject."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec

from cumulo.shared_file_system.drivers.driver import DataLoss, Refused, Room, Waiting, check_id
from cumulo.shared_file_system.model.orders import Rule, WantedServer


class Fault(msgspec.Struct):
    """Makes an effect fail: with this message, this many times (-1: always). `final`: for good."""

    message: str
    count: int = -1
    id: str | None = None
    delay: float = 0.0
    final: bool = False


class _State(msgspec.Struct):
    servers: dict[str, WantedServer] = {}
    shares: dict[str, int] = {}
    snapshots: dict[str, int] = {}
    exports: dict[str, tuple[str, list[Rule]]] = {}
    """Of shares and snapshots"""
    used: dict[str, int] = {}
    """GiB that are in a share; a test says so"""
    reverts: dict[str, tuple[str, str]] = {}
    """Share → what it was last reverted to, and the token of that"""


class FakeDriver:
    """Shares in memory, or with `data` also in a file that survives a restart. `faults`: by
    effect, one of "server", "share", "shrink", "revert", "export", "snapshot", "remove"."""

    def __init__(
        self,
        data: Path | None = None,
        *,
        total_gb: float = 10_000.0,
        faults: dict[str, Fault] | None = None,
        fault: str | None = None,
    ) -> None:
        self.faults = faults if faults is not None else {}
        self.fault = fault
        self._file = None if data is None else data / "fake-shares.json"
        self._total_gb = total_gb
        self.state = _State()
        if self._file is not None and self._file.exists():
            self.state = msgspec.json.decode(self._file.read_bytes(), type=_State)

    async def room(self) -> Room:
        free = self._total_gb - sum(self.state.shares.values())
        return Room(driver="fake", total_gb=self._total_gb, free_gb=free, fault=self.fault)

    async def ensure_server(self, server: WantedServer) -> None:
        check_id(server.id)
        await self._raise("server", server.id)
        self.state.servers[server.id] = server
        self._save()

    async def remove_server(self, id: str) -> None:
        await self._raise("remove", check_id(id))
        self.state.servers.pop(id, None)
        self._save()

    async def server_fits(self, server: WantedServer) -> bool:
        return self.state.servers.get(server.id) == server

    async def ensure_share(self, id: str, size_gb: int, snapshot_id: str | None) -> int:
        check_id(id)
        if size_gb < 1:
            raise ValueError("a share has at least 1 GiB")
        has = self.state.shares.get(id, 0)
        if has < size_gb:
            await self._raise("share", id)
            if not has and snapshot_id is not None and snapshot_id not in self.state.snapshots:
                raise Refused(f"snapshot {snapshot_id} is not on this host")
            free = (await self.room()).free_gb
            if size_gb - has > free:
                raise Refused(f"no space: {size_gb} GiB are needed, {free:g} are free")
            self.state.shares[id] = size_gb
            self._save()
        return max(has, size_gb)

    async def shrink(self, id: str, size_gb: int) -> int:
        has = self.state.shares.get(check_id(id), 0)
        if not has:
            raise Refused(f"share {id} is not there")
        if has > size_gb:
            await self._raise("shrink", id)
            used = self.state.used.get(id, 0)
            if used > size_gb:
                raise DataLoss(f"{used} GiB are in it, and it was to become {size_gb} GiB")
            self.state.shares[id] = size_gb
            self._save()
        return min(has, size_gb)

    async def revert(self, id: str, snapshot_id: str, size_gb: int, token: str) -> None:
        check_id(id), check_id(snapshot_id)
        if self.state.reverts.get(id) == (snapshot_id, token):
            return
        await self._raise("revert", id)
        if snapshot_id not in self.state.snapshots:
            raise Refused(f"snapshot {snapshot_id} is not on this host")
        self.state.reverts[id] = (snapshot_id, token)
        self.state.shares[id] = size_gb
        self.state.used.pop(id, None)
        self.state.exports.pop(id, None)
        self._save()

    async def export(self, id: str, server_id: str, rules: Sequence[Rule]) -> None:
        await self._raise("export", check_id(id))
        if check_id(server_id) not in self.state.servers:
            raise Waiting(f"export server {server_id} is not there")
        if id not in self.state.shares:
            raise Refused(f"share {id} is not there")
        self.state.exports[id] = (server_id, list(rules))
        self._save()

    async def share_fits(self, id: str, server_id: str, rules: Sequence[Rule]) -> bool:
        return self.state.exports.get(check_id(id)) == (server_id, list(rules))

    async def remove_share(self, id: str) -> None:
        await self._raise("remove", check_id(id))
        for known in (self.state.exports, self.state.shares, self.state.used, self.state.reverts):
            known.pop(id, None)
        self._save()

    async def ensure_snapshot(self, id: str, share_id: str) -> None:
        check_id(id), check_id(share_id)
        if id in self.state.snapshots:
            return
        await self._raise("snapshot", id)
        if share_id not in self.state.shares:
            raise Refused(f"share {share_id} is not there")
        self.state.snapshots[id] = self.state.shares[share_id]
        self._save()

    async def export_snapshot(self, id: str, server_id: str, rules: Sequence[Rule]) -> None:
        await self._raise("export", check_id(id))
        if check_id(server_id) not in self.state.servers:
            raise Waiting(f"export server {server_id} is not there")
        if id not in self.state.snapshots:
            raise Refused(f"snapshot {id} is not there")
        self.state.exports[id] = (server_id, list(rules))
        self._save()

    async def snapshot_fits(self, id: str, server_id: str, rules: Sequence[Rule]) -> bool:
        return await self.share_fits(id, server_id, rules)

    async def remove_snapshot(self, id: str) -> None:
        await self._raise("remove", check_id(id))
        self.state.exports.pop(id, None)
        self.state.snapshots.pop(id, None)
        self._save()

    async def share_size(self, id: str) -> int:
        return self.state.shares.get(check_id(id), 0)

    async def has_snapshot(self, id: str) -> bool:
        return check_id(id) in self.state.snapshots

    async def names(self) -> dict[str, str]:
        return {
            **dict.fromkeys(self.state.servers, "server"),
            **dict.fromkeys(self.state.shares, "share"),
            **dict.fromkeys(self.state.snapshots, "snapshot"),
        }

    async def _raise(self, effect: str, id: str) -> None:
        fault = self.faults.get(effect)
        if fault is None or fault.count == 0 or fault.id not in (None, id):
            return
        fault.count -= 1 if fault.count > 0 else 0
        await asyncio.sleep(fault.delay)
        raise Refused(fault.message) if fault.final else OSError(fault.message)

    def _save(self) -> None:
        if self._file is None:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._file.with_suffix(".new")
        temporary.write_bytes(msgspec.json.encode(self.state))
        temporary.replace(self._file)
