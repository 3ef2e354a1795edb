"""Names of ports and floating IPs, which network says and DNS tells."""

import asyncio
from pathlib import Path
from typing import Any

import dns.asyncquery
import dns.message

from tests.support.cloud import TestCloud, running_cloud
from tests.support.projects import second_project

NET = "/network/v2.0"
ZONES = "/dns/v2/zones"


async def made(cloud: TestCloud, path: str, noun: str, as_: str = "demo", **fields: Any) -> Any:
    answer = await cloud.call("POST", f"{NET}/{path}", as_=as_, json_={noun: fields})
    assert answer.status == 201, answer.raw
    return answer.json[noun]


async def zone(cloud: TestCloud, name: str, as_: str = "demo") -> str:
    body = {"name": name, "email": "a@b.test"}
    answer = await cloud.call("POST", ZONES, as_=as_, json_=body)
    assert answer.status in (201, 202), answer.raw
    return str(answer.json["id"])


async def records(cloud: TestCloud, zone_id: str, as_: str = "demo") -> dict[str, list[str]]:
    answer = await cloud.call("GET", f"{ZONES}/{zone_id}/recordsets", as_=as_)
    return {
        f"{each['type']} {each['name']}": sorted(each["records"])
        for each in answer.json["recordsets"]
        if each["type"] not in ("SOA", "NS")
    }


async def network(cloud: TestCloud, domain: str, *, publish: bool = True, **more: Any) -> Any:
    net = await made(cloud, "networks", "network", name="n", dns_domain=domain, **more)
    cidr = {"network_id": net["id"], "cidr": "10.9.0.0/24", "ip_version": 4}
    subnet = await made(cloud, "subnets", "subnet", **cidr, dns_publish_fixed_ip=publish)
    assert subnet["dns_publish_fixed_ip"] is publish and net["dns_domain"] == domain
    return net


async def answered(cloud: TestCloud, name: str, wanted: list[str]) -> None:
    """By the name server, sooner or later."""
    port = int((cloud.cloud.settings.data_dir / "dns" / "port").read_text())
    query = dns.message.make_query(name, "A")
    end = asyncio.get_running_loop().time() + 10
    while True:
        answer = await dns.asyncquery.udp(query, "127.0.0.1", port=port, timeout=5)
        found = [str(each) for rrset in answer.answer for each in rrset]
        if found == wanted:
            return
        assert asyncio.get_running_loop().time() < end, found
        await asyncio.sleep(0.02)


def play(folder: Path, body: Any) -> None:
    async def main() -> None:
        async with running_cloud(folder, dns={"guests_ask": "192.0.2.1:53"}) as cloud:
            await body(cloud)

    asyncio.run(main())


def test_a_server_has_a_name(tmp_path: Path) -> None:
    """It comes with the server, follows its port, and goes with it."""

    async def body(cloud: TestCloud) -> None:
        id = await zone(cloud, "lab.test.")
        net = await network(cloud, "lab.test.")
        wish = {"name": "Web One", "flavorRef": "42", "imageRef": cloud.image}
        wish |= {"networks": [{"uuid": net["id"]}]}
        answer = await cloud.call("POST", "/compute/v2.1/servers", json_={"server": wish})
        server = answer.json["server"]["id"]
        listed = await cloud.call("GET", f"{NET}/ports?device_id={server}")
        (port,) = listed.json["ports"]
        address = port["fixed_ips"][0]["ip_address"]
        assert port["dns_assignment"] == [
            {"ip_address": address, "hostname": "web-one", "fqdn": "web-one.lab.test."}
        ]
        assert await records(cloud, id) == {"A web-one.lab.test.": [address]}
        await guests_ask_for_their_zones(cloud, net["id"])
        await a_name_by_the_projects_own_zone(cloud, wish)
        # What is a name twice has both addresses.
        twin = await made(cloud, "ports", "port", network_id=net["id"], dns_name="web-one")
        other = twin["fixed_ips"][0]["ip_address"]
        assert await records(cloud, id) == {"A web-one.lab.test.": sorted([address, other])}
        body = {"port": {"dns_name": "db"}}
        await cloud.call("PUT", f"{NET}/ports/{twin['id']}", json_=body)
        assert await records(cloud, id) == {
            "A web-one.lab.test.": [address],
            "A db.lab.test.": [other],
        }
        # It is managed: nobody changes it behind network's back.
        sets = await cloud.call("GET", f"{ZONES}/{id}/recordsets?name=db.lab.test.")
        (found,) = sets.json["recordsets"]
        path = f"{ZONES}/{id}/recordsets/{found['id']}"
        assert (await cloud.call("DELETE", path)).status == 400
        assert (await cloud.call("DELETE", f"{NET}/ports/{twin['id']}")).status == 204
        await cloud.call("DELETE", f"/compute/v2.1/servers/{server}")
        gone = f"{ZONES}/{id}/recordsets?type=A"
        await cloud.until(gone, lambda answer: answer.json["recordsets"] == [])

    play(tmp_path, body)


