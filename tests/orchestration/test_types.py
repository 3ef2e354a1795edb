"""Types of all services, made, changed and removed by their own operations."""

from pathlib import Path
from typing import Any

from tests.orchestration.test_stacks import on_a_cloud, small
from tests.support.cloud import TestCloud


def of(kind: str, **given: Any) -> dict[str, Any]:
    return {"type": kind, "properties": given}


def ref(name: str) -> dict[str, str]:
    return {"get_resource": name}


def cloud_of_an_administrator(word: str) -> dict[str, Any]:
    """What only administrators make; `word` is what changes."""
    role = {"role": "member", "project": ref("team")}
    return small(
        team=of("OS::Keystone::Project", name="team", description=word, tags=[word]),
        people=of("OS::Keystone::Group", name="people", description=word, roles=[role]),
        duty=of("OS::Keystone::Role", name=f"duty-{word}"),
        also=of(
            "OS::Keystone::GroupRoleAssignment",
            group=ref("people"),
            roles=[{"role": ref("duty"), "project": ref("team")}],
        ),
        land=of("OS::Keystone::Domain", name="land", description=word),
        region=of("OS::Keystone::Region", id="north", description=word),
        service=of("OS::Keystone::Service", name="x", type="x", description=word),
        endpoint=of(
            "OS::Keystone::Endpoint",
            service=ref("service"),
            region=ref("region"),
            url=f"http://x.test/{word}",
        ),
        flavor=of(
            "OS::Nova::Flavor",
            ram=64,
            vcpus=1,
            is_public=False,
            tenants=[ref("team")],
            extra_specs={"hw:cpu_policy": word},
        ),
        hosts=of("OS::Nova::HostAggregate", name=f"hosts-{word}", metadata={"ssd": word}),
        cores=of("OS::Nova::Quota", project=ref("team"), cores=len(word)),
        nets=of("OS::Neutron::Quota", project=ref("team"), network=len(word)),
        disks=of("OS::Cinder::Quota", project=ref("team"), volumes=len(word)),
        fast=of("OS::Cinder::VolumeType", name=f"fast-{word}", metadata={"w": word}),
        wire=of("OS::Neutron::ProviderNet", network_type="vxlan", router_external=False),
    )


def cloud_of_a_user(word: str) -> dict[str, Any]:
    route = {"destination": "10.99.0.0/16", "nexthop": "10.7.0.9"}
    routes = [route | {"destination": f"10.{100 + len(word)}.0.0/16"}]
    return small(
        net=of("OS::Neutron::Net", tags=[word]),
        # By older names of required properties.
        subnet=of("OS::Neutron::Subnet", network_id=ref("net"), cidr="10.7.0.0/24"),
        router=of("OS::Neutron::Router"),
        inside=of("OS::Neutron::RouterInterface", router_id=ref("router"), subnet_id=ref("subnet")),
        outside=of("OS::Neutron::RouterGateway", router_id=ref("router"), network="public"),
        way=of("OS::Neutron::ExtraRoute", router_id=ref("router"), **route),
        ways=of("OS::Neutron::ExtraRouteSet", router=ref("router"), routes=routes),
        zone=of("OS::Designate::Zone", name="stack.test.", email="a@stack.test", description=word),
        www=of(
            "OS::Designate::RecordSet",
            zone=ref("zone"),
            name="www.stack.test.",
            type="A",
            records=[f"10.7.0.{len(word)}"],
        ),
        where=of(
            "OS::Manila::ShareNetwork",
            neutron_network=ref("net"),
            neutron_subnet=ref("subnet"),
            description=word,
            security_services=[ref("people")],
        ),
        people=of("OS::Manila::SecurityService", type="ldap", description=word),
        share=of(
            "OS::Manila::Share",
            share_network=ref("where"),
            share_protocol="NFS",
            size=1,
            description=word,
            access_rules=[{"access_to": f"10.7.0.{len(word)}", "access_type": "ip"}],
        ),
    )


async def settled(cloud: TestCloud, path: str, as_: str) -> dict[str, Any]:
    done = await cloud.until(
        path, lambda a: "IN_PROGRESS" not in a.json["stack"]["stack_status"], as_=as_, seconds=30
    )
    stack: dict[str, Any] = done.json["stack"]
    return stack


async def ids(cloud: TestCloud, path: str, as_: str) -> dict[str, str]:
    found = (await cloud.call("GET", f"{path}/resources", as_=as_)).json["resources"]
    return {each["resource_name"]: each["physical_resource_id"] for each in found}


async def lived(cloud: TestCloud, as_: str, one: Any, other: Any) -> dict[str, str]:
    """The stack is made, changed in place, and everything of it goes; its ids in between."""
    await cloud.token(as_)
    stacks = f"/orchestration/v1/{cloud.projects[as_]}/stacks"
    body = {"stack_name": "all", "template": one}
    answer = await cloud.call("POST", stacks, as_=as_, json_=body)
    assert answer.status == 201, answer.raw
    path = f"{stacks}/all/{answer.json['stack']['id']}"
    stack = await settled(cloud, path, as_)
    assert stack["stack_status"] == "CREATE_COMPLETE", stack["stack_status_reason"]
    before = await ids(cloud, path, as_)
    answer = await cloud.call("PUT", path, as_=as_, json_={"template": other})
    assert answer.status == 202, answer.raw
    stack = await settled(cloud, path, as_)
    assert stack["stack_status"] == "UPDATE_COMPLETE", stack["stack_status_reason"]
    assert await ids(cloud, path, as_) == before
    return before | {"path": path}


