"""A project's user at the shared file systems of a test cloud."""

from typing import Any

from tests.support.cloud import Answer, TestCloud

BASE = "/share/v2"
NEWEST = {"x-openstack-manila-api-version": "2.99"}


class Tenant:
    def __init__(self, cloud: TestCloud, name: str) -> None:
        self.cloud, self.name = cloud, name

    async def ask(self, method: str, path: str, body: Any = None) -> Answer:
        answer = await self.cloud.call(
            method, f"{BASE}/{path}", as_=self.name, json_=body, headers=NEWEST
        )
        assert answer.status < 500, (method, path, body, answer.raw)
        return answer

    async def make(self, path: str, noun: str, **values: Any) -> str:
        answer = await self.ask("POST", path, {noun: values})
        assert answer.status < 300, answer.raw
        return str(answer.json[noun]["id"])

    async def act(self, path: str, **action: Any) -> int:
        return (await self.ask("POST", f"{path}/action", action)).status

    async def share(self, network: str | None, **more: Any) -> str:
        wish = {"share_proto": "NFS", "size": 1, "share_network_id": network, **more}
        id = await self.make("shares", "share", **wish)
        await self.until(f"shares/{id}", "share", "available")
        return id

    async def until(self, path: str, noun: str, status: str) -> None:
        def there(answer: Answer) -> bool:
            return bool(answer.status == 200 and answer.json[noun]["status"] == status)

        await self.cloud.until(f"{BASE}/{path}", there, as_=self.name, headers=NEWEST)


async def place(cloud: TestCloud) -> dict[str, str]:
    net = await cloud.private_network()
    shown = await cloud.call("GET", f"/network/v2.0/networks/{net}")
    return {"neutron_net_id": net, "neutron_subnet_id": shown.json["network"]["subnets"][0]}
