"""What the servers of pools have: they are told all when they are new, and asked now and then."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cumulo.core.db.transaction import Tx
from cumulo.core.ids import new_id
from cumulo.dns.drivers import serial
from cumulo.dns.drivers.fake_target import FakeTarget
from cumulo.dns.model.change import ServerRow
from cumulo.dns.model.pool import PoolZone, TargetAway, TargetLacks
from cumulo.dns.model.transfer import TransferAcceptRow
from cumulo.dns.model.zone import ZoneRow
from cumulo.dns.reconcile import pools
from cumulo.dns.reconcile.pools import LACKS_AFTER, PoolSweep
from tests.support.cloud import TestCloud, running_cloud

ZONES = "/dns/v2/zones"


def pool(*addresses: str) -> dict[str, Any]:
    targets = [{"address": each} for each in addresses]
    return {
        "pools": {
            "default": {
                "driver": "fake",
                "nameservers": ["ns1.cumulo.internal."],
                "targets": targets,
            }
        }
    }


async def until(done: Callable[[], Any]) -> None:
    end = time.monotonic() + 15
    while not done():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


def targets(cloud: TestCloud) -> list[FakeTarget]:
    found = cloud.cloud.services.dns.pools.fixed[0].targets
    assert all(isinstance(each, FakeTarget) for each in found)
    return list(found)


async def zone(cloud: TestCloud, name: str) -> str:
    answer = await cloud.call("POST", ZONES, json_={"name": name, "email": "a@b.test"})
    assert answer.status == 202, answer.raw
    return f"{ZONES}/{answer.json['id']}"


async def active(cloud: TestCloud, path: str) -> Any:
    return (await cloud.until(path, lambda a: a.json["status"] == "ACTIVE")).json


async def look(cloud: TestCloud) -> None:
    loop = next(each for each in cloud.cloud.reconcilers if each.reconciler.name == PoolSweep.name)
    loop.reconciler.again()
    loop.ring()


def test_servers_that_are_new_or_have_another_past(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def before() -> None:
        async with running_cloud(tmp_path, dns={"serve": False}) as cloud:
            await active(cloud, await zone(cloud, "a.test."))
            await active(cloud, await zone(cloud, "b.test."))

    async def come() -> None:
        """To a cloud that has zones."""
        async with running_cloud(tmp_path, dns={"serve": False, **pool("192.0.2.1:53")}) as cloud:
            (one,) = targets(cloud)
            await until(lambda: one.zones.keys() == {"a.test.", "b.test."})

    async def second() -> None:
        own = {"serve": False, **pool("192.0.2.1:53", "192.0.2.2:53")}
        async with running_cloud(tmp_path, dns=own) as cloud:
            one, two = targets(cloud)
            # The first one lost its disk meanwhile.
            await until(lambda: one.zones.keys() == two.zones.keys() == {"a.test.", "b.test."})
            listed = (await cloud.call("GET", ZONES)).json["zones"]
            paths = {each["name"]: f"{ZONES}/{each['id']}" for each in listed}
            first = await active(cloud, paths["a.test."])
            # One knows of a later past; the other was rebuilt while the cloud runs.
            later = PoolZone(name="a.test.", serial=first["serial"] + 1000, sets=[])
            one.zones["a.test."] = later
            two.zones.clear()
            await look(cloud)
            await until(lambda: two.zones.keys() == {"a.test.", "b.test."})
            await until(lambda: one.zones["a.test."].serial > later.serial)
            assert (await active(cloud, paths["a.test."]))["serial"] > later.serial
            # A word about it is nothing that its servers say.
            one.faults.add("away")
            words = {"description": "new"}
            assert (await cloud.call("PATCH", paths["a.test."], json_=words)).status == 202
            assert (await active(cloud, paths["a.test."]))["description"] == "new"
            one.faults.clear()
            await one_is_away(cloud, monkeypatch)
            await other_settings(cloud, paths["a.test."])
            await told_again(cloud)
            await lacks(cloud, one, paths["b.test."])
            await waits(cloud)
            await accepts(cloud)

    async def alone() -> None:
        async with running_cloud(tmp_path, dns={"serve": False}) as cloud:
            for each in (await cloud.call("GET", ZONES)).json["zones"]:
                await active(cloud, f"{ZONES}/{each['id']}")

    for part in (before, come, second, alone):
        asyncio.run(part())


async def one_is_away(cloud: TestCloud, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one is looked at all the same, beyond the first page, and asked twice."""
    one, two = targets(cloud)
    serial_of, lost = two.serial, []

    async def loses_the_first(name: str) -> int | None:
        if not lost:
            lost.append(name)
            raise TargetAway("a datagram is lost")
        return await serial_of(name)

    monkeypatch.setattr(pools, "LOOKED_AT", 1)
    monkeypatch.setattr(two, "serial", loses_the_first)
    await until(lambda: one.zones.keys() == two.zones.keys() == {"a.test.", "b.test."})
    one.faults.add("away")
    two.zones.clear()
    await look(cloud)
    await until(lambda: two.zones.keys() == {"a.test.", "b.test."})
    one.faults.clear()
    monkeypatch.undo()
    for each in (await cloud.call("GET", ZONES)).json["zones"]:
        await cloud.call("PATCH", f"{ZONES}/{each['id']}", json_={"description": "again"})
        await active(cloud, f"{ZONES}/{each['id']}")


