"""Zones on the servers of pools: a BIND and a PowerDNS, fed by a cloud; and zones that the cloud
has from a master. dnspython asks them."""

import asyncio
import contextlib
import json
import urllib.request
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import dns.asyncquery
import dns.exception
import dns.message
import dns.rcode
import dns.rdatatype
import msgspec
import pytest

from cumulo.core.db.transaction import Tx
from cumulo.core.run.commands import run
from cumulo.dns.drivers import serial
from cumulo.dns.drivers.embedded import EmbeddedNameServer
from cumulo.dns.drivers.powerdns import PowerDns
from cumulo.dns.model.pool import PoolZone, TargetRefused
from cumulo.dns.model.zone import ZoneRow
from cumulo.dns.nameserver.feed import Gone
from cumulo.dns.reconcile.pools import PoolSweep
from tests.contract.dns.servers import ABind, APowerDns, by_tls
from tests.dns.support import steps_of
from tests.support.cloud import TestCloud, running_cloud
from tests.support.ports import free_port

ZONES = "/dns/v2/zones"


async def ask(port: int, name: str, kind: str = "A") -> list[str]:
    query = dns.message.make_query(name, kind)
    answer = await dns.asyncquery.udp(query, "127.0.0.1", port=port, timeout=5)
    return sorted(str(each) for rrset in answer.answer for each in rrset)


async def until(what: Callable[[], Any], wanted: Any, seconds: float = 20) -> None:
    end = asyncio.get_running_loop().time() + seconds
    while True:
        try:
            found = await what()
        except dns.exception.DNSException as error:
            found = error
        if found == wanted:
            return
            assert asyncio.get_running_loop().time() < end, found
        await asyncio.sleep(0.05)


async def status(cloud: TestCloud, zone_id: str) -> tuple[str, str] | None:
    answer = await cloud.call("GET", f"{ZONES}/{zone_id}")
    if answer.status == 404:
        return None
    return answer.json["action"], answer.json["status"]


async def make(cloud: TestCloud, name: str, **more: Any) -> str:
    body = {"name": name, "email": "a@example.org", **more}
    if more.get("type") == "SECONDARY":
        del body["email"]
    answer = await cloud.call("POST", ZONES, json_=body)
    assert answer.status == 202, answer.raw
    return str(answer.json["id"])


async def put(cloud: TestCloud, zone_id: str, name: str, kind: str, *records: str) -> str:
    body = {"name": name, "type": kind, "records": list(records)}
    answer = await cloud.call("POST", f"{ZONES}/{zone_id}/recordsets", json_=body)
    assert answer.status == 202, answer.raw
    return str(answer.json["id"])


@contextlib.asynccontextmanager
async def cloud_with(
    data: Path, driver: str, target: dict[str, Any], pool: Any = MappingProxyType({}), **more: Any
) -> AsyncIterator[TestCloud]:
    theirs = {
        **pool,
        "driver": driver,
        "nameservers": ["ns.pool.test."],
        "attributes": {"servers": "theirs"},
        "targets": [target],
    }
    outbound = more.pop("outbound", {})
    own = {"pools": {"theirs": theirs}, "transfer_networks": ["127.0.0.0/8"], **more}
    async with running_cloud(data, dns=own, outbound=outbound) as cloud:
        yield cloud


