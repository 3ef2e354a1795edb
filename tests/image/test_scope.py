"""Tokens of the system: image's rules are for projects only."""

import json
from pathlib import Path

from cumulo.identity.first_run.accounts import accounts
from tests.image.test_imports import new, run
from tests.support.cloud import TestCloud
from tests.support.web import Web


def test_system_tokens_are_refused(tmp_path: Path) -> None:
    async def story(cloud: TestCloud, server: Web) -> None:
        account = next(a for a in accounts(cloud.cloud.settings) if a.name == "admin")
        password = account.password_file.read_text().strip()
        user = {"name": "admin", "domain": {"id": "default"}, "password": password}
        identity = {"methods": ["password"], "password": {"user": user}}
        auth = {"auth": {"identity": identity, "scope": {"system": {"all": True}}}}
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

    run(tmp_path, story)