async def a_name_by_the_projects_own_zone(cloud: TestCloud, wish: dict[str, Any]) -> None:
    """Whatever its network says, or does not say."""
    sink = await zone(cloud, "sink.test.")
    quiet = await network(cloud, "", publish=False)
    changed = {"attributes": {"sink": "servers", "a": "b"}}
    answer = await cloud.call("PATCH", f"{ZONES}/{sink}", json_=changed)
    assert answer.json["attributes"] == changed["attributes"], answer.raw
    plain = {"network_id": quiet["id"], "dns_name": "no-server"}
    await made(cloud, "ports", "port", **plain)
    wish = {**wish, "name": "Sunk", "networks": [{"uuid": quiet["id"]}]}
    answer = await cloud.call("POST", "/compute/v2.1/servers", json_={"server": wish})
    server = answer.json["server"]["id"]
    listed = await cloud.call("GET", f"{NET}/ports?device_id={server}")
    address = listed.json["ports"][0]["fixed_ips"][0]["ip_address"]
    assert await records(cloud, sink) == {"A sunk.sink.test.": [address]}
    await cloud.call("DELETE", f"/compute/v2.1/servers/{server}")
    gone = f"{ZONES}/{sink}/recordsets?type=A"
    await cloud.until(gone, lambda answer: answer.json["recordsets"] == [])


async def domains_with_keywords(cloud: TestCloud) -> None:
    """Extension `dns-integration-domain-keywords`: the port is told what they stand for."""
    project = cloud.projects["demo"]
    by_name, by_id = await zone(cloud, "demo.kw.test."), await zone(cloud, f"{project}.test.")
    for domain, id, told in (
        ("<project_name>.kw.test.", by_name, "demo.kw.test."),
        ("<project_id>.test.", by_id, f"{project}.test."),
    ):
        net = await network(cloud, domain)
        port = await made(cloud, "ports", "port", network_id=net["id"], dns_name="k")
        address = port["fixed_ips"][0]["ip_address"]
        assert port["dns_domain"] == told
        assert port["dns_assignment"][0]["fqdn"] == f"k.{told}"
        assert await records(cloud, id) == {f"A k.{told}": [address]}
    body = {"network": {"dns_domain": "<nothing>.test."}}
    assert (await cloud.call("POST", f"{NET}/networks", json_=body)).status == 400


async def guests_ask_for_their_zones(cloud: TestCloud, net: str) -> None:
    """Their networks' own resolvers are told which names the cloud answers for, and of new ones."""
    driver: Any = cloud.cloud.agents[0].parts["network"]

    async def until(wanted: list[str]) -> None:
        end = asyncio.get_running_loop().time() + 10
        while True:
            specs = [each for each in driver.driver.desired.networks if each.id == net]
            found = [(each.name_server, sorted(each.domains)) for each in specs]
            if found == [("192.0.2.1#53", wanted)]:
                return
            assert asyncio.get_running_loop().time() < end, found
            await asyncio.sleep(0.02)

    await until(["lab.test."])
    # What somebody else shares with them is not believed by their guests.
    evil = await zone(cloud, "bank.test.", "admin")
    share = {"target_project_id": cloud.projects["demo"]}
    answer = await cloud.call("POST", f"{ZONES}/{evil}/shares", as_="admin", json_=share)
    assert answer.status == 201, answer.raw
    more = await zone(cloud, "more.test.")
    await until(["lab.test.", "more.test."])
    assert (await cloud.call("DELETE", f"{ZONES}/{more}")).status == 202
    await until(["lab.test."])


