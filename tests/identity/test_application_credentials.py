"""Application credentials: what they let in, what they do not, and when they end."""

import asyncio
from pathlib import Path
from typing import Any

from cumulo.core.clock import later, now
from cumulo.identity.model.application_credential import ApplicationCredentialRow
from tests.identity.test_signatures import version_2
from tests.support.cloud import Answer, TestCloud, running_cloud
from tests.support.identity import (
    give_role,
    login,
    make_user,
    password,
    project,
    show,
    take_role,
)


async def prepare(cloud: TestCloud, **wishes: Any) -> tuple[str, str, dict[str, Any]]:
    """(user id, the user's token, a credential made with it)"""
    user = await make_user(cloud, "robot", "s3cret")
    answer = await login(cloud, project("demo"), password=password("robot", "s3cret"))
    token = answer.headers["x-subject-token"]
    made = await cloud.call(
        "POST",
        f"/identity/v3/users/{user}/application_credentials",
        as_=None,
        headers={"x-auth-token": token},
        json_={"application_credential": {"name": "ci", **wishes}},
    )
    assert made.status == 201, made.raw
    return user, token, made.json["application_credential"]


def by_id(credential: dict[str, Any], secret: str | None = None) -> dict[str, Any]:
    return {"id": credential["id"], "secret": secret or credential["secret"]}


def test_they_let_in_by_id_and_by_name(tmp_path: Path, database_url: str) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path, database={"url": database_url}) as cloud:
            user, _, made = await prepare(cloud, roles=[{"name": "reader"}])
            assert len(made["secret"]) == 86
            answer = await login(cloud, application_credential=by_id(made))
            assert answer.status == 201
            token = answer.json["token"]
            assert token["methods"] == ["application_credential"]
            assert [role["name"] for role in token["roles"]] == ["reader"]
            assert token["project"]["name"] == "demo"
            assert token["application_credential"] == {
                "id": made["id"],
                "name": "ci",
                "restricted": True,
            }
            named = {"name": "ci", "secret": made["secret"], "user": {"id": user}}
            assert (await login(cloud, application_credential=named)).status == 201
            wrong = await login(cloud, application_credential=by_id(made, "x"))
            unknown = await login(cloud, application_credential={"id": "x", "secret": "x"})
            assert wrong.status == unknown.status == 401
            assert wrong.json == unknown.json

    asyncio.run(main())


