"""Two control planes on one PostgreSQL: what is good once is good once in both together."""

import asyncio
import time
from pathlib import Path

import pytest
from oauthlib import oauth1

from cumulo.identity.drivers.fake_directory import FakeDirectory
from cumulo.identity.service import directories
from cumulo.identity.service.authentication.totp import hotp
from tests.identity.support import V3, made
from tests.identity.test_directories import CONFIG
from tests.identity.test_oauth import OAUTH1, consumer, exchange, request_token, said, verifier
from tests.identity.test_passcodes import SEEDS, STRICT, enrol, passcode
from tests.support.cloud import BASE, running_cloud
from tests.support.identity import login, make_user, password


def test_nothing_is_taken_twice(tmp_path: Path, postgresql_dsn: str) -> None:
    async def main() -> None:
        # The same data directory: its keys are what several control planes share.
        shared = {"database": {"url": postgresql_dsn}, "identity": STRICT}
        async with (
            running_cloud(tmp_path, **shared) as one,
            running_cloud(tmp_path, **shared) as two,
        ):
            user = await make_user(one, "ann", "ann")
            await enrol(one, user)
            codes = [hotp(seed, int(time.time() // 30)) for seed in SEEDS]
            assert (await login(one, totp=passcode(user, codes[0]))).status == 201
            assert (await login(two, totp=passcode(user, codes[0]))).status == 401
            assert (await login(two, totp=passcode(user, codes[1]))).status == 201
            at_once = await asyncio.gather(
                *(login(each, totp=passcode(user, codes[2])) for each in (one, two))
            )
            assert sorted(answer.status for answer in at_once) == [201, 401]

            made = await consumer(one)
            request = await request_token(one, made)
            proof = await verifier(one, request["oauth_token"])
            access = said(await exchange(one, made, request, proof))
            client = oauth1.Client(
                made["id"],
                client_secret=made["secret"],
                resource_owner_key=access["oauth_token"],
                resource_owner_secret=access["oauth_token_secret"],
            )
            url = f"{BASE}/identity/v3/auth/tokens"
            _, headers, _ = client.sign(url, http_method="POST")
            assert (await login(one, None, headers, oauth1={})).status == 201
            assert (await login(two, None, headers, oauth1={})).status == 401
            path = f"{OAUTH1}/request_token"
            plain = oauth1.Client(made["id"], client_secret=made["secret"], callback_uri="oob")
            asked = {"requested-project-id": one.projects["admin"]}
            _, headers, _ = plain.sign(f"{BASE}{path}", http_method="POST", headers=asked)
            assert (await two.call("POST", path, as_=None, headers=headers)).status == 201
            assert (await one.call("POST", path, as_=None, headers=headers)).status == 401

    asyncio.run(main())


def test_who_is_disabled_in_one_cannot_log_in_to_the_other(
    tmp_path: Path, postgresql_dsn: str
) -> None:
    async def main() -> None:
        shared = {"database": {"url": postgresql_dsn}, "identity": STRICT}
        async with (
            running_cloud(tmp_path, **shared) as one,
            running_cloud(tmp_path, **shared) as two,
        ):
            user = await make_user(one, "ann", "ann")
            path = f"/identity/v3/users/{user}"

            async def becomes(wanted: int, secret: str) -> None:
                # The news takes a moment.
                end = time.monotonic() + 10
                while (await login(two, password=password("ann", secret))).status != wanted:
                    assert time.monotonic() < end
                    await asyncio.sleep(0.05)

            await becomes(201, "ann")
            for change, status, secret in (
                ({"enabled": False}, 401, "ann"),
                ({"enabled": True}, 201, "ann"),
                ({"password": "new"}, 401, "ann"),
                ({"name": "bob"}, 401, "new"),
                ({"name": "ann"}, 201, "new"),
            ):
                body = {"user": change}
                changed = await one.call("PATCH", path, as_="admin", json_=body)
                assert changed.status == 200, changed.raw
                await becomes(status, secret)

    asyncio.run(main())


def test_a_list_waits_for_what_the_other_one_was_told(
    tmp_path: Path, postgresql_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A directory is configured in one, read by whoever has the work, and listed in the other."""
    monkeypatch.setattr(directories, "FIRST_SYNC", 3600.0)

    async def main() -> None:
        shared = {"database": {"url": postgresql_dsn}}
        async with (
            running_cloud(tmp_path, **shared) as one,
            running_cloud(tmp_path, **shared) as two,
        ):
            world = FakeDirectory()
            world.add_person("ann", "secret-of-ann")
            world.delay = 0.5
            for each in (one, two):
                each.cloud.services.identity.directories.open = lambda options: world
            # Each remembers by now that no directory is unread.
            domains = [await made(one, "domains", name=name) for name in ("a", "b")]
            for asked in (one, two):
                path = f"{V3}/users?domain_id={domains[0]}"
                assert (await asked.call("GET", path, as_="admin")).json["users"] == []
            for told, asked, domain in ((one, two, domains[0]), (two, one, domains[1])):
                path = f"{V3}/domains/{domain}/config"
                wanted = {"config": CONFIG}
                answer = await told.call("PUT", path, as_="admin", json_=wanted)
                assert answer.status == 201, answer.raw
                await asyncio.sleep(0.1)  # by when the news are there
                path = f"{V3}/users?domain_id={domain}"
                async with asyncio.timeout(120):
                    answer = await asked.call("GET", path, as_="admin")
                assert [user["name"] for user in answer.json["users"]] == ["ann"]

    asyncio.run(main())
