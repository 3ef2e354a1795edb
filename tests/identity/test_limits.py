"""Unified limits in the strict model, and what other services are told."""

import asyncio
from pathlib import Path
from typing import Any

from cumulo.identity.interface import Identity
from tests.identity.support import V3, made
from tests.support.cloud import TestCloud, running_cloud


async def _post(cloud: TestCloud, noun: str, *items: dict[str, Any]) -> int:
    return (await cloud.call("POST", f"{V3}/{noun}", as_="admin", json_={noun: items})).status


def test_a_project_has_never_more_than_its_domain(tmp_path: Path) -> None:
    async def main() -> None:
        strict = {"password_rounds": 4, "limit_model": "strict_two_level"}
        async with running_cloud(tmp_path, identity=strict) as cloud:
            service = await made(cloud, "services", type="lamps", name="lamps")
            domain = await made(cloud, "domains", name="d")
            project = await made(cloud, "projects", name="p", domain_id=domain)
            below = await made(cloud, "projects", name="q", parent_id=project)
            answer = await cloud.call(
                "POST",
                f"{V3}/projects",
                as_="admin",
                json_={"project": {"name": "r", "parent_id": below}},
            )
            assert answer.status == 403
            bulbs = {"service_id": service, "resource_name": "bulbs"}
            assert await _post(cloud, "registered_limits", {**bulbs, "default_limit": 10}) == 201
            # Without a limit of its own the domain has the registered one.
            asked = {**bulbs, "project_id": project}
            assert await _post(cloud, "limits", {**asked, "resource_limit": 11}) == 403
            assert await _post(cloud, "limits", {**asked, "resource_limit": -1}) == 403
            # The domain's may come in the same request, in any order.
            whole = {**bulbs, "domain_id": domain, "resource_limit": 20}
            assert await _post(cloud, "limits", {**asked, "resource_limit": 15}, whole) == 201
            listed = await cloud.call("GET", f"{V3}/limits?project_id={project}", as_="admin")
            assert listed.status == 200
            identity: Identity = cloud.cloud.services.identity

            def told(tx: Any) -> tuple[dict[str, int], ...]:
                return (
                    identity.limits_of(tx, "lamps", project),
                    identity.limits_of(tx, "lamps", below),
                    identity.domain_limits_of(tx, "lamps", domain),
                    identity.limits_of(tx, "unknown", project),
                )

            assert await cloud.cloud.database.read(told) == (
                {"bulbs": 15},
                {"bulbs": 10},
                {"bulbs": 20},
                {},
            )

    asyncio.run(main())


def test_in_the_flat_model_each_project_is_for_itself(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            service = await made(cloud, "services", type="lamps", name="lamps")
            project = await made(cloud, "projects", name="p")
            bulbs = {"service_id": service, "resource_name": "bulbs"}
            here = {**bulbs, "region_id": "RegionOne", "default_limit": 3}
            assert await _post(cloud, "registered_limits", {**bulbs, "default_limit": 1}) == 201
            assert await _post(cloud, "registered_limits", here) == 201
            big = {**bulbs, "project_id": project, "resource_limit": 100}
            assert await _post(cloud, "limits", big) == 201
            identity: Identity = cloud.cloud.services.identity

            def told(tx: Any) -> tuple[dict[str, int], ...]:
                return (
                    identity.limits_of(tx, "lamps", project),
                    identity.limits_of(tx, "lamps", project, "RegionOne"),
                    identity.domain_limits_of(tx, "lamps", "default"),
                )

            assert await cloud.cloud.database.read(told) == ({"bulbs": 100}, {"bulbs": 3}, {})

    asyncio.run(main())
