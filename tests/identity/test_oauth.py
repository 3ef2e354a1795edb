"""OAuth 1.0a from the consumer to the token, and OAuth 2.0 client credentials."""

import asyncio
import base64
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from oauthlib import oauth1

from tests.support.cloud import BASE, Answer, TestCloud, running_cloud
from tests.support.identity import login, make_user, password, project, role_id, show, user_id

OAUTH1 = "/identity/v3/OS-OAUTH1"


async def signed(cloud: TestCloud, path: str, client: oauth1.Client, **headers: str) -> Answer:
    named = {k.replace("_", "-"): v for k, v in headers.items()}
    _, made, _ = client.sign(f"{BASE}{path}", http_method="POST", headers=named)
    return await cloud.call("POST", path, as_=None, headers=made)


def said(answer: Answer) -> dict[str, str]:
    assert answer.status == 201, answer.raw
    assert answer.headers["content-type"] == "application/x-www-form-urlencoded"
    return {name: values[0] for name, values in parse_qs(answer.raw.decode()).items()}


async def consumer(cloud: TestCloud) -> dict[str, Any]:
    body = {"consumer": {"description": "a robot"}}
    answer = await cloud.call("POST", f"{OAUTH1}/consumers", as_="admin", json_=body)
    assert answer.status == 201
    made: dict[str, Any] = answer.json["consumer"]
    return made


async def request_token(cloud: TestCloud, made: dict[str, Any]) -> dict[str, str]:
    await cloud.token("admin")
    client = oauth1.Client(made["id"], client_secret=made["secret"], callback_uri="oob")
    asked = {"requested_project_id": cloud.projects["admin"]}
    return said(await signed(cloud, f"{OAUTH1}/request_token", client, **asked))


async def verifier(cloud: TestCloud, token: str, role: str = "member") -> str:
    body = {"roles": [{"id": await role_id(cloud, role)}]}
    path = f"{OAUTH1}/authorize/{token}"
    answer = await cloud.call("PUT", path, as_="admin", json_=body)
    assert answer.status == 200, answer.raw
    found: str = answer.json["token"]["oauth_verifier"]
    return found


async def exchange(
    cloud: TestCloud, made: dict[str, Any], request: dict[str, str], proof: str
) -> Answer:
    client = oauth1.Client(
        made["id"],
        client_secret=made["secret"],
        resource_owner_key=request["oauth_token"],
        resource_owner_secret=request["oauth_token_secret"],
        verifier=proof,
    )
    return await signed(cloud, f"{OAUTH1}/access_token", client)


async def log_in(cloud: TestCloud, made: dict[str, Any], access: dict[str, str]) -> Answer:
    client = oauth1.Client(
        made["id"],
        client_secret=made["secret"],
        resource_owner_key=access["oauth_token"],
        resource_owner_secret=access["oauth_token_secret"],
    )
    _, headers, _ = client.sign(f"{BASE}/identity/v3/auth/tokens", http_method="POST")
    return await login(cloud, project("demo"), headers, oauth1={})


def test_oauth_1(tmp_path: Path, database_url: str) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path, database={"url": database_url}) as cloud:
            made = await consumer(cloud)
            request = await request_token(cloud, made)
            early = await exchange(cloud, made, request, "x" * 8)
            assert early.status == 401
            proof = await verifier(cloud, request["oauth_token"])
            assert (await exchange(cloud, made, request, "y" * 8)).status == 401
            thief = {"id": made["id"], "secret": "guessed"}
            assert (await exchange(cloud, thief, request, proof)).status == 401
            access = said(await exchange(cloud, made, request, proof))
            assert (await exchange(cloud, made, request, proof)).status == 404
            answer = await log_in(cloud, made, access)
            assert answer.status == 201, answer.raw
            token = answer.json["token"]
            assert token["methods"] == ["oauth1"]
            assert [role["name"] for role in token["roles"]] == ["member", "reader"]
            # The scope is the access token's own, whatever is asked for.
            assert token["project"]["name"] == "admin"
            assert token["OS-OAUTH1"] == {
                "access_token_id": access["oauth_token"],
                "consumer_id": made["id"],
            }
            got = answer.headers["x-subject-token"]
            assert (await login(cloud, token={"id": got})).status == 403
            bad = {**access, "oauth_token_secret": "guessed"}
            assert (await log_in(cloud, made, bad)).status == 401
            admin = await user_id(cloud, "admin")
            path = f"/identity/v3/users/{admin}/OS-OAUTH1/access_tokens"
            listed = await cloud.call("GET", path, as_="admin")
            assert [each["id"] for each in listed.json["access_tokens"]] == [access["oauth_token"]]
            one = f"{path}/{access['oauth_token']}"
            roles = await cloud.call("GET", f"{one}/roles", as_="admin")
            role = roles.json["roles"][0]
            assert role["name"] == "member"
            assert (await cloud.call("GET", f"{one}/roles/{role['id']}", as_="admin")).status == 200
            assert (await cloud.call("GET", f"{one}/roles/none", as_="admin")).status == 404
            demo = await user_id(cloud, "demo")
            theirs = one.replace(admin, demo)
            assert (await cloud.call("GET", theirs, as_="admin")).status == 404
            assert (await cloud.call("DELETE", one, as_="admin")).status == 204
            assert (await show(cloud, got)).status == 404
            assert (await log_in(cloud, made, access)).status == 401

    asyncio.run(main())


