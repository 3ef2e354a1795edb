"""Hidden parameters are sealed in the database, and work as before."""

from pathlib import Path
from typing import Any

from tests.orchestration.test_kept import wished
from tests.orchestration.test_stacks import created, on_a_cloud, settled, small, tried
from tests.support.cloud import TestCloud

tried.__test__ = False  # type: ignore[attr-defined]


def wish(salt: str) -> dict[str, Any]:
    template = small(
        word={"type": "OS::Heat::Value", "properties": {"value": {"get_param": "plain"}}},
        same={"type": "OS::Heat::RandomString", "properties": {"salt": salt}},
        inner={"type": "inner.yaml", "properties": {"word": {"get_param": "plain"}}},
    )
    return template | {
        "parameters": {
            "password": {"type": "string", "hidden": True},
            "other": {"type": "string", "hidden": True, "default": "x"},
            "named": {"type": "json", "default": {}},
            "odd": {"type": "json", "default": {}},
            "plain": {"type": "string", "default": "open"},
        },
        "outputs": {
            name: {"value": {"get_param": name}} for name in ("password", "other", "named", "odd")
        },
    }


INNER = """
heat_template_version: 2021-04-16
parameters: {word: {type: string, hidden: true}}
resources: {value: {type: OS::Heat::Value, properties: {value: {get_param: word}}}}
"""
SECRETS = (b"s3cret-a", b"s3cret-b", b"s3cret-c")


def at_rest(tmp_path: Path) -> bytes:
    found = b"".join(path.read_bytes() for path in tmp_path.rglob("*.db*") if path.is_file())
    assert b"orchestration_stacks" in found
    return found


def test_hidden_parameters_are_sealed(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        def shown(stack: dict[str, Any]) -> dict[str, Any]:
            return {e["output_key"]: e["output_value"] for e in stack["outputs"]}

        files = {"inner.yaml": INNER}
        given = {"password": "s3cret-a", "odd": {"sealed": "of the user"}}
        environment = {
            "parameters": {"other": "s3cret-b", "named": {"a": "s3cret-c"}},
            "encrypted_param_names": ["named"],
        }
        more = {"files": files, "environment": environment}
        path = await created(cloud, "hides", wish("a"), parameters=given, **more)
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        values = {
            "password": "s3cret-a",
            "other": "s3cret-b",
            "named": {"a": "s3cret-c"},
            "odd": {"sealed": "of the user"},
        }
        assert shown(stack) == values
        assert "s3cret-a" not in str(stack["parameters"])
        found = at_rest(tmp_path)
        assert [each for each in SECRETS if each in found] == []

        # They are kept by a patch, a snapshot, a rollback.
        taken = await cloud.call("POST", f"{path}/snapshots", json_={"name": "then"})
        assert taken.status == 200, taken.raw
        await settled(cloud, path)
        patch = {"template": wish("b"), "files": files}
        assert (await cloud.call("PATCH", path, json_=patch)).status == 202
        stack = await settled(cloud, path)
        assert (stack["stack_status"], shown(stack)) == ("UPDATE_COMPLETE", values)
        bad = wish("c")
        bad["resources"]["bad"] = tried(fail=True)
        changed = given | {"password": "s3cret-d"}
        body = {"parameters": changed, "disable_rollback": False, **more}
        stack = await wished(cloud, path, bad, **body)
        assert (stack["stack_status"], shown(stack)) == ("ROLLBACK_COMPLETE", values)
        environment = (await cloud.call("GET", f"{path}/environment")).json
        assert environment["parameters"]["password"] == "******"
        assert environment["parameters"]["odd"] == {"sealed": "of the user"}
        one = f"{path}/snapshots/{taken.json['id']}"
        told = (await cloud.call("GET", one)).json["snapshot"]["data"]["environment"]
        assert told["parameters"]["password"] == "******"
        assert (await cloud.call("POST", f"{one}/restore")).status == 202
        stack = await settled(cloud, path)
        assert (stack["stack_status"], shown(stack)) == ("RESTORE_COMPLETE", values)
        assert [each for each in (*SECRETS, b"s3cret-d") if each in at_rest(tmp_path)] == []

    on_a_cloud(tmp_path, story)


def test_defaults_for_the_inside_are_sealed(tmp_path: Path) -> None:
    inner = """
heat_template_version: 2021-04-16
parameters: {deep: {type: string, hidden: true}}
resources: {word: {type: OS::Heat::RandomString, properties: {length: 9}}}
outputs: {said: {value: {list_join: ['', [{get_param: deep}, {get_attr: [word, value]}]]}}}
"""
    member = {"type": "inner.yaml"}
    template = small(
        inner=member,
        many={
            "type": "OS::Heat::ResourceGroup",
            "properties": {"count": 1, "resource_def": member},
        },
        word={"type": "OS::Heat::RandomString"},
    )
    template["outputs"] = {
        "said": {"value": {"get_attr": ["inner", "said"]}},
        "many": {"value": {"get_attr": ["many", "said"]}},
        "word": {"value": {"get_attr": ["word", "value"]}},
    }

    async def story(cloud: TestCloud) -> None:
        environment = {"parameter_defaults": {"deep": "s3cret-e"}}
        more = {"files": {"inner.yaml": inner}, "environment": environment}
        path = await created(cloud, "deep", template, **more)
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        told = {each["output_key"]: each["output_value"] for each in stack["outputs"]}
        assert told["said"].startswith("s3cret-e") and told["many"][0].startswith("s3cret-e")
        assert (await cloud.call("POST", f"{path}/snapshots", json_={"name": "x"})).status == 200
        assert (await settled(cloud, path))["stack_status"] == "SNAPSHOT_COMPLETE"
        await wished(cloud, path, template, **more)
        secret = [
            b"s3cret-e",
            told["word"].encode(),
            told["said"].removeprefix("s3cret-e").encode(),
        ]
        assert [each for each in secret if each in at_rest(tmp_path)] == []

    on_a_cloud(tmp_path, story)