async def other_settings(cloud: TestCloud, path: str) -> None:
    """Who knows of one of the servers only does not say that the zone is on all of them."""
    dns = cloud.cloud.services.dns
    sync = pools.PoolSync(cloud.cloud.database, dns)
    older = msgspec.structs.replace(dns.pools.fixed[0], targets=dns.pools.fixed[0].targets[:1])

    def said(tx: Tx) -> ZoneRow | None:
        row = tx.get(ZoneRow, path.rpartition("/")[2])
        assert row is not None and row.mirrored == row.change
        sync._done(tx, tx.update(row, mirrored=1, pool_due=1.0), older)
        return tx.get(ZoneRow, row.id)

    row = await cloud.cloud.database.write(said)
    assert row is not None and row.mirrored == 1 and row.pool_due > 1.0
    await active(cloud, path)


async def told_again(cloud: TestCloud) -> None:
    """When somebody says so, whatever serial numbers there are."""
    at = "/cumulo/dns/pools"
    listed = await cloud.call("GET", at, as_="admin")
    servers = ["fake 192.0.2.1:53", "fake 192.0.2.2:53"]
    idle = {"name": "default", "servers": servers, "waiting": 0, "telling": False}
    assert listed.json == {"pools": [idle]}
    for each in targets(cloud):
        each.zones["a.test."] = msgspec.structs.replace(each.zones["a.test."], sets=[])
    told = await cloud.call("POST", f"{at}/tell", as_="admin", json_={"pool": "default"})
    assert told.status == 200 and told.json["pools"][0]["telling"]
    await until(lambda: all(each.zones["a.test."].sets for each in targets(cloud)))
    await cloud.until(at, lambda a: a.json == {"pools": [idle]}, as_="admin")
    assert (await cloud.call("GET", at)).status == 403
    assert (await cloud.call("POST", f"{at}/tell", as_="admin", json_={"pool": "x"})).status == 404


async def lacks(cloud: TestCloud, target: FakeTarget, path: str) -> None:
    """One that hears of a zone again and again, and does not have it, refuses it."""
    target.faults.clear()
    database = cloud.cloud.database

    async def ensure(zone: PoolZone) -> None:
        raise TargetLacks("192.0.2.1:53 was told of the zone and does not have it")

    target.ensure = ensure  # type: ignore[method-assign]
    await cloud.call("PATCH", path, json_={"ttl": 70})

    def tried(tx: Tx) -> bool:
        row = tx.get(ZoneRow, path.rpartition("/")[2])
        assert row is not None
        if row.pool_attempts:
            tx.update(row, pool_attempts=LACKS_AFTER, pool_due=1.0)
        return row.pool_attempts > 0

    assert (await cloud.call("GET", path)).json["status"] == "PENDING"
    while not await database.write(tried):
        await asyncio.sleep(0.01)
    await look(cloud)
    await cloud.call("PATCH", path, json_={"ttl": 80})
    await cloud.until(path, lambda a: a.json["status"] == "ERROR")
    del target.ensure
    await cloud.call("PATCH", path, json_={"ttl": 90})
    await active(cloud, path)