async def a_life(cloud: TestCloud, port: int) -> str:
    """A zone in the pool, changed and looked at there; its id."""
    zone = await make(cloud, "pool.org.", attributes={"servers": "theirs"})
    await put(cloud, zone, "www.pool.org.", "A", "192.0.2.1", "192.0.2.2")
    await put(cloud, zone, "txt.pool.org.", "TXT", "abc", '"two" "strings"', '"a \\"b\\""')
    await put(cloud, zone, "*.pool.org.", "MX", "10 Mail.pool.org.")
    await until(lambda: status(cloud, zone), ("NONE", "ACTIVE"))
    assert await ask(port, "www.pool.org.") == ["192.0.2.1", "192.0.2.2"]
    assert await ask(port, "pool.org.", "NS") == ["ns.pool.test."]
    assert len(await ask(port, "txt.pool.org.", "TXT")) == 3
    assert await ask(port, "any.pool.org.", "MX") == ["10 Mail.pool.org."]
    records = await cloud.call("GET", f"{ZONES}/{zone}/recordsets?status=ACTIVE")
    assert len(records.json["recordsets"]) == 5
    name = await cloud.call("GET", f"{ZONES}/{zone}/recordsets?name=www.pool.org.")
    one = f"{ZONES}/{zone}/recordsets/{name.json['recordsets'][0]['id']}"
    changed = await cloud.call("PUT", one, json_={"records": ["192.0.2.9"]})
    assert changed.status == 202
    await until(lambda: status(cloud, zone), ("NONE", "ACTIVE"))
    assert await ask(port, "www.pool.org.") == ["192.0.2.9"]
    serial = (await cloud.call("GET", f"{ZONES}/{zone}")).json["serial"]
    assert (await ask(port, "pool.org.", "SOA"))[0].split()[2] == str(serial)
    return zone


async def its_end(cloud: TestCloud, zone: str, port: int) -> None:
    assert (await cloud.call("DELETE", f"{ZONES}/{zone}")).status == 202
    await until(lambda: status(cloud, zone), None)
    assert await ask(port, "www.pool.org.") == []


def test_powerdns(tmp_path: Path) -> None:
    server = APowerDns(tmp_path / "pdns")

    async def main() -> None:
        target = {"address": f"127.0.0.1:{server.port}", "api_key": "k"}
        async with (
            by_tls(server.control, tmp_path) as (secure, certificate),
            cloud_with(
                tmp_path / "data",
                "pdns4",
                {**target, "url": f"https://127.0.0.1:{secure}", "ca_file": str(certificate)},
                outbound={"allowed_networks": ["127.0.0.0/8"]},
            ) as cloud,
        ):
            strange = PowerDns(target["address"], f"https://127.0.0.1:{secure}", "k")
            with pytest.raises(TargetRefused, match="not trusted"):
                await strange.remove(PoolZone(name="pool.org.", serial=1, sets=[]))
            with server.running():
                zone = await a_life(cloud, server.port)
            # It is away: no fault, and it catches up.
            await put(cloud, zone, "later.pool.org.", "A", "192.0.2.7")
            await asyncio.sleep(1)
            assert await status(cloud, zone) == ("UPDATE", "PENDING")
            with server.running():
                await until(lambda: status(cloud, zone), ("NONE", "ACTIVE"))
                assert await ask(server.port, "later.pool.org.") == ["192.0.2.7"]
                await its_end(cloud, zone, server.port)
                await a_secondary_zone(cloud, server.port, tmp_path / "master")
                await what_was_there(cloud, server)

    asyncio.run(main())


def look(cloud: TestCloud) -> None:
    """As it does once an hour."""
    loop = next(each for each in cloud.cloud.reconcilers if each.reconciler.name == PoolSweep.name)
    loop.reconciler.again()
    loop.ring()


