"""Which name servers count: by what is heard of them, whatever their clocks say."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cumulo.dns.drivers.fake import FakeNameServer
from cumulo.dns.model.change import COUNTER, DEAD_SECONDS, CounterRow, ServerRow
from cumulo.dns.model.zone import ZoneRow
from cumulo.dns.nameserver.feed import Step
from cumulo.dns.queries.change import FORGET
from cumulo.dns.reconcile import name_server
from cumulo.dns.reconcile.name_server import NameServerLoop
from cumulo.dns.service import serving as serving_module
from cumulo.dns.service.serving import Pulses
from tests.support.cloud import running_cloud

ZONES = "/dns/v2/zones"


def row(id: str, seen: float) -> ServerRow:
    return ServerRow(id, "host", "192.0.2.1:53", 7, seen, seen)


def test_a_clock_that_is_wrong_makes_nobody_dead() -> None:
    now = 1000.0
    pulses = Pulses(lambda: now)
    behind, silent = row("behind", -5_000_000.0), row("silent", 9_000_000.0)
    assert pulses.dead([behind, silent]) == set()
    for beat in range(1, 5):
        now += DEAD_SECONDS / 3
        behind = msgspec.structs.replace(behind, seen=behind.seen + 10)
        dead = pulses.dead([behind, silent])
        assert dead == ({"silent"} if beat == 4 else set())
    # It is heard of again.
    assert pulses.dead([behind, row("silent", 9_000_001.0)]) == set()


class Watched(FakeNameServer):
    starts = 0
    sent: list[Step]

    async def start(self) -> None:
        self.starts += 1
        self.sent = []
        await super().start()

    async def send(self, steps: Sequence[Step]) -> None:
        self.sent += steps
        await super().send(steps)


def test_who_was_thought_dead_loads_all_while_it_answers(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path, dns={"serve": False}) as cloud:
            body: dict[str, Any] = {"name": "a.test.", "email": "a@a.test"}
            first = await cloud.call("POST", ZONES, json_=body)
            server = Watched()
            database, serving = cloud.cloud.database, cloud.cloud.services.dns.serving
            loop = NameServerLoop(database, serving, server, server_id="x", hostname="x")
            await loop.once()
            await cloud.until(f"{ZONES}/{first.json['id']}", lambda a: a.json["status"] == "ACTIVE")
            # Zones go and come, the notes of it are gone, and so is its row.
            await database.write(lambda tx: serving.leave(tx, "x"))
            await cloud.call("DELETE", f"{ZONES}/{first.json['id']}")
            await cloud.until(f"{ZONES}/{first.json['id']}", lambda a: a.status == 404)
            await cloud.call("POST", ZONES, json_={**body, "name": "b.test."})
            await loop.once()
            assert server.starts == 1, "it goes on answering"
            assert set(server.desk.world.zones) == {b"\x01b\x04test\x00"}

    asyncio.run(main())


def test_nothing_is_active_before_who_begins_has_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path, dns={"serve": False}) as cloud:
            database, serving = cloud.cloud.database, cloud.cloud.services.dns.serving
            one, two = (
                NameServerLoop(database, serving, FakeNameServer(), server_id=id, hostname=id)
                for id in ("one", "two")
            )
            body = {"name": "first.test.", "email": "a@a.test"}
            await cloud.call("POST", ZONES, json_=body)
            await one.once()
            made = await cloud.call("POST", ZONES, json_={**body, "name": "new.test."})
            path = f"{ZONES}/{made.json['id']}"
            # The second one says that it is there, and has not read anything yet.
            await database.write(lambda tx: serving.register(tx, row("two", 0.0)))
            await one.once()
            assert (await cloud.call("GET", path)).json["status"] == "PENDING"
            await two.once()
            assert (await cloud.call("GET", path)).json["status"] == "ACTIVE"

    asyncio.run(main())


def test_much_that_is_new_is_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each zone at once, with the sets of it that were touched in one question."""
    monkeypatch.setattr(serving_module, "MOST_STEPS", 20)

    async def main() -> None:
        async with running_cloud(tmp_path, dns={"serve": False}) as cloud:
            database, serving = cloud.cloud.database, cloud.cloud.services.dns.serving
            server = Watched()
            loop = NameServerLoop(database, serving, server, server_id="x", hostname="x")
            body: dict[str, Any] = {"email": "a@a.test"}
            first = await cloud.call("POST", ZONES, json_={**body, "name": "first.test."})
            await loop.once()
            records = f"{ZONES}/{first.json['id']}/recordsets"
            for n in range(9):
                record = {"name": f"r{n}.first.test.", "type": "A", "records": ["192.0.2.1"]}
                made = await cloud.call("POST", records, json_=record)
            await cloud.call("DELETE", f"{records}/{made.json['id']}")
            for n in range(7):
                await cloud.call("POST", ZONES, json_={**body, "name": f"z{n}.test."})
            reads = []
            steps = serving.steps
            monkeypatch.setattr(
                serving, "steps", lambda tx, touched: reads.append(1) or steps(tx, touched)
            )
            await loop.once()
            assert len(reads) > 2 and len(server.desk.world.zones) == 8
            zone = server.desk.world.zones[b"\x05first\x04test\x00"]
            assert len(zone.nodes) == 9
            shown = await cloud.call("GET", f"{ZONES}/{first.json['id']}")
            assert (shown.json["status"], shown.json["serial"]) == ("ACTIVE", zone.serial)
            # Numbers follow the time, so that catalogs of an older database are newer, too.
            assert await database.read(serving.changes.newest) > time.time() - 3600

    asyncio.run(main())


