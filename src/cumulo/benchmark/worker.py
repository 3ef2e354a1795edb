"""One of several processes of a load: reads its order, sends batches, ends.

`python -m cumulo.benchmark.worker FILE`: the file is an Order. What goes to the standard output is
a row of batches, each with its length before it. SIGTERM: begin nothing more. Where nobody
reads any more it ends at once: what is in the cloud by then the next run takes away.
"""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import msgspec

from cumulo.benchmark import registry
from cumulo.benchmark.client.clouds import http_of
from cumulo.benchmark.engine import runners
from cumulo.benchmark.engine.load import Load, describe
from cumulo.benchmark.engine.several import Batch, Order, surroundings
from cumulo.benchmark.model.result import Iteration
from cumulo.core.open_files import raise_file_limit

EVERY = 0.05
LENGTH = 4


class _Sender:
    def __init__(self) -> None:
        self.pending: list[Iteration] = []

    def send(self, batch: Batch) -> None:
        packed = msgspec.msgpack.encode(batch)
        try:
            sys.stdout.buffer.write(len(packed).to_bytes(LENGTH, "big") + packed)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            os._exit(1)  # nobody reads: not one request more

    def flush(self) -> None:
        if self.pending:
            self.send(Batch(self.pending))
            self.pending = []

    async def tick(self) -> None:
        while True:
            await asyncio.sleep(EVERY)
            self.flush()


async def work(order: Order) -> None:
    sender = _Sender()
    env = surroundings(order, http_of)
    load = Load(
        registry.find(order.name),
        order.args,
        env,
        lambda iteration: sender.pending.append(iteration),
        timeout=order.runner.get("timeout") or None,
        first=order.first,
        step=order.step,
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, load.stop)
    if _early:
        load.stop()
    if registry.find(order.name).services:
        await env.log_in(runners.expected(order.runner_type, order.runner))
    ticker = asyncio.create_task(sender.tick())
    problem = ""
    began = time.process_time()
    try:
        await runners.run(order.runner_type, load, order.runner)
    except Exception as failure:
        problem = ": ".join(describe(failure)[:2])
    ticker.cancel()
    sender.flush()
    sender.send(Batch(cpu=time.process_time() - began, problem=problem))
    env.close()


_early: list[int] = []
"""Signals that came before there was a load."""


def main() -> None:
    signal.signal(signal.SIGTERM, lambda number, frame: _early.append(number))
    raise_file_limit()
    path = Path(sys.argv[1])
    order = msgspec.msgpack.decode(path.read_bytes(), type=Order)
    # It has credentials in it: nobody needs it any more.
    path.unlink()
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work(order))


if __name__ == "__main__":
    main()
