"""What is shared by policies is used, and nothing more, by a project without any other right."""

import asyncio
import time
from pathlib import Path
from typing import Any

from cumulo.network.model import prefixes
from tests.support.cloud import Answer, TestCloud, running_cloud


class Other:
    """A member of a project of its own."""

    def __init__(self, cloud: TestCloud, project: str, token: str) -> None:
        self._cloud, self.project, self.token = cloud, project, token

    async def call(self, method: str, path: str, json_: Any = None) -> Answer:
        headers = {"X-Auth-Token": self.token}
        return await self._cloud.call(
            method, f"/network/v2.0/{path}", as_=None, json_=json_, headers=headers
        )


async def other(cloud: TestCloud) -> Other:
    async def made(path: str, body: Any) -> Any:
        answer = await cloud.call("POST", f"/identity/v3/{path}", as_="admin", json_=body)
        assert answer.status == 201, answer.raw
        return next(iter(answer.json.values()))

    project = (await made("projects", {"project": {"name": "other"}}))["id"]
    wish = {"user": {"name": "other", "password": "other-secret-1"}}
    user = (await made("users", wish))["id"]
    roles = (await cloud.call("GET", "/identity/v3/roles?name=member", as_="admin")).json
    role = roles["roles"][0]["id"]
    path = f"/identity/v3/projects/{project}/users/{user}/roles/{role}"
    assert (await cloud.call("PUT", path, as_="admin")).status == 204
    secret = {"user": {"id": user, "password": "other-secret-1"}}
    body = {
        "auth": {
            "identity": {"methods": ["password"], "password": secret},
            "scope": {"project": {"id": project}},
        }
    }
    token = await cloud.call("POST", "/identity/v3/auth/tokens", as_=None, json_=body)
    assert token.status == 201, token.raw
    return Other(cloud, project, token.headers["x-subject-token"])


async def mine(cloud: TestCloud, path: str, body: Any) -> Any:
    answer = await cloud.call("POST", f"/network/v2.0/{path}", json_=body)
    assert answer.status == 201, answer.raw
    return next(iter(answer.json.values()))


async def share(cloud: TestCloud, who: Other, kind: str, id: str) -> None:
    wish = {"object_type": kind, "object_id": id, "action": "access_as_shared"}
    await mine(cloud, "rbac-policies", {"rbac_policy": {**wish, "target_tenant": who.project}})


async def groups(cloud: TestCloud, who: Other) -> None:
    """Whom a group is shared to may use it, and not say what it lets in."""
    group = (await mine(cloud, "security-groups", {"security_group": {"name": "g"}}))["id"]
    await share(cloud, who, "security_group", group)
    assert (await who.call("GET", f"security-groups/{group}")).status == 200
    wish = {"security_group_id": group, "direction": "ingress", "protocol": "tcp"}
    refused = await who.call("POST", "security-group-rules", {"security_group_rule": wish})
    assert refused.status == 403
    # By compute's old proxies neither.
    old = f"/compute/v2.1/os-security-groups/{group}"
    token = {"X-Auth-Token": who.token}
    body = {"security_group": {"name": "mine", "description": ""}}
    for method, path, sent in (
        ("PUT", old, body),
        ("DELETE", old, None),
        (
            "POST",
            "/compute/v2.1/os-security-group-rules",
            {
                "security_group_rule": {
                    "parent_group_id": group,
                    "ip_protocol": "tcp",
                    "from_port": 1,
                    "to_port": 2,
                    "cidr": "0.0.0.0/0",
                }
            },
        ),
    ):
        answer = await cloud.call(method, path, as_=None, json_=sent, headers=token)
        assert answer.status in (403, 404), (method, path, answer.raw)
    rules = (await cloud.call("GET", f"/network/v2.0/security-groups/{group}")).json
    assert rules["security_group"]["name"] == "g"
    assert all(r["direction"] == "egress" for r in rules["security_group"]["security_group_rules"])


async def networks(cloud: TestCloud, who: Other) -> None:
    """Ports may be made on it, at addresses that are given; no way out, and not the gateway."""
    net = (await mine(cloud, "networks", {"network": {"name": "n"}}))["id"]
    wish = {"network_id": net, "cidr": "10.66.0.0/24", "ip_version": 4}
    subnet = (await mine(cloud, "subnets", {"subnet": wish}))["id"]
    await share(cloud, who, "network", net)

    async def port(fixed: dict[str, str]) -> Answer:
        body = {"port": {"network_id": net, "fixed_ips": [fixed]}}
        return await who.call("POST", "ports", body)

    made = await port({"subnet_id": subnet})
    assert made.status == 201, made.raw
    one = f"ports/{made.json['port']['id']}"
    for fixed in ({"ip_address": "10.66.0.1"}, {"subnet_id": subnet, "ip_address": "10.66.0.9"}):
        assert (await port(fixed)).status == 403
        assert (await who.call("PUT", one, {"port": {"fixed_ips": [fixed]}})).status == 403
    await cloud.token("admin")
    taken = {"network_id": net, "project_id": who.project}
    gateway = {"port": {**taken, "fixed_ips": [{"ip_address": "10.66.0.1"}]}}
    answer = await cloud.call("POST", "/network/v2.0/ports", as_="admin", json_=gateway)
    assert answer.status == 400 and b"is the gateway" in answer.raw
    outside = {"object_type": "network", "object_id": net, "action": "access_as_external"}
    body = {"rbac_policy": {**outside, "target_tenant": cloud.projects["demo"]}}
    answer = await cloud.call("POST", "/network/v2.0/rbac-policies", json_=body)
    assert answer.status == 403


