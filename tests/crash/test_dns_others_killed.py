"""`kill -9` at every named point of what DNS has to do with others: a zone on the server of a pool,
one from a master, one that is given away, one that is abandoned, the name of a floating IP. All
of it comes to its end.

Its points are those that the walk of a zone (`test_dns_killed.py`) does not pass. With
CUMULO_CRASH_TESTS=1 only: it takes a minute or two.
"""

import asyncio
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dns.exception
import dns.message
import dns.query
import pytest

from cumulo.dns.drivers.embedded import EmbeddedNameServer
from tests.crash import leaks
from tests.crash.control_plane import ControlPlane
from tests.crash.runner import run_walk
from tests.dns.support import steps_of

pytestmark = [
    pytest.mark.walks,
    pytest.mark.skipif(
        os.environ.get("CUMULO_CRASH_TESTS") != "1", reason="CUMULO_CRASH_TESTS=1 is not set"
    ),
]
ZONES = "/dns/v2/zones"
OWN = ("/dns/", "name server", "pool", "secondary", "masters")
SETTINGS = """
[outbound]
allowed_networks = ["127.0.0.0/8"]
[dns.pools.theirs]
driver = "fake"
nameservers = ["ns.pool.test."]
attributes = { servers = "theirs" }
targets = [{ address = "192.0.2.53:53" }]
"""
POOL = {"attributes": {"servers": "theirs"}}


class Master:
    """A name server outside, on a loop of its own."""

    def __init__(self, folder: Path) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self.server = EmbeddedNameServer(folder, transfers=["127.0.0.0/8"])
        self._do(self.server.start())
        self._commits = 0

    def has(self, serial: int) -> None:
        self._commits += 1
        self._do(self.server.send(steps_of("second.org.", "www 60 A 192.0.2.1\n", serial)))
        self._do(self.server.commit(self._commits))

    def stop(self) -> None:
        self._do(self.server.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)

    def _do(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)


@pytest.fixture
def master(tmp_path: Path) -> Iterator[Master]:
    made = Master(tmp_path / "master")
    try:
        yield made
    finally:
        made.stop()


