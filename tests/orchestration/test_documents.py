"""Stacks as documents: snapshots and the way back, export, abandon, adopt."""

from pathlib import Path
from typing import Any

from cumulo.core.db.transaction import Tx
from cumulo.orchestration.model.stack import StackRow
from cumulo.orchestration.queries import resource as resources
from cumulo.orchestration.service.checking import Wish
from tests.orchestration.test_kept import acted, deleted, disk, ids, server, wished
from tests.orchestration.test_signals import told
from tests.orchestration.test_stacks import base, created, on_a_cloud, settled, small, word_of
from tests.support.cloud import TestCloud

INNER = """
heat_template_version: 2018-08-31
resources: {word: {type: OS::Heat::RandomString, properties: {length: 7}}}
outputs: {said: {value: {get_attr: [word, value]}}}
"""


def kept(size: int = 1) -> dict[str, Any]:
    template = small(
        word=word_of(8),
        inner={"type": "inner.yaml"},
        disk={"type": "OS::Cinder::Volume", "properties": {"size": size}},
    )
    template["outputs"] = {
        "word": {"value": {"get_attr": ["word", "value"]}},
        "said": {"value": {"get_attr": ["inner", "said"]}},
    }
    return template


FILES = {"inner.yaml": INNER}


def test_a_stack_is_abandoned_and_adopted(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        path = await created(cloud, "first", kept(), files=FILES, tags="a,b")
        assert (await settled(cloud, path))["stack_status"] == "CREATE_COMPLETE"
        values, disk = await told(cloud, path), (await ids(cloud, path))["disk"]
        exported = (await cloud.call("GET", f"{path}/export")).json
        document = (await cloud.call("DELETE", f"{path}/abandon")).json
        assert {**exported, "resources": {}} == {**document, "resources": {}}
        assert document["resources"]["disk"]["resource_id"] == disk
        await cloud.until(
            path, lambda a: a.json["stack"]["stack_status"] == "DELETE_COMPLETE", seconds=20
        )
        volume = f"/volume/v3/volumes/{disk}"
        assert (await cloud.call("GET", volume)).json["volume"]["status"] == "available"

        stacks = await base(cloud)
        body = {"stack_name": "again", "adopt_stack_data": document}
        # What is another project's is not there for who adopts it.
        await cloud.token("admin")
        theirs = f"/orchestration/v1/{cloud.projects['admin']}/stacks"
        word_only = {**document, "template": small(disk=kept()["resources"]["disk"])}
        wrong = {**word_only, "resources": {"disk": {"resource_id": "../../servers"}}}
        for data in (wrong, {**word_only, "resources": {}}):
            answer = await cloud.call(
                "POST", stacks, json_={"stack_name": "no", "adopt_stack_data": data}
            )
            assert answer.status == 201
            other = f"{stacks}/no/{answer.json['stack']['id']}"
            assert (await settled(cloud, other))["stack_status"] == "ADOPT_FAILED"
            await deleted(cloud, other)
        assert (await cloud.call("POST", theirs, as_="demo", json_=body)).status == 400
        assert (await cloud.call("GET", volume)).status == 200

        answer = await cloud.call("POST", stacks, json_=body)
        assert answer.status == 201, answer.raw
        path = f"{stacks}/again/{answer.json['stack']['id']}"
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "ADOPT_COMPLETE", stack["stack_status_reason"]
        assert await told(cloud, path) == values
        assert (await ids(cloud, path))["disk"] == disk
        await deleted(cloud, path)
        assert (await cloud.call("GET", volume)).status == 404
        bad = await cloud.call(
            "POST", stacks, json_={"stack_name": "bad", "adopt_stack_data": "[1]"}
        )
        assert bad.status == 400

    on_a_cloud(tmp_path, story)


def test_a_snapshot_leads_back(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        path = await created(cloud, "kept", kept(), files=FILES)
        await settled(cloud, path)
        before = await ids(cloud, path)
        taken = await cloud.call("POST", f"{path}/snapshots", json_={"name": "one"})
        assert taken.json["status"] in ("IN_PROGRESS", "COMPLETE"), taken.raw
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "SNAPSHOT_COMPLETE", stack["stack_status_reason"]
        (head,) = (await cloud.call("GET", f"{path}/snapshots")).json["snapshots"]
        one = (await cloud.call("GET", f"{path}/snapshots/{head['id']}")).json["snapshot"]
        # A list tells what there is, and not twenty whole documents.
        assert (head, head["data"]) == (one | {"data": None}, None)
        saved = one["data"]["resources"]["disk"]["saved"]
        assert (await cloud.call("GET", f"/volume/v3/volumes/{saved}")).status == 200

        changed = kept(2)
        changed["resources"]["more"] = word_of(3)
        body = {"template": changed, "files": FILES}
        assert (await cloud.call("PUT", path, json_=body)).status == 202
        await settled(cloud, path)
        back = f"{path}/snapshots/{one['id']}/restore"
        assert (await cloud.call("POST", back)).status == 202
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "RESTORE_COMPLETE", stack["stack_status_reason"]
        after = await ids(cloud, path)
        assert set(after) == set(before)
        disk = (await cloud.call("GET", f"/volume/v3/volumes/{after['disk']}")).json["volume"]
        assert (disk["source_volid"], after["disk"] != before["disk"]) == (saved, True)

        # What was restored stays by the user's own file; the same way leads back once more.
        await wished(cloud, path, kept(), files=FILES)
        assert (await ids(cloud, path))["disk"] == after["disk"]
        assert (await cloud.call("POST", back)).status == 202
        assert (await settled(cloud, path))["stack_status"] == "RESTORE_COMPLETE"
        again = (await ids(cloud, path))["disk"]
        assert again not in (before["disk"], after["disk"])

        gone = await cloud.call("DELETE", f"{path}/snapshots/{one['id']}")
        assert gone.status == 204
        assert (await cloud.call("PATCH", path, json_={"tags": "x"})).status == 202
        await settled(cloud, path)
        assert (await ids(cloud, path))["disk"] == again
        assert (await cloud.call("GET", f"/volume/v3/volumes/{saved}")).json.get("volume", {}).get(
            "status", "deleting"
        ) == "deleting"
        assert (await cloud.call("GET", f"{path}/snapshots/{one['id']}")).status == 404
        await deleted(cloud, path)

    on_a_cloud(tmp_path, story)


def test_a_chain_is_made_in_its_order(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        kinds = ["OS::Heat::RandomString", "OS::Heat::RandomString"]
        given = {"resources": kinds, "resource_properties": {"length": 6}}
        template = small(chain={"type": "OS::Heat::ResourceChain", "properties": given})
        template["outputs"] = {"all": {"value": {"get_attr": ["chain", "attributes", "value"]}}}
        path = await created(cloud, "chain", template)
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        values = stack["outputs"][0]["output_value"]
        assert {name: len(value) for name, value in values.items()} == {"0": 6, "1": 6}
        # The words are secrets: nothing of the database has them.
        files = [each for each in tmp_path.rglob("cumulo.db*") if each.is_file()]
        assert files and not any(values["0"].encode() in each.read_bytes() for each in files)
        nested = (await cloud.call("GET", f"{path}/resources?nested_depth=1")).json["resources"]
        required = {each["resource_name"]: each["required_by"] for each in nested}
        assert required["0"] == ["1"]
        wrong = {"resources": ["OS::No::Such"]}
        bad = small(chain={"type": "OS::Heat::ResourceChain", "properties": wrong})
        body = {"stack_name": "bad", "template": bad}
        assert (await cloud.call("POST", await base(cloud), json_=body)).status == 400

    on_a_cloud(tmp_path, story)


def test_a_snapshot_that_is_overtaken_keeps_its_own(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        path = await created(cloud, "hasty", small(disk=disk()))
        assert (await settled(cloud, path))["stack_status"] == "CREATE_COMPLETE"
        loops = {each.reconciler.name: each.reconciler for each in cloud.cloud.reconcilers}
        stacks, id = loops["late stacks"]._stacks, path.rpartition("/")[2]

        def overtaken(tx: Tx) -> str:
            """Begun, and the copy with it; then the stack is updated."""
            stacks.keeping.take_snapshot(tx, tx.get(StackRow, id), "first")
            (row,) = tx.all(resources.OF_STACK, stack=id)
            stacks.engine.step(tx, row.id)
            (row,) = tx.all(resources.OF_STACK, stack=id)
            copy: str = row.stored["snapshot"]["id"]
            stacks.update(tx, tx.get(StackRow, id), None, Wish(small(disk=disk())))
            return copy

        first = await cloud.cloud.database.write(overtaken)
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        taken = await cloud.call("POST", f"{path}/snapshots", json_={"name": "second"})
        assert taken.status == 200, taken.raw
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "SNAPSHOT_COMPLETE", stack["stack_status_reason"]
        found = (await cloud.call("GET", f"{path}/snapshots")).json["snapshots"]
        by_name = {each["name"]: each for each in found}
        assert by_name["first"]["status"] == "FAILED"
        shown = await cloud.call("GET", f"{path}/snapshots/{by_name['second']['id']}")
        assert shown.json["snapshot"]["data"]["resources"]["disk"]["saved"] != first
        # Its copy goes with it.
        for each in found:
            assert (await cloud.call("DELETE", f"{path}/snapshots/{each['id']}")).status == 204
        await deleted(cloud, path)
        await cloud.until("/volume/v3/volumes", lambda a: a.json["volumes"] == [])

    on_a_cloud(tmp_path, story)


def test_who_rests_already_is_not_asked_to(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        path = await created(cloud, "rests", small(one=server(), two=server()))
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        one = f"/compute/v2.1/servers/{(await ids(cloud, path))['one']}"

        async def asked(action: str, word: str) -> None:
            answer = await cloud.call("POST", f"{one}/action", json_={action: None})
            assert answer.status == 202, answer.raw
            await cloud.until(one, lambda a: a.json["server"]["status"] == word)

        await asked("suspend", "SUSPENDED")
        for action in ("suspend", "suspend", "resume", "resume", "suspend"):
            stack = await acted(cloud, path, action)
            word = f"{action.upper()}_COMPLETE"
            assert stack["stack_status"] == word, stack["stack_status_reason"]
        await asked("resume", "ACTIVE")
        assert (await acted(cloud, path, "resume"))["stack_status"] == "RESUME_COMPLETE"
        found = (await cloud.call("GET", "/compute/v2.1/servers/detail")).json["servers"]
        assert [each["status"] for each in found] == ["ACTIVE", "ACTIVE"]

    on_a_cloud(tmp_path, story)


def test_groups_are_adopted_with_their_names(tmp_path: Path) -> None:
    def policy(by: int) -> dict[str, Any]:
        given = {
            "auto_scaling_group_id": {"get_resource": "scales"},
            "adjustment_type": "change_in_capacity",
            "scaling_adjustment": by,
        }
        return {"type": "OS::Heat::ScalingPolicy", "properties": given}

    def wish(gone: list[str]) -> dict[str, Any]:
        sizes = {"min_size": 1, "max_size": 5, "desired_capacity": 2}
        many = {
            "count": 2,
            "resource_def": disk(),
            "removal_policies": [{"resource_list": gone}],
        }
        return small(
            scales={
                "type": "OS::Heat::AutoScalingGroup",
                "properties": {**sizes, "resource": disk()},
            },
            many={"type": "OS::Heat::ResourceGroup", "properties": many},
            up=policy(1),
            down=policy(-1),
        )

    async def inside(cloud: TestCloud, path: str) -> dict[str, str]:
        found = (await cloud.call("GET", f"{path}/resources?nested_depth=1")).json["resources"]
        return {
            f"{each['parent_resource']}.{each['resource_name']}": each["physical_resource_id"]
            for each in found
            if each["resource_name"].isdecimal()
        }

    async def story(cloud: TestCloud) -> None:
        path = await created(cloud, "first", wish([]))
        assert (await settled(cloud, path))["stack_status"] == "CREATE_COMPLETE"
        stack = await wished(cloud, path, wish(["0"]))
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        group = (await cloud.call("GET", f"{path}/resources/scales")).json["resource"]
        links = {each["rel"]: each["href"] for each in group["links"]}
        for name in ("up", "down"):
            assert (await cloud.call("POST", f"{path}/resources/{name}/signal")).status == 200
            await settled(cloud, links["nested"].partition("cloud.test")[2])
        before = await inside(cloud, path)
        assert set(before) == {"many.1", "many.2", "scales.1", "scales.2"}
        taken = await cloud.call("POST", f"{path}/snapshots", json_={"name": "then"})
        assert taken.status == 200, taken.raw
        await settled(cloud, path)
        document = (await cloud.call("DELETE", f"{path}/abandon")).json
        await cloud.until(path, lambda a: a.json["stack"]["stack_status"] == "DELETE_COMPLETE")
        stacks = await base(cloud)
        body = {"stack_name": "again", "adopt_stack_data": document}
        answer = await cloud.call("POST", stacks, json_=body)
        assert answer.status == 201, answer.raw
        path = f"{stacks}/again/{answer.json['stack']['id']}"
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "ADOPT_COMPLETE", stack["stack_status_reason"]
        assert await inside(cloud, path) == before
        # An update by the same template changes nobody.
        stack = await wished(cloud, path, wish(["0"]))
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        assert await inside(cloud, path) == before

    on_a_cloud(tmp_path, story)
