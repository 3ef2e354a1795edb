"""Stacks made with a right that was lent end with it; nested stacks count as one."""

from pathlib import Path
from typing import Any

from tests.orchestration.test_stacks import base, created, on_a_cloud, settled, small, tried
from tests.support.cloud import TestCloud

tried.__test__ = False  # type: ignore[attr-defined]
NET = {"type": "OS::Neutron::Net", "depends_on": "pause", "properties": {"name": "late"}}


async def project(cloud: TestCloud) -> dict[str, Any]:
    """The demo user's token."""
    headers = {"x-subject-token": await cloud.token("demo")}
    answer = await cloud.call("GET", "/identity/v3/auth/tokens", headers=headers)
    token: dict[str, Any] = answer.json["token"]
    return token


async def authenticated(cloud: TestCloud, auth: dict[str, Any]) -> dict[str, str]:
    answer = await cloud.call("POST", "/identity/v3/auth/tokens", as_=None, json_={"auth": auth})
    assert answer.status == 201, answer.raw
    return {"x-auth-token": answer.headers["x-subject-token"]}


async def ends(cloud: TestCloud, name: str, lent: dict[str, str], gone: str) -> None:
    """A stack waits; what lent the right is deleted; nothing more is made."""
    stacks = await base(cloud)
    template = small(pause=tried(wait_secs=2), net=NET)
    body = {"stack_name": name, "template": template}
    made = await cloud.call("POST", stacks, json_=body, headers=lent)
    assert made.status == 201, made.raw
    path = f"{stacks}/{name}/{made.json['stack']['id']}"
    assert (await cloud.call("DELETE", gone)).status == 204
    stack = await settled(cloud, path)
    assert stack["stack_status"] == "CREATE_FAILED"
    assert "has ended" in stack["stack_status_reason"]
    late = await cloud.call("GET", "/network/v2.0/networks?name=late")
    assert late.json["networks"] == []
    # Who asks again in their own right can.
    assert (await cloud.call("DELETE", path)).status == 204
    await cloud.until(path, lambda a: a.json["stack"]["stack_status"] == "DELETE_COMPLETE")


def test_work_ends_with_what_lent_the_right(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        token = await project(cloud)
        user, roles = token["user"]["id"], [{"id": token["roles"][0]["id"]}]
        url = f"/identity/v3/users/{user}/application_credentials"
        wish = {"application_credential": {"name": "short", "secret": "s3cret"}}
        made = await cloud.call("POST", url, json_=wish)
        id = made.json["application_credential"]["id"]
        lent = await authenticated(
            cloud,
            {
                "identity": {
                    "methods": ["application_credential"],
                    "application_credential": {"id": id, "secret": "s3cret"},
                }
            },
        )
        await ends(cloud, "credential", lent, f"{url}/{id}")

        admin = {"x-auth-token": await cloud.token("admin")}
        me = await cloud.call(
            "GET",
            "/identity/v3/auth/tokens",
            headers={**admin, "x-subject-token": admin["x-auth-token"]},
        )
        trust = {
            "trustor_user_id": user,
            "trustee_user_id": me.json["token"]["user"]["id"],
            "project_id": token["project"]["id"],
            "impersonation": True,
            "roles": [{"name": each["name"]} for each in token["roles"]] or roles,
        }
        made = await cloud.call("POST", "/identity/v3/OS-TRUST/trusts", json_={"trust": trust})
        assert made.status == 201, made.raw
        id = made.json["trust"]["id"]
        lent = await authenticated(
            cloud,
            {
                "identity": {"methods": ["token"], "token": {"id": admin["x-auth-token"]}},
                "scope": {"OS-TRUST:trust": {"id": id}},
            },
        )
        await ends(cloud, "trusted", lent, f"/identity/v3/OS-TRUST/trusts/{id}")

    on_a_cloud(tmp_path, story)


def test_stacks_inside_count(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        inner: dict[str, Any] = {"type": "OS::Heat::None"}
        for level in range(3):
            inner = {
                "type": "OS::Heat::ResourceGroup",
                "properties": {"count": 40, "index_var": f"%i{level}%", "resource_def": inner},
            }
        path = await created(cloud, "bomb", small(group=inner))
        stack = await settled(cloud, path, seconds=60)
        assert stack["stack_status"] == "CREATE_FAILED"
        assert "Maximum resources per stack" in stack["stack_status_reason"]
        found = (await cloud.call("GET", f"{path}/resources?nested_depth=5")).json["resources"]
        assert len(found) <= 1000

    on_a_cloud(tmp_path, story)
