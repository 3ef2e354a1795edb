"""Logging in with a one-time password, alone and as the second factor."""

import asyncio
import base64
import time
from pathlib import Path

from cumulo.identity.service.authentication.totp import hotp
from tests.support.cloud import TestCloud, running_cloud
from tests.support.identity import login, make_user, password, project

SEEDS = (b"a seed of twenty byt", b"another one of twent", b"a third of twenty by")


class Codes:
    """Codes of a user's secrets that were not shown yet."""

    def __init__(self) -> None:
        self._left = [(seed, ago) for ago in (0, 1) for seed in SEEDS]

    def fresh(self) -> str:
        seed, ago = self._left.pop(0)
        return hotp(seed, int(time.time() // 30) - ago)


async def enrol(cloud: TestCloud, user: str) -> None:
    for seed in SEEDS:
        blob = base64.b32encode(seed).decode().rstrip("=")
        credential = {"type": "totp", "blob": blob, "user_id": user}
        made = await cloud.call(
            "POST", "/identity/v3/credentials", as_="admin", json_={"credential": credential}
        )
        assert made.status == 201, made.raw


def passcode(user: str, text: str) -> dict[str, object]:
    return {"user": {"id": user, "passcode": text}}


def test_totp_is_the_second_factor(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            user = await make_user(cloud, "ann", "ann")
            await enrol(cloud, user)
            codes = Codes()

            def shown() -> dict[str, object]:
                return passcode(user, codes.fresh())

            old = hotp(SEEDS[0], int(time.time() // 30) - 3)
            known = password("ann", "ann")
            assert (await login(cloud, totp=shown())).status == 401  # not alone
            assert (await login(cloud, password=known, totp=shown())).status == 201
            assert (await login(cloud, password=known, totp=passcode(user, old))).status == 401
            rules = {"multi_factor_auth_rules": [["password", "totp"]]}
            path = f"/identity/v3/users/{user}"
            await cloud.call("PATCH", path, as_="admin", json_={"user": {"options": rules}})
            first = await login(cloud, password=password("ann", "ann"))
            assert first.status == 401
            assert first.json["required_auth_methods"] == [["password", "totp"]]
            receipt = {"openstack-auth-receipt": first.headers["openstack-auth-receipt"]}
            second = await login(cloud, project("demo"), receipt, totp=shown())
            assert second.status == 201
            assert set(second.json["token"]["methods"]) == {"password", "totp"}
            both = await login(
                cloud,
                project("demo"),
                password=password("ann", "ann"),
                totp=shown(),
            )
            assert both.status == 201
            half = await login(
                cloud,
                project("demo"),
                password=password("ann", "no"),
                totp=shown(),
            )
            assert half.status == 401
            assert "openstack-auth-receipt" not in half.headers

    asyncio.run(main())


def test_alone_where_a_user_has_it_so(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            user = await make_user(cloud, "ann", "ann")
            await enrol(cloud, user)
            code = passcode(user, hotp(SEEDS[0], int(time.time() // 30)))
            assert (await login(cloud, project("demo"), totp=code)).status == 401
            path = f"/identity/v3/users/{user}"
            for rules, status in (([["totp"]], 201), ([["password"]], 401)):
                options = {"options": {"multi_factor_auth_rules": rules}}
                await cloud.call("PATCH", path, as_="admin", json_={"user": options})
                assert (await login(cloud, project("demo"), totp=code)).status == status

    asyncio.run(main())


def test_a_passcode_may_come_again(tmp_path: Path) -> None:
    async def main() -> None:
        settings = {"password_rounds": 4, "totp_alone": True}
        async with running_cloud(tmp_path, identity=settings) as cloud:
            user = await make_user(cloud, "ann", "ann")
            await enrol(cloud, user)
            code = hotp(SEEDS[0], int(time.time() // 30))
            for _ in range(2):  # the command line logs in for each command
                assert (await login(cloud, totp=passcode(user, code))).status == 201

    asyncio.run(main())


STRICT = {"password_rounds": 4, "totp_once": True, "totp_alone": True}


def test_a_passcode_is_good_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path, identity=STRICT) as cloud:
            user = await make_user(cloud, "ann", "ann")
            await enrol(cloud, user)
            one, other = (hotp(seed, int(time.time() // 30)) for seed in SEEDS[:2])
            # What was refused for another reason was not used.
            nowhere = await login(cloud, project("nowhere"), totp=passcode(user, one))
            assert nowhere.status == 401
            assert (await login(cloud, totp=passcode(user, one))).status == 201
            assert (await login(cloud, totp=passcode(user, one))).status == 401
            # A receipt counts as a use.
            rules = {"multi_factor_auth_rules": [["password", "totp"]]}
            path = f"/identity/v3/users/{user}"
            await cloud.call("PATCH", path, as_="admin", json_={"user": {"options": rules}})
            half = await login(cloud, totp=passcode(user, other))
            assert "openstack-auth-receipt" in half.headers
            again = await login(cloud, totp=passcode(user, other))
            assert again.status == 401 and "openstack-auth-receipt" not in again.headers

    asyncio.run(main())
