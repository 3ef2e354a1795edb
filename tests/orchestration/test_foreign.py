"""What a template names is a claim: stacks of others, and things that were there before."""

import json
from pathlib import Path
from typing import Any

from tests.orchestration.test_stacks import (
    base,
    created,
    on_a_cloud,
    settled,
    small,
    tried,
    word_of,
)
from tests.support.cloud import TestCloud


def test_an_external_stack_is_nobody_elses(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        await cloud.token("admin")
        stacks = f"/orchestration/v1/{cloud.projects['admin']}/stacks"
        theirs = small(word=word_of(12))
        theirs["outputs"] = {"secret": {"value": {"get_attr": ["word", "value"]}}}
        body = {"stack_name": "theirs", "template": theirs}
        made = await cloud.call("POST", stacks, as_="admin", json_=body)
        one = f"{stacks}/theirs/{made.json['stack']['id']}"
        stack = await cloud.until(
            one, lambda a: a.json["stack"]["stack_status"] == "CREATE_COMPLETE", as_="admin"
        )
        secret = stack.json["stack"]["outputs"][0]["output_value"]
        wish: dict[str, Any] = {
            "type": "OS::Heat::Stack",
            "external_id": made.json["stack"]["id"],
            "properties": {"template": json.dumps(small(mine=tried()))},
        }
        template = small(taken=wish)
        template["outputs"] = {"all": {"value": {"get_attr": ["taken", "outputs"]}}}
        path = await created(cloud, "thief", template, disable_rollback=False)
        stack_now = await settled(cloud, path)
        assert stack_now["stack_status"] == "ROLLBACK_COMPLETE"
        told = await cloud.call("GET", path)
        assert secret not in told.raw.decode()
        shown = await cloud.call("GET", f"{path}/resources/taken")
        assert "theirs" not in shown.raw.decode()
        after = await cloud.call("GET", one, as_="admin")
        assert after.json["stack"]["stack_status"] == "CREATE_COMPLETE"
        assert after.json["stack"]["outputs"][0]["output_value"] == secret

    on_a_cloud(tmp_path, story)


def test_a_rollback_leaves_what_was_there_before(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        await base(cloud)
        wish = {"network": {"name": "kept"}}
        made = await cloud.call("POST", "/network/v2.0/networks", json_=wish)
        id = made.json["network"]["id"]
        template = small(
            net={"type": "OS::Neutron::Net", "external_id": id},
            bad={**tried(fail=True), "depends_on": "net"},
        )
        path = await created(cloud, "rolled", template, disable_rollback=False)
        assert (await settled(cloud, path))["stack_status"] == "ROLLBACK_COMPLETE"
        assert (await cloud.call("GET", f"/network/v2.0/networks/{id}")).status == 200

    on_a_cloud(tmp_path, story)
