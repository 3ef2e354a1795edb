"""Tokens for a domain, the system or nothing, at every service; words and times of any kind."""

import asyncio
import json
from pathlib import Path
from typing import Any

from tests.support.cloud import Answer, TestCloud, running_cloud
from tests.support.identity import login, make_user, password

SCOPES: dict[str, Any] = {
    "domain": {"domain": {"id": "default"}},
    "system": {"system": {"all": True}},
    "nothing": "unscoped",
}
SERVER = {"name": "s", "flavorRef": "42", "networks": "none"}
MADE: tuple[tuple[str, str, Any], ...] = (
    ("/compute/v2.1/servers", "server", SERVER),
    ("/compute/v2.1/os-server-groups", "server_group", {"name": "g", "policy": "affinity"}),
    ("/compute/v2.1/os-keypairs", "keypair", {"name": "k"}),
    ("/compute/v2.1/os-security-groups", "security_group", {"name": "g", "description": ""}),
    ("/network/v2.0/networks", "network", {"name": "n"}),
    ("/network/v2.0/routers", "router", {"name": "r"}),
    ("/network/v2.0/security-groups", "security_group", {"name": "g"}),
    ("/volume/v3/volumes", "volume", {"size": 1}),
    ("/volume/v3/os-volume-transfer", "transfer", {"volume_id": "0" * 32}),
    ("/image/v2/images", "", {"name": "i"}),
    ("/image/v2/tasks", "", {"type": "import", "input": {}}),
)
LISTS = (
    "/compute/v2.1/servers/detail",
    "/compute/v2.1/os-server-groups",
    "/compute/v2.1/os-simple-tenant-usage",
    "/compute/v2.1/limits",
    "/compute/v2.1/os-security-groups",
    "/compute/v2.1/flavors",
    "/network/v2.0/networks",
    "/network/v2.0/subnets",
    "/network/v2.0/ports",
    "/network/v2.0/routers",
    "/network/v2.0/floatingips",
    "/network/v2.0/security-groups",
    "/network/v2.0/quotas",
    "/volume/v3/volumes/detail",
    "/volume/v3/snapshots",
    "/volume/v3/attachments",
    "/volume/v3/limits",
    "/image/v2/images",
    "/image/v2/tasks",
)
NEWEST = {"openstack-api-version": "compute 2.90"}


async def tokens(cloud: TestCloud, user: str, secret: str) -> dict[str, str]:
    found = {}
    for name, scope in SCOPES.items():
        answer = await login(cloud, scope, password=password(user, secret))
        assert answer.status == 201, answer.raw
        found[name] = answer.headers["x-subject-token"]
    return found


async def rule(cloud: TestCloud, user: str, role: str) -> None:
    """The role on the domain and on the system."""
    roles = (await cloud.call("GET", f"/identity/v3/roles?name={role}", as_="admin")).json["roles"]
    for where in ("domains/default", "system"):
        path = f"/identity/v3/{where}/users/{user}/roles/{roles[0]['id']}"
        assert (await cloud.call("PUT", path, as_="admin")).status == 204


async def ask(cloud: TestCloud, token: str, method: str, path: str, json_: Any = None) -> Answer:
    headers = {"x-auth-token": token, **NEWEST}
    return await cloud.call(method, path, as_=None, headers=headers, json_=json_)


