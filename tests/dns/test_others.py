"""Others' servers: masters that are silent, pools that are away, secondary zones in pools."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cumulo.core.db.transaction import Tx
from cumulo.dns import rdata
from cumulo.dns.drivers.fake_target import FakeTarget
from cumulo.dns.drivers.fetch import Fetcher
from cumulo.dns.drivers.powerdns import PowerDns
from cumulo.dns.model.pool import PoolZone, TargetRefused
from cumulo.dns.model.transferred import Received
from cumulo.dns.model.zone import ZoneRow
from tests.support.cloud import TestCloud, running_cloud
from tests.support.projects import second_project

ZONES = "/dns/v2/zones"
ALL = {"X-Auth-All-Projects": "true"}


class Others:
    """The world outside: `released` ends the silence of masters and servers whose name says so."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.fetched: list[str] = []
        self.serial = 7
        self.told: dict[str, list[PoolZone | str]] = {}
        self.refuses = False

    def fetch(self, name: str, masters: list[str], serial: int | None) -> Received | None:
        self.fetched.append(name)
        there = self.serial
        if "silent" in name:
            self.released.wait(60)
        if serial == there:
            return None
        soa = f"ns.{name} a.{name} {there} 3600 600 86400 60"
        sets = [("SOA", name, soa), ("A", f"www.{name}", "192.0.2.1")]
        return Received(
            serial=there,
            refresh=3600,
            retry=600,
            expire=86400,
            minimum=60,
            ttl=60,
            email="a@b.test",
            sets=[
                (owner, kind, 60, [text], rdata.pack([rdata.to_wire(kind, text)]))
                for kind, owner, text in sets
            ],
        )

    async def tell(self, server: str, what: PoolZone | str) -> None:
        self.told.setdefault(server, []).append(what)
        if self.refuses:
            raise TargetRefused("it says no")
        while server == "silent" and not self.released.is_set():
            await asyncio.sleep(0.01)


@pytest.fixture
def others(monkeypatch: pytest.MonkeyPatch) -> Iterator[Others]:
    found = Others()

    async def ensure(self: PowerDns, zone: PoolZone) -> None:
        await found.tell(self._host, zone)

    async def remove(self: PowerDns, zone: PoolZone) -> None:
        await found.tell(self._host, zone.name)

    monkeypatch.setattr(
        Fetcher, "__call__", lambda self, name, masters, serial: found.fetch(name, masters, serial)
    )
    monkeypatch.setattr(PowerDns, "ensure", ensure)
    monkeypatch.setattr(PowerDns, "remove", remove)
    yield found
    found.released.set()


def play(folder: Path, body: Callable[[TestCloud], Any]) -> None:
    def pool(name: str) -> dict[str, Any]:
        target = {"address": "192.0.2.53:53", "url": f"http://{name}:8081", "api_key": "k"}
        return {
            "driver": "pdns4",
            "nameservers": ["ns.pool.test."],
            "attributes": {"servers": name},
            "targets": [target],
        }

    async def main() -> None:
        made = {name: pool(name) for name in ("silent", "good")}
        for name, faults in (("fake", []), ("away", ["away"]), ("no", ["refuses"])):
            target = {"address": "192.0.2.54:53", "faults": faults}
            made[name] = {**pool(name), "driver": "fake", "targets": [target]}
        own = {"pools": made}
        async with running_cloud(folder, dns=own) as cloud:
            await body(cloud)

    asyncio.run(main())


async def zone(cloud: TestCloud, name: str, as_: str = "demo", **more: Any) -> str:
    body = {"name": name, **({} if "masters" in more else {"email": "a@b.test"}), **more}
    answer = await cloud.call("POST", ZONES, as_=as_, json_=body)
    assert answer.status == 202, answer.raw
    return f"{ZONES}/{answer.json['id']}"


async def active(cloud: TestCloud, path: str, as_: str = "demo") -> Any:
    answer = await cloud.until(path, lambda a: a.json["status"] == "ACTIVE", as_=as_)
    return answer.json


SECONDARY: dict[str, Any] = {"type": "SECONDARY", "masters": ["192.0.2.1"]}


def test_who_is_silent_holds_up_nobody_else(tmp_path: Path, others: Others) -> None:
    async def body(cloud: TestCloud) -> None:
        await second_project(cloud, "other")
        silent = [await zone(cloud, f"silent{n}.org.", **SECONDARY) for n in range(3)]
        away = [
            await zone(cloud, f"away{n}.org.", attributes={"servers": "silent"}) for n in range(5)
        ]
        while not others.fetched or len(others.told.get("silent", ())) < 4:
            await asyncio.sleep(0.01)
        # All of that hangs. What others do is done meanwhile, one after the other.
        for n in range(2):
            await active(cloud, await zone(cloud, f"s{n}.org.", "other", **SECONDARY), "other")
            await active(cloud, await zone(cloud, f"g{n}.org.", attributes={"servers": "good"}))
        assert [name for name in others.fetched if "silent" in name] == ["silent0.org."]
        assert len(others.told["silent"]) == 4, "of one pool no more at once"
        others.released.set()
        for each in (*silent, *away):
            await active(cloud, each)

    play(tmp_path, body)


