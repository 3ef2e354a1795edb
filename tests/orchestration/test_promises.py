"""What a template is promised: what is not the stack's stays as it is, what is to be looked at is
looked at, what may not change does not."""

from pathlib import Path
from typing import Any

from tests.orchestration.test_kept import acted, deleted, disk, ids, server, wished
from tests.orchestration.test_nested import would
from tests.orchestration.test_reports import asking
from tests.orchestration.test_signals import begun, told, waiting
from tests.orchestration.test_stacks import base, created, on_a_cloud, settled, small, word_of
from tests.support.cloud import TestCloud


def test_what_was_there_before_the_stack_is_only_looked_at(tmp_path: Path) -> None:
    """By `external_id`: no update rebuilds it, takes its ports, or sends it to rest."""

    async def story(cloud: TestCloud) -> None:
        own = await created(cloud, "own", small(web=server(metadata={"a": "1"})))
        await settled(cloud, own)
        web = (await ids(cloud, own))["web"]
        one = f"/compute/v2.1/servers/{web}"

        def outside(**more: Any) -> dict[str, Any]:
            return small(web={**server(**more), "external_id": web})

        path = await created(cloud, "guest", outside())
        assert (await settled(cloud, path))["stack_status"] == "CREATE_COMPLETE"
        before = (await cloud.call("GET", one)).json["server"]
        for more in ({"name": "other"}, {"flavor": "m1.tiny"}, {"metadata": {"b": "2"}}):
            stack = await wished(cloud, path, outside(**more))
            assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        for action in ("suspend", "resume", "snapshot", "check"):
            if action == "snapshot":
                answer = await cloud.call("POST", f"{path}/snapshots", json_={"name": "s"})
                assert answer.status in (200, 201), answer.raw
                await settled(cloud, path)
            else:
                stack = await acted(cloud, path, action)
                assert stack["stack_status"].endswith("COMPLETE"), stack["stack_status_reason"]
        await deleted(cloud, path)
        after = (await cloud.call("GET", one)).json["server"]
        assert after == before
        assert (await cloud.call("GET", "/image/v2/images?name=s")).json["images"] == []

    on_a_cloud(tmp_path, story)


def group(count: int, listed: list[Any], mode: str) -> dict[str, Any]:
    given = {
        "count": count,
        "resource_def": word_of(6),
        "removal_policies": [{"resource_list": listed}],
        "removal_policies_mode": mode,
    }
    template = small(all={"type": "OS::Heat::ResourceGroup", "properties": given})
    template["outputs"] = {"refs": {"value": {"get_attr": ["all", "refs_map"]}}}
    return template


def test_the_same_template_removes_nobody(tmp_path: Path) -> None:
    """Whoever has gone by a list that is still there goes on meaning the same."""

    async def story(cloud: TestCloud) -> None:
        for number, (mode, by_id) in enumerate(
            (mode, by_id) for mode in ("append", "update") for by_id in (False, True)
        ):
            path = await created(cloud, f"same{number}", group(3, [], mode))
            assert (await settled(cloud, path))["stack_status"] == "CREATE_COMPLETE"
            nested = (await cloud.call("GET", f"{path}/resources?nested_depth=1")).json["resources"]
            made = {each["resource_name"]: each["physical_resource_id"] for each in nested}
            listed = [made["1"] if by_id else "1"]
            left = None
            for _ in range(3):
                stack = await wished(cloud, path, group(2, listed, mode))
                refs = stack["outputs"][0]["output_value"]
                assert set(refs) == {"0", "2"}, (mode, by_id)
                assert left in (None, refs)
                left = refs

    on_a_cloud(tmp_path, story)


