"""What the cloud's bare address answers: browsers the dashboard, clients the list of services."""

import asyncio
from pathlib import Path

from tests.support.cloud import running_cloud


def test_browsers_go_to_the_dashboard_and_clients_do_not(tmp_path: Path) -> None:
    async def run() -> None:
        async with running_cloud(tmp_path) as cloud:
            browser = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
            answer = await cloud.call("GET", "/", as_=None, headers=browser)
            assert answer.status in (302, 303), answer.raw
            assert answer.headers["location"] == "/dashboard/"
            answer = await cloud.call("GET", "/", as_=None, headers={"accept": "*/*"})
            assert answer.status == 200 and "dashboard" in answer.json["services"]

    asyncio.run(run())
