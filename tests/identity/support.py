"""Short ways to say what the tests of identity say often."""

import json
from typing import Any

from tests.support.cloud import Answer, TestCloud

V3 = "/identity/v3"


async def made(cloud: TestCloud, collection: str, **attributes: Any) -> str:
    """The id of a new thing, made by the administrator."""
    noun = collection.removesuffix("s")
    answer = await cloud.call("POST", f"{V3}/{collection}", as_="admin", json_={noun: attributes})
    assert answer.status == 201, answer.raw
    id: str = answer.json[noun]["id"]
    return id


async def role(cloud: TestCloud, name: str) -> str:
    answer = await cloud.call("GET", f"{V3}/roles?name={name}", as_="admin")
    id: str = answer.json["roles"][0]["id"]
    return id


async def give(cloud: TestCloud, role_id: str, user: str, where: str) -> None:
    path = f"{V3}/{where}/users/{user}/roles/{role_id}"
    answer = await cloud.call("PUT", path, as_="admin")
    assert answer.status == 204, answer.raw


async def token(cloud: TestCloud, user_id: str, password: str, scope: dict[str, Any]) -> str:
    """A token of that scope; fails when it is refused."""
    named = {"user": {"id": user_id, "password": password}}
    auth = {"identity": {"methods": ["password"], "password": named}, "scope": scope}
    body = json.dumps({"auth": auth}).encode()
    answer = await cloud.request("POST", f"{V3}/auth/tokens", body=body)
    assert answer.status == 201, answer.raw
    return answer.headers["x-subject-token"]


async def ask(cloud: TestCloud, token: str, method: str, path: str, json_: Any = None) -> Answer:
    headers = {"x-auth-token": token}
    return await cloud.call(method, V3 + path, as_=None, json_=json_, headers=headers)
