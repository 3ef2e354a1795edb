"""Sessions that end, and addresses that are no pages, without a browser."""

import asyncio
from pathlib import Path
from urllib.parse import urlencode

from cumulo.identity.first_run.accounts import accounts
from tests.support.cloud import TestCloud, running_cloud

DOOR = "/dashboard/auth/login/"


async def signed_in(cloud: TestCloud, user: str) -> tuple[dict[str, str], str]:
    """(headers with the session's cookie, the password)"""
    account = next(each for each in accounts(cloud.cloud.settings) if each.name == user)
    password = account.password_file.read_text().strip()
    door = await cloud.request("GET", DOOR)
    token = door.headers["set-cookie"].partition("=")[2].partition(";")[0]
    form = {"csrfmiddlewaretoken": token, "username": user, "password": password}
    headers = {"cookie": f"csrftoken={token}"}
    answer = await cloud.request("POST", DOOR, headers=headers, body=urlencode(form).encode())
    assert answer.status == 303, answer.raw
    return {"cookie": answer.headers["set-cookie"].partition(";")[0]}, password


def test_sessions_and_addresses(tmp_path: Path) -> None:
    async def run() -> None:
        async with running_cloud(tmp_path) as cloud:
            mine, password = await signed_in(cloud, "demo")
            for path in ("servers/detail", "volumes/detail", "volumes/summary", "images/schemas"):
                answer = await cloud.request("GET", f"/dashboard/{path}", headers=mine)
                assert answer.status == 404, (path, answer.status)
                # Pages that refuse are pages, too.
                assert answer.headers["x-frame-options"] == "DENY"
                assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
            assert (await cloud.request("GET", "/dashboard/servers", headers=mine)).status == 200
            # Who changes a password ends the sessions of whoever had the old one.
            headers = {"x-subject-token": await cloud.token("demo")}
            who = await cloud.call("GET", "/identity/v3/auth/tokens", headers=headers)
            user = who.json["token"]["user"]["id"]
            change = {"user": {"original_password": password, "password": "Another-one-9"}}
            url = f"/identity/v3/users/{user}/password"
            assert (await cloud.call("POST", url, json_=change)).status == 204
            after = await cloud.request("GET", "/dashboard/servers", headers=mine)
            assert after.status == 303 and after.headers["location"].startswith(DOOR)

    asyncio.run(run())
