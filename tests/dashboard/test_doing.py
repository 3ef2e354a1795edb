"""What people do, by the forms that they do it with: each leads on, and its effect is there."""

import json
from base64 import b64decode
from typing import Any
from urllib.parse import quote

from tests.dashboard.browser import Browser, ids_of, problem_of, signed_in, text_of
from tests.dashboard.conftest import House
from tests.support.cloud import TestCloud

TASK = "OS-EXT-STS:task_state"


class Hands:
    """Fills in forms, and looks at what came of them by the services' own APIs."""

    def __init__(self, cloud: TestCloud, browser: Browser, user: str) -> None:
        self.cloud, self.browser, self.user = cloud, browser, user

    async def do(self, path: str, /, **form: str) -> str:
        """What the next page says."""
        answer = await self.browser.post(path, form)
        assert answer.status in (200, 303), (path, problem_of(answer))
        return text_of(answer)

    async def make(self, panel: str, /, **form: str) -> str:
        """The id of the newest thing of the panel that was not there before."""
        before = set(ids_of(await self.browser.get(f"/{panel}"), panel))
        await self.do(f"/{panel}/new/create", **form)
        after = ids_of(await self.browser.get(f"/{panel}"), panel)
        fresh = [id for id in after if id not in before]
        assert len(fresh) == 1, (panel, fresh)
        return fresh[0]

    async def get(self, path: str, **more: Any) -> Any:
        answer = await self.cloud.call("GET", path, as_=self.user, **more)
        assert answer.status == 200, (path, answer.raw)
        return answer.json

    async def until(self, path: str, accept: Any, **more: Any) -> Any:
        def fits(answer: Any) -> bool:
            return answer.status == 200 and bool(accept(answer.json))

        return (await self.cloud.until(path, fits, as_=self.user, **more)).json


async def server_of(hands: Hands, network: str, **more: str) -> str:
    form = {"image": hands.cloud.image, "flavor": "1", "count": "1", "networks": network}
    id = await hands.make("servers", **{**form, "name": "web", **more})
    await hands.until(f"/compute/v2.1/servers/{id}", lambda b: b["server"]["status"] == "ACTIVE")
    return id


def test_a_script_ends_its_lines_as_guests_read_them(house: House) -> None:
    """Browsers end the lines of a text with two letters."""

    async def run(cloud: TestCloud) -> None:
        hands = Hands(cloud, await signed_in(cloud), "demo")
        script = "#!/bin/sh\r\ntrue\r\n"
        server = await server_of(hands, await cloud.private_network(), user_data=script)
        headers = {"openstack-api-version": "compute 2.3"}
        url = f"/compute/v2.1/servers/{server}"
        shown = await cloud.call("GET", url, as_="admin", headers=headers)
        given = b64decode(shown.json["server"]["OS-EXT-SRV-ATTR:user_data"])
        assert given == b"#!/bin/sh\ntrue"
        await hands.do(f"/servers/{server}/do/delete")

    house.run(run)


