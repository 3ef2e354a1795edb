"""Signals: wait conditions, breakpoints, groups that grow."""

from pathlib import Path
from typing import Any

from cumulo.orchestration.service.scaling import new_size
from tests.orchestration.test_kept import deleted, ids, wished
from tests.orchestration.test_stacks import created, on_a_cloud, rows, settled, small, word_of
from tests.support.cloud import TestCloud


def waiting(timeout: int = 600, count: int = 1, **handle: Any) -> dict[str, Any]:
    template = small(
        handle={"type": "OS::Heat::WaitConditionHandle", "properties": handle},
        wait={
            "type": "OS::Heat::WaitCondition",
            "properties": {
                "handle": {"get_resource": "handle"},
                "timeout": timeout,
                "count": count,
            },
        },
    )
    template["outputs"] = {
        "curl": {"value": {"get_attr": ["handle", "curl_cli"]}},
        "data": {"value": {"get_attr": ["wait", "data"]}},
    }
    return template


async def told(cloud: TestCloud, path: str) -> dict[str, Any]:
    stack = (await cloud.call("GET", path)).json["stack"]
    return {each["output_key"]: each["output_value"] for each in stack["outputs"]}


async def begun(cloud: TestCloud, path: str, name: str) -> None:
    """That resource is being worked at."""
    one = f"{path}/resources/{name}"
    await cloud.until(
        one, lambda a: a.json["resource"]["resource_status"].endswith("CREATE_IN_PROGRESS")
    )