def test_a_check_looks_at_all(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        template = small(a=disk(), b=disk(), c=disk(), web=server())
        path = await created(cloud, "dead", template)
        assert (await settled(cloud, path))["stack_status"] == "CREATE_COMPLETE"
        before = await ids(cloud, path)
        for name in ("a", "b"):
            answer = await cloud.call("DELETE", f"/volume/v3/volumes/{before[name]}")
            assert answer.status == 202
            await cloud.until(f"/volume/v3/volumes/{before[name]}", lambda a: a.status == 404)
        stop = await cloud.call(
            "POST", f"/compute/v2.1/servers/{before['web']}/action", json_={"os-stop": None}
        )
        assert stop.status == 202
        await cloud.until(
            f"/compute/v2.1/servers/{before['web']}",
            lambda a: a.json["server"]["status"] == "SHUTOFF",
        )
        stack = await acted(cloud, path, "check")
        assert stack["stack_status"] == "CHECK_FAILED"
        told = (await cloud.call("GET", f"{path}/resources")).json["resources"]
        status = {each["resource_name"]: each["resource_status"] for each in told}
        assert status == {
            **dict.fromkeys(("a", "b", "web"), "CHECK_FAILED"),
            "c": "CHECK_COMPLETE",
        }
        assert all(f"resources.{name}" in stack["stack_status_reason"] for name in ("a", "b"))
        stack = await wished(cloud, path, template)
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        after = await ids(cloud, path)
        assert {name for name, id in after.items() if id != before[name]} == {"a", "b"}

    on_a_cloud(tmp_path, story)


def test_what_is_immutable_stays(tmp_path: Path) -> None:
    fixed = asking(parameters={"p": {"type": "string", "immutable": True}})

    async def story(cloud: TestCloud) -> None:
        path = await created(cloud, "fixed", asking(), parameters={"p": "one"})
        await settled(cloud, path)
        same = {"template": fixed, "parameters": {"p": "one"}}
        assert (await cloud.call("PUT", path, json_=same)).status == 202
        await settled(cloud, path)
        other = {"template": fixed, "parameters": {"p": "two"}}
        for method in ("PUT", "PATCH"):
            refused = await cloud.call(method, path, json_=other)
            assert refused.status == 400
            assert "immutable and may not be updated: p" in refused.json["error"]["message"]
        stack = await settled(cloud, path)
        assert (stack["stack_status"], stack["parameters"]["p"]) == ("UPDATE_COMPLETE", "one")

    on_a_cloud(tmp_path, story)


def test_what_an_environment_hides_is_shown_to_nobody(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        more = {
            "environment": {"encrypted_param_names": ["p"]},
            "parameters": {"p": "canary-4711"},
        }
        path = await created(cloud, "secret", asking(), **more)
        await settled(cloud, path)
        preview = await cloud.call(
            "POST",
            f"{await base(cloud)}/preview",
            json_={"stack_name": "x", "template": asking(), **more},
        )
        assert preview.json["stack"]["parameters"]["p"] == "******"
        for what in ("", "/environment"):
            assert b"canary-4711" not in (await cloud.call("GET", f"{path}{what}")).raw

    on_a_cloud(tmp_path, story)


def test_a_watcher_knows_what_was_made(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        path = await created(cloud, "watched", small(a=disk()))
        await settled(cloud, path)
        before = (await ids(cloud, path))["a"]
        answer = await cloud.call(
            "PATCH", f"{path}/resources/{before}", json_={"mark_unhealthy": True}
        )
        assert answer.status == 200, answer.raw
        row = (await cloud.call("GET", f"{path}/resources/a")).json["resource"]
        assert "resource_mark_unhealthy" in row["resource_status_reason"]
        await wished(cloud, path, small(a=disk()))
        assert (await ids(cloud, path))["a"] != before

    on_a_cloud(tmp_path, story)


def test_who_depends_on_everybody_is_bounded(tmp_path: Path) -> None:
    """A word in YAML names the whole list again."""
    names = [f"a{n}" for n in range(400)]
    lines = ["heat_template_version: 2021-04-16", "resources:"]
    lines += [f"  {name}: {{type: OS::Heat::TestResource}}" for name in names]
    for number in range(400):
        listed = f"&all [{', '.join(names)}]" if number == 0 else "*all"
        lines.append(f"  b{number}: {{type: OS::Heat::TestResource, depends_on: {listed}}}")

    async def story(cloud: TestCloud) -> None:
        body = {"stack_name": "web", "template": "\n".join(lines)}
        refused = await cloud.call("POST", await base(cloud), json_=body)
        assert refused.status == 400 and b"depend on each other more than" in refused.raw

    on_a_cloud(tmp_path, story)


def test_a_key_of_another_user(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        token = await cloud.call(
            "GET",
            "/identity/v3/auth/tokens",
            headers={"X-Subject-Token": await cloud.token("demo")},
        )
        user = token.json["token"]["user"]["id"]
        await cloud.token("admin")
        stacks = f"/orchestration/v1/{cloud.projects['admin']}/stacks"
        for whose in (user, "demo"):
            key = {"type": "OS::Nova::KeyPair", "properties": {"name": "theirs", "user": whose}}
            body = {"stack_name": "keys", "template": small(key=key)}
            answer = await cloud.call("POST", stacks, json_=body, as_="admin")
            assert answer.status == 201, answer.raw
            path = f"{stacks}/keys/{answer.json['stack']['id']}"
            done = await cloud.until(
                path,
                lambda a: "IN_PROGRESS" not in a.json["stack"]["stack_status"],
                as_="admin",
            )
            assert done.json["stack"]["stack_status"] == "CREATE_COMPLETE", done.raw
            assert (await cloud.call("GET", "/compute/v2.1/os-keypairs/theirs")).status == 200
            await cloud.call("DELETE", path, as_="admin")
            await cloud.until("/compute/v2.1/os-keypairs/theirs", lambda a: a.status == 404)

    on_a_cloud(tmp_path, story)


def test_users_and_groups_by_name(tmp_path: Path) -> None:
    """Constraints look for names, in the middle of a transaction."""
    template = small(word={"type": "OS::Heat::Value", "properties": {"value": {"get_param": "p"}}})

    async def story(cloud: TestCloud) -> None:
        for kind, name, status in (
            ("user", "demo", 201),
            ("user", "nobody", 400),
            ("group", "nobody", 400),
            ("project", "demo", 201),
        ):
            constraint = {"custom_constraint": f"keystone.{kind}"}
            wish = {
                **template,
                "parameters": {"p": {"type": "string", "constraints": [constraint]}},
            }
            await cloud.token("admin")
            path = f"/orchestration/v1/{cloud.projects['admin']}/stacks"
            body = {"stack_name": f"{kind}-{name}", "template": wish, "parameters": {"p": name}}
            answer = await cloud.call("POST", path, json_=body, as_="admin")
            assert answer.status == status, answer.raw

    on_a_cloud(tmp_path, story)


def test_what_was_waited_for_is_over(tmp_path: Path) -> None:
    """A guest that starts again and fails says nothing of the stack that is there."""

    async def story(cloud: TestCloud) -> None:
        path = await created(cloud, "waits", waiting())
        await begun(cloud, path, "wait")
        mine = f"{path}/resources/handle/signal"
        good, bad = {"id": "1"}, {"id": "1", "status": "FAILURE", "reason": "later"}
        assert (await cloud.call("POST", mine, json_=good)).status == 200
        assert (await settled(cloud, path))["stack_status"] == "CREATE_COMPLETE"
        assert (await cloud.call("POST", mine, json_=bad)).status == 200
        before = await ids(cloud, path)
        for action in ("check", "suspend", "resume"):
            stack = await acted(cloud, path, action)
            assert stack["stack_status"].endswith("_COMPLETE"), stack["stack_status_reason"]
        stack = await wished(cloud, path, waiting(), converge=True)
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        assert await ids(cloud, path) == before
        # And who takes it over waits for nothing.
        document = (await cloud.call("DELETE", f"{path}/abandon")).json
        body = {"stack_name": "taken", "adopt_stack_data": document}
        answer = await cloud.call("POST", await base(cloud), json_=body)
        assert answer.status == 201, answer.raw
        path = f"{await base(cloud)}/taken/{answer.json['stack']['id']}"
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "ADOPT_COMPLETE", stack["stack_status_reason"]
        assert (await told(cloud, path))["curl"]
        stack = await wished(cloud, path, waiting())
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        await deleted(cloud, path)

    on_a_cloud(tmp_path, story)


def test_a_preview_knows_what_stays(tmp_path: Path) -> None:
    def wish(name: str) -> dict[str, Any]:
        given = {"network": {"get_resource": "net"}, "name": name}
        port = {"type": "OS::Neutron::Port", "properties": given}
        return small(net={"type": "OS::Neutron::Net"}, port=port)

    async def story(cloud: TestCloud) -> None:
        path = await created(cloud, "dry", wish("one"))
        assert (await settled(cloud, path))["stack_status"] == "CREATE_COMPLETE"
        assert await would(cloud, path, "replaced", wish("two")) == set()
        assert await would(cloud, path, "updated", wish("two")) == {"port"}
        assert await would(cloud, path, "unchanged", wish("two")) == {"net"}

    on_a_cloud(tmp_path, story)


def test_odd_shapes_are_refused(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        good = asking()
        odd: list[dict[str, Any]] = [
            {"template": {**good, "parameters": {"p": {"type": "string", "tags": 5}}}},
            {"template": small(a={**word_of(5), "depends_on": 5})},
            {"template": small(a={**word_of(5), "depends_on": {"b": 1}})},
        ]
        for body in odd:
            body |= {"stack_name": "odd", "parameters": {"p": "x"}}
            answer = await cloud.call("POST", await base(cloud), json_=body)
            assert answer.status == 400, answer.raw
        registry = {"resources": {"word": {"hooks": [{}], "restricted_actions": 5}}}
        more = {"parameters": {"p": "x"}, "environment": {"resource_registry": registry}}
        path = await created(cloud, "odd", good, **more)
        assert (await settled(cloud, path))["stack_status"] == "CREATE_COMPLETE"

    on_a_cloud(tmp_path, story)


def test_a_subnet_of_a_pool(tmp_path: Path) -> None:
    scope = {"type": "OS::Neutron::AddressScope", "properties": {"ip_version": 4}}
    pool = {
        "type": "OS::Neutron::SubnetPool",
        "properties": {
            "prefixes": ["10.77.0.0/16"],
            "default_prefixlen": 26,
            "address_scope": {"get_resource": "scope"},
            "tags": ["a"],
        },
    }
    subnet = {
        "type": "OS::Neutron::Subnet",
        "properties": {"network": {"get_resource": "net"}, "subnetpool": {"get_resource": "pool"}},
    }

    async def story(cloud: TestCloud) -> None:
        await cloud.token("admin")
        shared = {
            "type": "OS::Neutron::RBACPolicy",
            "properties": {
                "object_type": "network",
                "object_id": {"get_resource": "net"},
                "target_tenant": cloud.projects["admin"],
                "action": "access_as_shared",
            },
        }
        net = {"type": "OS::Neutron::Net"}
        wish = small(net=net, scope=scope, pool=pool, subnet=subnet, shared=shared)
        path = await created(cloud, "pools", wish)
        stack = await settled(cloud, path)
        assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
        made = await ids(cloud, path)
        found = await cloud.call("GET", f"/network/v2.0/subnets/{made['subnet']}")
        assert found.json["subnet"]["cidr"] == "10.77.0.0/26"
        assert found.json["subnet"]["subnetpool_id"] == made["pool"]
        wider = {**pool, "properties": {**pool["properties"], "prefixes": ["10.76.0.0/15"]}}
        stack = await wished(
            cloud, path, {**wish, "resources": {**wish["resources"], "pool": wider}}
        )
        assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
        assert await ids(cloud, path) == made
        await deleted(cloud, path)
        for what in ("subnetpools", "address-scopes", "rbac-policies"):
            body = (await cloud.call("GET", f"/network/v2.0/{what}")).json
            assert next(iter(body.values())) == [], what

    on_a_cloud(tmp_path, story)