def test_what_needs_a_project_says_so(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            await cloud.token("demo")
            for role in ("admin", "member"):
                user = await make_user(cloud, f"a {role}", "secret")
                await rule(cloud, user, role)
                for scope, token in (await tokens(cloud, f"a {role}", "secret")).items():
                    await _asked(cloud, f"{role} of {scope}", token)

    asyncio.run(main())


async def _asked(cloud: TestCloud, who: str, token: str) -> None:
    for path, noun, wish in MADE:
        sent = {**wish, "imageRef": cloud.image} if noun == "server" else wish
        answer = await ask(cloud, token, "POST", path, {noun: sent} if noun else sent)
        assert answer.status < 500, (who, path, answer.raw)
        if noun not in ("keypair", "transfer", ""):
            assert 400 <= answer.status < 500, (who, path, answer.raw)
    for path in LISTS:
        answer = await ask(cloud, token, "GET", path)
        assert answer.status < 500, (who, path, answer.raw)
        if who.startswith("member") and answer.status == 200:
            _nothing_of_others(who, path, answer)


def _nothing_of_others(who: str, path: str, answer: Answer) -> None:
    """Only what everybody may see: public images and flavors, the external network."""
    for rows in answer.json.values():
        for row in rows if isinstance(rows, list) else ():
            shared = row.get("router:external") or row.get("visibility") == "public"
            public = row.get("os-flavor-access:is_public", path.endswith("/flavors"))
            assert shared or public, (who, path, row)


def test_words_of_any_alphabet_in_paths(tmp_path: Path) -> None:
    """They are kept, and the headers that name them are ASCII."""

    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            await cloud.token("demo")
            smile, project = "%F0%9F%98%80", cloud.projects["demo"]
            many = f"/identity/v3/projects/{project}/tags"
            made = await cloud.call("PUT", f"{many}/{smile}", as_="admin")
            assert made.status == 201
            assert made.headers["location"].endswith(smile)
            assert (await cloud.call("GET", many)).json["tags"] == ["😀"]
            assert (await cloud.call("GET", f"{many}/{smile}")).status == 204
            wish = {"server": {"name": "s", "flavorRef": "42", "imageRef": cloud.image}}
            server = (await cloud.call("POST", "/compute/v2.1/servers", json_=wish)).json["server"]
            path = f"/compute/v2.1/servers/{server['id']}"
            await cloud.until(path, lambda a: a.json["server"]["status"] == "ACTIVE")
            tag = f"/compute/v2.1/servers/{server['id']}/tags/{smile}"
            made = await cloud.call("PUT", tag, headers=NEWEST)
            assert made.status == 201 and made.headers["location"].endswith(smile)
            namespace = {"namespace": "😀"}
            made = await cloud.call(
                "POST", "/image/v2/metadefs/namespaces", as_="admin", json_=namespace
            )
            assert made.status == 201 and made.headers["location"].endswith(smile)
            image = f"/image/v2/images/{cloud.image}/tags/{smile}"
            assert (await cloud.call("PUT", image, as_="admin")).status == 204
            region = {"region": {"id": "😀"}}
            made = await cloud.call("POST", "/identity/v3/regions", as_="admin", json_=region)
            assert made.status == 201, made.raw
            assert (await cloud.call("GET", f"/identity/v3/regions/{smile}")).status == 200

    asyncio.run(main())


EDGES = (
    "0001-01-01T00:00:00%2B14:00",
    "0001-01-01T00:00:00-14:00",
    "0001-01-01",
    "9999-12-31T23:59:59.999999-14:00",
    "9999-12-31T23:59:59.999999%2B14:00",
    "9999-12-31T23:59:59.999999",
    "10000-01-01",
    "0000-01-01",
    "1" * 5000,
)


def test_times_at_the_edge_of_the_calendar(tmp_path: Path) -> None:
    asked = (
        "/compute/v2.1/servers?changes-since={}",
        "/compute/v2.1/servers?changes-before={}",
        "/compute/v2.1/os-simple-tenant-usage?start={}",
        "/compute/v2.1/os-simple-tenant-usage?end={}",
        "/image/v2/images?created_at=gt:{}",
        "/image/v2/images?updated_at={}",
        "/identity/v3/users?password_expires_at=lt:{}",
        "/identity/v3/OS-REVOKE/events?since={}",
    )

    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            for path in asked:
                for edge in EDGES:
                    answer = await cloud.call("GET", path.format(edge), as_="admin", headers=NEWEST)
                    assert answer.status in (200, 400), (path, edge, answer.raw)
            first = await cloud.call("GET", asked[4].format("0002-01-01"), as_="admin")
            assert first.json["images"]
            user = (await cloud.call("GET", "/identity/v3/users?name=admin", as_="admin")).json
            many = f"/identity/v3/users/{user['users'][0]['id']}/application_credentials"
            for edge in EDGES:
                ends = edge.replace("%2B", "+")
                wish = {"application_credential": {"name": edge[:200], "expires_at": ends}}
                answer = await cloud.call("POST", many, as_="admin", json_=wish)
                assert answer.status in (201, 400), (edge, json.dumps(wish), answer.raw)

    asyncio.run(main())
