"""Stacks inside others: what reaches them by an update, and what does not make them anew."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cumulo.core.clock import seconds_of
from cumulo.core.db.transaction import Tx
from cumulo.orchestration.model.stack import StackRow
from cumulo.orchestration.queries import stack as stacks
from cumulo.orchestration.queries.resource import OF_STACK
from tests.orchestration.test_kept import acted, deleted, disk, ids, limited, wished
from tests.orchestration.test_signals import told
from tests.orchestration.test_stacks import Story, created, on_a_cloud, settled, small
from tests.support.cloud import TestCloud

INNER = """
heat_template_version: 2021-04-16
parameters: {more: {type: number, default: 0}}
resources:
  disk: {type: OS::Cinder::Volume, properties: {size: 1}}
  word: {type: OS::Heat::RandomString, properties: {length: LENGTH}}
  value:
    type: OS::Heat::Value
    properties: {value: [{get_param: more}, {get_attr: [word, value]}]}
outputs:
  disk: {value: {get_resource: disk}}
  said: {value: {get_attr: [value, value]}}
"""


def outer(kind: str = "My::Disk") -> dict[str, Any]:
    group = {"count": 1, "resource_def": {"type": kind}}
    template = small(
        inner={"type": kind},
        many={"type": "OS::Heat::ResourceGroup", "properties": group},
    )
    template["outputs"] = {
        "one": {"value": {"get_attr": ["inner", "said"]}},
        "many": {"value": {"get_attr": ["many", "said"]}},
        "disk": {"value": {"get_attr": ["inner", "disk"]}},
    }
    return template


def about(name: str, length: int = 5, more: int = 0, kind: str = "My::Disk") -> dict[str, Any]:
    return {
        "files": {name: INNER.replace("LENGTH", str(length))},
        "environment": {
            "parameter_defaults": {"more": more},
            "resource_registry": {kind: name},
        },
    }


async def seen(cloud: TestCloud, path: str) -> list[tuple[int, int]]:
    """What is told of the nested stack and of the group's one member: default and length."""
    outputs = await told(cloud, path)
    return [(one[0], len(one[1])) for one in (outputs["one"], *outputs["many"])]


async def would(cloud: TestCloud, path: str, how: str, template: Any, **more: Any) -> set[str]:
    """Names of the resources that an update would do that to."""
    body = {"template": template, **more}
    shown = await cloud.call("PUT", f"{path}/preview", json_=body)
    assert shown.status == 200, shown.raw
    return {each["resource_name"] for each in shown.json["resource_changes"][how]}


