"""What the directory's driver is given, and what is in the rows."""

import asyncio
from pathlib import Path

from cumulo.identity.queries import domain_config as queries
from tests.identity.support import V3, made
from tests.support.cloud import running_cloud


def test_secrets_are_encrypted_and_filled_in_for_the_driver_alone(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            domain = await made(cloud, "domains", name="firm")
            config = {"ldap": {"url": "ldap://u:%(password)s@firm", "password": "very-secret"}}
            path = f"{V3}/domains/{domain}/config"
            answer = await cloud.call("PUT", path, as_="admin", json_={"config": config})
            assert answer.status == 201 and b"very-secret" not in answer.raw
            database, configs = cloud.cloud.database, cloud.cloud.services.identity.domain_configs
            whole = await database.read(lambda tx: configs.whole(tx, domain))
            assert whole["ldap"]["url"] == "ldap://u:very-secret@firm"
            assert whole["ldap"]["password"] == "very-secret"
            assert whole["ldap"]["user_id_attribute"] == "cn"
            assert whole["identity"]["driver"] == "sql"
            rows = await database.read(lambda tx: tx.all(queries.SENSITIVE, domain_id=domain))
            assert len(rows) == 1 and "very-secret" not in rows[0].encrypted
            assert await database.read(configs.configured) == [domain]

    asyncio.run(main())