class Others:
    """Each step asks for what is not there yet; what was asked for before a crash is done."""

    def __init__(self, plane: ControlPlane, master: Master) -> None:
        self.plane = plane
        self.master = master

    def steps(self) -> list[Callable[[], None]]:
        return [
            lambda: self.make("pool.org.", email="a@pool.org", **POOL),
            lambda: self.active("pool.org."),
            lambda: self.master.has(1),
            lambda: self.make(
                "second.org.", type="SECONDARY", masters=[self.master.server.address], **POOL
            ),
            lambda: self.active("second.org.", 1),
            lambda: self.master.has(2),
            self.fetch,
            lambda: self.active("second.org.", 2),
            self.offer,
            self.accept,
            lambda: self.active("pool.org.", user="admin"),
            self.address,
            self.pointer,
            self.pointed,
            self.release,
            self.unpointed,
            lambda: self.drop("pool.org.", "admin"),
            lambda: self.drop("second.org.", "demo"),
            lambda: self.make("left.org.", email="a@left.org"),
            lambda: self.active("left.org."),
            self.abandon,
            self.answered,
        ]

    def find(self, name: str, user: str = "demo") -> Any:
        found = self.plane.ask("GET", f"{ZONES}?name={name}", user=user)["zones"]
        return found[0] if found else None

    def make(self, name: str, **body: Any) -> None:
        if self.find(name) is None:
            self.plane.ask("POST", ZONES, {"name": name, **body})

    def until(self, done: Callable[[], bool]) -> None:
        end = time.monotonic() + 60
        while not done():
            self.plane.check()
            assert time.monotonic() < end
            time.sleep(0.02)

    def active(self, name: str, serial: int = 0, user: str = "demo") -> None:
        def done() -> bool:
            found = self.find(name, user)
            return found["status"] == "ACTIVE" and serial in (0, found["serial"])

        self.until(done)

    def fetch(self) -> None:
        self.plane.ask("POST", f"{ZONES}/{self.find('second.org.')['id']}/tasks/xfr")

    def offers(self) -> Any:
        return self.plane.ask("GET", f"{ZONES}/tasks/transfer_requests")["transfer_requests"]

    def offer(self) -> None:
        if not self.offers():
            zone = self.find("pool.org.")
            self.plane.ask("POST", f"{ZONES}/{zone['id']}/tasks/transfer_requests", {})

    def accept(self) -> None:
        (offer,) = self.offers()
        if offer["status"] == "ACTIVE":
            body = {"zone_transfer_request_id": offer["id"], "key": offer["key"]}
            self.plane.ask("POST", f"{ZONES}/tasks/transfer_accepts", body, user="admin")
        assert self.find("pool.org.") is None

    def floating_ip(self) -> Any:
        found = self.plane.ask("GET", "/network/v2.0/floatingips")["floatingips"]
        return found[0] if found else None

    def address(self) -> None:
        if self.floating_ip() is None:
            nets = self.plane.ask("GET", "/network/v2.0/networks?name=public")["networks"]
            body = {"floatingip": {"floating_network_id": nets[0]["id"]}}
            self.plane.ask("POST", "/network/v2.0/floatingips", body)

    @property
    def reverse(self) -> str:
        return f"/dns/v2/reverse/floatingips/RegionOne:{self.floating_ip()['id']}"

    def pointer(self) -> None:
        self.plane.ask("PATCH", self.reverse, {"ptrdname": "www.example.org."})

    def pointed(self) -> None:
        self.until(lambda: self.plane.ask("GET", self.reverse)["status"] == "ACTIVE")

    def release(self) -> None:
        found = self.floating_ip()
        if found is not None:
            self.plane.ask("DELETE", f"/network/v2.0/floatingips/{found['id']}", ok=(404,))

    def unpointed(self) -> None:
        self.plane.headers = {"X-Auth-All-Projects": "true"}
        try:
            self.until(
                lambda: (
                    not self.plane.ask("GET", "/dns/v2/recordsets?type=PTR", user="admin")[
                        "recordsets"
                    ]
                )
            )
        finally:
            self.plane.headers = {}

    def abandon(self) -> None:
        found = self.find("left.org.")
        self.plane.headers = {"X-Auth-All-Projects": "true"}
        try:
            if found is not None:
                path = f"{ZONES}/{found['id']}/tasks/abandon"
                self.plane.ask("POST", path, user="admin", ok=(404,))
        finally:
            self.plane.headers = {}
        assert self.find("left.org.") is None

    def answered(self) -> None:
        """Nobody has it, and it is answered for."""

        def done() -> bool:
            try:
                port = int((self.plane.data_dir / "dns" / "port").read_text())
                query = dns.message.make_query("left.org.", "SOA")
                return bool(dns.query.udp(query, "127.0.0.1", port=port, timeout=1).answer)
            except (dns.exception.DNSException, OSError, ValueError):
                return False

        self.until(done)

    def drop(self, name: str, user: str) -> None:
        found = self.find(name, user)
        if found is not None:
            self.plane.ask("DELETE", f"{ZONES}/{found['id']}", user=user, ok=(404,))
        self.until(lambda: self.find(name, user) is None)


def plane_of(folder: Path) -> ControlPlane:
    return ControlPlane(folder, settings=SETTINGS)


def test_converges(master: Master, tmp_path: Path) -> None:
    undisturbed = plane_of(tmp_path / "undisturbed")
    undisturbed.start(points=tmp_path / "points")
    try:
        for step in Others(undisturbed, master).steps():
            step()
    finally:
        undisturbed.stop()
    left = rows(tmp_path / "undisturbed")
    passed = dict.fromkeys((tmp_path / "points").read_text().splitlines())
    mine = [each for each in passed if any(word in each for word in OWN) and "leaves" not in each]
    assert len(mine) > 30, mine
    plane = plane_of(tmp_path / "data")
    try:
        # Loops are at work beside the steps: their points come in another order each time.
        reached = run_walk(plane, [], lambda plane: Others(plane, master).steps(), anytime=mine)
    finally:
        plane.stop()
    assert sorted(reached) == sorted(mine), sorted(set(mine) - set(reached))
    assert rows(tmp_path / "data") == left
    assert not [each for each in leaks.used_quota(tmp_path / "data") if "/dns/zones" in each]


def rows(data: Path) -> dict[str, int]:
    """But for what is at work, and for what is remembered of the notes."""
    counted = leaks.counts(data)
    kept = ("dns_servers", "dns_changes")
    return {n: count for n, count in counted.items() if n.startswith("dns_") and n not in kept}
