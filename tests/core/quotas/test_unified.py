"""What a project may have: its own limit in identity, the row of the quota API, the registered
limit, the default, in this order; over the wire, for every service."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cumulo import wiring
from cumulo.core.db import migrations
from cumulo.core.db.sqlite import SqliteDatabase
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import QuotaExceeded
from cumulo.core.quotas.quotas import Quotas
from tests.support.cloud import TestCloud, running_cloud

OWN: dict[str, int] = {}
REGISTERED: dict[str, int] = {}


def unified(tx: Tx, project_id: str) -> tuple[Mapping[str, int], Mapping[str, int]]:
    return (OWN if project_id == "p" else {}), REGISTERED


def test_the_order_of_limits(tmp_path: Path) -> None:
    wiring.assemblies()  # All tables are declared.
    database = SqliteDatabase(tmp_path / "x.db")
    migrations.prepare(database)
    legacy = {"lights": "class:LAMP"}
    quotas = Quotas("lamps", {"class:LAMP": 3, "bulbs": 9}, unified=unified, legacy=legacy)

    def limit(tx: Tx) -> tuple[int, int]:
        known = quotas.limits(tx, "p")
        assert known["class:LAMP"] == quotas.limit(tx, "p", "class:LAMP")
        return known["class:LAMP"], quotas.limit(tx, "other", "class:LAMP")

    def take(tx: Tx) -> None:
        quotas.take(tx, "p", **{"class:LAMP": 1, "bulbs": 2})

    assert database.read_now(limit) == (3, 3)
    REGISTERED["class:LAMP"] = 4
    assert database.read_now(limit) == (4, 4)
    assert database.read_now(quotas.defaults) == {"class:LAMP": 4, "bulbs": 9}
    database.write_now(lambda tx: quotas.set_limits(tx, "p", {quotas.resource("lights"): 1}))
    assert database.read_now(limit) == (1, 4)
    database.write_now(take)
    with pytest.raises(QuotaExceeded, match="Quota exceeded for lights: Requested 1, but already"):
        database.write_now(take)
    OWN["class:LAMP"] = 2
    assert database.read_now(limit) == (2, 4)
    database.write_now(take)
    used = database.read_now(lambda tx: quotas.as_legacy(quotas.usages(tx, "p")))
    assert used == {"lights": 2, "bulbs": 4}
    OWN.clear()
    database.write_now(lambda tx: quotas.reset_limits(tx, "p"))
    assert database.read_now(limit) == (4, 4)
    database.close()


def test_resources_that_come_and_go(tmp_path: Path) -> None:
    wiring.assemblies()
    database = SqliteDatabase(tmp_path / "x.db")
    migrations.prepare(database)
    kinds = ["red"]
    quotas = Quotas("paint", {"pots": 1}, more=lambda tx: [f"pots_{kind}" for kind in kinds])
    assert database.read_now(quotas.known) == {"pots": 1, "pots_red": -1}
    kinds[:] = ["blue"]
    assert database.read_now(quotas.known) == {"pots": 1, "pots_blue": -1}
    database.write_now(lambda tx: quotas.take(tx, "p", pots=1, pots_blue=7))
    found = database.read_now(lambda tx: quotas.usages(tx, "p"))
    assert found == {"pots": 1, "pots_blue": 7}
    database.close()


LEGACY: list[tuple[str, str, str, int, str, Any]] = [
    # (service type, resource, its name in the quota API, default, path, body)
    ("compute", "servers", "instances", 10, "/compute/v2.1/os-quota-sets/{}", "quota_set"),
    ("compute", "class:VCPU", "cores", 20, "/compute/v2.1/os-quota-sets/{}", "quota_set"),
    ("volumev3", "volumes", "volumes", 10, "/volume/v3/{}/os-quota-sets/{}", "quota_set"),
    ("network", "network", "network", 100, "/network/v2.0/quotas/{}", "quota"),
]


def test_on_the_wire(tmp_path: Path) -> None:
    async def story(cloud: TestCloud) -> None:
        await cloud.token("demo")
        await cloud.token("admin")
        project, admin = cloud.projects["demo"], cloud.projects["admin"]

        async def ask(method: str, path: str, body: Any = None, status: int = 200) -> Any:
            answer = await cloud.call(method, path, as_="admin", json_=body)
            assert answer.status == status, answer.raw
            return answer.json if answer.raw else None

        async def shown(path: str, key: str, name: str) -> int:
            places = (admin, project) if path.count("{}") == 2 else (project,)
            found = await ask("GET", path.format(*places))
            return int(found[key][name])

        for kind, resource, name, default, path, key in LEGACY:
            places = (admin, project) if path.count("{}") == 2 else (project,)
            assert await shown(path, key, name) == default
            services = await ask("GET", f"/identity/v3/services?type={kind}")
            where = {"service_id": services["services"][0]["id"], "resource_name": resource}
            registered = {**where, "default_limit": 7}
            made = await ask(
                "POST", "/identity/v3/registered_limits", {"registered_limits": [registered]}, 201
            )
            assert await shown(path, key, name) == 7
            await ask("PUT", path.format(*places), {key: {name: 5}})
            assert await shown(path, key, name) == 5
            own = {**where, "project_id": project, "resource_limit": 6}
            limit = await ask("POST", "/identity/v3/limits", {"limits": [own]}, 201)
            assert await shown(path, key, name) == 6
            await ask("DELETE", f"/identity/v3/limits/{limit['limits'][0]['id']}", None, 204)
            assert await shown(path, key, name) == 5
            gone = made["registered_limits"][0]["id"]
            await ask("DELETE", f"/identity/v3/registered_limits/{gone}", None, 204)
        body = {"quota_set": {"instances": 0}}
        await ask("PUT", f"/compute/v2.1/os-quota-sets/{project}", body)
        wish = {"name": "x", "flavorRef": "42", "imageRef": cloud.image, "networks": "none"}
        answer = await cloud.call(
            "POST",
            "/compute/v2.1/servers",
            json_={"server": wish},
            headers={"openstack-api-version": "compute 2.90"},
        )
        assert answer.status == 403, answer.raw
        message = answer.json["forbidden"]["message"]
        assert message.startswith("Quota exceeded for instances: Requested 1, but already used 0")

    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            await story(cloud)

    asyncio.run(main())
