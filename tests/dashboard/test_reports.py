"""What people have reported of other dashboards, each as a test."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from tests.dashboard.browser import DOOR, Browser, ids_of, links, problem_of, signed_in, text_of
from tests.dashboard.conftest import House
from tests.support.cloud import TestCloud, running_cloud


async def network_of(cloud: TestCloud, as_: str, **more: Any) -> str:
    body = {"network": {"name": "shared"} | more}
    made = await cloud.call("POST", "/network/v2.0/networks", as_=as_, json_=body)
    assert made.status == 201, made.raw
    return str(made.json["network"]["id"])


def test_the_wizard_offers_own_ports_only(house: House) -> None:
    async def run(cloud: TestCloud) -> None:
        network = await network_of(cloud, "admin", shared=True)
        ports = {}
        for user in ("admin", "demo"):
            body = {"port": {"network_id": network, "name": f"port-of-{user}"}}
            made = await cloud.call("POST", "/network/v2.0/ports", as_=user, json_=body)
            ports[user] = made.json["port"]["id"]
        mine = await signed_in(cloud)
        page = (await mine.get("/servers/new/create")).raw.decode()
        assert network in page and ports["demo"] in page
        assert ports["admin"] not in page and "port-of-admin" not in page

    house.run(run)


def test_files_for_clients_have_one_v3(house: House) -> None:
    async def run(cloud: TestCloud) -> None:
        mine = await signed_in(cloud)
        for name in ("clouds.yaml", "openrc.sh", "provider.tf"):
            answer = await mine.get(f"/access/{name}")
            text = answer.raw.decode()
            assert text.count("/v3") == 1 and "/identity/v3" in text, text
            assert f'filename="{name}"' in answer.headers["content-disposition"]
        rc = (await mine.get("/access/openrc.sh")).raw.decode()
        assert "demo" in rc and "OS_PASSWORD=" not in rc
        page = text_of(await mine.get("/access"))
        assert "http://cloud.test/compute/v2.1" in page

    house.run(run)


def test_files_for_clients_say_where_the_cloud_is(tmp_path: Path) -> None:
    """As it comes, without any setting."""

    async def run() -> None:
        async with running_cloud(tmp_path, public_url="") as cloud:
            mine = await signed_in(cloud)
            where = f"{cloud.cloud.settings.base_url}/identity/v3"
            assert where.startswith("http://127.0.0.1:")
            for name in ("clouds.yaml", "openrc.sh", "provider.tf"):
                assert where in (await mine.get(f"/access/{name}")).raw.decode()

    asyncio.run(run())


def test_a_missing_service_disables_its_part_only(tmp_path: Path) -> None:
    async def run() -> None:
        async with running_cloud(tmp_path) as cloud:
            caller = cloud.cloud.frame.caller
            there = caller._routes
            gone = ("/rating", "/share", "/volume", "/metric")
            caller._routes = lambda path: None if path.startswith(gone) else there(path)
            mine = await signed_in(cloud)
            page = await mine.get("/")
            assert page.status == 200 and "Cost so far" not in text_of(page)
            assert "/dashboard/servers" in links(page, "/dashboard/")
            assert "/dashboard/shares" not in links(page, "/dashboard/")
            assert (await mine.get("/shares")).status == 404
            form = {"name": "web", "image": cloud.image, "flavor": "1", "count": "1"}
            answer = await mine.post("/servers/new/create", form)
            assert answer.status == 303, problem_of(answer)
            server = ids_of(await mine.get("/servers"), "servers")[0]
            assert (await mine.get(f"/servers/{server}")).status == 200
            assert (await mine.get("/search?q=web")).status == 200
            metrics = await mine.get(f"/servers/{server}/tab/metrics")
            assert "There are no measures yet." in text_of(metrics)

    asyncio.run(run())


def test_things_without_a_name(house: House) -> None:
    async def run(cloud: TestCloud) -> None:
        body: dict[str, Any] = {"volume": {"size": 1, "name": None}}
        made = await cloud.call("POST", "/volume/v3/volumes", json_=body)
        volume = made.json["volume"]["id"]
        network = await network_of(cloud, "demo")
        url = "/network/v2.0/ports"
        made = await cloud.call("POST", url, json_={"port": {"network_id": network}})
        port = made.json["port"]["id"]
        mine = await signed_in(cloud)
        for panel, id in (("volumes", volume), ("ports", port)):
            assert volume[:8] in text_of(await mine.get("/volumes"))
            assert ids_of(await mine.get(f"/{panel}?q={id}"), panel) == [id]
            assert ids_of(await mine.get(f"/search?q={id}"), panel) == [id]
            assert (await mine.get(f"/{panel}/{id}")).status == 200

    house.run(run)


def test_parts_of_names_and_addresses_find_things(house: House) -> None:
    async def run(cloud: TestCloud) -> None:
        mine = await signed_in(cloud)
        for name in ("Alpha[1]", "beta"):
            form = {"name": name, "cidr": "10.7.0.0/24"}
            assert (await mine.post("/networks/new/create", form)).status == 303
            assert (await mine.post("/volumes/new/create", {"name": name, "size": "1"})).status
            form = {"name": name, "image": cloud.image, "flavor": "1", "count": "1"}
            nets = ids_of(await mine.get(f"/networks?q={name.lower()}"), "networks")
            assert len(nets) == 1
            answer = await mine.post("/servers/new/create", {**form, "networks": nets[0]})
            assert answer.status == 303, problem_of(answer)
        for panel in ("networks", "volumes", "servers"):
            # A bracket is a bracket, and no pattern.
            assert len(ids_of(await mine.get(f"/{panel}?q=pha%5B1"), panel)) == 1, panel
            assert ids_of(await mine.get(f"/{panel}?q=gamma"), panel) == [], panel
        page = await mine.get("/servers?q=beta")
        address = re.search(r"10\.7\.0\.\d+", text_of(page))
        assert address is not None
        found = await mine.get(f"/search?q={address[0]}")
        assert ids_of(found, "servers") and ids_of(found, "ports")
        # Pages hold on to what was searched, and lists are cut in the database.
        assert 'value="beta"' in page.raw.decode()

    house.run(run)


def test_reading_changes_nothing(house: House) -> None:
    async def run(cloud: TestCloud) -> None:
        mine = await signed_in(cloud)
        await mine.post("/volumes/new/create", {"name": "disk", "size": "1"})
        volume = ids_of(await mine.get("/volumes"), "volumes")[0]
        url = f"/volume/v3/volumes/{volume}"
        await cloud.until(url, lambda a: a.json["volume"]["status"] == "available")
        before = (await cloud.call("GET", url)).json
        for path in (
            f"/volumes/{volume}/do/delete",
            f"/volumes/{volume}/do/edit?name=other",
            "/volumes/bulk?action=delete&sure=yes&id=" + volume,
            "/auth/logout",
            "/auth/project?project=x",
            f"/volumes/{volume}/do/delete?csrf=" + mine.csrf,
        ):
            await mine.get(path)
        assert (await cloud.call("GET", url)).json == before
        assert (await mine.get("/volumes")).status == 200

    house.run(run)


def test_what_is_wrong_is_on_the_operators_first_page(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(cloud: TestCloud) -> None:
        theirs, mine = await signed_in(cloud, "admin"), await signed_in(cloud)
        assert "All is well." in text_of(await theirs.get("/"))
        health = cloud.cloud.application.health
        leaks = [*health.checks, lambda tx: ["the roof is leaking"]]
        monkeypatch.setattr(health, "checks", leaks)
        health._known = None
        assert "the roof is leaking" in text_of(await theirs.get("/"))
        page = text_of(await mine.get("/"))
        assert "roof" not in page and "Health of the cloud" not in page
        health._known = None

    house.run(run)


def test_a_box_that_was_unticked_stays_so(house: House) -> None:
    """A mistake in another field does not tick it again: a flavor would be everybody's."""

    async def run(cloud: TestCloud) -> None:
        mine = await signed_in(cloud, "admin")
        page = (await mine.get("/flavors/new/create")).raw.decode()
        boxes = re.findall(r'<input type="checkbox"[^>]*name="public"[^>]*>', page)
        assert boxes and "checked" in boxes[0]
        form = {"name": "small", "vcpus": "many", "ram": "64", "disk": "1"}
        answer = await mine.post("/flavors/new/create", form)
        assert answer.status == 400, problem_of(answer)
        boxes = re.findall(r'<input type="checkbox"[^>]*name="public"[^>]*>', answer.raw.decode())
        assert boxes and "checked" not in boxes[0]
        assert 'value="small"' in answer.raw.decode()

    house.run(run)


