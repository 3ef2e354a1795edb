"""A thousand agents that call at once: each is heard, none costs more than its own row."""

import asyncio
from pathlib import Path
from typing import Any

from cumulo.core.db.transaction import Tx
from tests.support.cloud import TestCloud, running_cloud

MANY = 1000
NEWEST = {"X-OpenStack-Ironic-API-Version": "1.112"}


async def expected(cloud: TestCloud) -> list[tuple[str, str]]:
    """(node, token) of nodes that shall boot."""
    service: Any = cloud.cloud.services.baremetal
    principal = None

    def make(tx: Tx) -> list[tuple[str, str]]:
        made = []
        for number in range(MANY):
            info = {"redfish_address": "http://127.0.0.1:1"}
            wish = {"driver": "redfish", "name": f"n{number}", "driver_info": info}
            row = service.nodes.create(tx, wish, "manageable", None, principal)
            row = service.nodes.move(tx, row, action="clean", step="wait", job=f"job-{number}")
            agent = service.agents.expect(tx, row.id, f"job-{number}")
            made.append((row.id, service.agents.secrets(agent).token))
        return made

    return await cloud.cloud.database.write(make, name="many nodes")


def test_a_thousand_at_once(tmp_path: Path) -> None:
    async def scenario() -> None:
        networks = {"agent_networks": ["10.0.0.0/8"]}
        async with running_cloud(tmp_path, baremetal=networks) as cloud:
            agents = await expected(cloud)

            async def call(number: int, node: str, token: str) -> int:
                url = f"https://10.0.{number // 250}.{number % 250 + 1}:9999"
                body = {"callback_url": url, "agent_version": "1", "agent_token": token}
                path = f"/baremetal/v1/heartbeat/{node}"
                answer = await cloud.call("POST", path, as_=None, json_=body, headers=NEWEST)
                return answer.status

            found = await asyncio.gather(
                *(call(number, node, token) for number, (node, token) in enumerate(agents))
            )
            assert found == [202] * MANY
            first = await cloud.call(
                "GET", f"/baremetal/v1/nodes/{agents[0][0]}", as_="admin", headers=NEWEST
            )
            assert first.json["driver_internal_info"]["agent_url"] == "https://10.0.0.1:9999"
            # Another one's token is nobody's.
            node, token = agents[0][0], agents[1][1]
            assert await call(1, node, token) == 400

    asyncio.run(scenario())
