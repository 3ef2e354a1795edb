"""Limits of network cards: what crosses a tap in a second, both ways."""

import asyncio
import contextlib
import os
import socket
import struct
import time
from collections.abc import Iterator

import pytest

from cumulo.compute.drivers.qemu import shaping, taps
from cumulo.compute.drivers.qemu.shaping import Rate, wanted
from cumulo.core.run import namespaces
from cumulo.core.run.commands import run_blocking
from cumulo.core.run.namespaces import in_namespace

GUEST = "00000000-0000-4000-8000-000000000001"
MAC = bytes.fromhex("fa163e000001")
SPECS = {
    f"quota:vif_{way}_{name}": value
    for way in ("inbound", "outbound")
    for name, value in (("average", "400"), ("burst", "100"))
}


def test_what_a_flavor_says() -> None:
    assert wanted({}, "inbound") is None
    assert wanted({"quota:vif_inbound_peak": "7"}, "inbound") is None
    assert wanted({"quota:vif_inbound_average": "-5"}, "inbound") is None
    huge = wanted({f"quota:vif_inbound_{n}": "9" * 40 for n in ("average", "burst")}, "inbound")
    assert huge is not None and huge.bucket < 2**31 and huge.average < 2**32 // 300
    assert wanted(SPECS, "outbound") == Rate(400, 0, 100)
    assert Rate(10, 0, 0).bucket == shaping.FRAME and Rate(10**6, 0, 1).bucket == 10**7


@pytest.fixture
def card() -> Iterator[tuple[str, str, int]]:
    """Namespace, tap, and the guest's end of it."""
    name, tap = f"cvif{os.getpid()}", "tapvif"
    namespaces.create_namespace(name)
    try:
        for command in (
            f"ip tuntap add dev {tap} mode tap vnet_hdr",
            f"ip link set {tap} address 02:00:00:00:00:02",
            f"ip address add 192.0.2.1/24 dev {tap}",
            f"ip link set {tap} up",
        ):
            run_blocking(command.split(), namespace=name)
        descriptor = taps.open_tap(tap, name)
        run_blocking(
            f"ip neighbour replace 192.0.2.2 lladdr fa:16:3e:00:00:01 dev {tap}".split(),
            namespace=name,
        )
        yield name, tap, descriptor
        os.close(descriptor)
    finally:
        namespaces.delete_namespace(name)


def frame(size: int) -> bytes:
    """A datagram of the guest to 192.0.2.1:9, with the tap's own head."""
    udp = struct.pack("!HHHH", 9, 9, 8 + size, 0) + b"x" * size
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0,
                       socket.inet_aton("192.0.2.2"), socket.inet_aton("192.0.2.1"))  # fmt: skip
    total = sum(struct.unpack("!10H", head))
    total = (total & 0xFFFF) + (total >> 16)
    head = head[:10] + struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF) + head[12:]
    return bytes(10) + bytes.fromhex("020000000002") + MAC + b"\x08\x00" + head + udp


def sent(place: str, descriptor: int, seconds: float) -> float:
    """kB a second that the guest's datagrams bring to the host."""

    def listen() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind(("192.0.2.1", 9))
        made.setblocking(False)
        return made

    got, one = 0, frame(1400)
    with in_namespace(place, listen) as sink:
        sink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for _ in range(20):
                os.write(descriptor, one)
            with contextlib.suppress(BlockingIOError):
                while True:
                    got += len(sink.recv(2000))
            time.sleep(0.002)
    return got / 1000 / seconds


def received(place: str, descriptor: int, seconds: float) -> float:
    """kB a second of the host's that reach the guest."""
    got = 0
    with in_namespace(place, socket.socket, socket.AF_INET, socket.SOCK_DGRAM) as source:
        source.setblocking(False)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(BlockingIOError):
                for _ in range(20):
                    source.sendto(b"x" * 1400, ("192.0.2.2", 9))
            with contextlib.suppress(BlockingIOError):
                while True:
                    got += len(os.read(descriptor, 2000))
            time.sleep(0.002)
    return got / 1000 / seconds


def test_rates_hold_and_go_again(card: tuple[str, str, int]) -> None:
    place, tap, descriptor = card
    assert sent(place, descriptor, 0.2) > 2000
    assert received(place, descriptor, 0.2) > 2000
    for _ in range(2):  # again, as after a plug
        asyncio.run(shaping.apply(place, GUEST, [tap], SPECS))
    sent(place, descriptor, 0.7)  # what it had saved
    for measure in (sent, received):
        found = measure(place, descriptor, 1.0)
        assert 250 < found < 700, (measure, found)
    asyncio.run(shaping.forget(place, GUEST, [tap]))
    assert sent(place, descriptor, 0.2) > 2000
    assert received(place, descriptor, 0.2) > 2000
    asyncio.run(shaping.forget(place, GUEST, [tap]))
