"""Breakpoints of every kind; what environments may not have; stacks whose owner is gone."""

import asyncio
import json
from pathlib import Path
from typing import Any

from cumulo.orchestration.language.documents import load
from tests.orchestration.test_lent import project
from tests.orchestration.test_stacks import base, created, on_a_cloud, rows, settled, small, tried
from tests.support.cloud import TestCloud

tried.__test__ = False  # type: ignore[attr-defined]
HOOKS = ["post-create", "pre-update", "post-update", "pre-delete", "post-delete"]


def two(value: str) -> dict[str, Any]:
    return small(first=tried(value=value), second={**tried(), "depends_on": "first"})


async def cleared(cloud: TestCloud, path: str, hook: str, others: bool = False) -> None:
    """The first resource waits at the hook, and nobody goes on before that is cleared."""
    action = hook.partition("-")[2].upper()
    said = f"{action} paused until Hook {hook} is cleared"

    def waits(answer: Any) -> bool:
        return said in [e["resource_status_reason"] for e in answer.json.get("events", ())]

    await cloud.until(f"{path}/resources/first/events?limit=500", waits)
    if others:
        second = (await rows(cloud, path))["second"]
        assert second["resource_status"] == "INIT_COMPLETE", second
    signal = f"{path}/resources/first/signal"
    wrong = await cloud.call("POST", signal, json_={"unset_hook": "pre-create"})
    assert wrong.status == 400
    answer = await cloud.call("POST", signal, json_={"unset_hook": hook})
    assert answer.status == 200, answer.raw


def test_every_hook_waits(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        hooked = {"resource_registry": {"resources": {"fi*": {"hooks": HOOKS}}}}
        path = await created(cloud, "stops", two("a"), environment=hooked)
        await cleared(cloud, path, "post-create", others=True)
        assert (await settled(cloud, path))["stack_status"] == "CREATE_COMPLETE"
        wish = {"template": two("b"), "environment": hooked}
        assert (await cloud.call("PUT", path, json_=wish)).status == 202
        await cleared(cloud, path, "pre-update")
        await cleared(cloud, path, "post-update")
        assert (await settled(cloud, path))["stack_status"] == "UPDATE_COMPLETE"
        assert (await cloud.call("DELETE", path)).status == 204
        await cleared(cloud, path, "pre-delete")
        await cleared(cloud, path, "post-delete")
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "DELETE_COMPLETE"

        # Who waits does not keep a stack from its end when another one fails.
        failing = small(first=tried(), second=tried(fail=True, wait_secs=1))
        path = await created(cloud, "fails", failing, environment=hooked)
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "CREATE_FAILED", stack
        body = {"stack_name": "sinks", "template": two("a")}
        sinks = {"event_sinks": [{"type": "zaqar-queue", "target": "q"}]}
        stacks = await base(cloud)
        answer = await cloud.call("POST", stacks, json_=body | {"environment": sinks})
        assert (answer.status, b"event_sinks" in answer.raw) == (400, True), answer.raw

    on_a_cloud(tmp_path, story)


def test_an_administrator_removes_what_nobody_owns(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        inner = small(net={"type": "OS::Neutron::Net"})
        group = {"count": 1, "resource_def": {"type": "inner.yaml"}}
        template = small(group={"type": "OS::Heat::ResourceGroup", "properties": group})
        files = {"inner.yaml": json.dumps(inner)}
        path = await created(cloud, "left", template, files=files)
        assert (await settled(cloud, path))["stack_status"] == "CREATE_COMPLETE"
        user = (await project(cloud))["user"]["id"]
        gone = await cloud.call("DELETE", f"/identity/v3/users/{user}", as_="admin")
        assert gone.status == 204, gone.raw
        answer = await cloud.call("DELETE", path, as_="admin")
        assert answer.status == 204, answer.raw

        def done(answer: Any) -> bool:
            return "IN_PROGRESS" not in answer.json["stack"]["stack_status"]

        headers = {"x-auth-token": await cloud.token("admin")}
        for _ in range(100):
            answer = await cloud.call("GET", path, headers=headers)
            if done(answer):
                break
            await asyncio.sleep(0.1)
        assert answer.json["stack"]["stack_status"] == "DELETE_COMPLETE", answer.raw
        nets = await cloud.call("GET", "/network/v2.0/networks", headers=headers)
        assert "left" not in str(nets.raw)

    on_a_cloud(tmp_path, story)


def test_keys_are_text_as_in_json() -> None:
    found = load("{80: a, on: b, 1.5: c, null: d, '81': e}")
    assert found == {"80": "a", "true": "b", "1.5": "c", "null": "d", "81": "e"}
