"""`kill -9` at every named point of a zone's life. Serial numbers only grow, what was asked for is
answered, and nothing is left."""

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dns.exception
import dns.message
import dns.query
import pytest

from cumulo.dns.serials import is_newer
from tests.crash import leaks
from tests.crash.control_plane import ControlPlane
from tests.crash.runner import run_walk

LEAST_POINTS = 14
ZONES = "/dns/v2/zones"
OWN = ("/dns/", "name server")


class DnsWalk:
    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        self.serial = 0

    def steps(self) -> list[Callable[[], None]]:
        return [
            self.zone,
            self.record,
            self.answered,
            self.change,
            self.changed,
            self.drop_record,
            self.dropped,
            self.drop_zone,
            self.gone,
        ]

    def find(self, path: str, noun: str, name: str) -> Any:
        found = self.plane.ask("GET", f"{path}?name={name}")[noun]
        return next((each for each in found if each.get("type") in ("A", "PRIMARY")), None)

    @property
    def zone_path(self) -> str:
        zone = self.find(ZONES, "zones", "walk.org.")
        assert zone is not None
        assert zone["serial"] == self.serial or is_newer(zone["serial"], self.serial)
        self.serial = zone["serial"]
        return f"{ZONES}/{zone['id']}"

    @property
    def records(self) -> str:
        return f"{self.zone_path}/recordsets"

    def zone(self) -> None:
        if self.find(ZONES, "zones", "walk.org.") is None:
            self.plane.ask("POST", ZONES, {"name": "walk.org.", "email": "a@walk.org"})

    def record(self) -> None:
        if self.find(self.records, "recordsets", "www.walk.org.") is None:
            body = {"name": "www.walk.org.", "type": "A", "records": ["192.0.2.1"]}
            self.plane.ask("POST", self.records, body)

    def change(self) -> None:
        row = self.find(self.records, "recordsets", "www.walk.org.")
        self.plane.ask("PUT", f"{self.records}/{row['id']}", {"records": ["192.0.2.2"]})

    def drop_record(self) -> None:
        row = self.find(self.records, "recordsets", "www.walk.org.")
        if row is not None:
            self.plane.ask("DELETE", f"{self.records}/{row['id']}")

    def drop_zone(self) -> None:
        zone = self.find(ZONES, "zones", "walk.org.")
        if zone is not None:
            # What was asked for before the crash may be done at any moment.
            self.plane.ask("DELETE", f"{ZONES}/{zone['id']}", ok=(404,))

    def answered(self) -> None:
        self.until(["192.0.2.1"])
        self.active()

    def changed(self) -> None:
        self.until(["192.0.2.2"])
        self.active()

    def dropped(self) -> None:
        self.until([])
        self.active()

    def gone(self) -> None:
        end = time.monotonic() + 30
        while self.find(ZONES, "zones", "walk.org.") is not None:
            self.plane.check()
            assert time.monotonic() < end
            time.sleep(0.02)

    def active(self) -> None:
        end = time.monotonic() + 30
        while self.find(ZONES, "zones", "walk.org.")["status"] != "ACTIVE":
            self.plane.check()
            assert time.monotonic() < end
            time.sleep(0.02)

    def until(self, wanted: list[str]) -> None:
        """The name server says so; its process dies and begins with the control plane."""
        end = time.monotonic() + 30
        while (found := self.ask()) != wanted:
            self.plane.check()
            assert time.monotonic() < end, found
            time.sleep(0.02)

    def ask(self) -> list[str] | None:
        query = dns.message.make_query("www.walk.org.", "A")
        try:
            port = int((self.plane.data_dir / "dns" / "port").read_text())
            answer = dns.query.udp(query, "127.0.0.1", port=port, timeout=0.5)
        except (OSError, dns.exception.DNSException, ValueError):
            return None
        return sorted(rdata.address for rrset in answer.answer for rdata in rrset)


def steps(plane: ControlPlane) -> list[Callable[[], None]]:
    return DnsWalk(plane).steps()


def rows(data: Path) -> dict[str, int]:
    # The counter stays, the note that a name server is at work, and the names that pools had.
    kept = ("dns_counters", "dns_servers", "dns_pool_names")
    counted = {name: count for name, count in leaks.counts(data).items() if name not in kept}
    return {name: count for name, count in counted.items() if name.startswith("dns_")}


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("undisturbed")
    plane = ControlPlane(folder / "data")
    plane.start(points=folder / "points")
    try:
        for step in steps(plane):
            step()
    finally:
        plane.stop()
    assert set(rows(folder / "data").values()) == {0}
    passed = dict.fromkeys((folder / "points").read_text().splitlines())
    mine = [point for point in passed if any(word in point for word in OWN)]
    # That one is at the end of a process that ends in good order.
    return [point for point in mine if "leaves" not in point]


@pytest.mark.parametrize("shard", range(2))
def test_converges(shard: int, points: list[str], tmp_path: Path) -> None:
    assert len(points) >= LEAST_POINTS, points
    mine = points[shard::2]
    plane = ControlPlane(tmp_path / "data")
    try:
        reached = run_walk(plane, mine, steps)
    finally:
        plane.stop()
    assert reached == mine, sorted(set(mine) - set(reached))
    assert set(rows(tmp_path / "data").values()) == {0}
    assert not [name for name in leaks.used_quota(tmp_path / "data") if "/dns/" in name]
    free = int((tmp_path / "data" / "dns" / "port").read_text())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
        again.bind(("127.0.0.1", free))  # no name server is left behind
