"""Many requests at the same time, on both engines: a quota is never exceeded, no address is given
twice."""

import asyncio
from pathlib import Path

from tests.support.cloud import running_cloud

SERVERS = "/compute/v2.1/servers"
QUOTA = 10


def test_a_quota_holds_against_a_crowd(tmp_path: Path, database_url: str) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path, database={"url": database_url}) as cloud:
            await cloud.token("demo")
            wish = {"server": {"name": "one", "flavorRef": "42", "imageRef": cloud.image}}
            asked = (cloud.call("POST", SERVERS, json_=wish) for _ in range(QUOTA + 4))
            answers = await asyncio.gather(*asked)
            statuses = sorted(answer.status for answer in answers)
            assert statuses == [202] * QUOTA + [403] * 4
            found = await cloud.until(
                f"{SERVERS}/detail",
                lambda a: all(s["status"] == "ACTIVE" for s in a.json["servers"]),
                seconds=60,
            )
            addresses = [s["addresses"]["private"][0]["addr"] for s in found.json["servers"]]
            assert len(addresses) == len(set(addresses)) == QUOTA

    asyncio.run(main())
