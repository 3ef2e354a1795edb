"""What hosts and control plane say to each other fits on a wire: every state survives msgpack."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec

from cumulo.core.hosts.link import InProcessLink
from cumulo.core.hosts.messages import Fetch, Items, Report, Taken
from tests.support.cloud import running_cloud

SERVERS = "/compute/v2.1/servers"


class Wire(InProcessLink):
    """The in-process link, with every state sent through bytes."""

    seen: set[str]

    async def fetch(self, message: Fetch) -> Items:
        found = await super().fetch(message)
        kind = self._conductor.parts[message.kind].item_type
        changed = [
            msgspec.structs.replace(item, state=through_bytes(item.state, kind))
            for item in found.changed
        ]
        return msgspec.structs.replace(found, changed=changed)

    async def report(self, message: Report) -> Taken:
        part = self._conductor.parts[message.kind]
        items = [
            msgspec.structs.replace(seen, state=through_bytes(seen.state, part.seen_type))
            for seen in message.items
        ]
        host = through_bytes(message.host, part.host_type)
        self.seen.add(message.kind)
        return await super().report(msgspec.structs.replace(message, items=items, host=host))


def through_bytes(state: Any, kind: Any) -> Any:
    decoded = msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=kind | None)
    assert decoded == state
    return decoded


def test_a_server_and_a_volume_over_the_wire(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            agent = cloud.cloud.agents[0]
            link = Wire(cloud.cloud.conductor, agent.host_id)
            link.seen = set()
            agent.link = link
            wish = {
                "name": "one",
                "flavorRef": "42",
                "imageRef": cloud.image,
                "config_drive": True,
                "user_data": "IyEvYmluL3NoCg==",
            }
            made = await cloud.call("POST", SERVERS, json_={"server": wish})
            path = f"{SERVERS}/{made.json['server']['id']}"
            await cloud.until(path, lambda a: a.json["server"]["status"] == "ACTIVE")
            volume = await cloud.call("POST", "/volume/v3/volumes", json_={"volume": {"size": 1}})
            place = f"/volume/v3/volumes/{volume.json['volume']['id']}"
            await cloud.until(place, lambda a: a.json["volume"]["status"] == "available")
            body = {"volumeAttachment": {"volumeId": volume.json["volume"]["id"]}}
            await cloud.call("POST", f"{path}/os-volume_attachments", json_=body)
            await cloud.until(place, lambda a: a.json["volume"]["status"] == "in-use")
            assert link.seen == set(agent.parts)

    asyncio.run(main())
