"""Lifecycle rules: what they cover, when a day is over, and what a pass takes away."""

import asyncio
import time
from pathlib import Path
from typing import Any

import msgspec

from cumulo.object_store.drivers.files import FileBlobs
from cumulo.object_store.model import lifecycle
from cumulo.object_store.model.lifecycle import DAY, Rule
from cumulo.object_store.model.ring import Device, Ring
from cumulo.object_store.queries import container as queries
from cumulo.object_store.service.lifecycle import OPTION, Lifecycle
from cumulo.object_store.service.object_store import ObjectStoreService
from tests.support.cloud import TestCloud, running_cloud

MIDNIGHT = float(20_000 * DAY)


def test_a_day_ends_at_the_midnight_behind_it() -> None:
    for since in (MIDNIGHT, MIDNIGHT + 1, MIDNIGHT + DAY - 1):
        assert lifecycle.due(since, 1) == MIDNIGHT + 2 * DAY
    assert lifecycle.due(MIDNIGHT - 1, 1) == MIDNIGHT + DAY


def test_what_a_rule_covers() -> None:
    rule = Rule("r", True, prefix="logs/", tags={"k": "v"}, larger=10, smaller=20, days=1)
    tagged = {"tags": {"k": "v", "other": ""}}
    assert rule.covers("logs/a", 11, tagged)
    for name, size, extra in (
        ("log", 11, tagged),
        ("logs/a", 10, tagged),
        ("logs/a", 20, tagged),
        ("logs/a", 11, {}),
        ("logs/a", 11, {"tags": {"k": "w"}}),
    ):
        assert not rule.covers(name, size, extra)
    assert not Rule("r", False, days=1).covers("a", 0, {})


class Bucket:
    def __init__(self, cloud: TestCloud, folder: Path) -> None:
        self.cloud = cloud
        self.database: Any = cloud.cloud.database
        blobs = FileBlobs(Ring([Device("x")]), {"x": folder})
        self.store = ObjectStoreService(self.database, blobs)
        self.account = f"AUTH_{cloud.projects['demo']}"
        self.passes = Lifecycle(self.database, self.store.containers, self.store.objects)

    async def put(self, *names: str) -> None:
        for name in names:
            path = f"/object-store/v1/{self.account}/b/{name}"
            assert (await self.cloud.call("PUT", path, body=b"x")).status == 201

    async def make(self, rules: list[Rule], *, versions: bool) -> None:
        headers = {"X-Versions-Enabled": "true"} if versions else {}
        await self.cloud.call("PUT", f"/object-store/v1/{self.account}/b", headers=headers)

        def note(tx: Any) -> None:
            row = tx.one(queries.NAMED, account=self.account, name=b"b")
            tx.update(row, options={**row.options, OPTION: msgspec.to_builtins(rules)})

        await self.database.write(note, name="test")

    async def names(self, query: str = "") -> list[Any]:
        path = f"/object-store/v1/{self.account}/b?format=json{query}"
        found = (await self.cloud.call("GET", path)).json
        return [(e["name"], e.get("is_latest"), e["content_type"][:13]) for e in found]


def run(tmp_path: Path, work: Any) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path / "data") as cloud:
            await cloud.token("demo")
            await work(Bucket(cloud, tmp_path / "x"))

    asyncio.run(main())


def test_objects_go_when_their_time_is_over(tmp_path: Path) -> None:
    async def work(bucket: Bucket) -> None:
        await bucket.make([Rule("r", True, prefix="logs/", days=1)], versions=False)
        await bucket.put("logs/a", "logs/b", "keep")
        assert await bucket.passes.once(time.time() + DAY / 2) == 0
        assert await bucket.passes.once(time.time() + 3 * DAY) == 2
        assert [name for name, *_ in await bucket.names()] == ["keep"]
        assert await bucket.passes.once(time.time() + 3 * DAY) == 0

    run(tmp_path, work)


def test_versions_go_in_their_order(tmp_path: Path) -> None:
    async def work(bucket: Bucket) -> None:
        rules = [
            Rule("older", True, older_days=1, older_kept=1),
            Rule("now", True, prefix="gone", days=10),
            Rule("markers", True, markers=True),
        ]
        await bucket.make(rules, versions=True)
        for _ in range(4):
            await bucket.put("o", "gone")
        later = time.time() + 3 * DAY
        # Of three older ones each the newest stays.
        assert await bucket.passes.once(later) == 4
        assert len(await bucket.names("&versions")) == 4
        # The current one leaves a marker, and is an older one from then on.
        assert await bucket.passes.once(time.time() + 12 * DAY) >= 1
        lines = await bucket.names("&versions")
        assert ("gone", True, "application/x") in lines
        # When nothing but the marker is left, it goes, too.
        for _ in range(3):
            await bucket.put("gone")
            path = f"/object-store/v1/{bucket.account}/b/gone"
            await bucket.cloud.call("DELETE", path)
        everything = [Rule("all", True, prefix="gone", older_days=1), rules[2]]
        await bucket.make(everything, versions=True)
        for _ in range(3):
            await bucket.passes.once(time.time() + 40 * DAY)
        assert [line for line in await bucket.names("&versions") if line[0] == "gone"] == []
        assert await bucket.names() == [("o", None, "application/o")]

    run(tmp_path, work)