def test_what_is_told_and_what_is_not(tmp_path: Path) -> None:
    async def body(cloud: TestCloud) -> None:
        await second_project(cloud, "other")
        own, foreign = await zone(cloud, "own.test."), await zone(cloud, "foreign.test.", "other")
        quiet = await network(cloud, "own.test.", publish=False)
        port = {"network_id": quiet["id"], "dns_name": "a"}
        first = await made(cloud, "ports", "port", **port)
        assert await records(cloud, own) == {}, "its address is in a tunnel"
        # A domain of its own counts before its network's; another project's is nobody's.
        loud = await network(cloud, "own.test.")
        for domain in ("foreign.test.", "nothing.test."):
            wish = {"network_id": loud["id"], "dns_name": "b", "dns_domain": domain}
            made_ = await made(cloud, "ports", "port", **wish)
            assert made_["dns_assignment"][0]["fqdn"] == f"b.{domain}"
        assert await records(cloud, own) == {} == await records(cloud, foreign, "other")
        # What somebody made stays as it is.
        mine = {"name": "c.own.test.", "type": "A", "records": ["192.0.2.1"]}
        await cloud.call("POST", f"{ZONES}/{own}/recordsets", json_=mine)
        late = await made(cloud, "ports", "port", network_id=loud["id"], dns_name="c")
        assert await records(cloud, own) == {"A c.own.test.": ["192.0.2.1"]}
        assert (await cloud.call("DELETE", f"{NET}/ports/{late['id']}")).status == 204
        assert await records(cloud, own) == {"A c.own.test.": ["192.0.2.1"]}
        await domains_with_keywords(cloud)
        # Wrong words.
        for wrong in ("own.test", "a b.test.", "x" * 64 + ".test.", "-a.test."):
            body = {"network": {"dns_domain": wrong}}
            answer = await cloud.call("PUT", f"{NET}/networks/{loud['id']}", json_=body)
            assert answer.status == 400, (wrong, answer.raw)
        assert first["dns_name"] == "a"
        # The zone goes with what network said of it, and ports go on.
        assert (await cloud.call("DELETE", f"{ZONES}/{own}")).status == 202
        answer = await cloud.call("DELETE", f"{NET}/ports/{first['id']}")
        assert answer.status == 204

    play(tmp_path, body)


def test_floating_ips(tmp_path: Path) -> None:
    async def body(cloud: TestCloud) -> None:
        id = await zone(cloud, "out.test.")
        public = (await cloud.call("GET", f"{NET}/networks?router:external=true")).json["networks"]
        named = {"floating_network_id": public[0]["id"], "dns_name": "vip"}
        answer = await cloud.call("POST", f"{NET}/floatingips", json_={"floatingip": named})
        assert answer.status == 400, "a name needs a domain"
        own = await made(cloud, "floatingips", "floatingip", **named, dns_domain="out.test.")
        assert await records(cloud, id) == {"A vip.out.test.": [own["floating_ip_address"]]}
        assert (own["dns_name"], own["dns_domain"]) == ("vip", "out.test.")
        # One without has its port's, as long as it leads there.
        private = await cloud.private_network()
        port = {"network_id": private, "dns_name": "web", "dns_domain": "out.test."}
        inner = await made(cloud, "ports", "port", **port)
        plain = await made(cloud, "floatingips", "floatingip", floating_network_id=public[0]["id"])
        path = f"{NET}/floatingips/{plain['id']}"
        for target, there in ((inner["id"], True), (None, False), (inner["id"], True)):
            body = {"floatingip": {"port_id": target}}
            assert (await cloud.call("PUT", path, json_=body)).status == 200
            found = (await records(cloud, id)).get("A web.out.test.")
            assert found == ([plain["floating_ip_address"]] if there else None)
        assert (await cloud.call("DELETE", f"{NET}/ports/{inner['id']}")).status == 204
        assert "A web.out.test." not in await records(cloud, id)
        assert (await cloud.call("DELETE", f"{NET}/floatingips/{own['id']}")).status == 204
        assert await records(cloud, id) == {}

    play(tmp_path, body)


