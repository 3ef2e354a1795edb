"""A list that nobody limited ends at a page, and says where it goes on."""

import asyncio
from pathlib import Path

import pytest

from tests.support.cloud import running_cloud


def test_an_unlimited_list_is_a_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cumulo.network.api.lists.MAX_LIMIT", 5)

    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            for n in range(8):
                body = {"network": {"name": f"n{n}"}}
                answer = await cloud.call("POST", "/network/v2.0/networks", json_=body)
                assert answer.status == 201
            path, names = "/network/v2.0/networks?sort_key=name&sort_dir=asc", []
            for _ in range(5):
                page = (await cloud.call("GET", path)).json
                assert len(page["networks"]) <= 5
                names += [each["name"] for each in page["networks"]]
                links = {x["rel"]: x["href"] for x in page.get("networks_links", [])}
                if "next" not in links:
                    break
                path = links["next"]
            assert [name for name in names if name[0] == "n"] == [f"n{n}" for n in range(8)]
            few = (await cloud.call("GET", "/network/v2.0/networks?name=n1")).json
            assert "networks_links" not in few

    asyncio.run(main())
