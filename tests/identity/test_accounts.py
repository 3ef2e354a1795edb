"""The rules of passwords and accounts, as an operator sets them."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest

from cumulo.core.clock import later
from cumulo.core.events.history import events_since
from cumulo.identity.model.user import UserRow
from tests.support.cloud import Answer, TestCloud, running_cloud
from tests.support.identity import login, make_user, password, show


async def change(cloud: TestCloud, user: str, old: str, new: str) -> Answer:
    body = {"user": {"original_password": old, "password": new}}
    return await cloud.call("POST", f"/identity/v3/users/{user}/password", as_=None, json_=body)


async def alter(cloud: TestCloud, user: str, **changes: Any) -> None:
    """Change the row behind the API's back: time has passed."""

    def write(tx: Any) -> None:
        tx.update(tx.get(UserRow, user), **changes)
        tx.after_commit(cloud.cloud.services.identity.users.forget_tokens)

    await cloud.cloud.database.write(write)


async def options(cloud: TestCloud, user: str, **wanted: Any) -> Answer:
    body = {"user": {"options": wanted}}
    return await cloud.call("PATCH", f"/identity/v3/users/{user}", as_="admin", json_=body)


def rules(**wanted: Any) -> dict[str, Any]:
    return {"identity": {"password_rounds": 4, **wanted}}


def test_lockout(tmp_path: Path, database_url: str) -> None:
    async def main() -> None:
        async with running_cloud(
            tmp_path, database={"url": database_url}, **rules(lockout_failure_attempts=3)
        ) as cloud:
            user = await make_user(cloud, "ann", "right")
            for _ in range(3):
                assert (await login(cloud, password=password("ann", "wrong"))).status == 401
            locked = await login(cloud, password=password("ann", "right"))
            wrong = await login(cloud, password=password("nobody", "wrong"))
            assert locked.status == 401
            assert locked.json == wrong.json
            assert (await options(cloud, user, ignore_lockout_failure_attempts=True)).status == 200
            assert (await login(cloud, password=password("ann", "right"))).status == 201
            await options(cloud, user, ignore_lockout_failure_attempts=None)
            for _ in range(3):
                await login(cloud, password=password("ann", "wrong"))
            row = await cloud.cloud.database.read(lambda tx: tx.get(UserRow, user))
            assert row is not None and row.failed_at is not None
            await alter(cloud, user, failed_at=later(row.failed_at, -3600))
            assert (await login(cloud, password=password("ann", "right"))).status == 201

    asyncio.run(main())


def test_expiry_and_what_an_expired_password_is_still_good_for(
    tmp_path: Path, database_url: str
) -> None:
    async def main() -> None:
        async with running_cloud(
            tmp_path, database={"url": database_url}, **rules(password_expires_days=30)
        ) as cloud:
            user = await make_user(cloud, "ann", "old")
            answer = await login(cloud, password=password("ann", "old"))
            expires = answer.json["token"]["user"]["password_expires_at"]
            assert expires is not None and expires.endswith("Z")
            listed = await cloud.call(
                "GET", f"/identity/v3/users?password_expires_at=lte:{expires}", as_="admin"
            )
            assert user in [each["id"] for each in listed.json["users"]]
            none = await cloud.call(
                "GET", f"/identity/v3/users?password_expires_at=gt:{expires}", as_="admin"
            )
            assert user not in [each["id"] for each in none.json["users"]]
            bad = await cloud.call(
                "GET", "/identity/v3/users?password_expires_at=lt:soon", as_="admin"
            )
            assert bad.status == 400
            await alter(cloud, user, password_expires_at="2001-01-01T00:00:00.000000")
            expired = await login(cloud, password=password("ann", "old"))
            assert expired.status == 401
            assert "expired" in expired.json["error"]["message"]
            # Only who knows it is told.
            wrong = await login(cloud, password=password("ann", "wrong"))
            assert "expired" not in wrong.json["error"]["message"]
            assert (await change(cloud, user, "old", "new")).status == 204
            assert (await login(cloud, password=password("ann", "new"))).status == 201

    asyncio.run(main())


def test_first_use_history_age_and_pattern(tmp_path: Path, database_url: str) -> None:
    wanted = rules(
        change_password_upon_first_use=True,
        unique_last_password_count=2,
        minimum_password_age=1,
        password_regex="^.{4,}$",
        password_regex_description="four letters",
    )

    async def main() -> None:
        async with running_cloud(tmp_path, database={"url": database_url}, **wanted) as cloud:
            user = await make_user(cloud, "ann", "first")
            assert (await login(cloud, password=password("ann", "first"))).status == 401
            short = await change(cloud, user, "first", "x")
            assert short.status == 400 and "four letters" in short.json["error"]["message"]
            same = await change(cloud, user, "first", "first")
            assert same.status == 400
            assert (await change(cloud, user, "first", "second")).status == 204
            assert (await login(cloud, password=password("ann", "second"))).status == 201
            early = await change(cloud, user, "second", "third")
            assert early.status == 400 and "day" in early.json["error"]["message"]
            await alter(cloud, user, password_set_at="2001-01-01T00:00:00.000000")
            assert (await change(cloud, user, "second", "first")).status == 400
            assert (await change(cloud, user, "second", "third")).status == 204
            await alter(cloud, user, password_set_at="2001-01-01T00:00:00.000000")
            assert (await change(cloud, user, "third", "first")).status == 204
            assert (await options(cloud, user, lock_password=True)).status == 200
            await alter(cloud, user, password_set_at="2001-01-01T00:00:00.000000")
            assert (await change(cloud, user, "first", "fourth")).status == 400

    asyncio.run(main())


