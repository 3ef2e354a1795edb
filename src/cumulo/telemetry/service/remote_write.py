"""Samples of hosts sent on to Prometheus, or whoever takes its remote write (1.0): a setting.

A server's `cpu` is `ceilometer_cpu{resource="…", type="instance", project="…"}`, as Ceilometer
names it. What cannot be delivered waits, the oldest make place; nothing else waits for it.
"""

import asyncio
import logging
import struct
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

log = logging.getLogger("cumulo.telemetry")

MOST_WAITING = 200_000
MOST_AT_ONCE = 5_000
SECONDS = 5.0
MOST_PAUSE = 60.0
HEADERS = {
    "Content-Type": "application/x-protobuf",
    "Content-Encoding": "snappy",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
    "User-Agent": "cumulo",
}


class Told(NamedTuple):
    metric: str
    resource: str
    type: str
    project: str
    value: float
    at: float
    """Seconds since the epoch."""


class Deliver(Protocol):
    async def __call__(self, body: bytes, headers: Mapping[str, str]) -> int:
        """POST; the status. Raises when nobody answers."""


class RemoteWrite:
    def __init__(self, deliver: Deliver) -> None:
        self._deliver = deliver
        self._waiting: deque[Told] = deque(maxlen=MOST_WAITING)
        self._fails = ""

    def put(self, told: Iterable[Told]) -> None:
        self._waiting.extend(told)

    async def run(self) -> None:
        """Until cancelled."""
        pause = SECONDS
        while True:
            await asyncio.sleep(pause)
            try:
                await self.once()
                pause = SECONDS
            except Exception as error:  # they wait, and are tried again
                if self._fails != str(error):
                    self._fails = str(error)
                    log.warning("samples are not delivered: %s", error)
                pause = min(MOST_PAUSE, pause * 2)

    async def once(self) -> None:
        while self._waiting:
            some = [self._waiting[n] for n in range(min(MOST_AT_ONCE, len(self._waiting)))]
            first = some[0]
            status = await self._deliver(snappy(write_request(some)), HEADERS)
            if status >= 500 or status == 429:
                raise OSError(f"it answered {status}")
            if status >= 400 and self._fails != f"refused: {status}":
                # Whoever refuses them once refuses them for ever.
                self._fails = f"refused: {status}"
                log.warning("samples are refused with %d", status)
            while some and self._waiting and self._waiting[0] is first:
                # Those that went to make place are not taken off twice.
                self._waiting.popleft()
                some.pop(0)
                first = some[0] if some else first


def write_request(told: Sequence[Told]) -> bytes:
    """prometheus.WriteRequest: a series for each metric of each resource."""
    series: dict[tuple[str, str, str, str], list[Told]] = {}
    for each in told:
        series.setdefault((each.metric, each.resource, each.type, each.project), []).append(each)
    made = bytearray()
    for (metric, resource, kind, project), samples in series.items():
        name = "ceilometer_" + metric.replace(".", "_").replace("-", "_")
        labels = {"__name__": name, "project": project, "resource": resource, "type": kind}
        inner = bytearray()
        for key, value in sorted(labels.items()):
            if value:
                label = _field(1, key.encode()) + _field(2, value.encode())
                inner += _field(1, label)
        for each in sorted(samples, key=lambda one: one.at):
            millis = int(each.at * 1000)
            inner += _field(2, b"\x09" + struct.pack("<d", each.value) + b"\x10" + _varint(millis))
        made += _field(1, bytes(inner))
    return bytes(made)


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2]) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    made.append(number)
    return bytes(made)


def snappy(content: bytes) -> bytes:
    """Snappy's block format, of literals alone: as long as it was, and understood by all."""
    made = bytearray(_varint(len(content)))
    for first in range(0, len(content), 65536):
        piece = content[first : first + 65536]
        made += b"\xf4" + struct.pack("<H", len(piece) - 1) + piece
    return bytes(made)