def test_one_project_holds_a_name(tmp_path: Path) -> None:
    """Who shares a zone adds nothing to its owner's names, and leaves nothing after an unshare."""

    async def body(cloud: TestCloud) -> None:
        other = (await second_project(cloud, "other"), cloud.projects["other"])[1]
        id = await zone(cloud, "two.test.")
        path = f"{ZONES}/{id}"
        share = {"target_project_id": other}
        shared = await cloud.call("POST", f"{path}/shares", json_=share)
        ours = await network(cloud, "two.test.")
        mine = await made(cloud, "ports", "port", network_id=ours["id"], dns_name="www")
        www = {"A www.two.test.": [mine["fixed_ips"][0]["ip_address"]]}
        nets = await made(cloud, "networks", "network", "other", name="n", dns_domain="two.test.")
        cidr = {"network_id": nets["id"], "cidr": "10.8.0.0/24", "ip_version": 4}
        await made(cloud, "subnets", "subnet", "other", **cidr, dns_publish_fixed_ip=True)
        for name in ("www", "api"):
            await made(cloud, "ports", "port", "other", network_id=nets["id"], dns_name=name)
        found = await records(cloud, id)
        assert found.keys() == {"A www.two.test.", "A api.two.test."}
        assert found["A www.two.test."] == www["A www.two.test."]
        # A delegation would hide what is there.
        cut = {"name": "api.two.test.", "type": "NS", "records": ["ns.two.test."]}
        assert (await cloud.call("POST", f"{path}/recordsets", json_=cut)).status == 400
        # Nobody who asks for the name servers' words is told that a description has changed.
        before = (await cloud.call("GET", path)).json["serial"]
        await cloud.call("PATCH", path, json_={"description": "new"})
        settled = await cloud.until(path, lambda a: a.json["status"] == "ACTIVE")
        assert settled.json["serial"] == before
        public = (await cloud.call("GET", f"{NET}/networks?router:external=true")).json["networks"]
        long = {"dns_name": ".".join(["a" * 61] * 4), "dns_domain": "two.test."}
        await made(cloud, "floatingips", "floatingip", floating_network_id=public[0]["id"], **long)
        assert await records(cloud, id) == found
        gone = await cloud.call("DELETE", f"{path}/shares/{shared.json['id']}")
        assert gone.status == 204, gone.raw
        assert await records(cloud, id) == www
        # A zone that is given away goes without its giver's ports, and aliases lead into it no
        # more: what it says is another project's.
        alias = {"name": "a.one.test.", "type": "CNAME", "records": ["b.two.test."]}
        there = {"name": "b.two.test.", "type": "A", "records": ["192.0.2.7"]}
        for at, wish in ((await zone(cloud, "one.test."), alias), (id, there)):
            answer = await cloud.call("POST", f"{ZONES}/{at}/recordsets", json_=wish)
            assert answer.status == 202, answer.raw
        await answered(cloud, "a.one.test.", ["b.two.test.", "192.0.2.7"])
        offer = await cloud.call("POST", f"{path}/tasks/transfer_requests", json_={})
        accept = {"key": offer.json["key"], "zone_transfer_request_id": offer.json["id"]}
        taken = await cloud.call(
            "POST", f"{ZONES}/tasks/transfer_accepts", as_="other", json_=accept
        )
        assert taken.status == 201, taken.raw
        assert await records(cloud, id, "other") == {"A b.two.test.": ["192.0.2.7"]}
        await answered(cloud, "a.one.test.", ["b.two.test."])
        for local, status in (("a" * 40 + "." + "b" * 40, 400), ("a" * 63, 202)):
            wish = {"name": f"m{status}.test.", "email": f"{local}@b.test"}
            assert (await cloud.call("POST", ZONES, json_=wish)).status == status

    play(tmp_path, body)
