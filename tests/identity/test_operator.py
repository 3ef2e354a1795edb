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


def test_stories_are_found_by_name_and_name_their_users(tmp_path: Path, database_url: str) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path, database={"url": database_url}) as cloud:

            async def story(of: str) -> Any:
                answer = await cloud.call("GET", f"/cumulo/why?of={of}", as_="admin")
                assert answer.status == 200, answer.raw
                return answer.json

            async def network(name: str, as_: str = "demo") -> str:
                body = {"network": {"name": name}}
                made = await cloud.call("POST", "/network/v2.0/networks", as_=as_, json_=body)
                assert made.status == 201, made.raw
                return str(made.json["network"]["id"])

            one = await network("only%25_one")
            by_name = await story("only%2525_one")
            assert by_name["id"] == one and by_name["several"] == []
            assert by_name == await story(one)
            assert [*by_name["users"].values()] == ["demo"]
            by_id = await cloud.call("GET", f"/cumulo/why/{one}", as_="admin")
            assert by_id.json == by_name
            # What a pattern would find is not found.
            assert (await story("only%25%25one"))["several"] == []

            two = {await network("twins"), await network("twins", "admin")}
            several = (await story("twins"))["several"]
            assert {each["id"] for each in several} == two
            assert {each["kind"] for each in several} == {"network"}

            # Somebody who is gone is still found, by what the history says.
            wish = {"user": {"name": 'gone "ann"'}}
            made = await cloud.call("POST", "/identity/v3/users", as_="admin", json_=wish)
            path = f"/identity/v3/users/{made.json['user']['id']}"
            assert (await cloud.call("DELETE", path, as_="admin")).status == 204
            found = await story("gone%20%22ann%22")
            assert [each["type"] for each in found["events"]] == [
                "identity.user.create",
                "identity.user.delete",
            ]
            assert await story("nothing") == {"id": "nothing", "events": [], "several": []}
            assert (await cloud.call("GET", "/cumulo/why", as_="admin")).status == 400
            assert (await cloud.call("GET", f"/cumulo/why?of={one}")).status == 403

    asyncio.run(main())


def test_a_slip_in_a_policy_file_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = tmp_path / "policy"
    folder.mkdir()
    (folder / "identity.yaml").write_text(
        "identity:creat_user: role:admin\n"
        "identity:list_users: rule:mine or rule:adminn_required\n"
        "mine: role:boss\n"
    )
    (folder / "netwrk.yaml").write_text("create_network: '!'\n")

    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            status = await cloud.call("GET", "/cumulo/status", as_="admin")
            doubts = status.json["policy"]
            assert len(doubts) == 3, doubts
            assert "nothing asks for the rule 'identity:creat_user'" in doubts[0]
            assert "(is 'identity:create_user' meant?)" in doubts[0]
            assert "refers to 'adminn_required'" in doubts[1]
            assert "no service reads this file" in doubts[2] and "network.yaml" in doubts[2]

    asyncio.run(main())
    assert "identity:creat_user" in caplog.text and "'mine'" not in caplog.text


def test_failed_logins_are_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            for name in ("admin", "no\nbody"):
                assert (await cloud.issue(name, "not it", None)).status == 401
            wish = {"methods": ["application_credential"]}
            wish |= {"application_credential": {"id": "some-id", "secret": "hidden"}}
            body = {"auth": {"identity": wish}}
            answer = await cloud.call("POST", "/identity/v3/auth/tokens", as_=None, json_=body)
            assert answer.status == 401
            signed = {"credentials": {"access": "some-key", "signature": "x"}}
            answer = await cloud.call("POST", "/identity/v3/ec2tokens", as_="admin", json_=signed)
            assert answer.status == 404

    asyncio.run(main())
    told = [line for line in caplog.messages if line.startswith("login failed")]
    assert [line.partition(": The")[0].partition(": EC2")[0] for line in told] == [
        "login failed: user 'admin@default' from 127.0.0.1 by password",
        r"login failed: user 'no\nbody@default' from 127.0.0.1 by password",
        "login failed: user 'some-id' from 127.0.0.1 by application_credential",
        "login failed: user 'some-key' from 127.0.0.1 by signature",
    ]
    assert "not it" not in caplog.text and "hidden" not in caplog.text
