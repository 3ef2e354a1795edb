"""Requests from the OpenAPI document, spoilt: never a 5xx. Bounded here; for longer:

CUMULO_FUZZ_SECONDS=3600 CUMULO_FUZZ_SEED=7 ./cumulo test -m fuzz tests/wire/test_fuzz.py
"""

import asyncio
import os
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.support.cloud import TestCloud, running_cloud
from tests.support.fuzz import Fuzzer, Request

REQUESTS = 6000
SECONDS = float(os.environ.get("CUMULO_FUZZ_SECONDS", "0"))
SEED = int(os.environ.get("CUMULO_FUZZ_SEED", "0"))


async def send(cloud: TestCloud, fuzzer: Fuzzer, request: Request) -> tuple[int, str]:
    headers = dict(request.headers)
    if request.who == "domain":
        headers["x-auth-token"] = await domain_token(cloud)
    elif request.who is not None:
        headers["x-auth-token"] = await cloud.token(request.who)
    asked = cloud.request(request.method, request.path, headers=headers, body=request.body)
    answer = await asyncio.wait_for(asked, 20)
    fuzzer.learn(answer)
    return answer.status, answer.raw[:300].decode(errors="replace")


async def domain_token(cloud: TestCloud) -> str:
    if "domain" not in cloud.tokens:
        body = {
            "auth": {
                "identity": {"methods": ["token"], "token": {"id": await cloud.token("admin")}},
                "scope": {"domain": {"id": "default"}},
            }
        }
        answer = await cloud.call("POST", "/identity/v3/auth/tokens", as_=None, json_=body)
        assert answer.status == 201, answer.raw
        cloud.tokens["domain"] = answer.headers["x-subject-token"]
    return cloud.tokens["domain"]


async def begin(cloud: TestCloud, fuzzer: Fuzzer) -> None:
    """A few things of each kind, so that there is something to find."""
    for who in ("admin", "demo"):
        await cloud.token(who)
        project = cloud.projects[who]
        network = await cloud.private_network()
        made = {
            "/compute/v2.1/servers": {
                "server": {
                    "name": "s", "flavorRef": "42", "imageRef": cloud.image,
                    "networks": "auto" if who == "demo" else "none",
                }
            },
            "/compute/v2.1/os-keypairs": {"keypair": {"name": "k"}},
            "/compute/v2.1/os-server-groups": {
                "server_group": {"name": "g", "policy": "anti-affinity"}
            },
            f"/volume/v3/{project}/volumes": {"volume": {"name": "v", "size": 1}},
            "/image/v2/images": {"name": "i", "disk_format": "raw", "container_format": "bare"},
            "/network/v2.0/ports": {"port": {"network_id": network}},
            "/network/v2.0/routers": {"router": {"name": "r"}},
            "/network/v2.0/security-groups": {"security_group": {"name": "s"}},
            "/identity/v3/credentials": {
                "credential": {"type": "totp", "blob": "GEZDGNBVGY3TQOJQGEZDGNBV", "user_id": "x"}
            },
        }  # fmt: skip
        headers = {"openstack-api-version": "compute 2.90, volume 3.50"}
        for path, body in made.items():
            fuzzer.learn(await cloud.call("POST", path, as_=who, json_=body, headers=headers))
    for path in fuzzer.collections():
        path = path.replace("{project_id}", cloud.projects["admin"])
        asked = cloud.call("GET", path, as_="admin", headers=headers)
        fuzzer.learn(await asyncio.wait_for(asked, 20))


async def fuzz(folder: Path, url: str, seed: int, requests: int, seconds: float) -> list[str]:
    wrong: list[str] = []
    statuses: Counter[int] = Counter()
    end = time.monotonic() + seconds
    async with running_cloud(folder, database={"url": url}) as cloud:
        # It looks for what breaks the cloud; what answers look like has tests that are the same
        # each time.
        cloud.strict = False
        fuzzer = Fuzzer(cloud, seed)
        for noun in ("users", "projects", "domains", "roles"):
            listed = await cloud.call("GET", f"/identity/v3/{noun}", as_="admin")
            fuzzer.kept |= {item["id"] for item in listed.json[noun]}
            fuzzer.learn(listed)
        await begin(cloud, fuzzer)
        fuzzer.projects = list(cloud.projects.values())
        for number, request in enumerate(fuzzer.requests()):
            if number == requests or time.monotonic() > end:
                break
            status, text = await send(cloud, fuzzer, request)
            statuses[status] += 1
            if status >= 500 and status != 501:
                wrong.append(f"{request}: {status} {text}")
            # Some requests end the tokens of all.
            if status == 401 and request.who is not None:
                cloud.tokens.clear()
    assert sum(n for status, n in statuses.items() if status < 300) > 100, statuses
    assert statuses[400] > 100, statuses
    return wrong


def told(seed: int, wrong: list[str]) -> str:
    return f"seed {seed}, {len(wrong)} of them:\n" + "\n".join(wrong[:20])


def test_never_a_5xx(tmp_path: Path, database_url: str) -> None:
    wrong = asyncio.run(fuzz(tmp_path, database_url, SEED, REQUESTS, 120))
    assert not wrong, told(SEED, wrong)


@pytest.mark.fuzz
@pytest.mark.skipif(not SECONDS, reason="takes as long as CUMULO_FUZZ_SECONDS says")
def test_never_a_5xx_for_long(tmp_path: Path, database_url: str) -> None:
    end, seed = time.monotonic() + SECONDS / 2, SEED
    while time.monotonic() < end:
        seed += 1
        folder = tmp_path / str(seed)
        folder.mkdir()
        wrong = asyncio.run(fuzz(folder, database_url, seed, 20_000, end - time.monotonic()))
        assert not wrong, told(seed, wrong)
