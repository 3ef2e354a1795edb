"""Credentials at rest, and how authentication finds them."""

import asyncio
import json
from pathlib import Path

from cumulo.core.auth.keyring import KeyRing
from cumulo.identity.queries.credential import CREDENTIALS
from tests.identity.support import ask
from tests.support.cloud import TestCloud, running_cloud


async def _ec2(cloud: TestCloud) -> str:
    user = (await cloud.call("GET", "/identity/v3/users?name=demo", as_="admin")).json["users"][0]
    blob = json.dumps({"access": "known-access", "secret": "very-secret"})
    token = await cloud.token("demo")
    wishes = {
        "user_id": user["id"],
        "project_id": cloud.projects["demo"],
        "type": "ec2",
        "blob": blob,
    }
    answer = await ask(cloud, token, "POST", "/credentials", {"credential": wishes})
    assert answer.status == 201, answer.raw
    id: str = user["id"]
    return id


def test_secrets_are_encrypted_and_found_by_their_access_key(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            owner = await _ec2(cloud)
            credentials = cloud.cloud.services.identity.credentials
            database = cloud.cloud.database
            rows = await database.read(lambda tx: CREDENTIALS.page(tx, where={}))
            assert "very-secret" not in str(rows[0]) and "known-access" not in str(rows[0])
            found = await database.read(lambda tx: credentials.by_access_key(tx, "known-access"))
            assert found is not None
            assert (found.secret, found.user_id) == ("very-secret", owner)
            assert found.project_id == cloud.projects["demo"]
            assert await database.read(lambda tx: credentials.by_access_key(tx, "other")) is None

    asyncio.run(main())


def test_what_was_encrypted_outlives_a_rotation(tmp_path: Path) -> None:
    keys = KeyRing(tmp_path / "keys")
    kept = keys.encrypt("seed")
    keys.rotate()
    assert KeyRing(tmp_path / "keys").decrypt(kept) == "seed"
    assert keys.encrypt("seed") != kept
