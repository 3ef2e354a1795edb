"""`kill -9` at every named point of a share's life: it grows, shrinks, is opened, closed, becomes
what it was at a snapshot, and goes; nothing is left of it, on the host as in the rows.

A few points are in every run, all of them with CUMULO_SHARE_TESTS=1.
"""

import contextlib
import json
import os
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.crash import leaks
from tests.crash.control_plane import ControlPlane
from tests.crash.runner import run_walk

LEAST_POINTS = 26
BASE = "/share/v2"
OWN = ("/share/", "shared_file_system", ": extend", ": shrink", ": deny_access")
"""What the transactions and passes of shares are called"""
TIMES = 6
"""Passes of the host, of those that there are in the walk"""
POINTS = [
    "before apply: shared_file_system",
    "after commit: report shared_file_system",
    "after commit: POST /share/shares/{share_id}/action",
    "after commit: DELETE /share/shares/{share_id}",
]
"""In the order in which the walk comes to them"""
KEPT = ("share_types", "share_pools")


class ShareWalk:
    def __init__(self, plane: ControlPlane) -> None:
        self.plane = plane
        plane.headers = {"X-OpenStack-Manila-API-Version": "2.99"}

    def steps(self) -> list[Callable[[], None]]:
        changes: list[tuple[str, Callable[[], None], Callable[[], bool]]] = [
            ("share network", self.network, lambda: self.find("share-networks") is not None),
            ("share", self.create, lambda: self.is_("available", size=3)),
            ("rule", self.allow, lambda: self.rules() == ["active"]),
            ("extend", lambda: self.act(extend={"new_size": 4}), lambda: self.has_size(4)),
            ("shrink", lambda: self.act(shrink={"new_size": 2}), lambda: self.has_size(2)),
            ("snapshot", self.snapshot, lambda: self.shot() == "available"),
            ("revert", self.revert, lambda: self.is_("available", size=2)),
            ("no rule", self.deny, lambda: self.rules() == []),
            ("no snapshot", self.drop_snapshot, lambda: self.shot() is None),
            ("no share", self.drop, lambda: self.find("shares") is None),
            ("nowhere", self.leave, lambda: self.find("share-networks") is None),
        ]
        found: list[Callable[[], None]] = []
        for name, begin, reached in changes:
            found += [self._begun(begin), self._until(name, reached)]
        return [*found, self.unplugged]

    def _begun(self, begin: Callable[[], None]) -> Callable[[], None]:
        return begin

    def _until(self, name: str, reached: Callable[[], bool]) -> Callable[[], None]:
        def wait() -> None:
            end = time.monotonic() + 30
            while not reached():
                self.plane.check()
                assert time.monotonic() < end, (name, self.find("shares"))
                time.sleep(0.02)

        return wait

    # --- what there is ----------------------------------------------------------------------

    def ask(self, method: str, path: str, body: Any = None, **more: Any) -> Any:
        return self.plane.ask(method, f"{BASE}/{path}", body, **more)

    def find(self, path: str) -> Any:
        noun = path.replace("-", "_")
        return next(iter(self.ask("GET", f"{path}/detail")[noun]), None)

    def is_(self, status: str, *, size: int) -> bool:
        row = self.find("shares")
        return row is not None and (row["status"], row["size"]) == (status, size)

    def has_size(self, size: int) -> bool:
        return self.is_("available", size=size)

    def rules(self) -> list[str]:
        id = self.find("shares")["id"]
        found = self.ask("GET", f"share-access-rules?share_id={id}")["access_list"]
        return [rule["state"] for rule in found]

    def shot(self) -> str | None:
        row = self.find("snapshots")
        return None if row is None else str(row["status"])

    # --- what is done; again, when it died before it was heard of ---------------------------

    def act(self, **action: Any) -> None:
        """One that has been done already is refused, and one that is under way."""
        self.ask("POST", f"shares/{self.find('shares')['id']}/action", action, ok=(400, 409))

    def network(self) -> None:
        if self.find("share-networks") is None:
            [net] = self.plane.ask("GET", "/network/v2.0/networks?name=private")["networks"]
            place = {"neutron_net_id": net["id"], "neutron_subnet_id": net["subnets"][0]}
            self.ask("POST", "share-networks", {"share_network": place})

    def create(self) -> None:
        if self.find("shares") is None:
            where = {"share_network_id": self.find("share-networks")["id"], "share_type": "back"}
            specs = {"driver_handles_share_servers": "True", "snapshot_support": "True",
                     "revert_to_snapshot_support": "True"}  # fmt: skip
            body = {"share_type": {"name": "back", "extra_specs": specs}}
            self.ask("POST", "types", body, user="admin", ok=(409,))
            self.ask("POST", "shares", {"share": {"share_proto": "NFS", "size": 3, **where}})

    def allow(self) -> None:
        self.act(allow_access={"access_type": "ip", "access_to": "10.0.0.7"})

    def deny(self) -> None:
        id = self.find("shares")["id"]
        for rule in self.ask("GET", f"share-access-rules?share_id={id}")["access_list"]:
            self.act(deny_access={"access_id": rule["id"]})

    def snapshot(self) -> None:
        if self.find("snapshots") is None:
            self.ask("POST", "snapshots", {"snapshot": {"share_id": self.find("shares")["id"]}})

    def revert(self) -> None:
        self.act(revert={"snapshot_id": self.find("snapshots")["id"]})

    def _drop(self, path: str) -> None:
        row = self.find(path)
        if row is not None:
            self.ask("DELETE", f"{path}/{row['id']}", ok=(400, 403, 404))

    def drop_snapshot(self) -> None:
        self._drop("snapshots")

    def drop(self) -> None:
        self._drop("shares")

    def leave(self) -> None:
        self._drop("share-networks")

    def unplugged(self) -> None:
        """The export server is gone, and its port."""
        end = time.monotonic() + 30
        path = "/network/v2.0/ports?device_owner=manila:share"
        while self.plane.ask("GET", path, user="admin")["ports"]:
            self.plane.check()
            assert time.monotonic() < end
            time.sleep(0.02)


