"""What users have reported elsewhere, each as it has to be."""

from pathlib import Path
from typing import Any

import pytest

from cumulo.orchestration.language.text_functions import str_replace
from cumulo.orchestration.service import engine
from tests.orchestration.test_kept import deleted, wished
from tests.orchestration.test_stacks import base, created, on_a_cloud, rows, settled, small, word_of
from tests.support.cloud import TestCloud


def asking(**more: Any) -> dict[str, Any]:
    template = small(word={"type": "OS::Heat::Value", "properties": {"value": {"get_param": "p"}}})
    return template | {"parameters": {"p": {"type": "string"}}} | more


def test_parameters_and_tags_of_updates(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        path = await created(cloud, "p", asking(), parameters={"p": "one"})
        assert (await settled(cloud, path))["tags"] == []
        put = await cloud.call("PUT", path, json_={"template": asking()})
        assert put.status == 400 and "(p) was not provided" in put.json["error"]["message"]
        patch = await cloud.call("PATCH", path, json_={"tags": "a,b"})
        assert patch.status == 202, patch.raw
        stack = await settled(cloud, path)
        assert (stack["tags"], stack["parameters"]["p"]) == (["a", "b"], "one")
        assert (await cloud.call("PATCH", path, json_={})).status == 202
        assert (await settled(cloud, path))["tags"] == ["a", "b"]
        assert (await cloud.call("PATCH", path, json_={"tags": ""})).status == 202
        assert (await settled(cloud, path))["tags"] == []
        busy = await cloud.call("POST", f"{path}/actions", json_={"check": None})
        assert busy.status == 200
        await settled(cloud, path)
        suspended = await cloud.call("POST", f"{path}/actions", json_={"suspend": None})
        assert suspended.status == 200
        assert (await settled(cloud, path))["stack_status"] == "SUSPEND_COMPLETE"
        update = await cloud.call("PATCH", path, json_={})
        assert (update.status, update.json["error"]["type"]) == (400, "NotSupported")
        await deleted(cloud, path)
        gone = await cloud.call("POST", f"{path}/actions", json_={"check": None})
        assert gone.status == 404

    on_a_cloud(tmp_path, story)


def test_a_file_need_not_be_yaml(tmp_path: Path) -> None:
    text = "%no: [yaml\n\tat: all"
    content = {"type": "OS::Heat::Value", "properties": {"value": {"get_file": "a.sh"}}}

    async def story(cloud: TestCloud) -> None:
        template = small(text=content)
        template["outputs"] = {"text": {"value": {"get_attr": ["text", "value"]}}}
        path = await created(cloud, "f", template, files={"a.sh": text})
        stack = await settled(cloud, path)
        assert stack["outputs"][0]["output_value"] == text

    on_a_cloud(tmp_path, story)


def group(count: int, listed: list[Any]) -> dict[str, Any]:
    given = {
        "count": count,
        "resource_def": word_of(6),
        "removal_policies": [{"resource_list": listed}],
    }
    template = small(all={"type": "OS::Heat::ResourceGroup", "properties": given})
    template["outputs"] = {"refs": {"value": {"get_attr": ["all", "refs_map"]}}}
    return template


def test_a_group_loses_whom_it_is_told_to(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        async def refs(path: str) -> dict[str, str]:
            stack = (await cloud.call("GET", path)).json["stack"]
            found: dict[str, str] = stack["outputs"][0]["output_value"]
            return found

        for n, wanted in enumerate(([1], ["1"], None)):
            path = await created(cloud, f"group{n}", group(3, []))
            assert (await settled(cloud, path))["stack_status"] == "CREATE_COMPLETE"
            before = await refs(path)
            nested = (await cloud.call("GET", f"{path}/resources?nested_depth=1")).json["resources"]
            ids = {each["resource_name"]: each["physical_resource_id"] for each in nested}
            await wished(cloud, path, group(2, wanted or [ids["1"]]))
            after = await refs(path)
            assert after == {name: before[name] for name in ("0", "2")}
            await wished(cloud, path, group(3, []))
            again = await refs(path)
            # A name that was there once is never used again.
            assert set(again) == {"0", "2", "3"} and again["0"] == before["0"]

    on_a_cloud(tmp_path, story)


def test_the_longest_parameter_goes_first() -> None:
    given = {"template": "$ab $a", "params": {"$a": "1", "$ab": "2"}}
    assert str_replace(given) == "2 1"


def test_if_with_two_arguments(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        length = {"if": ["no", 9]}
        word = {"type": "OS::Heat::RandomString", "properties": {"length": length}}
        template = small(word=word) | {"conditions": {"no": {"equals": [1, 2]}}}
        template["outputs"] = {"word": {"value": {"get_attr": ["word", "value"]}}}
        path = await created(cloud, "if", template)
        stack = await settled(cloud, path)
        assert len(stack["outputs"][0]["output_value"]) == 32

    on_a_cloud(tmp_path, story)


def test_a_delete_that_failed_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "TRIES", 3)

    async def story(cloud: TestCloud) -> None:
        template = small(
            net={"type": "OS::Neutron::Net"},
            subnet={
                "type": "OS::Neutron::Subnet",
                "properties": {"network": {"get_resource": "net"}, "cidr": "10.3.0.0/24"},
            },
            disk={"type": "OS::Cinder::Volume", "properties": {"size": 1}},
        )
        path = await created(cloud, "net", template)
        await settled(cloud, path)
        taken = await cloud.call("POST", f"{path}/snapshots", json_={"name": "then"})
        assert taken.status == 200, taken.raw
        await settled(cloud, path)
        found = (await cloud.call("GET", "/volume/v3/volumes")).json["volumes"]
        assert len(found) == 2
        net = (await rows(cloud, path))["net"]["physical_resource_id"]
        body = {"port": {"network_id": net}}
        port = (await cloud.call("POST", "/network/v2.0/ports", json_=body)).json["port"]["id"]
        assert (await cloud.call("DELETE", path)).status == 204
        stack = await settled(cloud, path, seconds=60)
        assert stack["stack_status"] == "DELETE_FAILED"
        assert "resources.subnet" in stack["stack_status_reason"]
        # What snapshots have saved goes with the stack, and not before.
        found = (await cloud.call("GET", "/volume/v3/volumes/detail")).json["volumes"]
        assert [each["status"] for each in found if each["name"].endswith("-snapshot")] == [
            "available"
        ]
        assert (await cloud.call("DELETE", f"/network/v2.0/ports/{port}")).status == 204
        await deleted(cloud, path)
        assert (await cloud.call("GET", await base(cloud))).json["stacks"] == []
        loop = next(r for r in cloud.cloud.reconcilers if r.reconciler.name == "late stacks")
        await loop.once()
        await cloud.until("/volume/v3/volumes", lambda a: a.json["volumes"] == [])

    on_a_cloud(tmp_path, story)


def test_an_update_of_one_touches_one(tmp_path: Path) -> None:
    many = {f"w{n}": word_of(8) for n in range(150)}

    async def story(cloud: TestCloud) -> None:
        path = await created(cloud, "many", small(**many))
        stack = await settled(cloud, path, seconds=60)
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        before = await rows(cloud, path)
        changed = small(**(many | {"w7": word_of(9)}))
        assert (await cloud.call("PUT", path, json_={"template": changed})).status == 202
        await settled(cloud, path, seconds=60)
        after = await rows(cloud, path)
        touched = {n for n in after if after[n]["updated_time"] != before[n]["updated_time"]}
        touched |= {n for n in after if after[n]["creation_time"] != before[n]["creation_time"]}
        assert {n for n in after if after[n] != before[n]} | touched == {"w7"}

    on_a_cloud(tmp_path, story)