def test_a_link_fills_in_no_form(house: House) -> None:
    async def run(cloud: TestCloud) -> None:
        mine = await signed_in(cloud)
        page = await mine.get("/servers/new/create?user_data=curl%20evil&name=evil-name")
        assert page.status == 200 and "evil" not in page.raw.decode().partition("<main")[2].replace(
            "?user_data=curl%20evil&amp;name=evil-name", ""
        )

    house.run(run)


def test_a_narrow_credential_is_told_nothing_of_the_rest(house: House) -> None:
    async def run(cloud: TestCloud) -> None:
        headers = {"x-subject-token": await cloud.token("demo")}
        who = await cloud.call("GET", "/identity/v3/auth/tokens", headers=headers)
        user = who.json["token"]["user"]["id"]
        rules = [{"service": "compute", "method": "GET", "path": "/v2.1/servers"}]
        wish = {"application_credential": {"name": "narrow", "access_rules": rules}}
        url = f"/identity/v3/users/{user}/application_credentials"
        made = (await cloud.call("POST", url, json_=wish)).json["application_credential"]
        network = await network_of(cloud, "demo", name="secret-plan")
        assert network and "secret-plan" in text_of(await (await signed_in(cloud)).get("/"))
        narrow = Browser(cloud)
        await narrow.get(f"{DOOR}?with=credential")
        form = {"credential": made["id"], "secret": made["secret"]}
        assert (await narrow.post(DOOR, form)).status == 303
        page = await narrow.get("/")
        assert page.status == 200 and "secret-plan" not in text_of(page)

    house.run(run)
