"""Logging in by every method, for tests of identity."""

import json
from typing import Any

from tests.support.cloud import Answer, TestCloud


async def login(
    cloud: TestCloud, scope: Any = None, headers: dict[str, str] | None = None, **methods: Any
) -> Answer:
    """`POST /v3/auth/tokens` with these methods and their bodies."""
    auth: dict[str, Any] = {"identity": {"methods": list(methods), **methods}}
    if scope is not None:
        auth["scope"] = scope
    body = json.dumps({"auth": auth}).encode()
    return await cloud.request("POST", "/identity/v3/auth/tokens", headers=headers, body=body)


def password(name: str, secret: str) -> dict[str, Any]:
    return {"user": {"name": name, "domain": {"id": "default"}, "password": secret}}


def project(name: str) -> dict[str, Any]:
    return {"project": {"name": name, "domain": {"id": "default"}}}


async def show(cloud: TestCloud, token: str, **headers: str) -> Answer:
    """Validate a token as the administrator."""
    named = {"x-subject-token": token, **{k.replace("_", "-"): v for k, v in headers.items()}}
    return await cloud.call("GET", "/identity/v3/auth/tokens", as_="admin", headers=named)


async def user_id(cloud: TestCloud, name: str) -> str:
    token = await cloud.token(name)
    answer = await show(cloud, token)
    found: str = answer.json["token"]["user"]["id"]
    return found


async def make_user(cloud: TestCloud, name: str, secret: str, **more: Any) -> str:
    """A user, made by the administrator, with the role `member` on the project `demo`."""
    wanted = {"name": name, "password": secret, **more}
    answer = await cloud.call("POST", "/identity/v3/users", as_="admin", json_={"user": wanted})
    assert answer.status == 201, answer.raw
    made: str = answer.json["user"]["id"]
    await give_role(cloud, made, "member")
    return made


async def role_id(cloud: TestCloud, name: str) -> str:
    answer = await cloud.call("GET", f"/identity/v3/roles?name={name}", as_="admin")
    found: str = answer.json["roles"][0]["id"]
    return found


async def role_path(cloud: TestCloud, user: str, role: str, project: str = "demo") -> str:
    await cloud.token(project)
    found = await role_id(cloud, role)
    return f"/identity/v3/projects/{cloud.projects[project]}/users/{user}/roles/{found}"


async def give_role(cloud: TestCloud, user: str, role: str, project: str = "demo") -> None:
    path = await role_path(cloud, user, role, project)
    answer = await cloud.call("PUT", path, as_="admin")
    assert answer.status == 204, answer.raw


async def take_role(cloud: TestCloud, user: str, role: str, project: str = "demo") -> None:
    path = await role_path(cloud, user, role, project)
    answer = await cloud.call("DELETE", path, as_="admin")
    assert answer.status == 204, answer.raw
