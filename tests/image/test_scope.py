"""Tokens of the system, and of a domain: image's rules are for projects only, and so are those of
compute, network and block storage."""

import json
from pathlib import Path
from typing import Any

import pytest

from cumulo.identity.first_run.accounts import accounts
from tests.image.test_imports import new, run
from tests.support.cloud import TestCloud
from tests.support.web import Web


@pytest.mark.parametrize("scope", [{"system": {"all": True}}, {"domain": {"id": "default"}}])
def test_other_tokens_are_refused(tmp_path: Path, scope: dict[str, Any]) -> None:
    async def story(cloud: TestCloud, server: Web) -> None:
        account = next(a for a in accounts(cloud.cloud.settings) if a.name == "admin")
        password = account.password_file.read_text().strip()
        user = {"name": "admin", "domain": {"id": "default"}, "password": password}
        identity = {"methods": ["password"], "password": {"user": user}}
        auth = {"auth": {"identity": identity, "scope": scope}}
        answer = await cloud.request(
            "POST", "/identity/v3/auth/tokens", body=json.dumps(auth).encode()
        )
        assert answer.status == 201, answer.raw
        named = {"x-auth-token": answer.headers["x-subject-token"]}
        image_id = await new(cloud)
        for method, path, status in (
            ("GET", "images", 403),
            ("GET", f"images/{image_id}", 404),
            ("DELETE", f"images/{image_id}", 404),
            ("GET", f"images/{image_id}/file", 404),
            ("POST", f"images/{image_id}/actions/deactivate", 404),
            ("GET", "tasks", 403),
            ("GET", "cache", 403),
            ("GET", "info/stores/detail", 403),
        ):
            answer = await cloud.call(method, f"/image/v2/{path}", as_=None, headers=named)
            assert answer.status == status, (method, path, answer.status)
        for path in (
            "/compute/v2.1/servers/detail?all_tenants=1",
            "/compute/v2.1/os-hypervisors",
            "/compute/v2.1/flavors",
            "/network/v2.0/networks?router:external=false",
            "/network/v2.0/ports",
            "/volume/v3/volumes?all_tenants=1",
            "/placement/resource_providers",
        ):
            answer = await cloud.call("GET", path, as_=None, headers=named)
            nothing = answer.status == 200 and b'"id"' not in answer.raw
            assert answer.status == 403 or nothing, (path, answer.status, answer.raw[:300])

    run(tmp_path, story)
