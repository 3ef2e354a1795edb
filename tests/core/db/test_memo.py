"""Rows that were read before are the same objects as long as nothing of them has changed."""

import asyncio
from pathlib import Path

from cumulo.compute.model.console import ConsoleRow
from cumulo.core.db.memo import KEPT, Memo
from tests.compute.test_lists import SERVERS
from tests.support.cloud import running_cloud


def test_the_same_values_are_the_same_object(tmp_path: Path) -> None:
    async def story() -> None:
        async with running_cloud(tmp_path) as cloud:
            wish = {"name": "a", "flavorRef": "42", "imageRef": cloud.image}
            made = await cloud.call("POST", SERVERS, json_={"server": wish})
            id = made.json["server"]["id"]
            await cloud.until(f"{SERVERS}/{id}", lambda a: a.json["server"]["status"] == "ACTIVE")
            listing = cloud.cloud.services.compute.servers.listing

            def page() -> object:
                return cloud.cloud.database.read_now(  # type: ignore[attr-defined]
                    lambda tx: listing.page(tx, where={"ids": [id]})[0]
                )

            first = page()
            assert page() is first
            await cloud.call("PUT", f"{SERVERS}/{id}", json_={"server": {"name": "b"}})
            other = page()
            assert other is not first and (first.name, other.name) == ("a", "b")  # type: ignore[attr-defined]
            shown = await cloud.call("GET", f"{SERVERS}/detail")
            assert shown.json["servers"][0]["name"] == "b"

    asyncio.run(story())


def test_it_forgets_when_there_is_too_much() -> None:
    memo = Memo(ConsoleRow)
    rest = ("server", "vnc", "", "user", None, "[]", "{}")
    values = [(f"c{n}", *rest) for n in range(KEPT + 1)]
    rows = memo.rows(values)
    assert memo.rows(values[-1:])[0] is rows[-1]
    assert memo.rows(values[:1])[0] is not rows[0], "it was forgotten"
