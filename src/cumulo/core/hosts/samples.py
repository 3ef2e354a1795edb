"""Samples: numbers that hosts see of what runs on them, pushed to whoever keeps them.

A part of an agent that has `samples` is asked for them every so many seconds. They travel in
batches, and losing one costs a point of a plot, never a bill: what is paid for is said by events.
Names and units are Ceilometer's (`cpu` in ns, `memory.usage` in MB, `network.incoming.bytes`).
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import msgspec

MOST = 10_000
"""Samples of one message; more are dropped, the newest first."""


class Sample(msgspec.Struct, frozen=True):
    resource_type: str
    """As Gnocchi names it: `instance`; `host` is the host itself."""
    resource_id: str
    """Of a host: nothing, the conductor knows whose it is."""
    metric: str
    value: float
    at: float
    """Seconds since the epoch."""


@runtime_checkable
class Sampler(Protocol):
    """A part that has something to tell."""

    async def samples(self) -> list[Sample]:
        """Of all that is there now. What cannot be read is left out."""


class SampleSink(Protocol):
    """Who keeps samples; telemetry gives it."""

    async def take(self, host_id: str, samples: Sequence[Sample]) -> None: ...