def test_a_signed_request_counts_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            made = await consumer(cloud)
            await cloud.token("admin")
            client = oauth1.Client(made["id"], client_secret=made["secret"])
            path = f"{OAUTH1}/request_token"
            asked = {"requested-project-id": cloud.projects["admin"]}
            _, headers, _ = client.sign(f"{BASE}{path}", http_method="POST", headers=asked)
            assert (await cloud.call("POST", path, as_=None, headers=headers)).status == 201
            assert (await cloud.call("POST", path, as_=None, headers=headers)).status == 401
            old = oauth1.Client(made["id"], client_secret=made["secret"], timestamp="1300000000")
            _, headers, _ = old.sign(f"{BASE}{path}", http_method="POST", headers=asked)
            assert (await cloud.call("POST", path, as_=None, headers=headers)).status in (400, 401)
            plain = oauth1.Client(
                made["id"], client_secret=made["secret"], signature_method="PLAINTEXT"
            )
            _, headers, _ = plain.sign(f"{BASE}{path}", http_method="POST", headers=asked)
            assert (await cloud.call("POST", path, as_=None, headers=headers)).status in (400, 401)
            for header in ("", "OAuth", "OAuth x", 'OAuth oauth_consumer_key="x"', "Basic eDp5"):
                answer = await cloud.call(
                    "POST", path, as_=None, headers={**asked, "authorization": header}
                )
                assert answer.status in (400, 401, 404), header

    asyncio.run(main())


def test_consumers(tmp_path: Path, database_url: str) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path, database={"url": database_url}) as cloud:
            made = await consumer(cloud)
            one = f"{OAUTH1}/consumers/{made['id']}"
            shown = (await cloud.call("GET", one, as_="admin")).json["consumer"]
            assert "secret" not in shown
            assert shown["description"] == "a robot"
            body = {"consumer": {"description": "a better robot", "colour": "red"}}
            changed = await cloud.call("PATCH", one, as_="admin", json_=body)
            assert changed.json["consumer"]["colour"] == "red"
            secret = {"consumer": {"secret": "x"}}
            assert (await cloud.call("PATCH", one, as_="admin", json_=secret)).status == 400
            assert (await cloud.call("GET", one)).status == 403
            request = await request_token(cloud, made)
            assert (await cloud.call("DELETE", one, as_="admin")).status == 204
            assert (await cloud.call("GET", one, as_="admin")).status == 404
            gone = await exchange(cloud, made, request, "x" * 8)
            assert gone.status == 404

    asyncio.run(main())


def test_oauth_2(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            user = await make_user(cloud, "robot", "robot")
            answer = await login(cloud, project("demo"), password=password("robot", "robot"))
            made = await cloud.call(
                "POST",
                f"/identity/v3/users/{user}/application_credentials",
                as_=None,
                headers={"x-auth-token": answer.headers["x-subject-token"]},
                json_={"application_credential": {"name": "ci"}},
            )
            client = made.json["application_credential"]

            async def ask(body: str, secret: str | None = None, method: str = "POST") -> Answer:
                headers = {"content-type": "application/x-www-form-urlencoded"}
                if secret is not None:
                    pair = base64.b64encode(f"{client['id']}:{secret}".encode()).decode()
                    headers["authorization"] = f"Basic {pair}"
                path = "/identity/v3/OS-OAUTH2/token"
                return await cloud.call(method, path, as_=None, headers=headers, body=body.encode())

            got = await ask("grant_type=client_credentials", client["secret"])
            assert got.status == 200, got.raw
            assert got.json["token_type"] == "Bearer"
            assert 3500 < got.json["expires_in"] <= 3600
            bearer = {"authorization": f"Bearer {got.json['access_token']}"}
            servers = await cloud.call("GET", "/compute/v2.1/servers", as_=None, headers=bearer)
            assert servers.status == 200
            wrong = await ask("grant_type=client_credentials", "wrong")
            assert (wrong.status, wrong.json["error"]) == (401, "invalid_client")
            assert wrong.headers["www-authenticate"].startswith("Keystone uri=")
            for body, error in (
                ("", "invalid_request"),
                ("grant_type=password", "unsupported_grant_type"),
            ):
                answer = await ask(body, client["secret"])
                assert (answer.status, answer.json["error"]) == (400, error)
            assert (await ask("grant_type=client_credentials")).status == 401
            for method in ("GET", "PUT", "PATCH", "DELETE"):
                answer = await ask("", None, method)
                assert (answer.status, answer.json["error"]) == (405, "other_error")

    asyncio.run(main())
