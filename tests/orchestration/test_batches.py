"""Groups that are made and changed some members at a time."""

from pathlib import Path
from typing import Any

from cumulo.orchestration.service.batches import Pace, following
from tests.orchestration.test_kept import deleted, ids, wished
from tests.orchestration.test_stacks import Story, base, created, on_a_cloud, settled, small
from tests.support.cloud import TestCloud


def steps(current: list[str], target: list[str], pace: Pace) -> list[list[str]]:
    """The groups on the way: members that are new have a star."""
    spares = iter("xyz")
    now, seen = {name: "old" for name in current}, []
    wanted = {name: "new" for name in target}
    while now != wanted:
        now = following(now, wanted, pace, lambda name: "new", lambda: next(spares))
        seen.append([name + "*" * (one == "new") for name, one in now.items()])
        assert len(seen) < 20
    return seen


def test_batches_on_the_way() -> None:
    abc = ["a", "b", "c"]
    assert steps(abc, abc, Pace(2, 0, 0)) == [["a*", "b*", "c"], ["a*", "b*", "c*"]]
    # Two stay in service: for a while there is one more.
    assert steps(abc, abc, Pace(2, 2, 0)) == [
        ["a*", "b", "c", "x*"],
        ["a*", "b*", "c"],
        ["a*", "b*", "c*"],
    ]
    assert steps(abc, abc, Pace(1, 3, 0))[0] == ["a", "b", "c", "x*"]
    assert steps(abc, abc, Pace(9, 0, 0)) == [["a*", "b*", "c*"]]
    assert steps([], abc, Pace(2, 0, 0)) == [["a*", "b*"], ["a*", "b*", "c*"]]
    assert steps(abc, ["b"], Pace(1, 0, 0)) == [["b*"]]
    assert steps(["a"], abc, Pace(1, 1, 0)) == [["a", "b*"], ["a", "b*", "c*"], ["a*", "b*", "c*"]]
    assert steps(["a", "b"], ["b", "c"], Pace(1, 0, 0)) == [["a", "b*"], ["b*", "c*"]]


def grouped(value: str, policy: Any, kind: str = "OS::Heat::ResourceGroup") -> dict[str, Any]:
    member = {"type": "OS::Heat::TestResource", "properties": {"value": value}}
    given: dict[str, Any] = {"count": 3, "resource_def": member}
    if kind != "OS::Heat::ResourceGroup":
        given = {"min_size": 1, "max_size": 5, "desired_capacity": 3, "resource": member}
    return small(group={"type": kind, "properties": given, "update_policy": policy})


async def ends(cloud: TestCloud, path: str, stack: str) -> list[str]:
    """What the stack inside has done, as its events say."""
    events = (await cloud.call("GET", f"{path}/events?nested_depth=1&limit=500")).json["events"]
    events = [each for each in events if each["resource_name"] != "group"]
    mine = [each for each in events if each["physical_resource_id"] == stack]
    return [each["resource_status"] for each in mine if "COMPLETE" in each["resource_status"]]


async def values(cloud: TestCloud, path: str, template: dict[str, Any], what: str) -> Any:
    stack = (await cloud.call("GET", path)).json["stack"]
    return next(e["output_value"] for e in stack["outputs"] if e["output_key"] == what)


