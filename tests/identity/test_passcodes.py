"""Logging in with a one-time password, alone and as the second factor."""

import asyncio
import base64
import time
from pathlib import Path

from cumulo.identity.service.authentication.totp import hotp
from tests.support.cloud import running_cloud
from tests.support.identity import login, make_user, password, project

SEED = b"a seed of twenty byt"


def code(ago: int = 0) -> str:
    return hotp(SEED, int(time.time() // 30) - ago)


def test_totp_is_the_second_factor(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            user = await make_user(cloud, "ann", "ann")
            blob = base64.b32encode(SEED).decode().rstrip("=")
            credential = {"type": "totp", "blob": blob, "user_id": user}
            made = await cloud.call(
                "POST", "/identity/v3/credentials", as_="admin", json_={"credential": credential}
            )
            assert made.status == 201, made.raw

            def passcode(text: str) -> dict[str, object]:
                return {"user": {"id": user, "passcode": text}}

            assert (await login(cloud, project("demo"), totp=passcode(code()))).status == 201
            assert (await login(cloud, totp=passcode(code(ago=3)))).status == 401
            rules = {"multi_factor_auth_rules": [["password", "totp"]]}
            path = f"/identity/v3/users/{user}"
            await cloud.call("PATCH", path, as_="admin", json_={"user": {"options": rules}})
            first = await login(cloud, password=password("ann", "ann"))
            assert first.status == 401
            assert first.json["required_auth_methods"] == [["password", "totp"]]
            receipt = {"openstack-auth-receipt": first.headers["openstack-auth-receipt"]}
            second = await login(cloud, project("demo"), receipt, totp=passcode(code()))
            assert second.status == 201
            assert set(second.json["token"]["methods"]) == {"password", "totp"}
            both = await login(
                cloud,
                project("demo"),
                password=password("ann", "ann"),
                totp=passcode(code()),
            )
            assert both.status == 201
            half = await login(
                cloud, project("demo"), password=password("ann", "no"), totp=passcode(code())
            )
            assert half.status == 401
            assert "openstack-auth-receipt" not in half.headers

    asyncio.run(main())