async def gone(cloud: TestCloud, as_: str, path: str) -> None:
    assert (await cloud.call("DELETE", path, as_=as_)).status == 204
    stack = await settled(cloud, path, as_)
    assert stack["stack_status"] == "DELETE_COMPLETE", stack["stack_status_reason"]


def test_an_administrator_s_types(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        async def seen(path: str) -> Any:
            answer = await cloud.call("GET", path, as_="admin")
            assert answer.status == 200, (path, answer.raw)
            return answer.json

        one, other = cloud_of_an_administrator("dedicated"), cloud_of_an_administrator("shared")
        made = await lived(cloud, "admin", one, other)
        team = made["team"]
        project = (await seen(f"/identity/v3/projects/{team}"))["project"]
        assert (project["description"], project["tags"]) == ("shared", ["shared"])
        held = f"/identity/v3/projects/{team}/groups/{made['people']}/roles"
        assert len((await seen(held))["roles"]) == 2
        flavor = f"/compute/v2.1/flavors/{made['flavor']}"
        specs = await seen(f"{flavor}/os-extra_specs")
        assert specs["extra_specs"] == {"hw:cpu_policy": "shared"}
        access = await seen(f"{flavor}/os-flavor-access")
        assert [each["tenant_id"] for each in access["flavor_access"]] == [team]
        limits = (await seen(f"/compute/v2.1/os-quota-sets/{team}"))["quota_set"]
        assert limits["cores"] == len("shared")
        kinds = (await seen(f"/volume/v3/types/{made['fast']}"))["volume_type"]
        assert (kinds["name"], kinds["extra_specs"]) == ("fast-shared", {"w": "shared"})
        await gone(cloud, "admin", made["path"])
        left = (await seen("/identity/v3/projects?name=team"))["projects"]
        assert left == []
        assert [r["id"] for r in (await seen("/identity/v3/regions"))["regions"]] == ["RegionOne"]

        # What an administrator may, a user's stack may not.
        refused = {"stack_name": "team", "template": small(team=of("OS::Keystone::Project"))}
        await cloud.token("demo")
        stacks = f"/orchestration/v1/{cloud.projects['demo']}/stacks"
        answer = await cloud.call("POST", stacks, json_=refused)
        path = f"{stacks}/team/{answer.json['stack']['id']}"
        assert (await settled(cloud, path, "demo"))["stack_status"] == "CREATE_FAILED"

    on_a_cloud(tmp_path, story)


def test_a_user_s_types(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        made = await lived(cloud, "demo", cloud_of_a_user("one"), cloud_of_a_user("three"))
        router = (await cloud.call("GET", f"/network/v2.0/routers/{made['router']}")).json["router"]
        ways = {each["destination"] for each in router["routes"]}
        assert ways == {"10.99.0.0/16", "10.105.0.0/16"}
        assert router["external_gateway_info"] is not None
        zone = f"/dns/v2/zones/{made['zone']}"
        assert (await cloud.call("GET", zone)).json["description"] == "three"
        www = (await cloud.call("GET", f"{zone}/recordsets/{made['www']}")).json
        assert www["records"] == ["10.7.0.5"]
        rules = f"/share/v2/share-access-rules?share_id={made['share']}"
        head = {"X-OpenStack-Manila-API-Version": "2.51"}
        found = (await cloud.call("GET", rules, headers=head)).json["access_list"]
        assert [each["access_to"] for each in found] == ["10.7.0.5"]
        await gone(cloud, "demo", made["path"])

    on_a_cloud(tmp_path, story)


def test_a_volume_of_a_backup_gets_another_type(tmp_path: Path) -> None:
    def stack(backup: str, kind: Any) -> dict[str, Any]:
        return small(
            gold=of("OS::Cinder::VolumeType", name="gold"),
            disk=of("OS::Cinder::Volume", backup_id=backup, size=1, volume_type=kind),
        )

    async def story(cloud: TestCloud) -> None:
        async def ask(method: str, path: str, body: Any = None) -> Any:
            answer = await cloud.call(method, f"/volume/v3{path}", as_="admin", json_=body)
            assert answer.status in (200, 202), answer.raw
            return answer.json

        async def at_rest(noun: str, id: str) -> None:
            path = f"/volume/v3/{noun}s/{id}"
            await cloud.until(path, lambda a: a.json[noun]["status"] == "available", as_="admin")

        volume = (await ask("POST", "/volumes", {"volume": {"size": 1}}))["volume"]["id"]
        await at_rest("volume", volume)
        backup = (await ask("POST", "/backups", {"backup": {"volume_id": volume}}))["backup"]["id"]
        await at_rest("backup", backup)
        one, other = stack(backup, "__DEFAULT__"), stack(backup, ref("gold"))
        made = await lived(cloud, "admin", one, other)
        disk = (await ask("GET", f"/volumes/{made['disk']}"))["volume"]
        assert disk["volume_type"] == "gold"
        await gone(cloud, "admin", made["path"])

    on_a_cloud(tmp_path, story)
