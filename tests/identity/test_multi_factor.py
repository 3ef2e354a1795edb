"""Rules of several methods, and the receipts between them."""

import asyncio
from pathlib import Path

from tests.support.cloud import running_cloud
from tests.support.identity import login, make_user, password, project, show


def test_a_receipt_stands_for_what_was_shown_before(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            user = await make_user(cloud, "ann", "ann")
            await make_user(cloud, "bob", "bob")
            first = await login(cloud, project("demo"), password=password("ann", "ann"))
            token = {"id": first.headers["x-subject-token"]}
            wanted = [["password", "token"], ["carrier_pigeon"]]
            changed = await cloud.call(
                "PATCH",
                f"/identity/v3/users/{user}",
                as_="admin",
                json_={"user": {"options": {"multi_factor_auth_rules": wanted}}},
            )
            assert changed.status == 200
            part = await login(cloud, project("demo"), password=password("ann", "ann"))
            assert part.status == 401
            assert part.json["required_auth_methods"] == [["password", "token"]]
            assert part.json["receipt"]["methods"] == ["password"]
            assert part.json["receipt"]["user"]["id"] == user
            receipt = {"openstack-auth-receipt": part.headers["openstack-auth-receipt"]}
            # A receipt is no token.
            shown = await show(cloud, receipt["openstack-auth-receipt"])
            assert shown.status == 404
            whole = await login(cloud, project("demo"), receipt, token=token)
            assert whole.status == 201
            assert set(whole.json["token"]["methods"]) == {"password", "token"}
            at_once = await login(
                cloud, project("demo"), password=password("ann", "ann"), token=token
            )
            assert at_once.status == 201
            # Nobody else's receipt, and no made-up one.
            theirs = await login(cloud, None, receipt, password=password("bob", "bob"))
            assert theirs.status == 401
            made_up = {"openstack-auth-receipt": "x"}
            assert (await login(cloud, None, made_up, token=token)).status == 401
            off = {"user": {"options": {"multi_factor_auth_enabled": False}}}
            await cloud.call("PATCH", f"/identity/v3/users/{user}", as_="admin", json_=off)
            assert (await login(cloud, password=password("ann", "ann"))).status == 201

    asyncio.run(main())
