"""What nobody should send, and a database that is away: a clear answer, and no traceback."""

import asyncio
import json
import logging
import pwd
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from cumulo.core.clock import of_text
from cumulo.core.http.answers import header_value
from cumulo.core.wire.depth import MOST_DEPTH, too_deep
from tests.support.cloud import TestCloud, running_cloud
from tests.support.postgresql import binaries, server

DEEP = b'{"a":' * 2000


async def status(cloud: TestCloud, method: str, path: str, **more: Any) -> int:
    return (await cloud.call(method, path, as_=more.pop("as_", "admin"), **more)).status


def test_requests(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def story() -> None:
        async with running_cloud(tmp_path) as cloud:
            kind = {"content-type": "application/json"}
            await cloud.token("admin")
            project = cloud.projects["admin"]
            for path in (
                "/compute/v2.1/servers/x/action",
                f"/volume/v3/{project}/volumes/x/action",
                "/compute/v2.1/servers",
                "/network/v2.0/networks",
                "/identity/v3/auth/tokens",
                "/identity/v3/users",
            ):
                for body in (DEEP, DEEP + b"1" + b"}" * 2000, b"[" * 500_000):
                    assert await status(cloud, "POST", path, body=body, headers=kind) in (
                        400,
                        413,
                    ), path
            form = {"content-type": "application/x-www-form-urlencoded"}
            fields = b"&".join(b"a%d=" % n for n in range(2000))
            acs = "/identity/v3/OS-FEDERATION/saml2/acs"
            assert await status(cloud, "POST", acs, body=fields, headers=form) == 400
            sorted_ = "sort=" + ",".join(["name"] * 2500)
            keys = "&".join(["sort_key=name"] * 900)
            for path in ("/compute/v2.1/servers", "/image/v2/images", "/network/v2.0/networks",
                         f"/volume/v3/{project}/volumes", "/compute/v2.1/flavors"):  # fmt: skip
                for query in (sorted_, keys, "&".join(["a=b"] * 2000)):
                    assert await status(cloud, "GET", f"{path}?{query}") in (200, 400), path
                for limit in ("--5", "9" * 5000, "-1", "x"):
                    assert await status(cloud, "GET", f"{path}?limit={limit}") == 400, path
            edges = ("9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "9999-13-31")
            for edge in map(quote, edges):
                for path in (
                    f"/compute/v2.1/servers?changes-since={edge}",
                    f"/compute/v2.1/os-simple-tenant-usage?start={edge}",
                    f"/image/v2/images?created_at=gt:{edge}",
                ):
                    assert await status(cloud, "GET", path) == 400, path
            # What many write for "never" is a day like any other.
            for path in ("/compute/v2.1/servers?changes-since=9999-12-31",
                         "/image/v2/images?created_at=gt:9999-12-31"):  # fmt: skip
                assert await status(cloud, "GET", path) == 200, path
            for name in ("😀", "a b", "é"):
                tag = f"/identity/v3/projects/{project}/tags/{quote(name)}"
                made = await cloud.call("PUT", tag, as_="admin")
                assert (made.status == 201 and made.headers["location"].isascii()) or name == "é"
                assert await status(cloud, "GET", tag) == 204
            await domain_scoped(cloud)

    with caplog.at_level(logging.ERROR):
        asyncio.run(story())
    assert not [record for record in caplog.records if record.exc_info]


async def domain_scoped(cloud: TestCloud) -> None:
    """Where a project is needed, and the token is for a domain."""
    auth = {
        "identity": {"methods": ["token"], "token": {"id": await cloud.token("admin")}},
        "scope": {"domain": {"id": "default"}},
    }
    answer = await cloud.call("POST", "/identity/v3/auth/tokens", as_=None, json_={"auth": auth})
    headers = {"x-auth-token": answer.headers["x-subject-token"]}
    headers["openstack-api-version"] = "compute 2.64"
    group = {"server_group": {"name": "g", "policy": "affinity"}}
    one = {"name": "s", "flavorRef": "42", "imageRef": cloud.image, "networks": "none"}
    for path, body in (("os-server-groups", group), ("servers", {"server": one})):
        made = await cloud.call(
            "POST", f"/compute/v2.1/{path}", as_=None, json_=body, headers=headers
        )
        assert made.status in (400, 403), made.raw


def test_depth() -> None:
    for text in (b"[" * MOST_DEPTH + b"]" * MOST_DEPTH, b'{"a":"' + b"[" * 9000 + b'"}', b""):
        assert not too_deep(text)
    nested = json.dumps([{"a": [['"[[\\']]}] * 900).encode()
    assert not too_deep(nested) and not too_deep(b"[" + b"{}," * 300_000 + b"{}]")
    for text in (DEEP, b"[" * 65 + b"]" * 65, b'{"a":[' * 40 + b"]}" * 40, b"]" * 9 + b"[" * 70):
        assert too_deep(text)
    begun = time.process_time()
    for text in (b"[" * 500_000 + b"]" * 500_000, b'""' * 500_000 + DEEP, b"[{" * 500_000):
        assert too_deep(text)
    assert time.process_time() - begun < 3


def test_times() -> None:
    assert of_text("2026-11-22T15:04:05+01:00") == "2026-11-22T14:04:05.000000"
    for text in ("9999-12-31T23:59:59-14:00", "0001-01-01T00:00:00+14:00", "x", "2" * 9999, ""):
        with pytest.raises(ValueError):
            of_text(text)


@pytest.mark.parametrize(
    ("text", "sent"),
    [("http://a/b c", "http://a/b c"), ("a\r\nSet-Cookie: x", "a%0D%0ASet-Cookie: x"),
     ("😀", "%F0%9F%98%80"), ("é", "é"), ("a\x00", "a%00"), ("\ud83d", "%ED%A0%BD")],
)  # fmt: skip
def test_what_a_header_holds(text: str, sent: str) -> None:
    assert header_value("X-Object-Meta-A", text) == sent
    assert header_value("Location", "é") == "%C3%A9"


def test_a_database_that_goes_away_and_comes_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(url: str) -> None:
        folder = url.rpartition("host=")[2]

        def control(*what: str) -> None:
            command = [str(binaries() / "pg_ctl"), "-D", f"{folder}/data", "-w", *what]
            owner = pwd.getpwnam("postgres").pw_uid
            subprocess.run(command, user=owner, cwd="/", check=True, capture_output=True)

        async with running_cloud(tmp_path, database={"url": url}) as cloud:
            assert await status(cloud, "GET", "/identity/v3/users") == 200
            await asyncio.to_thread(control, "-m", "immediate", "stop")
            for _ in range(3):
                answer = await cloud.call("GET", "/identity/v3/users", as_="admin")
                assert (answer.status, answer.headers["retry-after"]) == (503, "2")
            body = {"server_group": {"name": "g", "policies": ["affinity"]}}
            assert await status(cloud, "POST", "/compute/v2.1/os-server-groups", json_=body) == 503
            for path in ("/identity/v3", "/identity", "/compute/v2.1", "/image/versions",
                         "/network/v2.0", "/placement", "/volume/v3", "/"):  # fmt: skip
                assert await status(cloud, "GET", path, as_=None) in (200, 300), path
            options = f"-k {folder} -c listen_addresses= -c fsync=off"
            await asyncio.to_thread(control, "-l", f"{folder}/log", "-o", options, "start")
            assert await status(cloud, "GET", "/identity/v3/users") == 200

    with caplog.at_level(logging.ERROR), server() as url:
        asyncio.run(story(url))
    said = [each.getMessage() for each in caplog.records if "does not answer" in each.getMessage()]
    assert len(said) == 1
