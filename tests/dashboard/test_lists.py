"""Lists: what is searched is found wherever it stands, and nothing is cut off without a word."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest

from cumulo.core.hosts.model import UnknownRow
from cumulo.dashboard.api import details, doing, lists
from tests.dashboard.browser import DOOR, Browser, links, problem_of, signed_in, text_of
from tests.dashboard.conftest import House
from tests.support.cloud import TestCloud, running_cloud


async def made(cloud: TestCloud, path: str, body: Any, as_: str = "demo") -> Any:
    answer = await cloud.call("POST", path, as_=as_, json_=body)
    assert answer.status in (200, 201, 202), answer.raw
    return answer.json


def test_what_a_service_cannot_search_is_found(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sixtieth flavor, and one beyond what is asked for at once."""

    async def run(cloud: TestCloud) -> None:
        for number in range(60):
            name = f"size-{number:02}" if number else "size-00"
            # In this order: they are listed by their ids.
            wish = {"id": f"z{number:02}", "name": name, "ram": 64 + number, "vcpus": 1, "disk": 1}
            await made(cloud, "/compute/v2.1/flavors", {"flavor": wish}, "admin")
        mine = await signed_in(cloud, "admin")
        assert "size-59" in text_of(await mine.get("/flavors?q=size-59"))
        monkeypatch.setattr(lists, "SOUGHT", 20)
        assert "size-59" in text_of(await mine.get("/flavors?q=size-59"))
        # All that fit are there, over several pages.
        seen, at = set(), "/flavors?q=size-"
        for _ in range(10):
            page = await mine.get(at)
            seen |= set(re.findall(r"size-\d\d", text_of(page)))
            more = [each for each in links(page, "/dashboard/flavors?") if "marker=" in each]
            if not more:
                break
            at = more[-1].removeprefix("/dashboard")
        assert len(seen) == 60
        # Not so many pages at once: it says so, and leads on.
        monkeypatch.setattr(lists, "MOST_SOUGHT", 1)
        page = await mine.get("/flavors?q=size-59")
        assert "so far" in text_of(page) and "Next page" in text_of(page)

    house.run(run)


