"""Samples sent on to Prometheus: what is sent, read as its receivers read it; what waits."""

import asyncio
import struct
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from cumulo.telemetry.service.remote_write import RemoteWrite, Told, snappy, write_request


def varint(raw: bytes, at: int) -> tuple[int, int]:
    found = shift = 0
    while True:
        byte = raw[at]
        found, at, shift = found | (byte & 0x7F) << shift, at + 1, shift + 7
        if byte < 0x80:
            return found, at


def fields(raw: bytes) -> Iterator[tuple[int, Any]]:
    at = 0
    while at < len(raw):
        tag, at = varint(raw, at)
        if tag & 7 == 2:
            size, at = varint(raw, at)
            yield tag >> 3, raw[at : at + size]
            at += size
        elif tag & 7 == 1:
            yield tag >> 3, struct.unpack("<d", raw[at : at + 8])[0]
            at += 8
        else:
            value, at = varint(raw, at)
            yield tag >> 3, value


def unpacked(raw: bytes) -> bytes:
    """Literals of snappy alone."""
    size, at = varint(raw, 0)
    made = bytearray()
    while at < len(raw):
        assert raw[at] == 0xF4
        length = struct.unpack("<H", raw[at + 1 : at + 3])[0] + 1
        made += raw[at + 3 : at + 3 + length]
        at += 3 + length
    assert len(made) == size
    return bytes(made)


def understood(raw: bytes) -> list[tuple[dict[str, str], list[tuple[float, int]]]]:
    made = []
    for _, series in fields(raw):
        labels, samples = {}, []
        for number, content in fields(series):
            inner = dict(fields(content))
            if number == 1:
                labels[inner[1].decode()] = inner[2].decode()
            else:
                samples.append((inner[1], inner[2]))
        made.append((labels, samples))
    return made


def test_what_is_sent() -> None:
    nic = "instance_network_interface"
    told = [
        Told("cpu", "s1", "instance", "p", 1.5, 10.0),
        Told("cpu", "s1", "instance", "p", 2.5, 11.0),
        Told("network.incoming.bytes", "s1-tap", nic, "", 7.0, 11.0),
    ]
    first, second = understood(unpacked(snappy(write_request(told))))
    assert first == (
        {"__name__": "ceilometer_cpu", "project": "p", "resource": "s1", "type": "instance"},
        [(1.5, 10_000), (2.5, 11_000)],
    )
    assert second[0]["__name__"] == "ceilometer_network_incoming_bytes"
    assert "project" not in second[0]
    assert unpacked(snappy(bytes(200_000))) == bytes(200_000)


def test_what_waits() -> None:
    """A receiver that is away loses nothing; one that refuses is not asked again for the same."""
    answers: list[Any] = [OSError("away"), 503, 200, 400]
    got: list[int] = []

    async def deliver(body: bytes, headers: Mapping[str, str]) -> int:
        assert headers["Content-Encoding"] == "snappy"
        answer = answers.pop(0)
        if isinstance(answer, OSError):
            raise answer
        got.append(len(understood(unpacked(body))))
        return int(answer)

    async def story() -> None:
        remote = RemoteWrite(deliver)
        remote.put(Told("cpu", f"s{n}", "instance", "p", 1.0, float(n)) for n in range(3))
        for _ in range(2):
            with pytest.raises(OSError):
                await remote.once()
        await remote.once()
        remote.put([Told("cpu", "s", "instance", "p", 1.0, 1.0)])
        await remote.once()
        await remote.once()

    asyncio.run(story())
    assert got == [3, 3, 1] and not answers