def test_a_servers_life(house: House) -> None:
    async def run(cloud: TestCloud) -> None:
        hands = Hands(cloud, await signed_in(cloud), "demo")
        network = await cloud.private_network()
        key = await hands.browser.post("/keypairs/new/create", {"name": "mine"})
        assert "PRIVATE KEY" in text_of(key) and "shown only now" in text_of(key)
        form = {"networks": network, "image": cloud.image, "flavor": "1", "key": "mine"}
        form |= {
            "name": "web",
            "count": "1",
            "user_data": "#!/bin/sh\ntrue",
            "metadata": "a=b=c",
        }
        server = await hands.make("servers", **form)
        url, at = f"/compute/v2.1/servers/{server}", f"/servers/{server}/do"

        def is_(*words: str) -> Any:
            # And nothing is going on with it any more.
            return lambda body: body["server"]["status"] in words and body["server"][TASK] is None

        body = await hands.until(url, is_("ACTIVE"))
        assert body["server"]["metadata"] == {"a": "b=c"}
        for action, status in (
            ("pause", "PAUSED"),
            ("unpause", "ACTIVE"),
            ("suspend", "SUSPENDED"),
            ("resume", "ACTIVE"),
            ("stop", "SHUTOFF"),
            ("start", "ACTIVE"),
            ("hard_reboot", "ACTIVE"),
        ):
            await hands.do(f"{at}/{action}")
            await hands.until(url, is_(status))
        await hands.do(f"{at}/resize", flavor="2")
        await hands.until(url, is_("VERIFY_RESIZE"))
        page = text_of(await hands.browser.get(f"/servers/{server}"))
        assert "Confirm resize" in page and "Revert resize" in page
        await hands.do(f"{at}/confirm")
        await hands.until(url, is_("ACTIVE"))
        await hands.do(f"{at}/edit", name="renamed", description="mine")
        await hands.do(f"{at}/metadata", metadata="role=web\nenv=test")
        await hands.do(f"{at}/tags", tags="blue\ngreen")
        await hands.do(f"{at}/lock")
        page = text_of(await hands.browser.get(f"/servers/{server}"))
        assert "renamed" in page and "role=web" in page and "blue" in page
        await hands.do(f"{at}/unlock")
        await hands.do(f"{at}/snapshot", name="picture")
        images = await hands.get("/image/v2/images?name=picture")
        assert len(images["images"]) == 1
        await hands.until(url, lambda b: b["server"][TASK] is None)
        await _parts_of_a_server(hands, server, network)
        await hands.do(f"{at}/rebuild", image=cloud.image)
        await hands.until(url, is_("ACTIVE"))
        await hands.do(f"{at}/shelve")
        await hands.until(url, is_("SHELVED", "SHELVED_OFFLOADED"))
        await hands.do(f"{at}/unshelve")
        await hands.until(url, is_("ACTIVE"))
        console = text_of(await hands.browser.get(f"/servers/{server}/serial"))
        assert "Console of renamed" in console
        # Several at once: asked once more, then done.
        other = await server_of(hands, network)
        both = [("action", "delete"), ("id", server), ("id", other)]
        sure = await hands.browser.post("/servers/bulk", list(both))
        assert "renamed" in text_of(sure) and "cannot be undone" in text_of(sure)
        assert (await hands.browser.post("/servers/bulk", [*both, ("sure", "yes")])).status == 303
        await hands.until("/compute/v2.1/servers", lambda b: b["servers"] == [])

    house.run(run)


async def _parts_of_a_server(hands: Hands, server: str, network: str) -> None:
    """Volumes, interfaces and groups come and go."""
    at = f"/servers/{server}/part"
    volume = await hands.make("volumes", name="disk", size="1")
    url = f"/volume/v3/volumes/{volume}"
    await hands.until(url, lambda b: b["volume"]["status"] == "available")
    await hands.do(f"{at}/volumes/new/attach", volume=volume)
    await hands.until(url, lambda b: b["volume"]["status"] == "in-use")
    await hands.do(f"{at}/volumes/do/detach?row={volume}")
    await hands.until(url, lambda b: b["volume"]["status"] == "available")
    await hands.do(f"/volumes/{volume}/do/attach", server=server)
    await hands.until(url, lambda b: b["volume"]["status"] == "in-use")
    await hands.do(f"/volumes/{volume}/do/detach")
    await hands.until(url, lambda b: b["volume"]["status"] == "available")
    await hands.do(f"{at}/interfaces/new/attach", network=network)
    ports = await hands.get(f"/network/v2.0/ports?device_id={server}")
    assert len(ports["ports"]) == 2
    await hands.do(f"{at}/interfaces/do/detach?row={ports['ports'][1]['id']}")
    gone = f"/network/v2.0/ports?device_id={server}"
    await hands.until(gone, lambda b: len(b["ports"]) == 1)
    group = await hands.make("securitygroups", name="web", description="")
    await hands.do(f"{at}/groups/new/add", group=group)
    listed = f"/compute/v2.1/servers/{server}/os-security-groups"
    names = [g["name"] for g in (await hands.get(listed))["security_groups"]]
    assert "web" in names
    await hands.do(f"{at}/groups/do/remove?row={group}")
    names = [g["name"] for g in (await hands.get(listed))["security_groups"]]
    assert "web" not in names