def test_a_secondary_zone_in_a_pool(tmp_path: Path, others: Others) -> None:
    """It is on the servers of its pool, too, and ACTIVE when they have it."""
    others.released.set()

    async def move(cloud: TestCloud, path: str, pool_id: str) -> None:
        asked = len(others.fetched)
        answer = await cloud.call(
            "POST",
            f"{path}/tasks/pool_move",
            as_="admin",
            headers=ALL,
            json_={"pool_id": pool_id},
        )
        assert answer.status == 202, answer.raw
        await active(cloud, path)
        assert len(others.fetched) == asked, "its master has nothing to say to that"

    async def body(cloud: TestCloud) -> None:
        others.refuses = True
        path = await zone(cloud, "s.org.", **SECONDARY, attributes={"servers": "good"})
        await cloud.until(path, lambda a: a.json["status"] == "ERROR")
        # Its master has nothing to say to that.
        asked = len(others.fetched)
        await cloud.call("POST", f"{path}/tasks/xfr")
        while len(others.fetched) == asked:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        assert (await cloud.call("GET", path)).json["status"] == "ERROR"
        others.refuses = False
        # Whatever is asked of it is a reason to try again at once.
        assert (await cloud.call("PATCH", path, json_={"description": "new"})).status == 200
        assert (await active(cloud, path))["serial"] == 7
        told = others.told["good"][-1]
        assert isinstance(told, PoolZone) and told.serial == 7
        assert {(name, kind) for name, kind, *_ in told.sets} == {
            ("s.org.", "SOA"),
            ("www.s.org.", "A"),
        }
        others.serial = 8
        assert (await cloud.call("POST", f"{path}/tasks/xfr")).status == 202
        await cloud.until(path, lambda a: (a.json["status"], a.json["serial"]) == ("ACTIVE", 8))
        told = others.told["good"][-1]
        assert isinstance(told, PoolZone) and told.serial == 8
        await other_masters(cloud, path, others)
        pools = (await cloud.call("GET", "/dns/v2/pools", as_="admin")).json["pools"]
        ids = {each["name"]: each["id"] for each in pools}
        await move(cloud, path, ids["default"])
        await move(cloud, path, ids["silent"])
        there = others.told["silent"][-1]
        assert isinstance(there, PoolZone) and there.serial == 8
        assert (await cloud.call("DELETE", path)).status == 202
        await cloud.until(path, lambda a: a.status == 404)
        assert others.told["silent"][-1] == "s.org."
        # One that never came was told to nobody, and goes all the same.
        path = await zone(cloud, "silent.org.", **SECONDARY, attributes={"servers": "good"})
        assert (await cloud.call("DELETE", path)).status == 202
        await cloud.until(path, lambda a: a.status == 404)

    play(tmp_path, body)


async def other_masters(cloud: TestCloud, path: str, others: Others) -> None:
    """One that began anew, and another one: whatever their serial numbers are."""
    for serial, masters in ((3, None), (2, ["192.0.2.2"]), (8, None)):
        others.serial = serial
        if masters is None:
            asked = await cloud.call("POST", f"{path}/tasks/xfr")
        else:
            asked = await cloud.call("PATCH", path, json_={"masters": masters})
        assert asked.status in (200, 202), asked.raw

        def taken(answer: Any, serial: int = serial) -> bool:
            return (answer.json["status"], answer.json["serial"]) == ("ACTIVE", serial)

        await cloud.until(path, taken)


def test_what_is_said_while_a_zone_is_fetched(tmp_path: Path, others: Others) -> None:
    """The master's answer may be older than that: he is asked once more."""

    async def body(cloud: TestCloud) -> None:
        secondaries = cloud.cloud.services.dns.secondaries

        async def hangs(count: int) -> None:
            while len(others.fetched) < count:
                await asyncio.sleep(0.01)

        def notify(tx: Tx) -> None:
            found = secondaries.notified(tx, {"silent.org.": {"192.0.2.1"}})
            secondaries.fetch_now(tx, [row.id for row in found])

        async def has(serial: int) -> None:
            await cloud.until(
                path, lambda a: (a.json["status"], a.json["serial"]) == ("ACTIVE", serial)
            )

        path = await zone(cloud, "silent.org.", **SECONDARY)
        await hangs(1)
        others.serial = 8
        await cloud.cloud.database.write(notify)
        others.released.set()
        await has(8)
        # The same of who wants it whatever the serial number is.
        others.released.clear()
        asked = len(others.fetched)
        assert (await cloud.call("POST", f"{path}/tasks/xfr")).status == 202
        await hangs(asked + 1)
        others.serial = 3
        assert (await cloud.call("POST", f"{path}/tasks/xfr")).status == 202
        others.released.set()
        await has(3)
        # Who only says that there is news does not want that again.
        others.released.clear()
        assert (await cloud.call("POST", f"{path}/tasks/xfr")).status == 202
        await hangs(asked + 3)
        await cloud.cloud.database.write(notify)
        others.released.set()
        await hangs(asked + 4)
        row = await cloud.cloud.database.read(lambda tx: tx.get(ZoneRow, path.rpartition("/")[2]))
        assert row is not None and not row.anew
        # And then there is nothing to ask any more.
        await asyncio.sleep(0.1)
        assert len(others.fetched) == asked + 4

    play(tmp_path, body)


