"""The extensions' nouns: what a list costs does not grow with what is listed, and a pool's prefixes
are given out once, however many ask at the same time."""

import asyncio
import ipaddress
from pathlib import Path
from typing import Any

from tests.support.cloud import TestCloud, running_cloud
from tests.support.counting import counting

NET = "/network/v2.0"
WITHOUT_LIMITS = {"rbac_policy": -1, "security_group": -1, "floatingip": -1, "network": -1}


async def made(cloud: TestCloud, path: str, noun: str, **fields: Any) -> Any:
    answer = await cloud.call("POST", f"{NET}/{path}", as_="admin", json_={noun: fields})
    assert answer.status == 201, answer.raw
    return answer.json[noun]


class Made:
    """One more of everything, each with its parts."""

    def __init__(self, cloud: TestCloud) -> None:
        self.cloud = cloud
        self.number = 0

    async def more(self) -> None:
        self.number += 1
        number, cloud = self.number, self.cloud
        name = f"n{number}"
        scope = await made(cloud, "address-scopes", "address_scope", name=name, ip_version=4)
        pool = await made(
            cloud, "subnetpools", "subnetpool", name=name, prefixes=[f"10.{number}.0.0/16"],
            default_prefixlen=24, address_scope_id=scope["id"],
        )  # fmt: skip
        policy = await made(cloud, "qos/policies", "policy", name=name)
        rules = f"qos/policies/{policy['id']}/bandwidth_limit_rules"
        await made(cloud, rules, "bandwidth_limit_rule", max_kbps=1000)
        network = await made(cloud, "networks", "network", name=name, qos_policy_id=policy["id"])
        await made(
            cloud, "subnets", "subnet", network_id=network["id"], ip_version=4,
            subnetpool_id=pool["id"],
        )  # fmt: skip
        await made(
            cloud, "rbac-policies", "rbac_policy", object_type="network", object_id=network["id"],
            action="access_as_shared", target_tenant=name,
        )  # fmt: skip
        addresses = await made(cloud, "address-groups", "address_group", name=name)
        group = await made(cloud, "security-groups", "security_group", name=name)
        await made(
            cloud, "security-group-rules", "security_group_rule", security_group_id=group["id"],
            direction="ingress", remote_address_group_id=addresses["id"],
        )  # fmt: skip
        parent, sub = [
            await made(cloud, "ports", "port", network_id=network["id"]) for _ in range(2)
        ]
        carried = {"port_id": sub["id"], "segmentation_type": "vlan", "segmentation_id": 2}
        await made(cloud, "trunks", "trunk", port_id=parent["id"], sub_ports=[carried])


LISTS = (
    "networks", "subnets", "ports", "security-groups", "rbac-policies", "subnetpools",
    "address-scopes", "address-groups", "default-security-group-rules", "qos/policies", "trunks",
    "network-ip-availabilities", "floatingip_pools", "floatingips", "networks?shared=true",
)  # fmt: skip


def test_a_list_costs_the_same_for_few_and_for_many(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            await cloud.token("admin")
            quota = f"{NET}/quotas/{cloud.projects['admin']}"
            limits = {"quota": WITHOUT_LIMITS}
            assert (await cloud.call("PUT", quota, as_="admin", json_=limits)).status == 200
            some = Made(cloud)

            async def costs() -> dict[str, int]:
                found = {}
                for path in LISTS:
                    least = 10**9
                    for _ in range(3):
                        with counting(cloud.cloud.database) as counts:  # type: ignore[arg-type]
                            answer = await cloud.call("GET", f"{NET}/{path}", as_="admin")
                        assert answer.status == 200, answer.raw
                        least = min(least, counts.statements)
                    found[path] = least
                return found

            await some.more()
            few = await costs()
            for _ in range(6):
                await some.more()
            assert await costs() == few

    asyncio.run(main())


def test_prefixes_of_a_pool_are_given_out_once(tmp_path: Path, database_url: str) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path, database={"url": database_url}) as cloud:
            pool = await made(
                cloud, "subnetpools", "subnetpool", name="p", prefixes=["10.9.0.0/24"],
                default_prefixlen=28,
            )  # fmt: skip
            networks = [await made(cloud, "networks", "network", name=f"n{n}") for n in range(20)]

            async def subnet(network: str) -> Any:
                body = {"network_id": network, "ip_version": 4, "subnetpool_id": pool["id"]}
                return await cloud.call(
                    "POST", f"{NET}/subnets", as_="admin", json_={"subnet": body}
                )

            answers = await asyncio.gather(*(subnet(each["id"]) for each in networks))
            given = [answer.json["subnet"]["cidr"] for answer in answers if answer.status == 201]
            refused = [answer.status for answer in answers if answer.status != 201]
            assert len(given) == 16 and refused == [409] * 4
            whole = ipaddress.collapse_addresses(map(ipaddress.IPv4Network, given))
            assert [str(net) for net in whole] == ["10.9.0.0/24"]

    asyncio.run(main())