def test_what_changes_inside_is_changed_and_no_more(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        first = "file:///home/a/disk.yaml"
        path = await created(cloud, "outer", outer(), **about(first))
        assert (await settled(cloud, path))["stack_status"] == "CREATE_COMPLETE"
        before, volume = await ids(cloud, path), (await told(cloud, path))["disk"]
        assert await seen(cloud, path) == [(0, 5), (0, 5)]

        # The text of the file alone, and a default that only the inside knows.
        changed = await would(cloud, path, "updated", outer(), **about(first, 6))
        assert changed == {"inner", "many"}
        await wished(cloud, path, outer(), **about(first, 6))
        assert await seen(cloud, path) == [(0, 6), (0, 6)]
        await wished(cloud, path, outer(), **about(first, 6, more=7))
        assert await seen(cloud, path) == [(7, 6), (7, 6)]

        # Another place of the file, another name for it: the same things.
        stack = await wished(cloud, path, outer(), **about("file:///b/disk.yaml", 6, 7))
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        other = about("https://c/disk.yaml", 6, 7, "Our::Disk")
        assert await would(cloud, path, "replaced", outer("Our::Disk"), **other) == set()
        stack = await wished(cloud, path, outer("Our::Disk"), **other)
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        assert (await ids(cloud, path), (await told(cloud, path))["disk"]) == (before, volume)
        assert await seen(cloud, path) == [(7, 6), (7, 6)]
        await deleted(cloud, path)

    on_a_cloud(tmp_path, story)


def what_a_failed_roll_left_off_is_done_after_a_check() -> Story:
    def rolled(size: int) -> dict[str, Any]:
        group = {
            "type": "OS::Heat::ResourceGroup",
            "properties": {"count": 3, "resource_def": disk(size)},
            "update_policy": {"rolling_update": {"max_batch_size": 1}},
        }
        return small(group=group)

    async def story(cloud: TestCloud) -> None:
        path = await created(cloud, "rolls", rolled(1))
        assert (await settled(cloud, path))["stack_status"] == "CREATE_COMPLETE"
        await limited(cloud, 5)
        stack = await wished(cloud, path, rolled(3))
        assert stack["stack_status"] == "UPDATE_FAILED"
        assert (await acted(cloud, path, "check"))["stack_status"] == "CHECK_COMPLETE"
        await limited(cloud, 50)
        stack = await wished(cloud, path, rolled(3))
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        found = (await cloud.call("GET", "/volume/v3/volumes/detail")).json["volumes"]
        assert [each["size"] for each in found] == [3, 3, 3]
        await deleted(cloud, path)

    return story


def the_inside_asks_for_what_its_resource_is() -> Story:
    inner = """
heat_template_version: 2021-04-16
conditions: {kept: {equals: [{resource_facade: deletion_policy}, Retain]}}
resources:
  value:
    type: OS::Heat::Value
    properties: {value: {resource_facade: metadata}}
    metadata: {resource_facade: metadata}
  policy: {type: OS::Heat::Value, properties: {value: {resource_facade: deletion_policy}}}
  retained: {type: OS::Heat::Value, condition: kept, properties: {value: 1}}
outputs: {said: {value: [{get_attr: [value, value]}, {get_attr: [policy, value]}]}}
"""

    def wish(what: str) -> dict[str, Any]:
        template = small(inner={"type": "inner.yaml", "metadata": {"what": what}})
        template["outputs"] = {"said": {"value": {"get_attr": ["inner", "said"]}}}
        return template

    async def story(cloud: TestCloud) -> None:
        files = {"inner.yaml": inner}
        path = await created(cloud, "facade", wish("one"), files=files)
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        assert (await told(cloud, path))["said"] == [{"what": "one"}, "Delete"]
        stack = await wished(cloud, path, wish("two"), files=files)
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        assert (await told(cloud, path))["said"] == [{"what": "two"}, "Delete"]

    return story


def test_the_inside_is_seen_and_worked_at_as_who_asks(tmp_path: Path) -> None:
    inner = (
        "{heat_template_version: 2021-04-16, resources: {web: {type: OS::Nova::Server, properties:"
        " {image: cumulo-guest, flavor: m1.nano, networks: [{network: private}]}}},"
        " outputs: {all: {value: {get_attr: [web, show]}}}}"
    )
    wish = small(inner={"type": "inner.yaml"})
    wish["outputs"] = {
        "all": {"value": {"get_attr": ["inner", "all"]}},
        "outputs": {"value": {"get_attr": ["inner", "outputs"]}},
    }
    more = {"files": {"inner.yaml": inner}}

    async def story(cloud: TestCloud) -> None:
        path = await created(cloud, "plain", wish, **more)
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        token = {"x-subject-token": await cloud.token("admin")}
        answer = await cloud.call("GET", "/identity/v3/auth/tokens", as_="admin", headers=token)
        admin = answer.json["token"]["user"]["id"]
        root = path.rpartition("/")[2]

        def owned(user: str, *roles: str) -> Callable[[Tx], set[str]]:
            """As if that user had made all of it; whose the stacks were before."""

            def lend(tx: Tx) -> set[str]:
                rows = tx.all(stacks.CHILDREN, parents=[r.id for r in tx.all(OF_STACK, stack=root)])
                rows = [each for each in (tx.get(StackRow, root), *rows) if each is not None]
                for each in rows:
                    tx.update(each, user_id=user, roles=list(roles))
                return {each.user_id for each in rows}

            return lend

        write = cloud.cloud.database.write
        (mine,) = await write(owned(admin, "admin", "member", "reader"))
        for value in (await told(cloud, path)).values():
            assert "ACTIVE" in str(value) and "OS-EXT-SRV-ATTR:host" not in str(value)
        # Who made it is no more: who asks next is who works at all of it.
        await write(owned("nobody", "member"))
        assert (await acted(cloud, path, "check"))["stack_status"] == "CHECK_COMPLETE"
        assert await write(owned("nobody", "member")) == {mine}
        stack = await wished(cloud, path, wish, **more)
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        assert await write(owned(mine, "member")) == {mine}

    on_a_cloud(tmp_path, story)


def a_stack_that_converges_is_looked_at() -> Story:
    async def story(cloud: TestCloud) -> None:
        group = {"count": 2, "resource_def": disk()}
        template = small(
            many={"type": "OS::Heat::ResourceGroup", "properties": group}, one=disk(), two=disk()
        )
        path = await created(cloud, "seen", template)
        assert (await settled(cloud, path))["stack_status"] == "CREATE_COMPLETE"
        before = await ids(cloud, path)

        async def volumes() -> set[str]:
            found = (await cloud.call("GET", "/volume/v3/volumes")).json["volumes"]
            return {each["id"] for each in found}

        there = await volumes()
        gone = {before["one"], next(iter(there - set(before.values())))}
        for each in gone:
            assert (await cloud.call("DELETE", f"/volume/v3/volumes/{each}")).status == 202
            await cloud.until(f"/volume/v3/volumes/{each}", lambda a: a.status == 404)
        await wished(cloud, path, template)
        assert await volumes() == there - gone
        stack = await wished(cloud, path, template, converge=True)
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        assert len(await volumes()) == 4 and there - gone <= await volumes()
        assert (await ids(cloud, path))["two"] == before["two"]
        body = {"template": template, "files_container": "mine"}
        refused = await cloud.call("PUT", path, json_=body)
        await deleted(cloud, path)
        assert refused.status == 400 and "files_container" in str(refused.raw)

    return story


def a_stack_inside_has_its_own_time() -> Story:
    async def story(cloud: TestCloud) -> None:
        slow = {"type": "OS::Heat::Delay", "properties": {"min_wait": 3600}}
        inner = {"template": json.dumps(small(slow=slow)), "timeout": 1}
        path = await created(
            cloud, "timed", small(in_={"type": "OS::Heat::Stack", "properties": inner})
        )

        def deadlines(tx: Tx) -> list[float]:
            parents = [each.id for each in tx.all(OF_STACK, stack=path.rpartition("/")[2])]
            rows = tx.all(stacks.CHILDREN, parents=parents)
            return [seconds_of(row.deadline) - seconds_of(tx.now) for row in rows if row.deadline]

        for _ in range(100):
            found = await cloud.cloud.database.write(deadlines)
            if found:
                break
            await asyncio.sleep(0.05)
        assert len(found) == 1 and 30 < found[0] <= 60

    return story


def a_reason_leads_to_what_failed() -> Story:
    async def story(cloud: TestCloud) -> None:
        await cloud.token("demo")
        await limited(cloud, 3)
        inner = (
            "{heat_template_version: 2021-04-16, resources: {many: {type: OS::Heat::ResourceGroup,"
            " properties: {count: 1, resource_def: {type: OS::Cinder::Volume,"
            " properties: {size: 5}}}}}}"
        )
        path = await created(cloud, "deep", small(a={"type": "b.yaml"}), files={"b.yaml": inner})
        reason = (await settled(cloud, path))["stack_status_reason"]
        said = "VolumeSizeExceedsAvailableQuota: resources.a.resources.many.resources.0: Requested"
        assert reason.startswith(f"Resource CREATE failed: {said}"), reason

    return story


def test_what_is_inside_goes_with_the_whole(tmp_path: Path) -> None:
    on_a_cloud(
        tmp_path,
        what_a_failed_roll_left_off_is_done_after_a_check(),
        a_stack_that_converges_is_looked_at(),
        the_inside_asks_for_what_its_resource_is(),
        a_stack_inside_has_its_own_time(),
        a_reason_leads_to_what_failed(),
    )
