"""A host's side of shares: how export servers, shares and snapshots are made and removed."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from cumulo.core.hosts.journal import Order
from cumulo.core.hosts.work import Failed, Look, NotYet, Slots
from cumulo.shared_file_system.drivers.driver import DataLoss, Refused, SharesDriver, Waiting
from cumulo.shared_file_system.model.orders import (
    Seen,
    SeenPool,
    Wanted,
    WantedServer,
    WantedShare,
    WantedSnapshot,
)

_NOW = Seen(size_gb=1)


@contextlib.contextmanager
def _keeping(state: Seen) -> Iterator[None]:
    """What fails within says what is there nevertheless."""
    try:
        yield
    except Waiting as waiting:
        raise NotYet(str(waiting), state=state) from waiting
    except Refused as refused:
        raise Failed(str(refused), final=True, state=state) from refused
    except OSError as error:
        raise Failed(f"{type(error).__name__}: {error}", state=state) from error


class SharesAgent:
    """Implements `core.hosts.work.ItemWork`."""

    kind = "shared_file_system"
    item_type = Wanted
    slots: Mapping[str, Slots] = {"short": Slots(4, 60.0)}

    def __init__(self, driver: SharesDriver) -> None:
        self.driver = driver

    def slot(self, order: Order) -> str:
        return "short"

    async def ensure(self, order: Order, tell: Callable[[str], None]) -> Seen:
        item: Wanted = order.item
        try:
            if isinstance(item, WantedServer):
                await self.driver.ensure_server(item)
                return _NOW
            if isinstance(item, WantedSnapshot):
                return await self._snapshot(item, tell)
            return await self._share(item, tell)
        except Waiting as waiting:
            raise NotYet(str(waiting)) from waiting
        except Refused as refused:
            raise Failed(str(refused), final=True) from refused
        except (OSError, ValueError) as error:
            raise Failed(f"{type(error).__name__}: {error}") from error

    async def _share(self, share: WantedShare, tell: Callable[[str], None]) -> Seen:
        size = await self.driver.share_size(share.id)
        if share.held:
            return Seen(size_gb=size, held=True)
        if share.made and not size:
            lost = Seen(size_gb=0)
            raise Failed("its content is not on this host any more", final=True, state=lost)
        loss: DataLoss | None = None
        if share.shrink and size > share.size_gb:
            try:
                size = await self.driver.shrink(share.id, share.size_gb)
            except DataLoss as refused:
                loss = refused  # whom it is served to stays as it shall be
        if share.revert_to is not None:
            token = f"{share.id}:{share.generation}"
            await self.driver.revert(share.id, share.revert_to, share.size_gb, token)
            size = await self.driver.share_size(share.id)
        # What a share is stays known when its export waits or fails.
        if size < share.size_gb:
            size = await self.driver.ensure_share(share.id, share.size_gb, share.snapshot_id)
        state = Seen(size_gb=size, data_loss=loss is not None)
        tell("applying")
        with _keeping(state):
            await self.driver.export(share.id, share.server_id, share.rules)
        if loss is not None:
            raise Failed(str(loss), final=True, state=state)
        return state

    async def _snapshot(self, snapshot: WantedSnapshot, tell: Callable[[str], None]) -> Seen:
        there = await self.driver.has_snapshot(snapshot.id)
        if snapshot.held:
            return Seen(size_gb=int(there), held=True)
        if snapshot.made and not there:
            lost = Seen(size_gb=0)
            raise Failed("its content is not on this host any more", final=True, state=lost)
        await self.driver.ensure_snapshot(snapshot.id, snapshot.share_id)
        if snapshot.server_id is not None:
            tell("applying")
            with _keeping(_NOW):
                where = (snapshot.server_id, snapshot.rules)
                await self.driver.export_snapshot(snapshot.id, *where)
        return _NOW

    async def remove(self, order: Order) -> None:
        kinds = await self.driver.names()
        kind = kinds.get(order.id)
        if kind == "server":
            await self.driver.remove_server(order.id)
        elif kind == "share":
            await self.driver.remove_share(order.id)
        elif kind == "snapshot":
            await self.driver.remove_snapshot(order.id)

    async def look(self, order: Order) -> Look:
        """An export server may have ended, and after a restart of the machine nothing is served."""
        item: Wanted = order.item
        if isinstance(item, WantedServer):
            return Look(None, await self.driver.server_fits(item))
        if isinstance(item, WantedShare) and not item.held:
            return Look(None, await self.driver.share_fits(item.id, item.server_id, item.rules))
        if isinstance(item, WantedSnapshot) and not item.held and item.server_id is not None:
            return Look(None, await self.driver.snapshot_fits(item.id, item.server_id, item.rules))
        return Look(None, True)

    async def names(self) -> Iterable[str]:
        return await self.driver.names()

    async def describe(self, id: str) -> dict[str, Any]:
        return {"what": (await self.driver.names()).get(id, "")}

    async def host(self) -> SeenPool:
        room = await self.driver.room()
        return SeenPool(
            driver=room.driver,
            total_gb=int(room.total_gb),
            free_gb=max(0, int(room.free_gb)),
            fault=room.fault,
        )

    async def answer(self, question: str, arguments: dict[str, Any]) -> Any:
        raise ValueError(f"unknown question: {question}")

    def on_change(self, ring: Callable[[str | None], None]) -> None:
        """What happens by itself is found by the sweep."""
