"""QoS policies, address groups, DHCP options and port forwardings come to the hosts that need them,
and their changes do."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cumulo.network.agent import NetworkHostPart
from cumulo.network.drivers.fake import FakeNetworkDriver
from cumulo.network.model.orders import DhcpOption, HostNetworks
from tests.network.test_extensions import NET, made
from tests.support.cloud import TestCloud, running_cloud


def driver_of(cloud: TestCloud) -> FakeNetworkDriver:
    part = cloud.cloud.agents[0].parts["network"]
    assert isinstance(part, NetworkHostPart) and isinstance(part.driver, FakeNetworkDriver)
    return part.driver


async def until(cloud: TestCloud, check: Callable[[HostNetworks], bool]) -> None:
    driver = driver_of(cloud)
    for _ in range(500):
        if driver.desired is not None and check(driver.desired):
            return
        await asyncio.sleep(0.02)
    raise AssertionError(str(driver.desired)[:2000])


def test_they_and_their_changes_come_to_the_host(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            policy = await made(cloud, "qos/policies", "policy", name="p")
            rules = f"qos/policies/{policy['id']}/bandwidth_limit_rules"
            rule = await made(cloud, rules, "bandwidth_limit_rule", max_kbps=8000)
            network = await made(cloud, "networks", "network", name="n")
            group = await made(cloud, "security-groups", "security_group", name="g")
            addresses = await made(
                cloud, "address-groups", "address_group", name="a", addresses=["10.0.0.0/8"]
            )
            await made(
                cloud, "security-group-rules", "security_group_rule", direction="ingress",
                security_group_id=group["id"], remote_address_group_id=addresses["id"],
            )  # fmt: skip
            option = {"opt_name": "tftp-server", "opt_value": "10.0.0.9"}
            port = await made(
                cloud, "ports", "port", network_id=network["id"], qos_policy_id=policy["id"],
                security_groups=[group["id"]], extra_dhcp_opts=[option],
                **{"binding:host_id": "fake-host"},
            )  # fmt: skip

            def rates(state: HostNetworks) -> list[int]:
                own = next((each for each in state.ports if each.id == port["id"]), None)
                return [each.rate for each in own.qos.limits] if own and own.qos else []

            def named(state: HostNetworks) -> list[tuple[str, ...]]:
                return [
                    rule.remote_addresses
                    for each in state.security_groups
                    for rule in each.rules
                    if rule.remote_addresses is not None
                ]

            await until(cloud, lambda state: rates(state) == [1_000_000])
            desired = driver_of(cloud).desired
            assert desired is not None and named(desired) == [("10.0.0.0/8",)]
            own = next(each for each in desired.ports if each.id == port["id"])
            assert own.dhcp_options == (DhcpOption("tftp-server", "10.0.0.9"),)

            async def put(path: str, body: Any) -> None:
                answer = await cloud.call("PUT", f"{NET}/{path}", as_="admin", json_=body)
                assert answer.status == 200, answer.raw

            await put(f"{rules}/{rule['id']}", {"bandwidth_limit_rule": {"max_kbps": 16000}})
            await until(cloud, lambda state: rates(state) == [2_000_000])
            more = {"addresses": ["192.168.0.0/16"]}
            await put(f"address-groups/{addresses['id']}/add_addresses", more)
            await until(cloud, lambda state: named(state) == [("10.0.0.0/8", "192.168.0.0/16")])
            # The network's policy counts where the port has none of its own.
            await put(f"ports/{port['id']}", {"port": {"qos_policy_id": None}})
            await until(cloud, lambda state: rates(state) == [])
            await put(f"networks/{network['id']}", {"network": {"qos_policy_id": policy["id"]}})
            await until(cloud, lambda state: rates(state) == [2_000_000])

    asyncio.run(main())
