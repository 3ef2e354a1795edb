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


Story = Callable[[TestCloud], Awaitable[None]]


def on_a_cloud(tmp_path: Path, *stories: Story) -> None:
    async def run() -> None:
        async with running_cloud(tmp_path) as cloud:
            for story in stories:
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


def small(**resources: Any) -> dict[str, Any]:
    return {"heat_template_version": "2021-04-16", "resources": resources}


def tried(**properties: Any) -> dict[str, Any]:
    return {"type": "OS::Heat::TestResource", "properties": properties}


def word_of(length: int) -> dict[str, Any]:
    return {"type": "OS::Heat::RandomString", "properties": {"length": length}}


def test_what_fails_says_why_and_goes_back(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        bad = small(fine=tried(value="x"), bad=tried(fail=True))
        path = await created(cloud, "stays", bad)
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "CREATE_FAILED"
        assert stack["stack_status_reason"] == (
            "Resource CREATE failed: ValueError: resources.bad: Test Resource failed bad"
        )
        assert (await rows(cloud, path))["bad"]["resource_status"] == "CREATE_FAILED"
        # The failed one is made anew, what was fine is left as it is.
        mended = small(fine=tried(value="x"), bad=tried(fail=False))
        assert (await cloud.call("PUT", path, json_={"template": mended})).status == 202
        assert (await settled(cloud, path))["stack_status"] == "UPDATE_COMPLETE"

        back = await created(cloud, "back", bad, disable_rollback=False)
        assert (await settled(cloud, back))["stack_status"] == "ROLLBACK_COMPLETE"
        assert await rows(cloud, back) == {}

        good = small(word=word_of(8))
        path = await created(cloud, "returns", good, disable_rollback=False)
        assert (await settled(cloud, path))["stack_status"] == "CREATE_COMPLETE"
        worse = small(word=word_of(9), bad=tried(fail=True))
        assert (await cloud.call("PUT", path, json_={"template": worse})).status == 202
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "ROLLBACK_COMPLETE", stack["stack_status_reason"]
        after = await rows(cloud, path)
        assert list(after) == ["word"]
        assert after["word"]["resource_status"].endswith("COMPLETE")

    on_a_cloud(tmp_path, story)


def test_quota_and_policy_are_those_of_the_api(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        server = {
            "type": "OS::Nova::Server",
            "properties": {
                "image": "cumulo-guest",
                "flavor": "m1.nano",
                "networks": [{"network": "private"}],
            },
        }
        group = {
            "type": "OS::Heat::ResourceGroup",
            "properties": {"count": 11, "resource_def": server},
        }
        path = await created(cloud, "many", small(servers=group))
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "CREATE_FAILED"
        assert "Quota exceeded" in stack["stack_status_reason"]
        assert (await cloud.call("DELETE", path)).status == 204
        await cloud.until(
            path, lambda a: a.json["stack"]["stack_status"] == "DELETE_COMPLETE", seconds=40
        )
        assert (await cloud.call("GET", "/compute/v2.1/servers")).json["servers"] == []

    on_a_cloud(tmp_path, story)


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    wrong: list[tuple[Any, str]] = [
        (small(a={"type": "OS::Nothing::Here"}), "The Resource Type (OS::Nothing::Here) could not"),
        (small(a=word_of(8) | {"properties": {"size": 8}}), "Unknown Property size"),
        (small(a=word_of(0)), "out of range"),
        (small(a={"type": "OS::Heat::Value"}), "Property value not assigned"),
        (small(a=word_of(8) | {"depends_on": "b"}), "no resource"),
        (small(a=word_of(8) | {"depends_on": "b"}, b=word_of(8) | {"depends_on": "a"}), "Circular"),
        ({"heat_template_version": "1999-01-01"}, "template version is invalid"),
        ("{{{", "Error parsing template"),
        ("a: &a [*a]", "contains itself"),
        (
            small(a={"type": "OS::Heat::Value", "properties": {"value": {"get_param": "x"}}}),
            "The Parameter (x) was not provided.",
        ),
        (
            small(a={"type": "OS::Heat::Value", "properties": {"value": {"get_attr": ["b", "c"]}}}),
            "reference",
        ),
        ([], "not a JSON object"),
        ("x: " + "[" * 100 + "]" * 100, "nested deeper"),
    ]

    async def story(cloud: TestCloud) -> None:
        stacks = await base(cloud)
        for template, said in wrong:
            body = {"stack_name": "wrong", "template": template}
            answer = await cloud.call("POST", stacks, json_=body)
            assert answer.status == 400, (said, answer.raw)
            error = answer.json["error"]
            assert said in error["message"], answer.raw
            assert (error["type"], answer.json["code"]) == ("StackValidationFailed", 400)
        assert (await cloud.call("GET", stacks)).json["stacks"] == []
        named = await cloud.call("POST", stacks, json_={"stack_name": "1 x", "template": {}})
        assert named.status == 400
        missing = await cloud.call("GET", f"{stacks}/none")
        assert (missing.status, missing.json["error"]["type"]) == (404, "EntityNotFound")

    on_a_cloud(tmp_path, story)


def test_names_lead_to_ids_and_strangers_see_nothing(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        path = await created(cloud, "mine", small(word=word_of(8)))
        await settled(cloud, path)
        # Stock clients look for the last event before they wait for later ones.
        told = (await cloud.call("GET", f"{path}/events")).json["events"]
        last = await cloud.call("GET", f"{path}/events?sort_dir=desc&limit=1")
        assert [each["id"] for each in last.json["events"]] == [told[-1]["id"]]
        assert (await cloud.call("GET", f"{path}/events?sort_dir=up")).status == 400
        stacks = await base(cloud)
        found = await cloud.call("GET", f"{stacks}/mine?resolve_outputs=false")
        assert found.status == 302
        assert found.headers["location"].endswith(f"{path}?resolve_outputs=false")
        below = await cloud.call("GET", f"{stacks}/mine/resources?nested_depth=1")
        assert below.headers["location"].endswith(f"{path}/resources?nested_depth=1")
        again = await cloud.call("POST", stacks, json_={"stack_name": "mine", "template": small()})
        assert (again.status, again.json["error"]["type"]) == (409, "StackExists")
        await cloud.token("admin")
        foreign = path.replace(cloud.projects["demo"], cloud.projects["admin"])
        assert (await cloud.call("GET", foreign, as_="admin")).status == 404
        assert (await cloud.call("GET", path, as_="admin")).status == 200
        theirs = f"/orchestration/v1/{cloud.projects['admin']}/stacks"
        assert (await cloud.call("GET", theirs)).status == 400
        everything = f"{theirs}?global_tenant=true"
        shown = (await cloud.call("GET", everything, as_="admin")).json["stacks"]
        assert [each["stack_name"] for each in shown] == ["mine"]
        mine = await cloud.call("GET", f"{stacks}?global_tenant=true")
        assert mine.status == 403

    on_a_cloud(tmp_path, story)


def test_a_file_is_a_type(tmp_path: Path) -> None:
    inner = """
heat_template_version: 2018-08-31
parameters: {long: {type: number}}
resources:
  word: {type: OS::Heat::RandomString, properties: {length: {get_param: long}}}
outputs:
  said: {value: {get_attr: [word, value]}}
"""

    async def story(cloud: TestCloud) -> None:
        template = small(a={"type": "My::Word", "properties": {"long": 5}})
        template["outputs"] = {"said": {"value": {"get_attr": ["a", "said"]}}}
        more = {
            "files": {"word.yaml": inner},
            "environment": {"resource_registry": {"My::*": "word.yaml"}},
        }
        path = await created(cloud, "outer", template, **more)
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        assert len(stack["outputs"][0]["output_value"]) == 5
        nested = (await cloud.call("GET", f"{path}/resources?nested_depth=2")).json["resources"]
        assert {(e["resource_name"], e.get("parent_resource")) for e in nested} == {
            ("a", None),
            ("word", "a"),
        }

    on_a_cloud(tmp_path, story)