def test_inactivity_disables(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path, **rules(disable_user_account_days_inactive=30)) as cloud:
            user = await make_user(cloud, "ann", "right")
            assert (await login(cloud, password=password("ann", "right"))).status == 201
            await alter(cloud, user, last_active_at="2001-01-01T00:00:00.000000")
            assert (await login(cloud, password=password("ann", "right"))).status == 401
            shown = await cloud.call("GET", f"/identity/v3/users/{user}", as_="admin")
            assert shown.json["user"]["enabled"] is False
            await options(cloud, user, ignore_user_inactivity=True)
            assert (await login(cloud, password=password("ann", "right"))).status == 201

    asyncio.run(main())


def test_a_new_password_ends_tokens_and_says_so(tmp_path: Path, database_url: str) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path, database={"url": database_url}) as cloud:
            user = await make_user(cloud, "ann", "old")
            answer = await login(cloud, password=password("ann", "old"))
            token = answer.headers["x-subject-token"]
            assert (await show(cloud, token)).status == 200
            assert (await change(cloud, user, "wrong", "new")).status == 401
            assert (await change(cloud, user, "old", "new")).status == 204
            assert (await show(cloud, token)).status == 404
            events = await cloud.call("GET", "/identity/v3/OS-REVOKE/events", as_="admin")
            assert user in [each.get("user_id") for each in events.json["events"]]
            later_on = "/identity/v3/OS-REVOKE/events?since=2100-01-01T00:00:00Z"
            assert (await cloud.call("GET", later_on, as_="admin")).json["events"] == []
            assert (await cloud.call("GET", later_on)).status == 403

    asyncio.run(main())


def test_options_are_checked_and_merged(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            user = await make_user(cloud, "ann", "x", options={"lock_password": True})
            answer = await options(cloud, user, ignore_password_expiry=True)
            assert answer.json["user"]["options"] == {
                "lock_password": True,
                "ignore_password_expiry": True,
            }
            answer = await options(cloud, user, lock_password=None)
            assert answer.json["user"]["options"] == {"ignore_password_expiry": True}
            assert (await options(cloud, user, colour="red")).status == 400
            assert (await options(cloud, user, lock_password="yes")).status == 400
            twice = [["password", "totp"], ["totp", "password"]]
            assert (await options(cloud, user, multi_factor_auth_rules=twice)).status == 400

    asyncio.run(main())


def test_passwords_are_told_to_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "Xy7-never-to-be-seen"

    async def main() -> bytes:
        said = b""
        async with running_cloud(tmp_path) as cloud:
            user = await make_user(cloud, "ann", secret)
            said += (await login(cloud, password=password("ann", secret))).raw
            said += (await login(cloud, password=password("ann", secret + "!"))).raw
            broken = {"user": {"name": "ann", "domain": 7, "password": secret}}
            said += (await login(cloud, password=broken)).raw
            nested = {"user": {"name": "ann", "password": {"is": secret}}}
            said += (await login(cloud, password=nested)).raw
            listed = [{"name": "ann", "password": secret}]
            said += (await login(cloud, password={"user": listed})).raw
            said += (await login(cloud, password=listed)).raw
            passcode = {"user": {"id": user, "passcode": [secret]}}
            said += (await login(cloud, totp=passcode)).raw
            token = {"id": [secret]}
            said += (await login(cloud, token=token)).raw
            path = "/identity/v3/auth/tokens"
            body = {"auth": [{"password": secret}]}
            said += (await cloud.call("POST", path, as_=None, json_=body)).raw
            body = {"user": [{"password": secret}]}
            said += (await cloud.call("POST", "/identity/v3/users", as_="admin", json_=body)).raw
            said += (await change(cloud, user, secret, secret + "2")).raw
            wrong = {"user": {"original_password": [secret], "password": secret}}
            path = f"/identity/v3/users/{user}/password"
            said += (await cloud.call("POST", path, as_=None, json_=wrong)).raw
            changed = {"user": {"password": [secret]}}
            path = f"/identity/v3/users/{user}"
            said += (await cloud.call("PATCH", path, as_="admin", json_=changed)).raw
            said += (await cloud.call("GET", path, as_="admin")).raw

            def rows(tx: Any) -> bytes:
                return json.dumps([each.detail for each in events_since(tx)]).encode()

            said += await cloud.cloud.database.read(rows)
        return said

    said = asyncio.run(main())
    assert secret.encode() not in said
    assert secret not in caplog.text