def test_a_zone_of_somebody_elses_address_goes_from_its_servers(
    tmp_path: Path, others: Others
) -> None:
    """They would go on to answer from it, which is nearer to the name than any other."""
    name = "79.4.24.172.in-addr.arpa."

    def said(zone: PoolZone) -> list[tuple[str, list[str]]]:
        return [(owner, texts) for owner, kind, _, texts in zone.sets if kind == "PTR"]

    async def body(cloud: TestCloud) -> None:
        await cloud.token("admin")
        made = {"as_": "admin", "attributes": {"servers": "fake"}}
        await active(cloud, await zone(cloud, name, **made), "admin")
        await active(cloud, await zone(cloud, f"x.{name}", **made), "admin")
        pool = next(each for each in cloud.cloud.services.dns.pools.fixed if each.name == "fake")
        (target,) = pool.targets
        assert isinstance(target, FakeTarget)
        public = await cloud.call("GET", "/network/v2.0/networks?name=public")
        wish = {
            "project_id": cloud.projects["demo"],
            "floating_network_id": public.json["networks"][0]["id"],
            "floating_ip_address": "172.24.4.79",
        }
        answer = await cloud.call(
            "POST", "/network/v2.0/floatingips", as_="admin", json_={"floatingip": wish}
        )
        assert answer.status == 201, answer.raw
        path = f"/dns/v2/reverse/floatingips/RegionOne:{answer.json['floatingip']['id']}"
        answer = await cloud.call("PATCH", path, json_={"ptrdname": "mine.org."})
        assert answer.status == 202, answer.raw
        await active(cloud, path)
        end = time.monotonic() + 15
        while f"x.{name}" in target.zones or not said(target.zones[name]):
            assert time.monotonic() < end
            await asyncio.sleep(0.01)
        assert said(target.zones[name]) == [(name, ["mine.org."])]

    play(tmp_path, body)


async def changed(cloud: TestCloud, zone_id: str, values: dict[str, Any]) -> None:
    """Once its first try has failed."""

    def change(tx: Tx) -> bool:
        row = tx.get(ZoneRow, zone_id)
        assert row is not None
        if row.pool_attempts:
            tx.update(row, **values)
        return row.pool_attempts > 0

    while not await cloud.cloud.database.write(change):
        await asyncio.sleep(0.01)


def test_pools_that_are_only_said_to_be_there(tmp_path: Path) -> None:
    """For rehearsals: of a pool that is good, of one that is away, of one that refuses."""

    async def body(cloud: TestCloud) -> None:
        good = await zone(cloud, "good.org.", attributes={"servers": "fake"})
        away = await zone(cloud, "away.org.", attributes={"servers": "away"})
        bad = await zone(cloud, "bad.org.", attributes={"servers": "no"})
        await active(cloud, good)
        pool = next(each for each in cloud.cloud.services.dns.pools.fixed if each.name == "fake")
        (target,) = pool.targets
        assert isinstance(target, FakeTarget) and target.zones.keys() == {"good.org."}
        await cloud.until(bad, lambda a: a.json["status"] == "ERROR")
        assert (await cloud.call("GET", away)).json["status"] == "PENDING"
        assert (await cloud.call("DELETE", good)).status == 202
        await cloud.until(good, lambda a: a.status == 404)
        assert not target.zones
        # It is back, after an hour: what one zone shows is good for all of them.
        second = await zone(cloud, "second.org.", attributes={"servers": "away"})
        long = {"pool_attempts": 8, "pool_due": time.time() + 300}
        for path in (away, second):
            failed = await cloud.until(path, lambda a: a.status == 200)
            await changed(cloud, failed.json["id"], long)
        pool = next(each for each in cloud.cloud.services.dns.pools.fixed if each.name == "away")
        pool.targets[0].faults.clear()
        await cloud.call("PATCH", away, json_={"description": "new"})
        for path in (away, second):
            await active(cloud, path)
        pool.targets[0].faults.add("away")
        # Whatever its servers say.
        headers = {"X-Designate-Hard-Delete": "true", **ALL}
        assert (await cloud.call("DELETE", away, as_="admin", headers=headers)).status == 202
        assert (await cloud.call("GET", away)).status == 404

    play(tmp_path, body)