def test_networks_and_addresses(house: House) -> None:
    async def run(cloud: TestCloud) -> None:
        hands = Hands(cloud, await signed_in(cloud), "demo")
        form = {"name": "blue", "cidr": "10.8.0.0/24", "dns": "9.9.9.9\n1.1.1.1"}
        network = await hands.make("networks", **form, pool="10.8.0.10-10.8.0.20")
        subnets = (await hands.get(f"/network/v2.0/subnets?network_id={network}"))["subnets"]
        assert subnets[0]["dns_nameservers"] == ["9.9.9.9", "1.1.1.1"]
        assert subnets[0]["allocation_pools"] == [{"start": "10.8.0.10", "end": "10.8.0.20"}]
        subnet = subnets[0]["id"]
        form = {"name": "x", "dns": "", "gateway_ip": "10.8.0.1", "enable_dhcp": "yes"}
        await hands.do(f"/subnets/{subnet}/do/edit", **form)
        external = await hands.get("/network/v2.0/networks?router:external=true")
        outside = external["networks"][0]["id"]
        router = await hands.make("routers", name="gate", network=outside)
        await hands.do(f"/routers/{router}/part/interfaces/new/add", subnet=subnet)
        await hands.do(f"/routers/{router}/do/routes", routes="10.99.0.0/24=10.8.0.7")
        found = (await hands.get(f"/network/v2.0/routers/{router}"))["router"]
        assert found["routes"] == [{"destination": "10.99.0.0/24", "nexthop": "10.8.0.7"}]
        port = await hands.make("ports", network=network, name="plug", address="10.8.0.12")
        await hands.do(f"/ports/{port}/do/pairs", pairs="10.8.0.99")
        await hands.do(f"/ports/{port}/do/groups", groups="")
        address = await hands.make("floatingips", network=outside, description="d")
        await hands.do(f"/floatingips/{address}/do/associate", port=port)
        found = (await hands.get(f"/network/v2.0/floatingips/{address}"))["floatingip"]
        assert found["fixed_ip_address"] == "10.8.0.12"
        plan = (await hands.browser.get("/map/topology")).raw.decode()
        assert "blue" in plan and "gate" in plan and plan.count('class="wire"') >= 2
        await hands.do(f"/floatingips/{address}/do/disassociate")
        await hands.do(f"/floatingips/{address}/do/delete")
        await hands.do(f"/ports/{port}/do/delete")
        await hands.do(f"/routers/{router}/do/routes", routes="")
        rows = await hands.get(f"/network/v2.0/ports?device_id={router}&network_id={network}")
        row = rows["ports"][0]["id"]
        await hands.do(f"/routers/{router}/part/interfaces/do/remove?row={row}")
        await hands.do(f"/routers/{router}/do/no_gateway")
        await hands.do(f"/routers/{router}/do/delete")
        page = text_of(await hands.browser.get(f"/networks/{network}/do/delete"))
        assert "Subnets that go with it" in page and "10.8.0.0/24" in page
        await hands.do(f"/networks/{network}/do/delete")
        left = await hands.get("/network/v2.0/networks?name=blue")
        assert left["networks"] == []

    house.run(run)


async def _backed_up(hands: Hands, volume: str) -> None:
    await hands.do(f"/volumes/{volume}/do/backup", name="kept")
    backup = ids_of(await hands.browser.get("/volumebackups"), "volumebackups")[0]
    kept = f"/volume/v3/backups/{backup}"
    await hands.until(kept, lambda b: b["backup"]["status"] == "available")
    await hands.do(f"/volumebackups/{backup}/do/restore", name="restored")
    await hands.until("/volume/v3/volumes?name=restored", lambda b: len(b["volumes"]) == 1)