async def what_was_there(cloud: TestCloud, server: APowerDns) -> None:
    """An operator's zone is nobody's to take, of whatever name a member makes one."""

    def operator() -> None:
        made = {"name": "corp.org.", "kind": "Native", "nameservers": ["ns.corp.org."]}
        request = urllib.request.Request(
            f"{server.url}/api/v1/servers/localhost/zones",
            json.dumps(made).encode(),
            {"X-API-Key": "k", "Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=5).read()

    await asyncio.to_thread(operator)
    zone = await make(cloud, "corp.org.", attributes={"servers": "theirs"})
    await until(lambda: status(cloud, zone), ("CREATE", "ERROR"))
    # One that the cloud had there before it marked any is taken back.
    target = PowerDns(f"127.0.0.1:{server.port}", server.url, "k")
    sets = [("corp.org.", "SOA", 60, ["ns.other.org. a.corp.org. 9 60 60 60 60"])]
    mine = PoolZone(name="corp.org.", serial=9, sets=sets, owner="cumulo-x", known=True)
    with pytest.raises(TargetRefused, match="already, of the account ''"):
        await target.ensure(mine)
    why = (await cloud.call("GET", f"/cumulo/why?of={zone}", as_="admin")).raw.decode()
    assert "has a zone corp.org. already" in why
    assert (await cloud.call("DELETE", f"{ZONES}/{zone}")).status == 202
    await until(lambda: status(cloud, zone), None)
    assert await ask(server.port, "corp.org.", "NS") == ["ns.corp.org."]
    there = await ask(server.port, "corp.org.", "SOA")
    sets = [("corp.org.", "SOA", 60, [there[0].replace(there[0].split()[2], "4000000000")])]
    await target.ensure(msgspec.structs.replace(mine, sets=sets, serial=4_000_000_000))
    await target.remove(mine)
    assert await ask(server.port, "corp.org.", "SOA") == []


async def a_secondary_zone(cloud: TestCloud, port: int, folder: Path) -> None:
    """What a master gives comes to the pool, types that the API does not take among it."""
    master = EmbeddedNameServer(folder, transfers=["127.0.0.0/8"])
    await master.start()
    text = 'www 60 A 192.0.2.1\ntxt 60 TXT "a b" "c"\nother 60 TYPE65280 \\# 2 abcd\n'
    await master.send(steps_of("second.org.", text))
    await master.commit(1)
    attributes = {"servers": "theirs"}
    masters = [master.address]
    zone = await make(
        cloud, "second.org.", type="SECONDARY", masters=masters, attributes=attributes
    )
    await until(lambda: status(cloud, zone), ("NONE", "ACTIVE"))
    assert await ask(port, "www.second.org.") == ["192.0.2.1"]
    assert await ask(port, "txt.second.org.", "TXT") == ['"a b" "c"']
    assert await ask(port, "other.second.org.", "TYPE65280") == ["\\# 2 abcd"]
    # It loses the zone, and says nothing of it: that is found out.
    mark = await cloud.cloud.database.read(cloud.cloud.services.dns.mark)
    (target,) = cloud.cloud.services.dns.pools.fixed[1].targets
    await target.remove(PoolZone(name="second.org.", serial=1, sets=[], owner=mark))
    assert await ask(port, "www.second.org.") == []
    look(cloud)
    await until(lambda: ask(port, "www.second.org."), ["192.0.2.1"])
    await master.stop()


def test_powerdns_that_refuses(tmp_path: Path) -> None:
    server = APowerDns(tmp_path / "pdns")

    async def main() -> None:
        target = {"address": f"127.0.0.1:{server.port}", "url": server.url, "api_key": "wrong"}
        async with cloud_with(tmp_path / "data", "pdns4", target) as cloud:
            with server.running():
                zone = await make(cloud, "pool.org.", attributes={"servers": "theirs"})
                await until(lambda: status(cloud, zone), ("CREATE", "ERROR"))
                told = await cloud.call("GET", f"/cumulo/why?of={zone}", as_="admin")
                assert f"{server.control}" in told.raw.decode(), "which server, and its words"

    asyncio.run(main())


def test_bind(tmp_path: Path) -> None:
    """One that is a resolver, too: the zone is elsewhere in the world as yet, and much newer."""
    own, outside = free_port(), free_port()
    server = ABind(tmp_path / "bind", world=outside)

    async def main() -> None:
        world = EmbeddedNameServer(tmp_path / "world", [f"127.0.0.1:{outside}"])
        await world.start()
        await world.send(steps_of("pool.org.", "", serial=4_000_000_000))
        await world.commit(1)
        try:
            await with_the_cloud()
        finally:
            await world.stop()

    async def with_the_cloud() -> None:
        target = {
            "address": f"127.0.0.1:{server.port}",
            "rndc_conf": str(server.rndc_conf),
            "primary": f"127.0.0.1:{own}",
        }
        data = tmp_path / "data"
        async with cloud_with(data, "bind9", target, listen=[f"127.0.0.1:{own}"]) as cloud:
            with server.running():
                assert "4000000000" in (await ask(server.port, "pool.org.", "SOA"))[0]
                zone = await a_life(cloud, server.port)
            await put(cloud, zone, "later.pool.org.", "A", "192.0.2.7")
            await asyncio.sleep(1)
            assert await status(cloud, zone) == ("UPDATE", "PENDING")
            with server.running():
                await until(lambda: status(cloud, zone), ("NONE", "ACTIVE"))
                assert await ask(server.port, "later.pool.org.") == ["192.0.2.7"]
                pools = (await cloud.call("GET", "/dns/v2/pools", as_="admin")).json["pools"]
                assert [each["name"] for each in pools] == ["default", "theirs"]
                move = {"pool_id": pools[0]["id"]}
                headers = {"X-Auth-All-Projects": "true"}
                path = f"{ZONES}/{zone}/tasks/pool_move"
                moved = await cloud.call("POST", path, as_="admin", json_=move, headers=headers)
                assert moved.status == 202, moved.raw
                await until(lambda: status(cloud, zone), ("NONE", "ACTIVE"))
                await until(lambda: ask(own, "pool.org.", "NS"), ["ns1.cumulo.internal."])
                move = {"pool_id": pools[1]["id"]}
                moved = await cloud.call("POST", path, as_="admin", json_=move, headers=headers)
                await until(lambda: ask(server.port, "pool.org.", "NS"), ["ns.pool.test."])
                await until(lambda: status(cloud, zone), ("NONE", "ACTIVE"))
                await run(["rndc", "-c", str(server.rndc_conf), "delzone", "-clean", "pool.org."])
                look(cloud)
                await until(lambda: ask(server.port, "pool.org.", "NS"), ["ns.pool.test."])
                await its_end(cloud, zone, server.port)
                await what_bind_had(cloud, server)

    asyncio.run(main())


def test_bind_and_other_control_planes(tmp_path: Path) -> None:
    """One comes, and the first one goes: zones are fetched from those that there are."""
    first, second = free_port(), free_port()
    server = ABind(tmp_path / "bind")

    def the_cloud(listen: int, *primaries: int) -> Any:
        target = {
            "address": f"127.0.0.1:{server.port}",
            "rndc_conf": str(server.rndc_conf),
            "primary": ", ".join(f"127.0.0.1:{port}" for port in primaries),
        }
        return cloud_with(tmp_path / "data", "bind9", target, listen=[f"127.0.0.1:{listen}"])

    async def shown() -> list[int]:
        argv = ["rndc", "-c", str(server.rndc_conf), "showzone", "pool.org."]
        words = (await run(argv)).decode().replace(";", " ").split()
        return sorted(int(words[at + 1]) for at, word in enumerate(words) if word == "port")

    async def is_changed(cloud: TestCloud, zone: str, name: str) -> None:
        await put(cloud, zone, name, "A", "192.0.2.7")
        await until(lambda: status(cloud, zone), ("NONE", "ACTIVE"))
        assert await ask(server.port, name) == ["192.0.2.7"]

    async def main() -> None:
        with server.running():
            async with the_cloud(first, first) as cloud:
                zone = await make(cloud, "pool.org.", attributes={"servers": "theirs"})
                await is_changed(cloud, zone, "a.pool.org.")
                assert await shown() == [first]
            async with the_cloud(first, first, second) as cloud:
                await until(shown, sorted([first, second]))
                await is_changed(cloud, zone, "b.pool.org.")
            async with the_cloud(second, second) as cloud:
                await until(shown, [second])
                await is_changed(cloud, zone, "c.pool.org.")
            # Without a moment in which both are named.
            async with the_cloud(first, first) as cloud:
                await until(shown, [first])
                await is_changed(cloud, zone, "d.pool.org.")
                await its_end(cloud, zone, server.port)

    asyncio.run(main())


async def what_bind_had(cloud: TestCloud, server: ABind, number: int = 4_000_000_000) -> None:
    """Of this name there is a zone, from elsewhere."""
    soa = f"@ 60 SOA ns.corp.org. a.corp.org. {number} 60 60 60 60"
    (server.here / "corp.db").write_text(f"$ORIGIN corp.org.\n{soa}\n@ 60 NS ns.corp.net.\n")
    argv = ["rndc", "-c", str(server.rndc_conf), "addzone", "corp.org."]
    await run([*argv, '{ type primary; file "corp.db"; };'])
    zone = await make(cloud, "corp.org.", attributes={"servers": "theirs"})
    await until(lambda: status(cloud, zone), ("CREATE", "ERROR"))
    assert (await cloud.call("DELETE", f"{ZONES}/{zone}")).status == 202
    await until(lambda: status(cloud, zone), None)
    assert await ask(server.port, "corp.org.", "NS") == ["ns.corp.net."]


def test_bind_by_a_catalog_zone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No `rndc`: it gets zones and drops them since the catalog says so."""
    own = free_port()
    server = ABind(tmp_path / "bind", "catalog.test.", own)

    async def main() -> None:
        data, target = tmp_path / "data", {"address": f"127.0.0.1:{server.port}"}
        listen: dict[str, Any] = {"listen": [f"127.0.0.1:{own}"]}
        listen["outbound"] = {"allowed_networks": ["127.0.0.0/8"]}
        async with cloud_with(
            data, "bind9", target, pool={"catalog_zone": "catalog.test."}, **listen
        ) as cloud:
            first = await make(cloud, "first.org.", attributes={"servers": "theirs"})
            await until(lambda: ask(own, "first.org.", "NS"), ["ns.pool.test."])
            with server.running():
                zone = await a_life(cloud, server.port)
                await its_end(cloud, zone, server.port)
                await until(lambda: status(cloud, first), ("NONE", "ACTIVE"))
                await a_master_that_is_late(cloud, server.port, tmp_path / "master")
                taken = {"name": "x.catalog.test.", "email": "a@example.org"}
                refused = await cloud.call("POST", ZONES, json_=taken)
                monkeypatch.setattr(serial, "CATCH_UP_SECONDS", 1.0)
                await what_bind_had(cloud, server, 3)
                assert refused.status == 400 and refused.json["type"] == "invalid_zone_name"

    asyncio.run(main())


async def a_master_that_is_late(cloud: TestCloud, port: int, folder: Path) -> None:
    """BIND is told of a zone when there is one, and that it is none any more."""
    where = f"127.0.0.1:{free_port()}"
    master = EmbeddedNameServer(folder, [where], transfers=["127.0.0.0/8"])
    await master.start()
    await master.commit(1)
    attributes = {"servers": "theirs"}
    zone = await make(cloud, "late.org.", type="SECONDARY", masters=[where], attributes=attributes)
    await until(lambda: status(cloud, zone), ("CREATE", "ERROR"))
    await master.send(steps_of("late.org.", "www 60 A 192.0.2.1\n"))
    await master.commit(2)
    await cloud.call("POST", f"{ZONES}/{zone}/tasks/xfr")
    await until(lambda: status(cloud, zone), ("NONE", "ACTIVE"))
    assert await ask(port, "www.late.org.") == ["192.0.2.1"]
    await master.send([Gone("late.org.")])
    await master.commit(3)
    await cloud.cloud.database.write(lambda tx: long_ago(tx, zone))
    await cloud.call("POST", f"{ZONES}/{zone}/tasks/xfr")
    await until(lambda: ask(port, "www.late.org."), [])
    await master.stop()


def long_ago(tx: Tx, zone: str) -> None:
    row = tx.get(ZoneRow, zone)
    assert row is not None
    tx.update(row, transferred_at="2020-01-01T00:00:00.000000", due=1.0, attempts=0)


def test_a_zone_from_a_master(tmp_path: Path) -> None:
    async def main() -> None:
        own = free_port()
        told = {"": [f"127.0.0.1:{own}"]}
        master = EmbeddedNameServer(tmp_path / "master", transfers=["127.0.0.0/8"], notify=told)
        await master.start()
        await master.send(steps_of("second.org.", "www 60 A 192.0.2.1\nkey 60 DNAME x.org.\n"))
        await master.commit(1)
        allowed = {"allowed_networks": ["127.0.0.0/8"]}
        dns = {"listen": [f"127.0.0.1:{own}"]}
        async with running_cloud(tmp_path / "data", outbound=allowed, dns=dns) as cloud:
            zone = await make(cloud, "second.org.", type="SECONDARY", masters=[master.address])
            await until(lambda: status(cloud, zone), ("NONE", "ACTIVE"))
            port = own
            assert await ask(port, "www.second.org.") == ["192.0.2.1"]
            shown = (await cloud.call("GET", f"{ZONES}/{zone}")).json
            assert shown["serial"] == 1 and shown["transferred_at"] and shown["ttl"] == 3600
            body = {"name": "x.second.org.", "type": "A", "records": ["192.0.2.1"]}
            refused = await cloud.call("POST", f"{ZONES}/{zone}/recordsets", json_=body)
            assert refused.status == 403

            newer = steps_of("second.org.", "new 60 A 192.0.2.5\n", serial=2)
            await master.send(newer)
            await master.commit(2)
            # Its NOTIFY is heard: nobody has to ask.
            await until(lambda: ask(port, "new.second.org."), ["192.0.2.5"])
            asked = await cloud.call("POST", f"{ZONES}/{zone}/tasks/xfr")
            assert asked.status == 202
            assert await ask(port, "www.second.org.") == []
            # Networks of the cloud's own are not asked, but for those that the settings allow.
            inside = await make(cloud, "in.org.", type="SECONDARY", masters=["10.255.255.1:53"])
            lost = await make(cloud, "lost.org.", type="SECONDARY", masters=[master.address])
            await until(lambda: status(cloud, inside), ("CREATE", "ERROR"))
            await until(lambda: status(cloud, lost), ("CREATE", "ERROR"))
            assert (await cloud.call("DELETE", f"{ZONES}/{lost}")).status == 202
            await until(lambda: status(cloud, lost), None)
            await its_expiry(cloud, zone, master, port)
        await master.stop()

    asyncio.run(main())


async def its_expiry(cloud: TestCloud, zone: str, master: EmbeddedNameServer, port: int) -> None:
    """A master that was not heard of for longer than the SOA says: what was here counts no more."""
    await master.stop()

    async def rcode() -> int:
        query = dns.message.make_query("new.second.org.", "A")
        return (await dns.asyncquery.udp(query, "127.0.0.1", port=port, timeout=5)).rcode()

    assert await rcode() == dns.rcode.NOERROR
    await cloud.cloud.database.write(lambda tx: long_ago(tx, zone))
    await cloud.call("POST", f"{ZONES}/{zone}/tasks/xfr")
    await until(rcode, dns.rcode.SERVFAIL)
    found = await status(cloud, zone)
    assert found is not None and found[1] == "ERROR"
    await master.start()
    await master.send(steps_of("second.org.", "new 60 A 192.0.2.5\n", serial=2))
    await master.commit(3)
    await cloud.call("POST", f"{ZONES}/{zone}/tasks/xfr")
    await until(rcode, dns.rcode.NOERROR)
    await until(lambda: status(cloud, zone), ("NONE", "ACTIVE"))


@pytest.mark.parametrize("answer", ["A", "AAAA"])
def test_types_that_the_api_does_not_take_have_numbers(answer: str) -> None:
    from cumulo.dns.rdata import number_of

    assert number_of("DNAME") == int(dns.rdatatype.DNAME)
    assert number_of(answer) == int(dns.rdatatype.from_text(answer))
