"""Scopes, rescoping, validation and revocation of tokens."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.cloud import TestCloud, running_cloud
from tests.support.identity import (
    give_role,
    login,
    make_user,
    password,
    project,
    role_id,
    show,
    user_id,
)

SYSTEM = {"system": {"all": True}}
DOMAIN = {"domain": {"id": "default"}}


async def admins(cloud: TestCloud, scope: Any = None, **more: Any) -> Any:
    secret = (cloud.cloud.settings.secrets_dir / "admin-password").read_text().strip()
    return await login(cloud, scope, password=password("admin", secret), **more)


def test_scopes(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            default = (await admins(cloud)).json["token"]
            assert default["project"]["name"] == "admin"
            assert default["is_domain"] is False
            for unscoped in ("unscoped", {"unscoped": {}}):
                token = (await admins(cloud, unscoped)).json["token"]
                assert not {"project", "domain", "system", "roles", "catalog"} & set(token)
            system = (await admins(cloud, SYSTEM)).json["token"]
            assert system["system"] == {"all": True}
            assert "project" not in system and system["catalog"]
            domain = (await admins(cloud, DOMAIN)).json["token"]
            assert domain["domain"] == {"id": "default", "name": "Default"}
            for bad in ({}, {**SYSTEM, **DOMAIN}, {"project": {"name": "admin"}}, "all"):
                assert (await admins(cloud, bad)).status == 400, bad
            for unknown in (
                project("none"),
                {"project": {"id": "none"}},
                {"domain": {"name": "none"}},
                {"project": {"name": "admin", "domain": {"id": "none"}}},
            ):
                assert (await admins(cloud, unknown)).status == 401, unknown
            user = await make_user(cloud, "ann", "ann")
            assert (await login(cloud, SYSTEM, password=password("ann", "ann"))).status == 401
            assert (await login(cloud, DOMAIN, password=password("ann", "ann"))).status == 401
            # A default project that cannot be used is no reason to refuse.
            await cloud.token("admin")
            body = {"user": {"default_project_id": cloud.projects["admin"]}}
            await cloud.call("PATCH", f"/identity/v3/users/{user}", as_="admin", json_=body)
            answer = await login(cloud, password=password("ann", "ann"))
            assert answer.status == 201
            assert "project" not in answer.json["token"]

    asyncio.run(main())


def test_rescoping(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            first = await admins(cloud, "unscoped")
            token = {"id": first.headers["x-subject-token"]}
            second = await login(cloud, project("admin"), token=token)
            assert second.status == 201
            before, after = first.json["token"], second.json["token"]
            assert after["methods"] == ["token", "password"]
            assert after["expires_at"] == before["expires_at"]
            assert after["audit_ids"][1] == before["audit_ids"][0]
            third = await login(cloud, SYSTEM, token={"id": second.headers["x-subject-token"]})
            assert third.json["token"]["audit_ids"][1] == before["audit_ids"][0]
            system = {"id": third.headers["x-subject-token"]}
            assert (await login(cloud, project("admin"), token=system)).status == 403
            assert (await login(cloud, "unscoped", token=system)).status == 201
            assert (await login(cloud, project("admin"), token={"id": "x"})).status == 404
            mixed = await login(
                cloud, project("demo"), token=token, password=password("demo", "wrong")
            )
            assert mixed.status == 401
            secret = (cloud.cloud.settings.secrets_dir / "demo-password").read_text().strip()
            other = await login(
                cloud, project("demo"), token=token, password=password("demo", secret)
            )
            assert other.status == 401

    asyncio.run(main())


def test_validation(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            token = await cloud.token("demo")
            shown = await show(cloud, token)
            assert shown.headers["x-subject-token"] == token
            assert shown.headers["vary"] == "X-Auth-Token"
            assert shown.json["token"]["catalog"]
            path = "/identity/v3/auth/tokens"
            headers = {"x-subject-token": token}
            bare = await cloud.call("GET", f"{path}?nocatalog", as_="admin", headers=headers)
            assert "catalog" not in bare.json["token"]
            head = await cloud.call("HEAD", path, as_="admin", headers=headers)
            assert head.status == 200
            # One's own token, but nobody else's.
            assert (await cloud.call("GET", path, headers=headers)).status == 200
            other = {"x-subject-token": await cloud.token("admin")}
            assert (await cloud.call("GET", path, headers=other)).status == 403
            assert (await cloud.call("GET", path, as_="admin")).status == 400
            assert (await show(cloud, "x")).status == 404
            for gone in (f"{path}/OS-PKI/revoked", "/identity/v3/OS-SIMPLE-CERT/ca"):
                assert (await cloud.call("GET", gone, as_=None)).status == 410

    asyncio.run(main())


def test_a_revoked_token_takes_no_others_with_it(tmp_path: Path, database_url: str) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path, database={"url": database_url}) as cloud:
            first = (await admins(cloud, "unscoped")).headers["x-subject-token"]
            second = await login(cloud, project("admin"), token={"id": first})
            other = second.headers["x-subject-token"]
            headers = {"x-subject-token": first}
            path = "/identity/v3/auth/tokens"
            assert (await cloud.call("DELETE", path, headers=headers)).status == 403
            assert (await cloud.call("DELETE", path, as_="admin", headers=headers)).status == 204
            assert (await show(cloud, first)).status == 404
            assert (await cloud.call("DELETE", path, as_="admin", headers=headers)).status == 404
            assert (await show(cloud, other)).status == 200
            events = await cloud.call("GET", "/identity/v3/OS-REVOKE/events", as_="admin")
            assert events.json["events"][0]["audit_id"]

    asyncio.run(main())


def test_an_ended_token_counts_for_services_for_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            token = await cloud.token("demo")
            nova = await make_user(cloud, "nova", "nova")
            await give_role(cloud, nova, "service")
            now = time.time()
            monkeypatch.setattr(time, "time", lambda: now + 2 * 3600)
            cloud.tokens.clear()
            service = (await cloud.issue("nova", "nova", "demo")).headers["x-subject-token"]
            assert (await show(cloud, token)).status == 404
            path = "/identity/v3/auth/tokens?allow_expired=1"
            headers = {"x-subject-token": token}
            assert (await cloud.call("GET", path, as_="admin", headers=headers)).status == 200
            servers = "/compute/v2.1/servers"
            own = {"x-auth-token": token}
            assert (await cloud.call("GET", servers, as_=None, headers=own)).status == 401
            vouched = {**own, "x-service-token": service}
            assert (await cloud.call("GET", servers, as_=None, headers=vouched)).status == 200
            anybody = {**own, "x-service-token": await cloud.token("demo")}
            assert (await cloud.call("GET", servers, as_=None, headers=anybody)).status == 401
            monkeypatch.setattr(time, "time", lambda: now + 3 * 86400)
            cloud.tokens.clear()
            late = await cloud.call("GET", path, as_="admin", headers=headers)
            assert late.status == 404

    asyncio.run(main())


def test_what_a_token_can_be_scoped_to(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            base = "/identity/v3/auth"
            for name in ("projects", "domains", "system", "catalog"):
                assert (await cloud.call("HEAD", f"{base}/{name}", as_="admin")).status == 200
                assert (await cloud.call("GET", f"{base}/{name}", as_=None)).status == 401
            projects = (await cloud.call("GET", f"{base}/projects")).json["projects"]
            assert [each["name"] for each in projects] == ["demo"]
            assert (await cloud.call("GET", f"{base}/domains")).json["domains"] == []
            assert (await cloud.call("GET", f"{base}/system")).json["system"] == []
            system = await cloud.call("GET", f"{base}/system", as_="admin")
            assert system.json["system"] == [{"all": True}]
            demo = await user_id(cloud, "demo")
            reader = await role_id(cloud, "reader")
            path = f"/identity/v3/domains/default/users/{demo}/roles/{reader}"
            assert (await cloud.call("PUT", path, as_="admin")).status == 204
            domains = (await cloud.call("GET", f"{base}/domains")).json["domains"]
            assert [each["id"] for each in domains] == ["default"]
            unscoped = (await admins(cloud, "unscoped")).headers["x-subject-token"]
            answer = await cloud.call(
                "GET", f"{base}/catalog", as_=None, headers={"x-auth-token": unscoped}
            )
            assert answer.status == 403

    asyncio.run(main())