def test_groups_change_by_batches(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        pace = {"max_batch_size": 2, "pause_time": 0.2}
        policy = {"batch_create": pace, "rolling_update": {**pace, "min_in_service": 2}}
        template = grouped("one", policy)
        told = {"now": {"value": {"get_attr": ["group", "output"]}}}
        path = await created(cloud, "rolls", template | {"outputs": told})
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        inner = (await ids(cloud, path))["group"]
        assert await ends(cloud, path, inner) == ["CREATE_COMPLETE", "UPDATE_COMPLETE"]
        stack = await wished(cloud, path, grouped("two", policy) | {"outputs": told})
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        assert (await ids(cloud, path))["group"] == inner
        assert len(await ends(cloud, path, inner)) == 5
        assert await values(cloud, path, template, "now") == ["two"] * 3

        # Where the definitions stay there are no batches; nor where no policy says so: the stack
        # inside looks at its members once.
        stack = await wished(cloud, path, grouped("two", policy) | {"outputs": told})
        assert len(await ends(cloud, path, inner)) == 6
        stack = await wished(cloud, path, grouped("three", {}) | {"outputs": told})
        assert (len(await ends(cloud, path, inner)), stack["stack_status"]) == (
            7,
            "UPDATE_COMPLETE",
        )
        await deleted(cloud, path)

        kind = "OS::Heat::AutoScalingGroup"
        policy = {"rolling_updates": {"max_batch_size": 1, "min_in_service": 3}}
        told = {"now": {"value": {"get_attr": ["group", "outputs_list", "output"]}}}
        path = await created(cloud, "scales", grouped("one", policy, kind) | {"outputs": told})
        assert (await settled(cloud, path))["stack_status"] == "CREATE_COMPLETE"
        inner = (await ids(cloud, path))["group"]
        stack = await wished(cloud, path, grouped("two", policy, kind) | {"outputs": told})
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        assert len(await ends(cloud, path, inner)) >= 4
        assert await values(cloud, path, template, "now") == ["two"] * 3

    on_a_cloud(tmp_path, story)


def update_policies_are_looked_at() -> Story:
    async def story(cloud: TestCloud) -> None:
        stacks = await base(cloud)

        async def refused(policy: Any, word: str) -> None:
            body = {"stack_name": "no", "template": grouped("x", policy)}
            answer = await cloud.call("POST", stacks, json_=body)
            assert (answer.status, word in str(answer.raw)) == (400, True), answer.raw

        await refused({"rolling": {}}, "Unknown Property rolling")
        await refused({"rolling_update": {"max_batch_size": 0}}, "max_batch_size")
        await refused({"rolling_update": {"pause_time": -1}}, "pause_time")
        slow = {"batch_create": {"max_batch_size": 1, "pause_time": 3600}}
        path = await created(cloud, "slow", grouped("x", slow))
        reason = (await settled(cloud, path))["stack_status_reason"]
        assert "will result in stack update timeout" in reason

    return story


def an_alarm_does_not_go_on_with_what_failed() -> Story:
    def wish(value: str, fail: Any = False) -> dict[str, Any]:
        policy = {"rolling_updates": {"max_batch_size": 1, "min_in_service": 3}}
        template = grouped(value, policy, "OS::Heat::AutoScalingGroup")
        template["resources"]["group"]["properties"]["resource"]["properties"]["fail"] = fail
        given = {
            "auto_scaling_group_id": {"get_resource": "group"},
            "adjustment_type": "change_in_capacity",
            "scaling_adjustment": 1,
        }
        template["resources"]["up"] = {"type": "OS::Heat::ScalingPolicy", "properties": given}
        told = {"now": {"value": {"get_attr": ["group", "outputs_list", "output"]}}}
        return template | {"outputs": told}

    async def story(cloud: TestCloud) -> None:
        path = await created(cloud, "scales", wish("old"))
        assert (await settled(cloud, path))["stack_status"] == "CREATE_COMPLETE"
        stack = await wished(cloud, path, wish("new", True))
        assert stack["stack_status"] == "UPDATE_FAILED", stack["stack_status_reason"]
        said = await cloud.call("POST", f"{path}/resources/up/signal", json_={})
        assert said.status == 200, said.raw
        group = (await cloud.call("GET", f"{path}/resources/group")).json["resource"]
        links = {each["rel"]: each["href"] for each in group["links"]}
        await settled(cloud, links["nested"].partition("cloud.test")[2])
        found = (await cloud.call("GET", f"{path}/resources?nested_depth=1")).json["resources"]
        members = [each for each in found if each["resource_name"].isdecimal()]
        # The one that was there for the time of the change is the fourth now.
        assert len(members) == 4
        assert (await values(cloud, path, {}, "now")).count("old") == 3
        stack = await wished(cloud, path, wish("new"))
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        assert await values(cloud, path, {}, "now") == ["new"] * 4

    return story


def what_changes_nothing_needs_no_batch() -> Story:
    def wish(about: str) -> dict[str, Any]:
        policy = {"rolling_updates": {"max_batch_size": 1}}
        template = grouped("one", policy, "OS::Heat::AutoScalingGroup")
        group = template["resources"]["group"]["properties"]
        group["resource"]["description"] = about
        group |= {"max_size": 40, "desired_capacity": 40}
        return template

    async def story(cloud: TestCloud) -> None:
        path = await created(cloud, "words", wish("a"))
        assert (await settled(cloud, path))["stack_status"] == "CREATE_COMPLETE"
        inner = (await ids(cloud, path))["group"]
        stack = await wished(cloud, path, wish("b"))
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        assert await ends(cloud, path, inner) == ["CREATE_COMPLETE", "UPDATE_COMPLETE"]

    return story


def test_what_is_no_batch(tmp_path: Path) -> None:
    on_a_cloud(
        tmp_path,
        an_alarm_does_not_go_on_with_what_failed(),
        what_changes_nothing_needs_no_batch(),
        update_policies_are_looked_at(),
    )