def test_nothing_is_cut_off_without_a_word(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(cloud: TestCloud) -> None:
        mine = await signed_in(cloud, "admin")
        monkeypatch.setattr(lists, "MOST_ROWS", 2)
        assert "The first 2 of" in text_of(await mine.get("/assignments"))
        monkeypatch.setattr(lists, "MOST_AT_ONCE", 2)
        several = [("action", "delete"), *[("id", f"x{n}") for n in range(3)]]
        assert (await mine.post("/networks/bulk", several)).status == 400
        monkeypatch.setattr(details, "MOST_ROWS", 1)
        role = (await cloud.call("GET", "/identity/v3/roles?name=member", as_="admin")).json
        page = await mine.get(f"/roles/{role['roles'][0]['id']}")
        assert page.status == 200
        monkeypatch.setattr(doing, "MOST_OPTIONS", 2)
        assert "more than these 2" in text_of(await mine.get("/servers/new/create"))

    house.run(run)


def test_what_is_on_hosts_and_unknown_can_be_opened(tmp_path: Path) -> None:
    async def run() -> None:
        async with running_cloud(tmp_path) as cloud:
            unknown = "0b5c6f0e-left-behind"
            found = await cloud.call("GET", "/cumulo/hosts", as_="admin")
            host = found.json["hosts"][0]["name"]
            await cloud.cloud.database.write(
                lambda tx: tx.insert(UnknownRow(host, "guest", unknown, {"size": 1}, tx.now)),
                name="test",
            )
            mine = await signed_in(cloud, "admin")
            [link] = [each for each in links(await mine.get("/unknown"), "/dashboard/unknown/")]
            page = await mine.get(link)
            assert page.status == 200 and unknown in text_of(page) and "Adopt" in text_of(page)
            assert (await mine.get(f"{link}/do/delete")).status == 200

    asyncio.run(run())


def test_a_row_of_a_later_page_is_edited_as_it_is(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(cloud: TestCloud) -> None:
        zone = await made(cloud, "/dns/v2/zones", {"name": "long.example.", "email": "a@b.example"})
        url = f"/dns/v2/zones/{zone['id']}/recordsets"
        for number in range(105):
            body = {"name": f"r{number:03}.long.example.", "type": "A", "ttl": 77}
            await made(cloud, url, {**body, "records": [f"192.0.2.{number}"]})
        mine = await signed_in(cloud)
        first = await mine.get(f"/zones/{zone['id']}")
        [more] = [
            each for each in links(first, f"/dashboard/zones/{zone['id']}?") if "after" in each
        ]
        last = await mine.get(more)
        edits = [each for each in links(last, "/dashboard/zones/") if "/do/edit?" in each]
        assert edits and all("after=" in each for each in edits)
        form = (await mine.get(edits[-1])).raw.decode()
        assert 'value="77"' in form and "192.0.2." in form

    house.run(run)


def test_news_of_a_user_lead_to_the_user(house: House) -> None:
    """And nobody's page of their own shows somebody else."""

    async def run(cloud: TestCloud) -> None:
        person = {"user": {"name": "lately-ann", "password": "ann-1234"}}
        ann = (await made(cloud, "/identity/v3/users", person, "admin"))["user"]["id"]
        mine = await signed_in(cloud, "admin")
        log = await mine.get("/log")
        assert f"/dashboard/users/{ann}" in links(log, "/dashboard/")
        assert f"/dashboard/me/{ann}" not in links(log, "/dashboard/")
        assert (await mine.get(f"/me/{ann}")).status == 404
        assert (await mine.get(f"/me/{ann}/part/credentials/new/add")).status == 404

    house.run(run)


def test_a_tag_gives_no_name(house: House) -> None:
    async def run(cloud: TestCloud) -> None:
        body = {"disk_format": "raw", "container_format": "bare"}
        image = (await made(cloud, "/image/v2/images", body))["id"]
        mine = await signed_in(cloud)
        page = (await mine.get(f"/images/{image}/do/edit")).raw.decode()
        assert re.search(r'name="name" value=""', page)
        form = {"name": "", "visibility": "private", "min_disk": "0", "min_ram": "0"}
        answer = await mine.post(f"/images/{image}/do/edit", {**form, "tags": "new"})
        assert answer.status == 303, problem_of(answer)
        now = (await cloud.call("GET", f"/image/v2/images/{image}")).json
        assert now["name"] is None and now["tags"] == ["new"], now

    house.run(run)


def test_readers_are_offered_nothing_that_is_refused(house: House) -> None:
    async def run(cloud: TestCloud) -> None:
        headers = {"x-subject-token": await cloud.token("demo")}
        who = await cloud.call("GET", "/identity/v3/auth/tokens", headers=headers)
        url = f"/identity/v3/users/{who.json['token']['user']['id']}/application_credentials"
        wish = {"application_credential": {"name": "eyes", "roles": [{"name": "reader"}]}}
        robot = (await made(cloud, url, wish))["application_credential"]
        await made(cloud, "/network/v2.0/networks", {"network": {"name": "seen"}})
        reader = Browser(cloud)
        await reader.get(f"{DOOR}?with=credential")
        form = {"credential": robot["id"], "secret": robot["secret"]}
        assert (await reader.post(DOOR, form)).status == 303
        page = (await reader.get("/networks")).raw.decode()
        assert "seen" in page and 'name="action"' not in page and "data-all" not in page
        page = (await (await signed_in(cloud)).get("/networks")).raw.decode()
        assert 'name="action"' in page and "data-all" in page

    house.run(run)


def test_an_order_and_a_choice_stay(house: House) -> None:
    async def run(cloud: TestCloud) -> None:
        for name in ("zz-last", "aa-first"):
            await made(cloud, "/network/v2.0/networks", {"network": {"name": name}}, "admin")
        mine = await signed_in(cloud, "admin")
        for way, first in (("asc", "aa-first"), ("desc", "zz-last")):
            page = text_of(await mine.get(f"/networks?scope=all&sort=name&dir={way}"))
            names = re.findall(r"aa-first|zz-last", page)
            assert names[0] == first, (way, names)
        page = (await mine.get("/networks?scope=all&sort=name")).raw.decode()
        assert 'action="/dashboard/networks/bulk?scope=all&amp;sort=name"' in page
        answer = await mine.post("/networks/bulk?scope=all&sort=name", {"action": "delete"})
        assert answer.headers["location"] == "/dashboard/networks?scope=all&sort=name"

    house.run(run)
