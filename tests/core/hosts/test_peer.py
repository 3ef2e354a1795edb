"""The two ends of the link between themselves: who waits for whom, and for how long."""

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from cumulo.core.hosts import peer as peer_module
from cumulo.core.hosts.peer import Peer, PeerGone


class Wire:
    """One end of two queues."""

    def __init__(self, into: "asyncio.Queue[bytes]", out: "asyncio.Queue[bytes]") -> None:
        self._into, self._out = into, out

    async def send(self, message: bytes) -> None:
        await self._into.put(message)

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        while True:
            yield await self._out.get()


def test_replies_pass_calls_that_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """All places are taken by work that itself asks the other end."""
    monkeypatch.setattr(peer_module, "HELD", 3)

    async def main() -> None:
        one, two = asyncio.Queue[bytes](), asyncio.Queue[bytes]()
        done: list[int] = []

        async def name(raw: msgspec.Raw) -> str:
            return "lamp"

        async def work(raw: msgspec.Raw) -> str:
            answer = msgspec.msgpack.decode(await there.call("name", None, seconds=2.0))
            done.append(msgspec.msgpack.decode(raw))
            return str(answer)

        here = Peer(Wire(one, two), {"name": name})
        there = Peer(Wire(two, one), {"work": work}, at_once=2)
        running = [asyncio.create_task(each.run()) for each in (here, there)]
        try:
            calls = [here.call("work", number, seconds=5.0) for number in range(5)]
            found = await asyncio.gather(*calls)
            assert [msgspec.msgpack.decode(each) for each in found] == ["lamp"] * 5
            assert done == list(range(5))
        finally:
            for each in running:
                each.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    asyncio.run(main())


def test_who_takes_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_module, "SEND_SECONDS", 0.05)
    monkeypatch.setattr(peer_module, "END_SECONDS", 0.05)
    cut: list[str] = []

    class Full(Wire):
        transport = SimpleNamespace(abort=lambda: cut.append("now"))

        async def send(self, message: bytes) -> None:
            await asyncio.Event().wait()

        async def close(self, *why: Any) -> None:
            await asyncio.Event().wait()

    async def main() -> None:
        wire = Full(asyncio.Queue(), asyncio.Queue())
        with pytest.raises(PeerGone, match="takes nothing"):
            await Peer(wire, {}).tell("wake", ["lamp"])
        await peer_module.closed(wire, 4400, "it is over")

    asyncio.run(main())
    assert cut == ["now", "now"]