def test_what_is_kept(house: House) -> None:
    """Images, volumes, snapshots, shares, names, stacks."""

    async def run(cloud: TestCloud) -> None:
        hands = Hands(cloud, await signed_in(cloud), "demo")
        answer = await hands.browser.upload(
            "/images/new/upload",
            {"name": "own", "disk_format": "raw", "visibility": "shared"},
            "x.raw",
            b"1" * 5000,
        )
        assert answer.status == 303, problem_of(answer)
        image = ids_of(await hands.browser.get("/images?q=own"), "images")[0]
        form = {"name": "own2", "visibility": "shared", "min_disk": "1", "min_ram": "0"}
        await hands.do(f"/images/{image}/do/edit", **form, tags="a\nb")
        await cloud.token("admin")
        other = cloud.projects["admin"]
        await hands.do(f"/images/{image}/part/members/new/add", project=other)
        assert (await hands.browser.get(f"/images/{image}/do/download")).raw == b"1" * 5000
        theirs = await signed_in(cloud, "admin")
        assert (await theirs.post(f"/images/{image}/do/accept", {})).status == 303
        volume = await hands.make("volumes", name="data", size="1")
        url = f"/volume/v3/volumes/{volume}"
        await hands.until(url, lambda b: b["volume"]["status"] == "available")
        await hands.do(f"/volumes/{volume}/do/extend", size="2")
        await hands.until(
            url, lambda b: (b["volume"]["size"], b["volume"]["status"]) == (2, "available")
        )
        await hands.do(f"/volumes/{volume}/part/snapshots/new/add", name="before")
        snapshot = ids_of(await hands.browser.get("/snapshots"), "snapshots")[0]
        made = f"/volume/v3/snapshots/{snapshot}"
        await hands.until(made, lambda b: b["snapshot"]["status"] == "available")
        await hands.do(f"/snapshots/{snapshot}/do/volume", name="after", size="2")
        page = text_of(await hands.browser.get(f"/volumes/{volume}/do/delete"))
        assert "snapshots, which have to go first" in page and "before" in page
        await _backed_up(hands, volume)
        zone = await hands.make("zones", name="example.org", email="a@example.org")
        at = f"/zones/{zone}/part/records"
        form = {"name": "www", "type": "A", "records": "192.0.2.1\n192.0.2.2", "ttl": "60"}
        await hands.do(f"{at}/new/add", **form)
        sets = await hands.get(f"/dns/v2/zones/{zone}/recordsets?name=www.example.org.")
        record = sets["recordsets"][0]
        assert record["records"] == ["192.0.2.1", "192.0.2.2"]
        await hands.do(f"{at}/do/edit?row={record['id']}", records="192.0.2.9", ttl="")
        await hands.do(f"{at}/do/delete?row={record['id']}")
        await hands.do("/containers/new/create", name="box")
        await hands.do("/containers/box/part/objects/new/folder", name="in")
        answer = await hands.browser.upload(
            "/containers/box/part/objects/new/upload?in=in/", {"name": ""}, "a b.txt", b"hello"
        )
        inside = await hands.browser.get("/containers/box?of=objects&in=in/")
        assert "a b.txt" in text_of(inside)
        row = quote("in/a b.txt", safe="")
        copy = f"/containers/box/part/objects/do/copy?row={row}"
        await hands.do(copy, name="copy.txt")
        saved = "/containers/box/part/objects/do/download?row=copy.txt"
        assert (await hands.browser.get(saved)).raw == b"hello"

    house.run(run)