def test_a_condition_waits_for_its_signals(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        path = await created(cloud, "two", waiting(count=2))
        await begun(cloud, path, "wait")
        url = (await told(cloud, path))["curl"].rpartition(" ")[2]
        assert url.startswith("http")
        place = url[url.index("/orchestration/signal/") :]

        async def sent(body: Any, address: str = place) -> int:
            # Without a token: the address is the proof.
            return (await cloud.call("POST", address, as_=None, json_=body)).status

        # By hand, curl says that it is a form.
        form = {"content-type": "application/x-www-form-urlencoded"}
        raw = b'{"id": "a", "data": "one"}'
        by_hand = await cloud.call("PUT", place, as_=None, headers=form, body=raw)
        assert by_hand.status == 200, by_hand.raw
        for wrong in (b"[1]", b"{", b"[" * 5000, b'{"id": "\\u0000"}'):
            answer = await cloud.call("POST", place, as_=None, headers=form, body=wrong)
            assert answer.status == 400, (wrong[:20], answer.raw)
        large = await cloud.call("POST", place, as_=None, body=b'"' + b"x" * 200_000 + b'"')
        assert large.status == 413, large.raw
        assert await sent({"id": "a", "data": "again"}) == 200
        assert (await rows(cloud, path))["wait"]["resource_status"] == "CREATE_IN_PROGRESS"
        assert await sent({"status": "PERHAPS"}) == 400
        assert await sent({"data": "x" * 20_000}) == 400
        assert await sent({"id": "b"}, place[:-3]) == 404
        assert await sent({"id": "b"}, place.replace("signal/", "signal/0")) == 404
        mine = f"{path}/resources/handle/signal"
        assert (await cloud.call("POST", mine, json_={"id": "b", "data": {"x": 1}})).status == 200
        assert (await settled(cloud, path))["stack_status"] == "CREATE_COMPLETE"
        found = await told(cloud, path)
        assert found["data"] == '{"a": "again", "b": {"x": 1}}'
        # The address stays the same: what is made of it is not made anew.
        assert found["curl"].endswith(url)
        events = (await cloud.call("GET", f"{path}/resources/handle/events")).json["events"]
        assert "SIGNAL_COMPLETE" in [each["resource_status"] for each in events]
        other = await cloud.call("POST", f"{path}/resources/wait/signal", json_={})
        assert other.status == 400
        assert (await cloud.call("POST", mine, as_=None, json_={})).status == 401
        await deleted(cloud, path)
        assert await sent({"id": "c"}) == 404

    on_a_cloud(tmp_path, story)


def test_a_condition_fails_by_a_word_or_by_time(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        path = await created(cloud, "failing", waiting())
        await begun(cloud, path, "wait")
        signal = f"{path}/resources/handle/signal"
        body = {"status": "FAILURE", "reason": "no disk"}
        assert (await cloud.call("POST", signal, json_=body)).status == 200
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "CREATE_FAILED"
        assert "WaitConditionFailure: resources.wait: no disk" in stack["stack_status_reason"]
        # Asked again, it waits for new ones.
        answer = await cloud.call("PUT", path, json_={"template": waiting()})
        assert answer.status == 202, answer.raw
        await begun(cloud, path, "wait")
        assert (await cloud.call("POST", signal)).status == 200
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]

        late = await created(cloud, "late", waiting(timeout=1))
        stack = await settled(cloud, late)
        assert (
            "WaitConditionTimeout: resources.wait: 0 of 1 received" in stack["stack_status_reason"]
        )
        nobody = await created(cloud, "nobody", waiting(signal_transport="NO_SIGNAL"))
        assert (await settled(cloud, nobody))["stack_status"] == "CREATE_COMPLETE"

    on_a_cloud(tmp_path, story)


def test_a_breakpoint_is_cleared(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        hooks = {"resource_registry": {"resources": {"word": {"hooks": "pre-create"}}}}
        path = await created(cloud, "stopped", small(word=word_of(8)), environment=hooks)
        events = f"{path}/resources/word/events"

        def paused(answer: Any) -> bool:
            found = answer.json.get("events", ())
            return any("pre-create" in each["resource_status_reason"] for each in found)

        await cloud.until(events, paused)
        signal = f"{path}/resources/word/signal"
        wrong = await cloud.call("POST", signal, json_={"unset_hook": "pre-update"})
        assert wrong.status == 400
        clear = await cloud.call("POST", signal, json_={"unset_hook": "pre-create"})
        assert clear.status == 200, clear.raw
        assert (await settled(cloud, path))["stack_status"] == "CREATE_COMPLETE"

    on_a_cloud(tmp_path, story)


def scaled(length: int = 6) -> dict[str, Any]:
    def policy(by: float, kind: str = "change_in_capacity", cooldown: int = 0) -> dict[str, Any]:
        given = {
            "auto_scaling_group_id": {"get_resource": "group"},
            "adjustment_type": kind,
            "scaling_adjustment": by,
            "cooldown": cooldown,
        }
        return {"type": "OS::Heat::ScalingPolicy", "properties": given}

    group = {"min_size": 1, "max_size": 4, "desired_capacity": 2, "resource": word_of(length)}
    template = small(
        group={"type": "OS::Heat::AutoScalingGroup", "properties": group},
        up=policy(1),
        down=policy(-2),
        slow=policy(1, cooldown=3600),
        twice=policy(100, "percent_change_in_capacity"),
    )
    names = ("current_size", "refs", "refs_map")
    template["outputs"] = {each: {"value": {"get_attr": ["group", each]}} for each in names} | {
        "values": {"value": {"get_attr": ["group", "outputs_list", "value"]}},
        "up": {"value": {"get_attr": ["up", "alarm_url"]}},
    }
    return template


def test_a_group_grows_by_a_signal(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        path = await created(cloud, "scaled", scaled())
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        found = await told(cloud, path)
        assert (found["current_size"], len(found["values"])) == (2, 2)
        first = found["refs_map"]
        place = found["up"][found["up"].index("/orchestration/signal/") :]
        inner = await ids(cloud, path)

        async def grown(address: str, size: int, as_: str | None = "demo", **body: Any) -> None:
            answer = await cloud.call("POST", address, as_=as_, json_=body)
            assert answer.status == 200, answer.raw
            nested = f"{path}/resources?nested_depth=1"

            def there(answer: Any) -> bool:
                found = [e for e in answer.json["resources"] if e.get("parent_resource")]
                words = {e["resource_status"] for e in found}
                return len(found) == size and words <= {"CREATE_COMPLETE", "UPDATE_COMPLETE"}

            await cloud.until(nested, there)

        await grown(place, 3, None, current="alarm")
        # What was there before stays, with its value.
        found = await told(cloud, path)
        assert {n: found["refs_map"][n] for n in first} == first
        await grown(place, 3, None, current="ok")
        await grown(f"{path}/resources/twice/signal", 4)
        await grown(place, 4, None)
        await grown(f"{path}/resources/down/signal", 2)
        found = await told(cloud, path)
        assert not set(first) & set(found["refs_map"])
        await grown(f"{path}/resources/slow/signal", 3)
        await grown(f"{path}/resources/slow/signal", 3)

        # An update of the template keeps the size that it has come to.
        stack = await wished(cloud, path, scaled(7))
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        found = await told(cloud, path)
        assert (found["current_size"], {len(each) for each in found["values"]}) == (3, {7})
        assert (await ids(cloud, path))["group"] == inner["group"]
        await deleted(cloud, path)

    on_a_cloud(tmp_path, story)


def test_sizes() -> None:
    percent = "percent_change_in_capacity"
    assert new_size(3, "exact_capacity", 7, None) == 7
    assert new_size(3, "change_in_capacity", -2, None) == 1
    assert [new_size(10, percent, by, None) for by in (25, 5, -5, -25)] == [12, 11, 9, 8]
    assert new_size(10, percent, 5, 3) == 13


def test_conditions_of_other_families(tmp_path: Path) -> None:
    def wish(word: str) -> dict[str, Any]:
        handle = {"type": "OS::Heat::UpdateWaitConditionHandle"}
        given = {"Handle": {"get_resource": "handle"}, "Timeout": 600}
        template = small(
            handle=handle,
            wait={"type": "AWS::CloudFormation::WaitCondition", "properties": given},
            stays={"type": "OS::Heat::SwiftSignalHandle"},
            also={
                "type": "OS::Heat::SwiftSignal",
                "properties": {"handle": {"get_resource": "stays"}, "timeout": 600},
            },
            word={"type": "OS::Heat::RandomString", "properties": {"salt": word}},
        )
        template["outputs"] = {
            "url": {"value": {"get_resource": "handle"}},
            "data": {"value": {"get_attr": ["wait", "Data"]}},
            "curl": {"value": {"get_attr": ["stays", "curl_cli"]}},
            "more": {"value": {"get_attr": ["also", "data"]}},
        }
        return template

    def place(url: str) -> str:
        return url[url.index("/orchestration/signal/") :].strip("'")

    async def story(cloud: TestCloud) -> None:
        async def put(url: str, body: Any) -> int:
            return (await cloud.call("PUT", place(url), as_=None, json_=body)).status

        path = await created(cloud, "families", wish("a"))
        await begun(cloud, path, "wait")
        await begun(cloud, path, "also")
        found = await told(cloud, path)
        cfn = {"Status": "SUCCESS", "Reason": "done", "Data": "x", "UniqueId": "00"}
        assert await put(found["url"], {"Status": "SUCCESS", "Color": "red"}) == 400
        # By the words of cfn-signal, or by those of the API's SignalResource.
        assert await put(found["url"], {"status": "SUCCESS", "id": "00", "data": "y"}) == 200
        assert await put(found["url"], cfn) == 200
        assert await put(found["curl"].rpartition(" ")[2], {"status": "SUCCESS", "data": 5}) == 200
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        after = await told(cloud, path)
        assert (after["data"], after["more"]) == ('{"00": "x"}', '{"1": 5}')

        # An update makes another handle, and waits for it anew; the other one stays.
        answer = await cloud.call("PUT", path, json_={"template": wish("b")})
        assert answer.status == 202, answer.raw
        await begun(cloud, path, "wait")
        now = await told(cloud, path)
        assert (now["url"] != found["url"], now["curl"]) == (True, found["curl"])
        assert await put(now["url"], cfn) == 200
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        assert await put(found["url"], cfn) == 404

    on_a_cloud(tmp_path, story)
