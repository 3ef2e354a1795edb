"""Junk in the attributes that identity checks itself, at creation and at change: never a 500."""

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.identity.support import V3
from tests.support.cloud import TestCloud, running_cloud
from tests.wire.test_junk import JUNK

MORE: tuple[Any, ...] = (
    "x" * 300,
    "a,b/c",
    "%(x)s",
    "é\x00",
    {"immutable": "x"},
    [["x"]],
    -(2**63),
)


def nouns(known: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Collection → a body that would be accepted."""
    place = {"service_id": known["service"], "region_id": "RegionOne"}
    return {
        "groups": {"name": "n", "description": "d", "domain_id": "default", "extra": "e"},
        "roles": {"name": "n", "description": "d", "domain_id": None, "options": {}},
        "domains": {"name": "n", "description": "d", "enabled": True, "tags": [], "options": {}},
        "projects": {
            "name": "n",
            "domain_id": "default",
            "parent_id": None,
            "is_domain": False,
            "enabled": True,
            "tags": [],
            "options": {},
        },
        "credentials": {
            "user_id": known["user"],
            "project_id": known["project"],
            "type": "ec2",
            "blob": '{"access": "a"}',
        },
        "regions": {"id": "r", "parent_region_id": None, "description": "d"},
        "services": {"type": "t", "name": "n", "description": "d", "enabled": True},
        "endpoints": {**place, "interface": "public", "url": "http://x", "enabled": True},
        "OS-EP-FILTER/endpoint_groups": {"name": "n", "description": "d", "filters": place},
        "policies": {"type": "t", "blob": "b"},
        "registered_limits": {
            **place,
            "resource_name": "n",
            "default_limit": 1,
            "description": "d",
        },
        "limits": {**place, "resource_name": "n", "resource_limit": 1, "project_id": "p"},
    }


def wrapped(collection: str, body: dict[str, Any], *, one: bool) -> dict[str, Any]:
    noun = collection.rpartition("/")[2]
    if "limits" in noun and not one:
        return {noun: [body]}
    return {"policy" if noun == "policies" else noun.removesuffix("s"): body}


async def _known(cloud: TestCloud) -> dict[str, str]:
    user = (await cloud.call("GET", f"{V3}/users?name=demo", as_="admin")).json["users"][0]
    service = {"service": {"type": "lamps"}}
    made = await cloud.call("POST", f"{V3}/services", as_="admin", json_=service)
    await cloud.token("demo")
    return {
        "user": user["id"],
        "project": cloud.projects["demo"],
        "service": made.json["service"]["id"],
    }


async def _attack(cloud: TestCloud, collection: str, body: dict[str, Any]) -> list[str]:
    """Each attribute with each kind of junk, in a new thing and in a change of one."""
    wrong = []
    good = wrapped(collection, body, one=False)
    made = await cloud.call("POST", f"{V3}/{collection}", as_="admin", json_=good)
    paths = [("POST", f"{V3}/{collection}")]
    if made.status == 201:
        content = next(value for key, value in made.json.items() if key != "links")
        id = content[0]["id"] if isinstance(content, list) else content["id"]
        paths.append(("PATCH", f"{V3}/{collection}/{id}"))
    for name in (*body, "id", "made_up"):
        for value in (*JUNK, *MORE):
            for method, path in paths:
                # A change is of the attribute alone, so that nothing hides it.
                sent = {name: value} if method == "PATCH" else {**body, name: value}
                text = json.dumps(wrapped(collection, sent, one=method == "PATCH")).encode()
                answer = await cloud.call(method, path, as_="admin", body=text)
                if answer.status >= 500:
                    wrong.append(f"{method} {path} {text[:200]!r}: {answer.raw[:200]!r}")
    return wrong


def test_no_attribute_is_a_500(tmp_path: Path, database_url: str) -> None:
    async def main() -> list[str]:
        async with running_cloud(tmp_path, database={"url": database_url}) as cloud:
            wrong = []
            for collection, body in nouns(await _known(cloud)).items():
                wrong += await _attack(cloud, collection, body)
            return wrong

    wrong = asyncio.run(main())
    assert not wrong, f"{len(wrong)} of them: " + "\n".join(wrong[:20])
