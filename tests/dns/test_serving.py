"""Which name servers count: by what is heard of them, whatever their clocks say."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from cumulo.dns.drivers.fake import FakeNameServer
from cumulo.dns.model.change import DEAD_SECONDS, ServerRow
from cumulo.dns.nameserver.feed import Step
from cumulo.dns.reconcile import NameServerLoop
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
