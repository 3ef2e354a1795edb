"""What an operator asks and does: decisions explained, keys rotated, policy changed, all live."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cumulo.core.auth.keyring import KeyRing
from tests.support.cloud import TestCloud, running_cloud


async def ask(cloud: TestCloud, **wanted: str) -> Any:
    query = "&".join(f"{name}={value}" for name, value in wanted.items())
    answer = await cloud.call("GET", f"/cumulo/can?{query}", as_="admin")
    return answer.json if answer.status == 200 else answer.status


def test_decisions_are_explained(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            network = await cloud.private_network()
            found = await ask(cloud, user="demo", action="delete_network", resource=network)
            assert found["allowed"] is True
            assert found["scopes"][0]["scope"]["name"] == "demo"
            found = await ask(cloud, user="demo", action="identity:create_user")
            assert found["allowed"] is False
            assert any("role:admin" in line for line in found["scopes"][0]["why"])
            # The rules of every service, and what they compare with the resource's own row.
            public = await cloud.call("GET", "/network/v2.0/networks?name=public", as_="admin")
            foreign = public.json["networks"][0]["id"]
            found = await ask(cloud, user="demo", action="delete_network", resource=foreign)
            assert found["allowed"] is False
            assert any("project_id is" in line for line in found["scopes"][0]["why"])
            assert await ask(cloud, user="nobody", action="delete_network") == 404
            assert await ask(cloud, user="demo", action="no:such:rule") == 404
            assert await ask(cloud, user="demo", action="delete_network", resource="x") == 404
            assert await ask(cloud, user="demo") == 400
            refused = await cloud.call("GET", "/cumulo/can?user=demo&action=delete_network")
            assert refused.status == 403

    asyncio.run(main())


def test_keys_are_rotated_and_nobody_is_logged_out(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            old = await cloud.token("demo")
            blob = {"credential": {"type": "cert", "blob": "a secret"}}
            admin = await cloud.call("GET", "/identity/v3/users?name=admin", as_="admin")
            blob["credential"]["user_id"] = admin.json["users"][0]["id"]
            made = await cloud.call("POST", "/identity/v3/credentials", as_="admin", json_=blob)
            assert made.status == 201, made.raw
            for _ in range(5):
                rotated = await cloud.call(
                    "POST",
                    "/cumulo/rotate-keys",
                    as_="admin",
                    json_={"rings": ["tokens", "credentials"]},
                )
                assert rotated.status == 200, rotated.raw
            # Forget what is kept in memory: the old token is read with the old key.
            cloud.cloud.services.identity.tokens.forget_all()
            assert (await cloud.call("GET", "/network/v2.0/networks")).status == 200
            assert cloud.tokens["demo"] == old
            path = f"/identity/v3/credentials/{made.json['credential']['id']}"
            shown = await cloud.call("GET", path, as_="admin")
            assert shown.json["credential"]["blob"] == "a secret"
            assert KeyRing(tmp_path / "secrets" / "credential-keys").count == 3
            refused = await cloud.call("POST", "/cumulo/rotate-keys", json_={"rings": ["tokens"]})
            assert refused.status == 403

    asyncio.run(main())


def test_policy_files_are_read_while_it_runs(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            path = "/network/v2.0/networks"
            body = {"network": {"name": "mine"}}
            assert (await cloud.call("POST", path, json_=body)).status == 201
            folder = tmp_path / "policy"
            folder.mkdir(exist_ok=True)
            (folder / "network.yaml").write_text('"create_network": "role:admin"\n')
            await until_status(cloud, path, body, 403)
            # Nonsense leaves the rules before it in force.
            (folder / "network.yaml").write_text('"create_network": "role admin"\n')
            await asyncio.sleep(1.5)
            assert (await cloud.call("POST", path, json_=body)).status == 403
            (folder / "network.yaml").unlink()
            await until_status(cloud, path, body, 201)

    asyncio.run(main())


async def until_status(cloud: TestCloud, path: str, body: Any, wanted: int) -> None:
    for _ in range(100):
        answer = await cloud.call("POST", path, json_=body)
        if answer.status == wanted:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(answer.raw)


@pytest.mark.postgresql
def test_lost_access_is_lost_in_every_process(tmp_path: Path, postgresql_dsn: str) -> None:
    async def main() -> None:
        settings = {"database": {"url": postgresql_dsn}}
        async with (
            running_cloud(tmp_path, **settings) as one,
            running_cloud(tmp_path, **settings) as other,
        ):
            token = await one.token("demo")
            headers = {"x-auth-token": token}
            path = "/network/v2.0/networks"
            for _ in range(2):  # the second time from memory
                assert (await other.call("GET", path, as_=None, headers=headers)).status == 200
            users = await one.call("GET", "/identity/v3/users?name=demo", as_="admin")
            changed = await one.call(
                "PATCH",
                f"/identity/v3/users/{users.json['users'][0]['id']}",
                as_="admin",
                json_={"user": {"enabled": False}},
            )
            assert changed.status == 200
            for _ in range(100):
                answer = await other.call("GET", path, as_=None, headers=headers)
                if answer.status == 401:
                    break
                await asyncio.sleep(0.02)
            assert answer.status == 401

    asyncio.run(main())
