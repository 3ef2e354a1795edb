"""Stacks on a simulated cloud, by HTTP: made, changed in place, replaced, removed; what fails."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.support.cloud import Answer, TestCloud, running_cloud

THREE_TIERS = """
heat_template_version: 2021-04-16
parameters:
  image: {type: string}
  count: {type: number, default: 2, constraints: [{range: {min: 0, max: 5}}]}
  with_volume: {type: boolean, default: true}
conditions:
  volume: {equals: [{get_param: with_volume}, true]}
resources:
  net: {type: OS::Neutron::Net}
  subnet:
    type: OS::Neutron::Subnet
    properties: {network: {get_resource: net}, cidr: 10.9.0.0/24}
  router:
    type: OS::Neutron::Router
    properties: {external_gateway_info: {network: public}}
  interface:
    type: OS::Neutron::RouterInterface
    properties: {router: {get_resource: router}, subnet: {get_resource: subnet}}
  group:
    type: OS::Neutron::SecurityGroup
    properties:
      rules:
        - {protocol: tcp, port_range_min: 22, port_range_max: 22}
        - {protocol: icmp}
  key:
    type: OS::Nova::KeyPair
    properties:
      name: {list_join: ['-', [{get_param: 'OS::stack_name'}, key]]}
      save_private_key: true
  port:
    type: OS::Neutron::Port
    properties:
      network: {get_resource: net}
      security_groups: [{get_resource: group}]
      fixed_ips: [{subnet: {get_resource: subnet}}]
  password: {type: OS::Heat::RandomString, properties: {length: 12}}
  web:
    type: OS::Nova::Server
    properties:
      image: {get_param: image}
      flavor: m1.nano
      key_name: {get_resource: key}
      networks: [{port: {get_resource: port}}]
      user_data:
        str_replace:
          template: "#!/bin/sh\\necho $password"
          params: {$password: {get_attr: [password, value]}}
  address:
    type: OS::Neutron::FloatingIP
    depends_on: interface
    properties: {floating_network: public, port_id: {get_resource: port}}
  disk:
    type: OS::Cinder::Volume
    condition: volume
    properties: {size: 1}
  attachment:
    type: OS::Cinder::VolumeAttachment
    condition: volume
    properties: {instance_uuid: {get_resource: web}, volume_id: {get_resource: disk}}
  many:
    type: OS::Heat::ResourceGroup
    properties:
      count: {get_param: count}
      resource_def: {type: OS::Heat::RandomString, properties: {length: 8}}
outputs:
  ip: {value: {get_attr: [address, floating_ip_address]}}
  first: {value: {get_attr: [web, first_address]}}
  names: {value: {get_attr: [many, refs]}}
  private: {value: {get_attr: [key, private_key]}}
"""


async def base(cloud: TestCloud) -> str:
    await cloud.token("demo")
    return f"/orchestration/v1/{cloud.projects['demo']}/stacks"


async def settled(cloud: TestCloud, path: str, *, seconds: float = 30.0) -> dict[str, Any]:
    """The stack once nothing is in progress."""

    def done(answer: Answer) -> bool:
        return "IN_PROGRESS" not in answer.json["stack"]["stack_status"]

    answer = await cloud.until(path, done, seconds=seconds)
    stack: dict[str, Any] = answer.json["stack"]
    return stack


async def created(cloud: TestCloud, name: str, template: Any, **more: Any) -> str:
    """The path of a new stack."""
    stacks = await base(cloud)
    body = {"stack_name": name, "template": template, **more}
    answer = await cloud.call("POST", stacks, json_=body)
    assert answer.status == 201, answer.raw
    return f"{stacks}/{name}/{answer.json['stack']['id']}"


async def rows(cloud: TestCloud, path: str) -> dict[str, dict[str, Any]]:
    found = (await cloud.call("GET", f"{path}/resources")).json["resources"]
    return {each["resource_name"]: each for each in found}


def on_a_cloud(tmp_path: Path, story: Callable[[TestCloud], Awaitable[None]]) -> None:
    async def run() -> None:
        async with running_cloud(tmp_path) as cloud:
            await story(cloud)

    asyncio.run(run())


def test_three_tiers_live(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        path = await created(cloud, "web", THREE_TIERS, parameters={"image": "cumulo-guest"})
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        outputs = {each["output_key"]: each for each in stack["outputs"]}
        assert outputs["ip"]["output_value"].startswith("172.24.4.")
        assert outputs["first"]["output_value"].startswith("10.9.0.")
        assert len(outputs["names"]["output_value"]) == 2
        assert "PRIVATE KEY" in outputs["private"]["output_value"]
        made = await rows(cloud, path)
        assert {each["resource_status"] for each in made.values()} == {"CREATE_COMPLETE"}
        server = f"/compute/v2.1/servers/{made['web']['physical_resource_id']}"
        assert (await cloud.call("GET", server)).json["server"]["status"] == "ACTIVE"

        # What has not changed is not touched: only the group grows, and the disk goes.
        change = {"parameters": {"count": 3, "with_volume": False}}
        assert (await cloud.call("PATCH", path, json_=change)).status == 202
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        after = await rows(cloud, path)
        assert set(made) - set(after) == {"disk", "attachment"}
        assert after["many"]["resource_status"] == "UPDATE_COMPLETE"
        same = {n: r for n, r in after.items() if n != "many"}
        assert all(r["updated_time"] == made[n]["updated_time"] for n, r in same.items())
        assert (await cloud.call("GET", "/volume/v3/volumes")).json["volumes"] == []

        assert (await cloud.call("DELETE", path)).status == 204
        gone = await cloud.until(
            path,
            lambda answer: answer.json["stack"]["stack_status"] == "DELETE_COMPLETE",
            seconds=30,
        )
        assert gone.status == 200
        assert (await cloud.call("GET", server)).status == 404
        left = (await cloud.call("GET", "/network/v2.0/networks?name=private")).json["networks"]
        assert len(left) == 1
        mine = (await cloud.call("GET", "/network/v2.0/ports?device_owner=compute:nova")).json
        assert mine["ports"] == []
        assert (await cloud.call("GET", await base(cloud))).json["stacks"] == []

    on_a_cloud(tmp_path, story)