class Slow(FakeNameServer):
    async def send(self, steps: Sequence[Step]) -> None:
        await asyncio.sleep(0.03)
        await super().send(steps)


def test_who_loads_for_long_is_alive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many zones there are: it says so, and what came meanwhile is not lost."""
    monkeypatch.setattr(name_server, "HEARTBEAT_SECONDS", 0.05)

    async def main() -> None:
        async with running_cloud(tmp_path, dns={"serve": False}) as cloud:
            database, serving = cloud.cloud.database, cloud.cloud.services.dns.serving
            # Here half a minute is 0.3 seconds; the other control plane has no server.
            serving.pulses = Pulses(lambda: time.monotonic() * 100)
            monkeypatch.setattr(serving, "zones_after", lambda tx, last: pages.pop())
            pages: list[Any] = [(None, []), *[("x", []) for _ in range(20)]]
            server = Slow()
            loop = NameServerLoop(database, serving, server, server_id="x", hostname="x")
            body = {"name": "a.test.", "email": "a@a.test"}
            await cloud.call("POST", ZONES, json_=body)
            loading = asyncio.create_task(loop.once())
            while len(pages) > 10:
                await asyncio.sleep(0.01)
            made = await cloud.call("POST", ZONES, json_={**body, "name": "b.test."})
            while not loading.done():
                await database.write(lambda tx: serving.settle(tx, 2**40))
                assert await database.read(lambda tx: tx.get(ServerRow, "x")), "it is alive"
                shown = await cloud.call("GET", f"{ZONES}/{made.json['id']}")
                assert loading.done() or shown.json["status"] == "PENDING"
                await asyncio.sleep(0.02)
            await loading
            assert b"\x01b\x04test\x00" in server.desk.world.zones
            # Whatever was forgotten of what it has not read: it reads all.
            await database.write(lambda tx: serving.leave(tx, "x"))
            monkeypatch.undo()
            await loop.once()
            assert len(server.desk.world.zones) == 2

    asyncio.run(main())


def test_a_database_that_goes_back_is_read_anew(tmp_path: Path) -> None:
    """Its numbers are given again: what has them now is served before it is ACTIVE, and what it
    lacks is not answered for."""

    async def main() -> None:
        async with running_cloud(tmp_path, dns={"serve": False}) as cloud:
            database, serving = cloud.cloud.database, cloud.cloud.services.dns.serving
            server = FakeNameServer()
            loop = NameServerLoop(database, serving, server, server_id="x", hostname="x")
            body = {"email": "a@a.test"}
            lost = []
            for name in ("a", "b", "c"):
                answer = await cloud.call("POST", ZONES, json_={**body, "name": f"{name}.test."})
                lost.append(answer.json["id"])
                await loop.once()
            assert len(server.desk.world.zones) == 3

            def back(tx: Any) -> None:
                for id in lost[1:]:
                    serving.zones.remove(tx, tx.get(ZoneRow, id))
                counter, said = tx.get(CounterRow, COUNTER), tx.get(ServerRow, "x")
                tx.update(counter, value=counter.value - 2)
                tx.update(said, change=counter.value - 2)
                tx.run(FORGET, upto=counter.value)

            await database.write(back)
            # Its number may be one that was given already, or a later one.
            made = await cloud.call("POST", ZONES, json_={**body, "name": "new.test."})
            await loop.once()
            wanted = {b"\x01a\x04test\x00", b"\x03new\x04test\x00"}
            seen = set(server.desk.world.zones)
            answer = await cloud.call("GET", f"{ZONES}/{made.json['id']}")
            assert answer.json["status"] != "ACTIVE" or seen == wanted
            await loop.once()
            assert set(server.desk.world.zones) == wanted

    asyncio.run(main())
