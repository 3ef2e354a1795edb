"""Where a rollback leads, and what it leaves."""

from pathlib import Path
from typing import Any

from tests.orchestration.test_in_place import addresses, landscape
from tests.orchestration.test_kept import acted, disk, ids, limited, wished
from tests.orchestration.test_signals import told
from tests.orchestration.test_stacks import (
    Story,
    base,
    created,
    on_a_cloud,
    settled,
    small,
    tried,
    word_of,
)
from tests.support.cloud import TestCloud

BACK = {"disable_rollback": False}


def a_stack_that_never_came_to_be_keeps_what_it_has() -> Story:
    def wish(value: str, fail: Any = True) -> dict[str, Any]:
        return small(disk=disk(), late={**tried(value=value, fail=fail), "depends_on": "disk"})

    async def story(cloud: TestCloud) -> None:
        path = await created(cloud, "never", wish("a"))
        assert (await settled(cloud, path))["stack_status"] == "CREATE_FAILED"
        before = await ids(cloud, path)
        stack = await wished(cloud, path, wish("b"), **BACK)
        assert stack["stack_status"] == "ROLLBACK_FAILED", stack["stack_status_reason"]
        assert (await ids(cloud, path))["disk"] == before["disk"]

        # What was there before the stack stays, whatever else was not found.
        data = {"template": wish("a"), "resources": {"disk": {"resource_id": before["disk"]}}}
        body = {"stack_name": "around", "adopt_stack_data": data}
        answer = await cloud.call("POST", stacks := await base(cloud), json_=body)
        assert answer.status == 201, answer.raw
        other = f"{stacks}/around/{answer.json['stack']['id']}"
        assert (await settled(cloud, other))["stack_status"] == "ADOPT_FAILED"
        stack = await wished(cloud, other, wish("b"), **BACK)
        assert stack["stack_status"] == "ROLLBACK_FAILED", stack["stack_status_reason"]
        volume = await cloud.call("GET", f"/volume/v3/volumes/{before['disk']}")
        assert volume.json["volume"]["status"] == "available"
        # What was not there to be adopted is made by the next update.
        stack = await wished(cloud, other, wish("c", fail=False), **BACK)
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        assert (await ids(cloud, other))["disk"] == before["disk"]

    return story


def a_check_does_not_make_a_wish_come_true() -> Story:
    def wish(length: int, size: int = 1) -> dict[str, Any]:
        late = {**disk(size), "depends_on": "word"}
        made = small(word=word_of(length), late=late)
        made["outputs"] = {"word": {"value": {"get_attr": ["word", "value"]}}}
        return made

    async def story(cloud: TestCloud) -> None:
        path = await created(cloud, "checked", wish(4))
        assert (await settled(cloud, path))["stack_status"] == "CREATE_COMPLETE"
        word = (await told(cloud, path))["word"]
        await limited(cloud, 10)
        assert (await wished(cloud, path, wish(5, 20)))["stack_status"] == "UPDATE_FAILED"
        assert (await acted(cloud, path, "check"))["stack_status"] == "CHECK_COMPLETE"
        stack = await wished(cloud, path, wish(6, 20), **BACK)
        assert stack["stack_status"] == "ROLLBACK_COMPLETE", stack["stack_status_reason"]
        assert (await told(cloud, path))["word"] == word

        # A check sees what was never made.
        unmade = small(late=disk(20), word={**word_of(4), "depends_on": "late"})
        path = await created(cloud, "half", unmade)
        assert (await settled(cloud, path))["stack_status"] == "CREATE_FAILED"
        stack = await acted(cloud, path, "check")
        assert stack["stack_status"] == "CHECK_FAILED"
        assert "has not been made" in stack["stack_status_reason"]

    return story


def test_a_server_has_its_ports_back(tmp_path: Path) -> None:
    networks = [{"port": {"get_resource": "port"}}]

    def wish(fail: bool, **more: Any) -> dict[str, Any]:
        template = landscape(networks, **more)
        template["resources"]["late"] = tried(value=str(more), fail=fail) | {"depends_on": "web"}
        return template

    async def story(cloud: TestCloud) -> None:
        path = await created(cloud, "web", wish(False))
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        before, seen = await ids(cloud, path), await addresses(cloud, path)
        stack = await wished(cloud, path, wish(True, user_data="#!/bin/true"), **BACK)
        assert stack["stack_status"] == "ROLLBACK_COMPLETE", stack["stack_status_reason"]
        after = await ids(cloud, path)
        assert (after["web"], await addresses(cloud, path)) == (before["web"], seen)
        # The same by hand; the server that failed stays where it shall be retained.
        kept = wish(True, user_data="#!/bin/false")
        kept["resources"]["web"]["deletion_policy"] = "Retain"
        stack = await wished(cloud, path, kept, disable_rollback=True)
        assert stack["stack_status"] == "UPDATE_FAILED", stack["stack_status_reason"]
        stack = await wished(cloud, path, wish(False))
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        after = await ids(cloud, path)
        assert (after["web"], await addresses(cloud, path)) == (before["web"], seen)
        assert len((await cloud.call("GET", "/compute/v2.1/servers")).json["servers"]) == 2

    on_a_cloud(tmp_path, story)


def test_what_a_rollback_leaves(tmp_path: Path) -> None:
    on_a_cloud(
        tmp_path,
        a_stack_that_never_came_to_be_keeps_what_it_has(),
        a_check_does_not_make_a_wish_come_true(),
    )