def steps(plane: ControlPlane) -> list[Callable[[], None]]:
    return ShareWalk(plane).steps()


def nothing_left(data: Path) -> None:
    rows = {
        name: count
        for name, count in leaks.counts(data).items()
        if name.startswith("share_") and name not in KEPT
    }
    assert set(rows.values()) == {0}, rows
    with contextlib.closing(sqlite3.connect(data / "cumulo.db")) as database:
        wanted = "SELECT * FROM quota_usages WHERE service LIKE 'shared_file_system%' AND used <> 0"
        assert database.execute(wanted).fetchall() == []
    state = json.loads((data / "fake" / "shares" / "fake-shares.json").read_bytes())
    assert not any(state.values()), state


def converges(tmp_path: Path, crashes: list[str]) -> None:
    plane = ControlPlane(tmp_path / "data")
    try:
        reached = run_walk(plane, crashes, steps)
    finally:
        plane.stop()
    assert reached == crashes
    nothing_left(tmp_path / "data")


def test_converges(tmp_path: Path) -> None:
    converges(tmp_path, POINTS)


@pytest.mark.shares
@pytest.mark.skipif(
    os.environ.get("CUMULO_SHARE_TESTS") != "1", reason="CUMULO_SHARE_TESTS=1 is not set"
)
def test_converges_at_every_point(tmp_path: Path) -> None:
    plane = ControlPlane(tmp_path / "undisturbed")
    plane.start(points=tmp_path / "points")
    try:
        for step in steps(plane):
            step()
    finally:
        plane.stop()
    nothing_left(tmp_path / "undisturbed")
    passed = dict.fromkeys((tmp_path / "points").read_text().splitlines())
    mine = [point for point in passed if any(word in point for word in OWN)]
    assert len(mine) >= LEAST_POINTS, mine
    converges(tmp_path, mine)
    # Each pass of the host has the same names: one after the other.
    for point in [point for point in mine if "shared_file_system" in point]:
        converges(tmp_path / point.replace("/", "_"), [point] * TIMES)
