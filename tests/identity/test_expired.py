"""Rows that end by themselves go, in batches, and nothing else does."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from cumulo.core.clock import later
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import story_of
from cumulo.identity import reconcile
from cumulo.identity.model.application_credential import ApplicationCredentialRow
from cumulo.identity.model.federation import SignOnRow
from cumulo.identity.model.oauth1 import AccessTokenRow, RequestTokenRow
from cumulo.identity.model.once import UsedOnceRow
from cumulo.identity.model.token import RevocationRow
from cumulo.identity.model.trust import TrustRow
from cumulo.identity.reconcile import Expired
from tests.identity.support import V3
from tests.identity.test_oauth import consumer, exchange, request_token, said, verifier
from tests.support.cloud import TestCloud, running_cloud
from tests.support.identity import login, make_user, password, user_id


async def trust(cloud: TestCloud, trustee: str, **more: Any) -> str:
    demo = await user_id(cloud, "demo")
    body = {
        "trustor_user_id": demo,
        "trustee_user_id": trustee,
        "project_id": cloud.projects["demo"],
        "impersonation": False,
        "roles": [{"name": "member"}],
        **more,
    }
    path = f"{V3}/OS-TRUST/trusts"
    answer = await cloud.call("POST", path, json_={"trust": body})
    assert answer.status == 201, answer.raw
    made: str = answer.json["trust"]["id"]
    return made


async def purge(cloud: TestCloud) -> list[str]:
    """What had ended; one pass as the reconciler makes it."""
    database = cloud.cloud.database
    expired = Expired(database, cloud.cloud.services.identity.expiring)
    due = await database.read(lambda tx: expired.due(tx, 100))
    for what in due:
        await expired.step(what)
    assert await database.read(lambda tx: expired.due(tx, 100)) == []
    return due


def test_what_has_ended_goes(
    tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "BATCH", 2)

    async def main() -> None:
        async with running_cloud(tmp_path, database={"url": database_url}) as cloud:
            helper = await make_user(cloud, "helper", "pw")
            ends = "2999-01-01T00:00:00Z"
            lent = await trust(cloud, helper, expires_at=ends)
            kept = await trust(cloud, helper)
            made = await consumer(cloud)
            request = await request_token(cloud, made)
            used = await request_token(cloud, made)
            proof = await verifier(cloud, used["oauth_token"])
            access = said(await exchange(cloud, made, used, proof))
            path = f"{V3}/users/{await user_id(cloud, 'demo')}/application_credentials"
            robot = {
                "application_credential": {"name": "robot", "secret": "s3", "expires_at": ends}
            }
            answer = await cloud.call("POST", path, json_=robot)
            robot_id = answer.json["application_credential"]["id"]
            assert await purge(cloud) == []

            def oauth(tx: Tx) -> list[RequestTokenRow | AccessTokenRow | None]:
                return [
                    tx.get(RequestTokenRow, request["oauth_token"]),
                    tx.get(AccessTokenRow, access["oauth_token"]),
                ]

            def age(tx: Tx) -> None:
                robot = tx.get(ApplicationCredentialRow, robot_id)
                for row in (tx.get(TrustRow, lent), robot, *oauth(tx)):
                    assert row is not None
                    tx.update(row, expires_at=later(tx.now, -1.0))
                past = time.time() - 1
                for number in range(5):
                    tx.insert(UsedOnceRow(f"old {number}", past))
                tx.insert(UsedOnceRow("new", past + 1000))
                tx.insert(RevocationRow("old", "x", None, tx.now, tx.now, past))
                tx.insert(
                    SignOnRow("old", "idp", "openid", "", "", "", "", "", None, past),
                )

            database = cloud.cloud.database
            await database.write(age)
            assert set(await purge(cloud)) == {
                "trusts",
                "OAuth tokens",
                "revocations",
                "things used once",
                "sign-ons",
            }
            trusts = (await cloud.call("GET", f"{V3}/OS-TRUST/trusts", as_="admin")).json["trusts"]
            assert [each["id"] for each in trusts] == [kept]
            assert await database.read(oauth) == [None, None]

            def left(tx: Tx) -> list[bool]:
                found = [tx.get(UsedOnceRow, f"old {number}") for number in range(5)]
                found += [tx.get(UsedOnceRow, "new")]
                return [row is not None for row in found]

            assert await database.read(left) == [False] * 5 + [True]
            story = await database.read(lambda tx: story_of(tx, lent))
            assert story[-1].type == "identity.trust.delete"
            # The application credential has ended too, and stays until its owner deletes it.
            assert (await cloud.call("GET", f"{path}/{robot_id}")).status == 200

    asyncio.run(main())


def test_a_trust_that_is_used_up_ends_with_its_last_token(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            helper = await make_user(cloud, "helper", "pw")
            lent = await trust(cloud, helper, remaining_uses=2)
            scope = {"OS-TRUST:trust": {"id": lent}}
            database = cloud.cloud.database

            async def row() -> TrustRow:
                found = await database.read(lambda tx: tx.get(TrustRow, lent))
                assert found is not None
                return found

            first = await login(cloud, scope, password=password("helper", "pw"))
            assert first.status == 201 and (await row()).expires_at is None
            last = await login(cloud, scope, password=password("helper", "pw"))
            assert last.status == 201
            ends = (await row()).expires_at
            assert ends is not None and ends + "Z" > last.json["token"]["expires_at"]
            assert (await login(cloud, scope, password=password("helper", "pw"))).status == 401
            token = {"x-auth-token": last.headers["x-subject-token"]}
            asked = await cloud.call("GET", f"{V3}/auth/projects", as_=None, headers=token)
            assert asked.status == 200

    asyncio.run(main())
