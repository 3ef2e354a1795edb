"""One cloud for all tests of a file that leave it as they found it."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.support.cloud import TestCloud, running_cloud


@dataclass(frozen=True)
class House:
    loop: asyncio.AbstractEventLoop
    cloud: TestCloud

    def run(self, test: Callable[[TestCloud], Awaitable[None]]) -> None:
        async def whole() -> None:
            await test(self.cloud)

        self.loop.run_until_complete(whole())


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    loop = asyncio.new_event_loop()
    running = running_cloud(tmp_path_factory.mktemp("house"))
    try:
        cloud = loop.run_until_complete(running.__aenter__())
        yield House(loop, cloud)
        loop.run_until_complete(running.__aexit__(None, None, None))
    finally:
        loop.close()