async def waits(cloud: TestCloud) -> None:
    """Those that fetch zones would hear the old serial number from a name server that lags; those
    that are told all of them need nothing of it."""
    database, dns = cloud.cloud.database, cloud.cloud.services.dns
    await database.write(
        lambda tx: dns.serving.register(tx, ServerRow("lags", "h", "192.0.2.1:53", 0, 0.0, 0.0))
    )
    one, _ = targets(cloud)
    told = await zone(cloud, "told.test.")
    await until(lambda: all("told.test." in each.zones for each in targets(cloud)))
    one.whole = False
    path = await zone(cloud, "waits.test.")
    id = path.rpartition("/")[2]

    def due(tx: Tx) -> list[str]:
        return [each for each, _ in dns.mirrors.due_in_pool(tx, dns.pools.fixed[0], 10)]

    await asyncio.sleep(0.1)
    assert id not in await database.read(due)
    assert all("waits.test." not in each.zones for each in targets(cloud))
    await database.write(lambda tx: dns.serving.leave(tx, "lags"))
    dns.changes.ring()
    await active(cloud, path)
    await active(cloud, told)
    del one.whole


async def accepts(cloud: TestCloud) -> None:
    """However often zones go to and fro, no more of it is remembered than is looked at."""
    path = await zone(cloud, "given.test.")
    await cloud.token("admin")
    project, zone_id = cloud.projects["admin"], path.rpartition("/")[2]

    def many(tx: Tx) -> None:
        for _ in range(150):
            fields = (zone_id, project, "k", "COMPLETE", tx.now, None)
            tx.insert(TransferAcceptRow(new_id(), "r", *fields))

    await cloud.cloud.database.write(many)
    offer = await cloud.call("POST", f"{path}/tasks/transfer_requests")
    body = {"zone_transfer_request_id": offer.json["id"], "key": offer.json["key"]}
    tasks = f"{ZONES}/tasks/transfer_accepts"
    assert (await cloud.call("POST", tasks, as_="admin", json_=body)).status == 201
    listed = await cloud.call("GET", f"{tasks}?limit=1000", as_="admin")
    assert len(listed.json["transfer_accepts"]) == 101


def test_a_word_that_came_too_early_is_said_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serial, "AGAIN_SECONDS", 0.05)
    monkeypatch.setattr(serial, "CATCH_UP_SECONDS", 0.5)
    serials: list[int | None] = [5, None]
    told = 0

    async def again() -> None:
        nonlocal told
        told += 1

    async def serial_of(name: str, address: Any) -> int | None:
        return 7 if told > 1 else serials[0]

    monkeypatch.setattr(serial, "serial_of", serial_of)

    async def caught_up(wanted: int, before: int | None = None) -> None:
        await serial.caught_up("a.test.", wanted, ("192.0.2.1", 53), again, before=before)

    async def main() -> None:
        nonlocal told
        await caught_up(7)
        assert told == 2
        with pytest.raises(TargetLacks, match="serial 7, not 9 yet, though"):
            await caught_up(9)
        told, serials[0] = 0, 5
        with pytest.raises(serial.TargetAway, match=r"serial 7, not 9 yet$"):
            await caught_up(9)
        # What was newer at the beginning is believed after a while.
        begun, told = time.monotonic(), 0
        serials[0] = 7
        await caught_up(5, before=7)
        assert time.monotonic() - begun >= 0.05
        told, serials[0] = -100, None
        with pytest.raises(TargetLacks):
            await caught_up(7)

    asyncio.run(main())
