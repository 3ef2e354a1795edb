"""What many small things may be together: outputs of outputs, members, files, names."""

import contextlib
import json
import sqlite3
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cumulo.core.resource_types import Finder
from cumulo.orchestration.language.invalid import Invalid
from cumulo.orchestration.service.handlers import Asker
from tests.orchestration.test_stacks import Story, base, created, on_a_cloud, settled, small
from tests.support.cloud import TestCloud

LEVEL = """
heat_template_version: 2021-04-16
resources: {inner: INNER}
outputs:
  o:
    value: {digest: [md5, {list_join: ['', [MANY]]}]}
"""
WORD = "{type: OS::Heat::RandomString, properties: {length: 5}}"


def level(inner: str, asked: str, many: int) -> str:
    asks = ", ".join([f"{{get_attr: [inner, {asked}]}}"] * many)
    return LEVEL.replace("INNER", inner).replace("MANY", asks)


def an_output_is_worked_out_once() -> Story:
    async def story(cloud: TestCloud) -> None:
        many = 40
        files = {
            "3.yaml": level(WORD, "value", many),
            "2.yaml": level("{type: 3.yaml}", "o", many),
            "1.yaml": level("{type: 2.yaml}", "o", many),
        }
        template = level("{type: 1.yaml}", "o", many)
        path = await created(cloud, "deep", template, files=files)
        began = time.process_time()
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        shown = (await cloud.call("GET", f"{path}/outputs/o")).json["output"]
        assert len(shown["output_value"]) == 32
        assert time.process_time() - began < 8

    return story


def test_members_and_files_are_not_multiplied(tmp_path: Path) -> None:
    def many(kind: str, **given: Any) -> dict[str, Any]:
        return small(many={"type": f"OS::Heat::{kind}", "properties": given})

    large = {"type": "OS::Heat::Value", "properties": {"value": "%index%" + "x" * 400_000}}
    given = large["properties"]
    kinds = ["OS::Heat::Value"] * 1000

    async def story(cloud: TestCloud) -> None:
        for template in (
            many("ResourceGroup", count=1000, resource_def=large),
            many("ResourceGroup", count={"get_param": "n"}, resource_def=large)
            | {"parameters": {"n": {"type": "number", "default": 1000}}},
            many("AutoScalingGroup", min_size=500, max_size=1000, resource=large),
            many("ResourceChain", resources=kinds, resource_properties=given),
        ):
            body = {"stack_name": "large", "template": template}
            answer = await cloud.call("POST", await base(cloud), json_=body)
            assert (answer.status, "letters" in str(answer.raw)) == (400, True), answer.raw[:500]

        # Each stack inside has the files, and the database has them once.
        inner = (
            "{heat_template_version: 2021-04-16, resources: "
            "{a: {type: OS::Heat::Value, properties: {value: {digest: [md5, "
            "{get_file: large}]}}}}, outputs: {o: {value: {get_attr: [a, value]}}}}"
        )
        files = {"inner.yaml": inner, "large": "y" * 500_000}
        group = many("ResourceGroup", count=25, resource_def={"type": "inner.yaml"})
        group["outputs"] = {"o": {"value": {"get_attr": ["many", "o"]}}}
        path = await created(cloud, "files", group, files=files)
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        assert len(set(stack["outputs"][0]["output_value"])) == 1
        assert (await cloud.call("GET", f"{path}/files")).json == files
        body = {"template": group, "files": {**files, "large": "z" * 500_000}}
        assert (await cloud.call("PUT", path, json_=body)).status == 202
        after = await settled(cloud, path)
        assert after["outputs"] != stack["outputs"]

        (file,) = tmp_path.rglob("cumulo.db")
        with contextlib.closing(sqlite3.connect(file)) as database:
            rows, kept = database.execute(
                "SELECT (SELECT SUM(LENGTH(files) + LENGTH(COALESCE(previous, ''))) "
                "FROM orchestration_stacks), (SELECT SUM(LENGTH(files)) FROM orchestration_files)"
            ).fetchone()
        assert rows < 5_000 and 500_000 < kept < 600_000

    on_a_cloud(tmp_path, story)


def a_name_is_looked_up_once() -> Story:
    def port(groups: list[str]) -> str:
        given = {"network": "private", "security_groups": groups}
        return json.dumps(small(port={"type": "OS::Neutron::Port", "properties": given}))

    async def story(cloud: TestCloud) -> None:
        stacks = await base(cloud)
        body = {"stack_name": "p", "template": port(["default"] * 20_000)}
        began = time.process_time()
        answer = await cloud.call("POST", f"{stacks}/preview", json_=body)
        assert answer.status == 200, answer.raw[:500]
        assert time.process_time() - began < 3

    return story


def test_so_many_names_are_looked_up_and_no_more() -> None:
    class Services:
        asked = 0

        def call_in(self, *given: Any, **more: Any) -> Any:
            self.asked += 1
            name = more["query"].get("name")
            if name is None:
                raise LookupError
            return SimpleNamespace(checked=lambda: SimpleNamespace(body={"x": [{"id": name}]}))

    services = Services()
    asker = Asker(None, services, None)  # type: ignore[arg-type]
    finder = Finder("x", "/x", "x")
    for n in range(5000):
        asker.find(finder, str(n % 50))
    assert services.asked == 50
    with pytest.raises(Invalid, match="looked up"):
        for n in range(5000):
            asker.find(finder, str(n))
    assert services.asked == 2000


def test_what_is_asked_often_is_done_once(tmp_path: Path) -> None:
    on_a_cloud(tmp_path, an_output_is_worked_out_once(), a_name_is_looked_up_once())