def test_no_scope_may_be_asked_for_and_the_token_stays_bound(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            _, _, made = await prepare(cloud, roles=[{"name": "reader"}])
            scoped = await login(cloud, project("demo"), application_credential=by_id(made))
            assert scoped.status == 401
            answer = await login(cloud, application_credential=by_id(made))
            token = answer.headers["x-subject-token"]
            again = await login(cloud, project("demo"), token={"id": token})
            assert [role["name"] for role in again.json["token"]["roles"]] == ["reader"]
            assert again.json["token"]["application_credential"]["id"] == made["id"]
            unscoped = await login(cloud, "unscoped", token={"id": token})
            assert unscoped.status == 401

    asyncio.run(main())


def test_a_restricted_one_makes_no_others(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            user, token, made = await prepare(cloud)
            path = f"/identity/v3/users/{user}/application_credentials"

            async def make(with_token: str, name: str, **wishes: Any) -> int:
                answer = await cloud.call(
                    "POST",
                    path,
                    as_=None,
                    headers={"x-auth-token": with_token},
                    json_={"application_credential": {"name": name, **wishes}},
                )
                return answer.status

            answer = await login(cloud, application_credential=by_id(made))
            assert await make(answer.headers["x-subject-token"], "child") == 403
            assert await make(token, "free", unrestricted=True, secret="free") == 201
            named = {"name": "free", "secret": "free", "user": {"id": user}}
            free = await login(cloud, application_credential=named)
            assert await make(free.headers["x-subject-token"], "child") == 201
            assert await make(token, "child") == 409
            assert await make(token, "other", roles=[{"name": "admin"}]) == 400
            # Not somebody else's, and not seen by somebody else.
            assert await make(await cloud.token("demo"), "theirs") == 403
            assert (await cloud.call("GET", f"{path}/{made['id']}")).status == 403

    asyncio.run(main())


def test_it_ends_with_its_role_its_user_and_itself(tmp_path: Path, database_url: str) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path, database={"url": database_url}) as cloud:
            user, token, made = await prepare(cloud)
            got = (await login(cloud, application_credential=by_id(made))).headers
            await take_role(cloud, user, "member")
            assert (await show(cloud, got["x-subject-token"])).status == 404
            assert (await login(cloud, application_credential=by_id(made))).status == 401
            path = f"/identity/v3/users/{user}/application_credentials"
            left = await cloud.call("GET", path, as_="admin")
            assert left.json["application_credentials"] == []

    asyncio.run(main())


def test_an_expired_one_lets_nobody_in(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            user, token, made = await prepare(cloud, expires_at="2100-01-01T00:00:00Z")
            assert made["expires_at"] == "2100-01-01T00:00:00.000000"
            past = await cloud.call(
                "POST",
                f"/identity/v3/users/{user}/application_credentials",
                as_=None,
                headers={"x-auth-token": token},
                json_={"application_credential": {"name": "old", "expires_at": "2001-01-01"}},
            )
            assert past.status == 400

            def expire(tx: Any) -> None:
                row = tx.get(ApplicationCredentialRow, made["id"])
                tx.update(row, expires_at="2001-01-01T00:00:00.000000")

            await cloud.cloud.database.write(expire)
            assert (await login(cloud, application_credential=by_id(made))).status == 401

    asyncio.run(main())


def test_keys_that_it_made_end_with_it(tmp_path: Path) -> None:
    """Also where they have been used before, and what they stand for is remembered."""

    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            soon = later(now(), 3.0)[:19] + "Z"
            user, _, made = await prepare(cloud, expires_at=soon, unrestricted=True)
            answer = await login(cloud, application_credential=by_id(made))
            own = {"x-auth-token": answer.headers["x-subject-token"]}
            wish = {"tenant_id": answer.json["token"]["project"]["id"]}
            path = f"/identity/v3/users/{user}/credentials/OS-EC2"
            keys = await cloud.call("POST", path, as_=None, headers=own, json_=wish)
            assert keys.status == 201, keys.raw

            async def use() -> Answer:
                body = {"credentials": version_2(keys.json["credential"])}
                return await cloud.call("POST", "/identity/v3/ec2tokens", as_="admin", json_=body)

            found = await use()
            assert found.status == 200 and found.json["token"]["expires_at"][:19] <= soon[:19]
            token = {"x-auth-token": found.headers["x-subject-token"]}
            listed = await cloud.call("GET", "/image/v2/images", as_=None, headers=token)
            assert listed.status == 200
            await asyncio.sleep(3.1)
            assert (await use()).status == 401
            listed = await cloud.call("GET", "/image/v2/images", as_=None, headers=token)
            assert listed.status == 401

    asyncio.run(main())


RULES = [
    {"service": "compute", "method": "GET", "path": "/v2.1/servers"},
    {"service": "image", "method": "GET", "path": "/v2/images/*"},
    {"service": "network", "method": "GET", "path": "/v2.0/**"},
]


def test_access_rules_limit_every_service(tmp_path: Path, database_url: str) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path, database={"url": database_url}) as cloud:
            user, mine, made = await prepare(cloud, access_rules=RULES)
            answer = await login(cloud, application_credential=by_id(made))
            token = answer.headers["x-subject-token"]

            async def ask(method: str, path: str, **headers: str) -> int:
                named = {k.replace("_", "-"): v for k, v in headers.items()}
                named["x-auth-token"] = token
                return (await cloud.call(method, path, as_=None, headers=named)).status

            assert await ask("GET", "/compute/v2.1/servers") == 200
            assert await ask("GET", "/compute/v2.1/servers/detail") == 401
            assert await ask("POST", "/compute/v2.1/servers") == 401
            assert await ask("GET", f"/image/v2/images/{cloud.image}") == 200
            assert await ask("GET", "/image/v2/images") == 401
            assert await ask("GET", "/network/v2.0/networks") == 200
            assert await ask("GET", "/identity/v3/auth/catalog") == 401
            assert await ask("GET", "/identity/v3/auth/tokens", x_subject_token=token) == 404
            known = {"openstack_identity_access_rules": "1.0"}
            assert (
                await ask("GET", "/identity/v3/auth/tokens", x_subject_token=token, **known) == 200
            )
            # A service that works for the user is not limited; another user's token is no excuse.
            demo = await cloud.token("demo")
            assert await ask("GET", "/image/v2/images", x_service_token=demo) == 401
            await make_user(cloud, "nova", "nova")
            nova = await cloud.issue("nova", "nova", "demo")
            await give_role(cloud, nova.json["token"]["user"]["id"], "service")
            nova = await cloud.issue("nova", "nova", "demo")
            service = nova.headers["x-subject-token"]
            assert await ask("GET", "/image/v2/images", x_service_token=service) == 200
            # A service that does not know access rules is told nothing.
            assert (await show(cloud, token)).status == 404
            shown = await show(cloud, token, openstack_identity_access_rules="1.0")
            rules = shown.json["token"]["application_credential"]["access_rules"]
            assert [rule["path"] for rule in rules] == [rule["path"] for rule in RULES]
            path = f"/identity/v3/users/{user}/access_rules"
            # Nobody's but the user's own, and the system's.
            assert (await cloud.call("GET", path, as_="admin")).status == 403
            headers = {"x-auth-token": mine}
            listed = await cloud.call("GET", path, as_=None, headers=headers)
            assert len(listed.json["access_rules"]) == 3
            in_use = f"{path}/{rules[0]['id']}"
            assert (await cloud.call("DELETE", in_use, as_=None, headers=headers)).status == 403
            own = f"/identity/v3/users/{user}/application_credentials/{made['id']}"
            assert (await cloud.call("DELETE", own, as_="admin")).status == 204
            assert (await cloud.call("DELETE", in_use, as_=None, headers=headers)).status == 204

    asyncio.run(main())
