"""What may be asked of the list of servers, the same on both engines."""

import asyncio
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cumulo.core.db import listing
from cumulo.network.queries.number import last_number
from cumulo.network.service import onlookers
from tests.compute.test_servers import SERVERS, make
from tests.support.cloud import TestCloud, running_cloud

NAMES = ["Web_1", "web-2", "web%3", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!", "Ärger", "x.y"]


async def names(cloud: TestCloud, query: str, key: str = "name") -> Any:
    answer = await cloud.call("GET", f"{SERVERS}/detail?{query}")
    if answer.status != 200:
        return answer.status
    return sorted(server[key] for server in answer.json["servers"])


def test_filters(tmp_path: Path, database_url: str, monkeypatch: Any) -> None:
    async def story() -> None:
        async with running_cloud(tmp_path, database={"url": database_url}) as cloud:
            ids = {}
            for name in NAMES:
                ids[name] = await make(cloud, name=name)
            asked = {
                "web": ["Web_1", "web%3", "web-2"],
                "_": ["Web_1"],
                "%": ["web%3"],
                "WEB-": ["web-2"],
                "^web.[0-9]$": ["Web_1", "web%3", "web-2"],
                "x.y": ["x.y"],
                "ärg": ["Ärger"],
                "(a+)+$": [],
                "e|x": ["Web_1", "web%3", "web-2", "x.y", "Ärger"],
            }
            for pattern, wanted in asked.items():
                begun = time.process_time()
                assert await names(cloud, f"name={quote(pattern)}") == sorted(wanted), pattern
                assert time.process_time() - begun < 2
            for pattern in ("(" * 3000, "[", "(?=a)", "a" * 300):
                assert await names(cloud, f"name={pattern}") == 400
                assert await names(cloud, f"ip={pattern}") == 400
            await addresses(cloud, ids)
            await exact(cloud, ids)
            await shown_anew(cloud, ids["x.y"])
            await told_of_names(cloud, monkeypatch)
            await pages(cloud, monkeypatch)

    asyncio.run(story())


async def addresses(cloud: TestCloud, ids: dict[str, str]) -> None:
    one = (await cloud.call("GET", f"{SERVERS}/{ids['x.y']}")).json["server"]
    [address] = [each["addr"] for nets in one["addresses"].values() for each in nets]
    assert await names(cloud, f"ip=^{address}$") == ["x.y"]
    assert "x.y" in await names(cloud, f"ip={address}")
    assert await names(cloud, "ip=^9") == []
    assert await names(cloud, f"ip=^{address}$&name=web") == []
    assert await names(cloud, "ip6=.") == []


async def exact(cloud: TestCloud, ids: dict[str, str]) -> None:
    every = sorted(NAMES)
    assert await names(cloud, f"image={cloud.image}") == every
    assert await names(cloud, "image=") == []
    assert await names(cloud, f"image={cloud.image[:-1]}") == []
    assert await names(cloud, "flavor=42") == every
    assert await names(cloud, "flavor=4") == []
    assert await names(cloud, "key_name=none") == []
    assert await names(cloud, f"uuid={ids['x.y']}") == ["x.y"]
    assert await names(cloud, "hostname=web-2&locked=false") == ["web-2"]
    assert await names(cloud, "locked=true") == []
    tagged = f"{SERVERS}/{ids['x.y']}/tags/blue"
    headers = {"openstack-api-version": "compute 2.26"}
    assert (await cloud.call("PUT", tagged, headers=headers)).status == 201
    for query, wanted in (
        ("tags=blue", ["x.y"]),
        ("tags-any=red,blue", ["x.y"]),
        ("not-tags=blue", sorted(set(NAMES) - {"x.y"})),
        ("not-tags-any=red,blue&name=e.", ["Web_1", "web%3", "web-2", "\xc4rger"]),
    ):
        answer = await cloud.call("GET", f"{SERVERS}?{query}", headers=headers)
        assert sorted(one["name"] for one in answer.json["servers"]) == wanted, query


async def shown_anew(cloud: TestCloud, id: str) -> None:
    """What others change of what a server looks like is seen at once, though its text is kept
    (`tests.support.fresh` compares it with one that is not)."""
    network, before = "/network/v2.0", ""
    port = (await cloud.call("GET", f"{network}/ports?device_id={id}")).json["ports"][0]
    net, group = port["network_id"], {"security_group": {"name": "mine"}}
    group = (await cloud.call("POST", f"{network}/security-groups", json_=group)).json
    mine = f"{network}/security-groups/{group['security_group']['id']}"
    subnet = {"network_id": net, "ip_version": 6, "cidr": "2001:db8::/64"}
    subnet |= {"ipv6_ra_mode": "slaac", "ipv6_address_mode": "slaac"}
    public = (await cloud.call("GET", f"{network}/networks?router:external=true")).json["networks"]
    floating = {"floating_network_id": public[0]["id"], "port_id": port["id"]}
    changes: list[tuple[str, str, Any]] = [
        ("PUT", f"{network}/networks/{net}", {"network": {"name": "renamed"}}),
        ("PUT", f"{network}/ports/{port['id']}",
         {"port": {"security_groups": [group["security_group"]["id"]]}}),
        ("PUT", mine, {"security_group": {"name": "ours"}}),
        ("POST", f"{network}/subnets", {"subnet": subnet}),
        ("POST", f"{network}/floatingips", {"floatingip": floating}),
        ("PUT", f"{network}/ports/{port['id']}", {"port": {"fixed_ips": []}}),
        ("POST", f"{SERVERS}/{id}/metadata", {"metadata": {"a": "b"}}),
        ("DELETE", f"{network}/ports/{port['id']}", None),
        ("PUT", f"{network}/networks/{net}", {"network": {"name": "private"}}),
    ]  # fmt: skip
    for method, path, body in changes:
        answer = await cloud.call(method, path, json_=body)
        assert answer.status < 300, answer.raw
        shown = (await cloud.call("GET", f"{SERVERS}/detail?uuid={id}")).json["servers"][0]
        text = str({name: shown.get(name) for name in ("addresses", "security_groups", "metadata")})
        assert text != before or "network" in (body or {}), (method, path, text)
        before = text
    assert shown["addresses"] == {}


async def told_of_names(cloud: TestCloud, monkeypatch: Any) -> None:
    """A new name is told to the few servers that show it; to very many by an edition of all."""

    async def edition() -> int:
        return await cloud.cloud.database.read(lambda tx: last_number(tx, onlookers.EDITION))

    async def rename(path: str, noun: str, name: str) -> None:
        answer = await cloud.call("PUT", f"/network/v2.0/{path}", json_={noun: {"name": name}})
        assert answer.status == 200, answer.raw

    before = await edition()
    net = f"networks/{await cloud.private_network()}"
    group = {"security_group": {"name": "nobody's"}}
    answer = await cloud.call("POST", "/network/v2.0/security-groups", json_=group)
    await rename(f"security-groups/{answer.json['security_group']['id']}", "security_group", "no")
    for expected, few in (("few", 500), ("many", len(NAMES) - 2)):
        monkeypatch.setattr(onlookers, "FEW", few)
        await rename(net, "network", expected)
        shown = (await cloud.call("GET", f"{SERVERS}/detail")).json["servers"]
        assert sum(list(one["addresses"]) == [expected] for one in shown) == len(NAMES) - 1
        assert (await edition() > before) == (expected == "many")
    await rename(net, "network", "private")


async def pages(cloud: TestCloud, monkeypatch: Any) -> None:
    """By their links, in the asked order; bounded in what is looked at."""
    found, url = [], f"{SERVERS}?name=^.&limit=2&sort_key=display_name&sort_dir=asc"
    for _ in range(9):
        answer = await cloud.call("GET", url)
        found += [server["name"] for server in answer.json["servers"]]
        links = answer.json.get("servers_links")
        if not links:
            break
        url = links[0]["href"]
    assert sorted(found) == sorted(NAMES) and len(found) == len(NAMES)
    monkeypatch.setattr(listing, "LOOK_AT_ONCE", 2)
    monkeypatch.setattr(listing, "MOST_LOOKED_AT", 4)
    assert await names(cloud, "name=^nothing$") == 400