async def pools(cloud: TestCloud, who: Other) -> None:
    """However prefixes come, there are not many."""
    pool = await mine(
        cloud, "subnetpools", {"subnetpool": {"name": "p", "prefixes": ["10.0.0.0/8"]}}
    )
    many = [f"172.{n // 256}.{n % 256}.0/24" for n in range(4096, 9000)]
    for verb in ("add_prefixes", "remove_prefixes"):
        path = f"/network/v2.0/subnetpools/{pool['id']}/{verb}"
        answer = await cloud.call("PUT", path, json_={"prefixes": many})
        assert answer.status == 400, answer.raw


def test_shared(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            await cloud.token("demo")
            who = await other(cloud)
            for story in (groups, networks, pools):
                await story(cloud, who)

    asyncio.run(main())


def test_prefixes_are_sorted_once() -> None:
    """A scope's hundred pools of a hundred prefixes."""
    began = time.process_time()
    own = [f"10.{n}.0.0/17" for n in range(100)]
    meets, covers = prefixes.crossing(own), prefixes.covering(own)
    for _ in range(100):
        assert not any(meets(f"10.{n}.128.0/17") for n in range(100))
        assert all(covers(f"10.{n}.1.0/24") for n in range(100))
    assert meets("10.0.0.0/8") and not covers("10.0.0.0/8")
    assert not meets("11.0.0.0/8") and not meets("::/0") and not covers("9.0.0.0/24")
    assert time.process_time() - began < 5


def test_defaults_about_what_is_not_there(tmp_path: Path) -> None:
    """A default rule names an address group: it must be there, and may go again."""

    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            await cloud.token("admin")

            async def rule(group: str) -> Answer:
                body = {"direction": "ingress", "remote_address_group_id": group}
                return await cloud.call(
                    "POST",
                    "/network/v2.0/default-security-group-rules",
                    as_="admin",
                    json_={"default_security_group_rule": body},
                )

            missing = await rule("5b1a0c05-1a0e-4a3c-a2f3-63cbd1f2d1a1")
            assert missing.status == 404, missing.raw
            path = "/network/v2.0/address-groups"
            body = {"address_group": {"name": "a", "addresses": ["192.0.2.0/24"]}}
            made = (await cloud.call("POST", path, as_="admin", json_=body)).json["address_group"]
            assert (await rule(made["id"])).status == 201
            gone = await cloud.call("DELETE", f"{path}/{made['id']}", as_="admin")
            assert gone.status in (204, 409), gone.raw
            await mine(cloud, "security-groups", {"security_group": {"name": "after"}})
            body = {"subnetpool": {"name": "odd", "prefixes": ["127.0.0.0/8"]}}
            pool = await mine(cloud, "subnetpools", body)
            net = (await mine(cloud, "networks", {"network": {"name": "n"}}))["id"]
            wish = {"network_id": net, "subnetpool_id": pool["id"], "ip_version": 4}
            wish |= {"prefixlen": 24}
            answer = await cloud.call("POST", "/network/v2.0/subnets", json_={"subnet": wish})
            assert answer.status == 400, answer.raw

    asyncio.run(main())


def test_floating_ips_come_from_where_they_may(tmp_path: Path) -> None:
    """From a subnet for them, then from any for all, as long as there is room."""

    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            await cloud.token("admin")

            async def made(path: str, name: str, **wish: Any) -> Answer:
                answer = await cloud.call(
                    "POST", f"/network/v2.0/{path}", as_="admin", json_={name: wish}
                )
                return answer

            net = (await made("networks", "network", **{"router:external": True})).json["network"]
            common = {"network_id": net["id"], "ip_version": 4, "enable_dhcp": False}
            for cidr, kinds in (
                ("198.51.100.0/24", ["network:router_gateway"]),
                ("203.0.113.0/30", ["network:floatingip"]),
                ("203.0.113.8/30", []),
            ):
                subnet = await made("subnets", "subnet", cidr=cidr, service_types=kinds, **common)
                assert subnet.status == 201, subnet.raw
            found = []
            for _ in range(3):
                answer = await made("floatingips", "floatingip", floating_network_id=net["id"])
                found.append((answer.status, answer.json))
            addresses = [body["floatingip"]["floating_ip_address"] for _, body in found[:2]]
            assert addresses == ["203.0.113.2", "203.0.113.10"]
            assert found[2][0] == 409
            assert found[2][1]["NeutronError"]["type"] == "IpAddressGenerationFailure"
            net = (await made("networks", "network")).json["network"]
            common |= {"network_id": net["id"], "cidr": "10.5.0.0/24"}
            await made("subnets", "subnet", service_types=["compute:nova"], **common)
            answer = await made("ports", "port", network_id=net["id"])
            assert answer.status == 409
            assert answer.json["NeutronError"]["type"].endswith("NoMatchingSubnet")

    asyncio.run(main())