def test_oneself_and_shares(house: House) -> None:
    async def run(cloud: TestCloud) -> None:
        hands = Hands(cloud, await signed_in(cloud), "demo")
        me = ids_of(await hands.browser.get("/me"), "me")[0]
        form = {"name": "robot", "roles": "reader", "rules": "compute GET /v2.1/servers"}
        form |= {"description": "", "expires_at": "2099-01-01T00:00:00", "unrestricted": ""}
        at = f"/me/{me}/part"
        made = await hands.browser.post(f"{at}/credentials/new/add", form)
        assert b'data-name="robot.txt"' in made.raw, problem_of(made)
        url = f"/identity/v3/users/{me}/application_credentials"
        credential = (await hands.get(url))["application_credentials"][0]
        assert credential["roles"][0]["name"] == "reader"
        assert credential["access_rules"][0]["path"] == "/v2.1/servers"
        await hands.do(f"{at}/credentials/do/delete?row={credential['id']}")
        await cloud.token("demo")
        keys = await hands.browser.post(f"{at}/keys/new/add", {"project": cloud.projects["demo"]})
        assert "Secret key" in text_of(keys), problem_of(keys)
        network = await cloud.private_network()
        subnets = await hands.get(f"/network/v2.0/subnets?network_id={network}")
        form = {"name": "n", "network": network, "subnet": subnets["subnets"][0]["id"]}
        place = await hands.make("sharenetworks", **form)
        form = {"name": "files", "size": "1", "proto": "NFS", "network": place}
        share = await hands.make("shares", **form)
        version = {"x-openstack-manila-api-version": "2.63"}
        url = f"/share/v2/shares/{share}"
        await hands.until(url, lambda b: b["share"]["status"] == "available", headers=version)
        rule = {"type": "ip", "who": "10.0.0.0/24", "level": "ro"}
        await hands.do(f"/shares/{share}/part/rules/new/add", **rule)
        page = text_of(await hands.browser.get(f"/shares/{share}"))
        assert "10.0.0.0/24" in page and "Where to mount it from" in page
        await hands.do(f"/shares/{share}/do/extend", size="2")
        await hands.until(url, lambda b: b["share"]["status"] == "available", headers=version)
        await hands.do(f"/shares/{share}/do/shrink", size="1")
        await hands.until(url, lambda b: b["share"]["size"] == 1, headers=version)

    house.run(run)


TEMPLATE = {
    "heat_template_version": "2021-04-16",
    "parameters": {"size": {"type": "number", "description": "How long."}},
    "resources": {
        "first": {
            "type": "OS::Heat::RandomString",
            "properties": {"length": {"get_param": "size"}},
        },
        "second": {"type": "OS::Heat::None", "depends_on": "first"},
    },
    "outputs": {"text": {"value": {"get_attr": ["first", "value"]}}},
}


def test_a_stack_from_a_file(house: House) -> None:
    async def run(cloud: TestCloud) -> None:
        hands = Hands(cloud, await signed_in(cloud), "demo")
        text = json.dumps(TEMPLATE)
        form = {"name": "s", "template": text, "parameters": "", "timeout": "5"}
        advice = await hands.browser.post("/stacks/new/create/check", dict(form))
        assert "Parameter size (Number) has to be given. How long." in text_of(advice)
        answer = await hands.browser.upload(
            "/stacks/new/create",
            {"name": "s", "parameters": "size=12", "timeout": "5"},
            "t.json",
            text.encode(),
        )
        assert answer.status == 303, problem_of(answer)
        stack = ids_of(await hands.browser.get("/stacks"), "stacks")[0]
        await cloud.token("demo")
        url = f"/orchestration/v1/{cloud.projects['demo']}/stacks?id={stack}"
        await hands.until(url, lambda b: b["stacks"][0]["stack_status"] == "CREATE_COMPLETE")
        page = await hands.browser.get(f"/stacks/{stack}")
        assert "first" in text_of(page) and 'class="wire"' in page.raw.decode()
        form = {"template": text, "parameters": "size=20", "timeout": "5"}
        path = f"/stacks/{stack}/do/update"
        advice = text_of(await hands.browser.post(f"{path}/check", dict(form)))
        assert "first" in advice and "Would be" in advice
        for odd in (f"{path}/check", path):
            answer = await hands.browser.post(odd, {**form, "timeout": "x"})
            assert answer.status < 500, answer.raw
        await hands.do(path, **form)
        await hands.until(url, lambda b: b["stacks"][0]["stack_status"] == "UPDATE_COMPLETE")
        await hands.do(f"/stacks/{stack}/do/delete")
        await hands.until(url, lambda b: b["stacks"] == [])

    house.run(run)


