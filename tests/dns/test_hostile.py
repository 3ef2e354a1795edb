"""What another project tries with ids that are not its own, and with bodies without end."""

import asyncio
import time
from pathlib import Path
from typing import Any

from tests.support.cloud import TestCloud, running_cloud
from tests.support.projects import second_project

V2 = "/dns/v2"
PATIENCE = 1.0
"""Seconds of CPU for any of them."""


async def made(cloud: TestCloud, path: str, as_: str = "demo", **body: Any) -> Any:
    answer = await cloud.call("POST", f"{V2}{path}", as_=as_, json_=body or None)
    assert answer.status in (201, 202), answer.raw
    return answer.json


async def refused(
    cloud: TestCloud, method: str, path: str, body: Any = None, *, statuses: Any = (403, 404)
) -> None:
    began = time.process_time()
    answer = await cloud.call(method, f"{V2}{path}", as_="other", json_=body)
    assert answer.status in statuses, (method, path, str(body)[:200], answer.raw[:300])
    assert time.process_time() - began < PATIENCE, (method, path)
    assert len(answer.raw) < 20_000, (method, path)


def test_ids_of_others_and_bodies_without_end(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_cloud(tmp_path) as cloud:
            await second_project(cloud, "other")
            await foreign_ids(cloud)
            await endless(cloud)

    asyncio.run(main())


async def foreign_ids(cloud: TestCloud) -> None:
    zone = (await made(cloud, "/zones", name="victim.org.", email="a@b.test"))["id"]
    record = {"name": "www.victim.org.", "type": "A", "records": ["192.0.2.1"]}
    rset = (await made(cloud, f"/zones/{zone}/recordsets", **record))["id"]
    share = {"target_project_id": cloud.projects["admin"]}
    shared = (await made(cloud, f"/zones/{zone}/shares", **share))["id"]
    offer = (await made(cloud, f"/zones/{zone}/tasks/transfer_requests", **share))["id"]
    export = (await made(cloud, f"/zones/{zone}/tasks/export"))["id"]
    mine = (await made(cloud, "/zones", "other", name="mine.org.", email="a@b.test"))["id"]
    requests, exports = "/zones/tasks/transfer_requests", "/zones/tasks/exports"
    for method, path, body in (
        ("GET", f"/zones/{zone}", None),
        ("PATCH", f"/zones/{zone}", {"ttl": 1}),
        ("DELETE", f"/zones/{zone}", None),
        ("GET", f"/zones/{zone}/nameservers", None),
        ("GET", f"/zones/{zone}/recordsets", None),
        ("POST", f"/zones/{zone}/recordsets", {**record, "name": "x.victim.org."}),
        ("GET", f"/zones/{zone}/recordsets/{rset}", None),
        ("PUT", f"/zones/{zone}/recordsets/{rset}", {"ttl": 1}),
        ("DELETE", f"/zones/{zone}/recordsets/{rset}", None),
        ("GET", f"/recordsets/{rset}", None),
        ("GET", f"/zones/{zone}/shares", None),
        ("POST", f"/zones/{zone}/shares", {"target_project_id": cloud.projects["demo"]}),
        ("DELETE", f"/zones/{zone}/shares/{shared}", None),
        ("POST", f"/zones/{zone}/tasks/transfer_requests", None),
        ("POST", f"/zones/{zone}/tasks/export", None),
        ("POST", f"/zones/{zone}/tasks/xfr", None),
        ("POST", f"/zones/{zone}/tasks/abandon", None),
        ("POST", f"/zones/{zone}/tasks/pool_move", None),
        ("GET", f"{requests}/{offer}", None),
        ("PATCH", f"{requests}/{offer}", {"description": "x"}),
        ("DELETE", f"{requests}/{offer}", None),
        ("POST", "/zones/tasks/transfer_accepts", {"zone_transfer_request_id": offer, "key": "x"}),
        ("GET", f"{exports}/{export}", None),
        ("GET", f"{exports}/{export}/export", None),
        ("DELETE", f"{exports}/{export}", None),
        # By way of a zone of its own.
        ("GET", f"/zones/{mine}/recordsets/{rset}", None),
        ("PUT", f"/zones/{mine}/recordsets/{rset}", {"ttl": 1}),
        ("DELETE", f"/zones/{mine}/recordsets/{rset}", None),
        ("DELETE", f"/zones/{mine}/shares/{shared}", None),
    ):
        await refused(cloud, method, path, body)
    for path, marker in (
        ("/zones", zone),
        ("/recordsets", rset),
        (f"/zones/{mine}/recordsets", rset),
        (f"/zones/{mine}/shares", shared),
        (requests, offer),
        (exports, export),
    ):
        await refused(cloud, "GET", f"{path}?marker={marker}", statuses=(400,))
    for name, status in (("a.victim.org.", 403), ("victim.org.", 409), ("VICTIM.org.", 409)):
        body = {"name": name, "email": "a@b.test"}
        await refused(cloud, "POST", "/zones", body, statuses=(status,))
    headers = {"X-Auth-All-Projects": "true"}, {"X-Auth-Sudo-Project-ID": cloud.projects["demo"]}
    for header in (*headers, {"X-Designate-Hard-Delete": "true"}):
        answer = await cloud.call("DELETE", f"{V2}/zones/{zone}", as_="other", headers=header)
        assert answer.status == 403, (header, answer.raw)
    found = (await cloud.call("GET", f"{V2}/zones/{zone}")).json
    assert (found["name"], found["ttl"]) == ("victim.org.", 3600)
    listed = (await cloud.call("GET", f"{V2}/zones/{zone}/recordsets")).json["recordsets"]
    assert len(listed) == 3
    hard = {"X-Designate-Hard-Delete": "true", "X-Auth-All-Projects": "true"}
    hard["X-Designate-Delete-Shares"] = "true"
    answer = await cloud.call("DELETE", f"{V2}/zones/{zone}", as_="admin", headers=hard)
    assert answer.status == 202, answer.raw
    assert (await cloud.call("GET", f"{V2}/zones/{zone}")).status == 404, "at once"


async def endless(cloud: TestCloud) -> None:
    zones, zone = "/zones", {"name": "endless.org.", "email": "a@b.test"}
    own = (await made(cloud, "/zones", "other", name="own.org.", email="a@b.test"))["id"]
    sets = f"{zones}/{own}/recordsets"
    record = {"name": "x.own.org.", "type": "A", "records": ["192.0.2.1"]}
    deep: Any = "x"
    for _ in range(500):
        deep = [deep]
    addresses = [f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(5000)]
    for path, body in (
        (zones, {**zone, "name": "a." * 5000}),
        (zones, {**zone, "name": "a" * 1_000_000}),
        (zones, {**zone, "email": "a" * 100_000 + "@b.test"}),
        (zones, {**zone, "description": "x" * 1_000_000}),
        (zones, {**zone, "description": deep}),
        (zones, {**zone, "ttl": 10**4000}),
        (zones, {**zone, "ttl": -1}),
        (zones, {**zone, "ttl": 1e300}),
        (zones, {**zone, "attributes": {str(n): "x" for n in range(10_000)}}),
        (zones, {**zone, "attributes": {"x": "y" * 10_000}}),
        (zones, {**zone, "type": "SECONDARY", "masters": ["192.0.2.1"] * 1000}),
        (zones, {"name": "s.org.", "type": "SECONDARY", "masters": ["a." * 5000]}),
        (sets, {**record, "records": addresses}),
        (sets, {**record, "records": ["1" * 1_000_000]}),
        (sets, {**record, "records": deep}),
        (sets, {**record, "type": "TXT", "records": ['"' + "\\" * 4001 + '"']}),
        (sets, {**record, "type": "SVCB", "records": ["1 . " + "key9=x " * 500]}),
        (sets, {**record, "type": "TLSA", "records": ["3 1 1 " + "(" * 3000]}),
        (sets, {**record, "type": "NAPTR", "records": ["9" * 4000 + ' 1 "" "" "" .']}),
        (sets, {**record, "name": "*." * 200 + "own.org."}),
        (sets, {**record, "ttl": 2**63}),
    ):
        await refused(cloud, "POST", path, body, statuses=(400, 413))
    for query in ("limit=" + "9" * 5000, "ttl=" + "9" * 5000, "name=" + "%2A" * 3000, "marker=x"):
        answer = await cloud.call("GET", f"{V2}{zones}?{query}", as_="other")
        assert answer.status in (200, 400, 414), answer.raw[:200]
