"""One tenant's stacks do not hold up another's; what is over is forgotten."""

import asyncio
import time
from pathlib import Path
from typing import Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.orchestration.model.resource import ResourceRow
from cumulo.orchestration.model.stack import StackRow
from cumulo.orchestration.queries import resource as resources
from tests.orchestration.test_kept import acted, deleted, server, wished
from tests.orchestration.test_stacks import (
    base,
    created,
    on_a_cloud,
    rows,
    settled,
    small,
    tried,
    word_of,
)
from tests.support.cloud import TestCloud


async def in_(cloud: TestCloud, function: Any) -> Any:
    return await cloud.cloud.database.write(function)


def test_what_is_out_of_date_is_nobodys_work(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        path = await created(cloud, "ended", small(bad=tried(fail=True)))
        assert (await settled(cloud, path))["stack_status"] == "CREATE_FAILED"
        id = path.rpartition("/")[2]

        def haunt(tx: Tx) -> None:
            (row,) = tx.all(resources.OF_STACK, stack=id)
            for n in range(200):
                made = msgspec.structs.replace(
                    row, id=f"zombie-{n}", name=f"z{n}", step="working", due="2020-01-01T00:00:00"
                )
                tx.insert(made)

        await in_(cloud, haunt)
        loops = {each.reconciler.name: each.reconciler for each in cloud.cloud.reconcilers}
        turns = loops["stack resources"]
        due = await in_(cloud, lambda tx: turns.due(tx, 100))
        assert [each for each in due if each.startswith("zombie")] == []
        other = await created(cloud, "other", small(word=word_of(8)))
        assert (await settled(cloud, other))["stack_status"] == "CREATE_COMPLETE"

        def crowd(tx: Tx) -> list[str]:
            """Many of one project, older than the one of another."""
            stack = tx.get(StackRow, id)
            assert stack is not None
            tx.update(stack, status="IN_PROGRESS")
            theirs = msgspec.structs.replace(
                stack, id="theirs", root_id="theirs", project_id="another", status="IN_PROGRESS"
            )
            tx.insert(theirs)
            row = tx.get(ResourceRow, "zombie-0")
            assert row is not None
            for n in range(200, 5000):
                more = {"id": f"zombie-{n}", "name": f"z{n}", "waits": 0}
                tx.insert(msgspec.structs.replace(row, **more))
            late = {"id": "late", "stack_id": "theirs", "project_id": "another", "due": tx.now}
            tx.insert(msgspec.structs.replace(row, **late))
            began = time.process_time()
            found = turns.due(tx, 5)
            assert time.process_time() - began < 0.1
            tx.delete(theirs)
            tx.update(stack, status="FAILED")
            return found

        found = await in_(cloud, crowd)
        assert len(found) == 5 and "late" in found

    on_a_cloud(tmp_path, story)


def test_who_waits_is_not_asked_all_the_time(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        delay = {"type": "OS::Heat::Delay", "properties": {"min_wait": 3600}}
        path = await created(cloud, "slow", small(**{f"d{n}": delay for n in range(50)}))

        def working(found: dict[str, dict[str, Any]]) -> bool:
            return all(r["resource_status"] == "CREATE_IN_PROGRESS" for r in found.values())

        for _ in range(100):
            if working(await rows(cloud, path)):
                break
            await asyncio.sleep(0.1)
        found = await in_(
            cloud, lambda tx: tx.all(resources.OF_STACK, stack=path.rpartition("/")[2])
        )
        assert {(each.step, each.tries) for each in found} == {("working", 1)}
        now = await in_(cloud, lambda tx: tx.now)
        assert all(each.due > now for each in found)
        other = await created(cloud, "quick", small(word=word_of(8)))
        assert (await settled(cloud, other, seconds=5))["stack_status"] == "CREATE_COMPLETE"
        await deleted(cloud, path)

    on_a_cloud(tmp_path, story)


def test_a_deleted_stack_is_forgotten(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        wish = small(a={"type": "My::Word", "properties": {}})
        inner = "heat_template_version: 2018-08-31\nresources: {w: {type: OS::Heat::RandomString}}"
        more = {
            "files": {"w.yaml": inner},
            "environment": {"resource_registry": {"My::Word": "w.yaml"}},
        }
        path = await created(cloud, "old", wish, **more)
        assert (await settled(cloud, path))["stack_status"] == "CREATE_COMPLETE"
        await deleted(cloud, path)
        id = path.rpartition("/")[2]
        shown = await cloud.call("GET", f"{await base(cloud)}?show_deleted=true")
        assert [each["stack_name"] for each in shown.json["stacks"]] == ["old"]

        def age(tx: Tx) -> None:
            row = tx.get(StackRow, id)
            assert row is not None and row.files == {} and row.deadline is not None
            assert row.deadline > tx.now
            tx.update(row, deadline=tx.now)

        await in_(cloud, age)
        loop = next(r for r in cloud.cloud.reconcilers if r.reconciler.name == "late stacks")
        await loop.once()
        assert (await cloud.call("GET", path)).status == 404

    on_a_cloud(tmp_path, story)


def test_a_group_tells_what_its_members_are(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        value = {"type": "OS::Heat::Value", "properties": {"value": {"of": ["%index%", "x"]}}}
        template = small(
            many={
                "type": "OS::Heat::ResourceGroup",
                "properties": {"count": 2, "resource_def": value},
            }
        )
        paths = {
            "each": ["many", "value", "of", 0],
            "one": ["many", "resource.1", "value", "of", 0],
            "short": ["many", "resource.1.value", "of", 0],
            "all": ["many", "attributes", "value", "of", 0],
            "refs": ["many", "refs", 0],
        }
        template["outputs"] = {n: {"value": {"get_attr": p}} for n, p in paths.items()}
        template["parameters"] = {"x": {"type": "string"}}
        # An environment's parameters are the outer template's, not those of what is inside.
        environment = {"parameters": {"x": "y"}}
        path = await created(cloud, "group", template, environment=environment)
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        told = {each["output_key"]: each["output_value"] for each in stack["outputs"]}
        assert (told["each"], told["one"], told["short"]) == (["0", "1"], "1", "1")
        assert told["all"] == {"0": "0", "1": "1"}
        assert isinstance(told["refs"], str)

    on_a_cloud(tmp_path, story)


def test_a_patch_keeps_what_it_does_not_name(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        inner = (
            "heat_template_version: 2018-08-31\nparameters: {v: {type: string, default: none}}\n"
            "outputs: {v: {value: {get_param: v}}}"
        )
        template = small(a={"type": "My::Thing", "properties": {"v": {"get_param": "x"}}})
        template["parameters"] = {
            "x": {"type": "string", "default": "d"},
            "y": {"type": "string", "default": "d"},
        }
        template["outputs"] = {"v": {"value": {"get_attr": ["a", "v"]}}}
        environment = {
            "resource_registry": {"My::Thing": "t.yaml"},
            "parameter_defaults": {"x": "from env"},
            "parameters": {"y": "why"},
        }
        more = {"files": {"t.yaml": inner}, "environment": environment}
        path = await created(cloud, "patched", template, **more)
        stack = await settled(cloud, path)
        assert stack["outputs"][0]["output_value"] == "from env", stack

        async def patched(**body: Any) -> dict[str, Any]:
            # As the stock client sends it.
            sent = {"environment": {}, "files": {}, "existing": True, **body}
            answer = await cloud.call("PATCH", path, json_=sent)
            assert answer.status == 202, answer.raw
            found = await settled(cloud, path)
            assert found["stack_status"] == "UPDATE_COMPLETE", found["stack_status_reason"]
            return found

        stack = await patched(parameters={"x": "mine"})
        assert stack["outputs"][0]["output_value"] == "mine"
        assert stack["parameters"]["y"] == "why"
        # More of an environment comes on top; parameters that are not asked for any more go.
        template["parameters"].pop("y")
        template["parameters"]["z"] = {"type": "string"}
        stack = await patched(
            template=template, environment={"parameter_defaults": {"z": "new"}}, parameters={}
        )
        assert (stack["parameters"]["z"], stack["parameters"]["x"]) == ("new", "mine")
        assert "y" not in stack["parameters"]
        shown = (await cloud.call("GET", f"{path}/environment")).json
        assert shown["parameter_defaults"] == {"x": "from env", "z": "new"}
        assert shown["resource_registry"]["My::Thing"] == "t.yaml"

    on_a_cloud(tmp_path, story)


def test_lists_are_filtered_before_they_are_cut(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        stacks = await base(cloud)
        for n in range(6):
            tags = "odd,all" if n % 2 else "even,all"
            path = await created(cloud, f"s{n}", small(), tags=tags)
            await settled(cloud, path)
        await acted(cloud, path, "check")

        async def names(query: str) -> list[str]:
            answer = await cloud.call("GET", f"{stacks}?{query}")
            assert answer.status == 200, answer.raw
            return [each["stack_name"] for each in answer.json["stacks"]]

        page = f"{stacks}?tags=odd&limit=2&sort_keys=stack_name&sort_dir=asc&with_count=true"
        first = (await cloud.call("GET", page)).json
        assert [each["stack_name"] for each in first["stacks"]] == ["s1", "s3"]
        assert first["count"] == 3
        following = first["links"][0]["href"]
        second = (await cloud.call("GET", following[following.index("/orchestration") :])).json
        assert [each["stack_name"] for each in second["stacks"]] == ["s5"]
        assert "links" not in second
        assert await names("sort_keys=stack_name&sort_dir=desc&limit=1") == ["s5"]
        assert await names("stack_status=CHECK_COMPLETE") == ["s5"]
        assert await names("status=COMPLETE&not_tags=odd&sort_key=stack_name") == ["s0", "s2", "s4"]
        assert await names("tags=odd,even") == []
        assert sorted(await names("tags_any=odd,even&not_tags_any=even")) == ["s1", "s3", "s5"]
        counted = await cloud.call("GET", f"{stacks}?limit=1&with_count=true")
        assert counted.json["count"] == 6
        await wished(cloud, path, small())

    on_a_cloud(tmp_path, story)


def test_words_for_what_cannot_be(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        odd = small(key={"type": "OS::Nova::KeyPair", "properties": {"name": "a/b"}})
        path = await created(cloud, "odd", odd)
        stack = await settled(cloud, path, seconds=10)
        assert stack["stack_status"] == "CREATE_FAILED"
        assert "resources.key" in stack["stack_status_reason"]
        await deleted(cloud, path)
        for action in ("check", "suspend"):
            answer = await cloud.call("POST", f"{path}/actions", json_={action: None})
            assert answer.status == 404
        assert (await cloud.call("DELETE", path)).status == 404

        path = await created(cloud, "resting", small(word=word_of(8)))
        await settled(cloud, path)
        assert (await acted(cloud, path, "suspend"))["stack_status"] == "SUSPEND_COMPLETE"
        answer = await cloud.call("PUT", path, json_={"template": small()})
        assert (answer.status, answer.json["error"]["type"]) == (400, "NotSupported")

    on_a_cloud(tmp_path, story)


def test_clients_see_what_is_inside(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        given = {"count": 1, "resource_def": word_of(8)}
        template = small(many={"type": "OS::Heat::ResourceGroup", "properties": given})
        path = await created(cloud, "outer", template)
        await settled(cloud, path)
        found = (await rows(cloud, path))["many"]["links"]
        (nested,) = [each["href"] for each in found if each["rel"] == "nested"]
        inner = nested[nested.index("/orchestration") :]
        assert list(await rows(cloud, inner)) == ["0"]
        events = (await cloud.call("GET", f"{path}/events?nested_depth=2")).json["events"]
        tops = [e["href"] for each in events for e in each["links"] if e["rel"] == "root_stack"]
        assert len(tops) == len(events) and all(each.endswith(path) for each in tops)
        assert "0" in {each["resource_name"] for each in events}

    on_a_cloud(tmp_path, story)


def test_what_is_inside_ends_with_the_whole(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        given = {"count": 1, "resource_def": tried(wait_secs=3600)}
        template = small(many={"type": "OS::Heat::ResourceGroup", "properties": given})
        path = await created(cloud, "outer", template)

        def inside(answer: Any) -> bool:
            return any(e["resource_name"] == "0" for e in answer.json["resources"])

        await cloud.until(f"{path}/resources?nested_depth=1", inside)
        cancel = {"cancel_without_rollback": None}
        answer = await cloud.call("POST", f"{path}/actions", json_=cancel)
        assert answer.status == 200, answer.raw
        every = await cloud.call("GET", f"{await base(cloud)}?show_nested=true")
        words = {each["stack_status"] for each in every.json["stacks"]}
        assert (len(every.json["stacks"]), words) == (2, {"CREATE_FAILED"})

        # Not even where a failure would lead back.
        template = small(word=word_of(4), slow=tried(wait_secs=3600))
        path = await created(cloud, "careful", template, disable_rollback=False)

        def begun(answer: Any) -> bool:
            return any(e["resource_status"] == "CREATE_COMPLETE" for e in answer.json["resources"])

        await cloud.until(f"{path}/resources", begun)
        answer = await cloud.call("POST", f"{path}/actions", json_=cancel)
        assert answer.status == 200, answer.raw
        stack = (await cloud.call("GET", path)).json["stack"]
        assert (stack["stack_status"], stack["disable_rollback"]) == ("CREATE_FAILED", False)
        found = (await cloud.call("GET", f"{path}/resources/word")).json["resource"]
        assert found["resource_status"] == "CREATE_COMPLETE"

    on_a_cloud(tmp_path, story)


def test_readers_see_with_their_own_rights(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        await cloud.token("admin")
        stacks = f"/orchestration/v1/{cloud.projects['admin']}/stacks"
        answer = await cloud.call("GET", stacks, as_="admin")
        assert answer.status == 200
        wish = small(web=server())
        wish["outputs"] = {"all": {"value": {"get_attr": ["web", "show"]}}}
        path = await created(cloud, "plain", wish)
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        # As if an administrator had made it.
        id = path.rpartition("/")[2]
        token = {"x-subject-token": await cloud.token("admin")}
        answer = await cloud.call("GET", "/identity/v3/auth/tokens", as_="admin", headers=token)
        admin = answer.json["token"]["user"]["id"]

        def lend(tx: Tx) -> None:
            row = tx.get(StackRow, id)
            assert row is not None
            tx.update(row, user_id=admin, roles=["admin", "member", "reader"])

        await in_(cloud, lend)
        shown = (await cloud.call("GET", path)).json["stack"]["outputs"][0]["output_value"]
        assert shown["status"] == "ACTIVE"
        assert "OS-EXT-SRV-ATTR:host" not in shown
        one = (await cloud.call("GET", f"{path}/resources/web")).json["resource"]
        assert "OS-EXT-SRV-ATTR:host" not in one["attributes"]["show"]

    on_a_cloud(tmp_path, story)