def test_an_operators_day(house: House) -> None:
    """A project with its people, flavors, quotas, hosts."""

    async def run(cloud: TestCloud) -> None:
        hands = Hands(cloud, await signed_in(cloud, "admin"), "admin")
        project = await hands.make("projects", name="team", description="", enabled="yes")
        roles = (await hands.get("/identity/v3/roles"))["roles"]
        role = {each["name"]: each["id"] for each in roles}
        form = {"name": "ann", "password": "ann-12345", "project": project, "enabled": "yes"}
        user = await hands.make("users", **form, role=role["member"])
        ann = Browser(cloud)
        assert (await ann.sign_in("ann", "ann-12345")).status == 303
        group = await hands.make("groups", name="crew", description="")
        await hands.do(f"/groups/{group}/part/users/new/add", user=user)
        form = {"user": "", "group": group, "role": role["reader"]}
        await hands.do(f"/projects/{project}/part/members/new/add", **form)
        page = text_of(await hands.browser.get(f"/users/{user}"))
        assert "member" in page and "crew" in page
        quotas = {"instances": "3", "cores": "7", "ram": "512", "key_pairs": "5"}
        await hands.do(f"/quotas/{project}/do/edit", **quotas, server_groups="-1")
        found = await hands.get(f"/compute/v2.1/os-quota-sets/{project}")
        assert found["quota_set"]["cores"] == 7
        form = {name: "2" for name in ("network", "subnet", "port", "router", "floatingip")}
        form |= {"security_group": "3", "security_group_rule": "-1"}
        await hands.do(f"/networkquotas/{project}/do/edit", **form)
        await hands.do(f"/networkquotas/{project}/do/reset")
        form = {"volumes": "2", "gigabytes": "5", "snapshots": "1"}
        await hands.do(f"/volumequotas/{project}/do/edit", **form)
        await _hardware(hands, project)
        await _elsewhere(hands)
        await hands.do(f"/users/{user}/do/delete")
        assert (await ann.get("/servers")).status == 303
        log = text_of(await hands.browser.get("/log"))
        assert "identity.user.delete" in log

    house.run(run)


async def _hardware(hands: Hands, project: str) -> None:
    """Flavors, hosts, aggregates, machines."""
    form = {"vcpus": "1", "ram": "64", "disk": "1", "ephemeral": "0", "swap": "0"}
    await hands.do("/flavors/new/create", name="own", **form)
    flavors = (await hands.get("/compute/v2.1/flavors?is_public=None"))["flavors"]
    flavor = next(each["id"] for each in flavors if each["name"] == "own")
    await hands.do(f"/flavors/{flavor}/part/access/new/add", project=project)
    at = f"/flavors/{flavor}/part/specs"
    await hands.do(f"{at}/new/add", key="hw:cpu_policy", value="shared")
    await hands.do(f"{at}/do/delete?row=hw:cpu_policy")
    host = ids_of(await hands.browser.get("/hosts"), "hosts")[0]
    await hands.do(f"/hosts/{host}/do/disable", reason="tired")
    assert "tired" in text_of(await hands.browser.get(f"/hosts/{host}"))
    await hands.do(f"/hosts/{host}/do/enable")
    await hands.do("/aggregates/new/create", name="rack", zone="")
    found = await hands.get("/compute/v2.1/os-aggregates")
    rack = found["aggregates"][0]["id"]
    await hands.do(f"/aggregates/{rack}/part/hosts/new/add", host="fake-host")
    await hands.do(f"/aggregates/{rack}/do/metadata", metadata="ssd=true")
    await hands.do(f"/aggregates/{rack}/part/hosts/do/remove?row=fake-host")
    joined = await hands.browser.post("/machines/new/join", {"name": ""})
    assert b"./cumulo join https://" in joined.raw and b"shown only now" in joined.raw
    await hands.do("/volumetypes/new/create", name="fast", description="", public="yes")


async def _elsewhere(hands: Hands) -> None:
    """Domains, and who signs in elsewhere."""
    domain = await hands.make("domains", name="other", description="")
    form = {"name": "other", "description": "", "enabled": ""}
    await hands.do(f"/domains/{domain}/do/edit", **form)
    await hands.do(f"/domains/{domain}/do/delete")
    form = {"id": "corp", "description": "", "remote": "https://id.example"}
    await hands.do("/providers/new/create", **form)
    rules = json.dumps([{"local": [{"user": {"name": "{0}"}}], "remote": [{"type": "x"}]}])
    await hands.do("/mappings/new/create", id="names", rules=rules)
    form = {"id": "openid", "mapping": "names"}
    await hands.do("/providers/corp/part/protocols/new/add", **form)
    assert "names" in text_of(await hands.browser.get("/providers/corp"))
