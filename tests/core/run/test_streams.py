"""Commands that bytes are streamed through."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from cumulo.core.run.commands import CommandFailed
from cumulo.core.run.streams import Stream


def play(story: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await story()

    asyncio.run(main())


def test_what_is_written_arrives_and_the_end_too(tmp_path: Path) -> None:
    async def story() -> None:
        target = tmp_path / "found"
        stream = await Stream.start(["tee", str(target)], feeding=True)
        for number in range(5):
            await stream.write(bytes([number]) * 1_000_000)
        await stream.end()
        await stream.kill()
        assert target.read_bytes() == b"".join(bytes([n]) * 1_000_000 for n in range(5))

    play(story)


def test_output_is_read_to_its_end() -> None:
    async def story() -> None:
        stream = await Stream.start(["head", "-c", "3000000", "/dev/zero"])
        size = 0
        while block := await stream.read(1 << 20):
            size += len(block)
        assert size == 3_000_000
        await stream.kill()

    play(story)


def test_a_failure_says_what_the_command_said() -> None:
    async def story() -> None:
        stream = await Stream.start(["cat", "/nonexistent"])
        with pytest.raises(CommandFailed, match="No such file") as caught:
            await stream.read(10)
        assert caught.value.status == 1
        await stream.kill()
        with pytest.raises(CommandFailed):
            await Stream.start(["/nonexistent"])

    play(story)


def test_a_command_that_reads_no_more_is_noticed() -> None:
    async def story() -> None:
        stream = await Stream.start(["true"], feeding=True)
        with pytest.raises(CommandFailed):
            for _ in range(100):
                await stream.write(bytes(1 << 20))
        await stream.kill()

    play(story)


def test_one_that_does_not_go_on_is_killed() -> None:
    async def story() -> None:
        began = time.monotonic()
        stream = await Stream.start(["sleep", "60"], patience=0.3)
        with pytest.raises(CommandFailed, match=r"no step for 0\.3 s"):
            await stream.read(1)
        feeding = await Stream.start(["sleep", "60"], feeding=True, patience=0.3)
        with pytest.raises(CommandFailed, match=r"no step for 0\.3 s"):
            await feeding.write(bytes(1 << 20))
        assert time.monotonic() - began < 20
        for pid in (stream.pid, feeding.pid):
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)

    play(story)


def test_one_whose_output_nobody_wants_any_more_is_ended() -> None:
    async def story() -> None:
        stream = await Stream.start(["yes"])
        assert await stream.read(4) == b"y\ny\n"
        await asyncio.sleep(0.1)  # its output is full now
        async with asyncio.timeout(20):
            await stream.kill()

    asyncio.run(story())
