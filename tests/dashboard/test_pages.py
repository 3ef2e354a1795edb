"""Every page of every panel, for a member and an operator: it answers, nothing on it failed."""

import asyncio
from pathlib import Path

import pytest

from tests.dashboard.browser import Browser, ids_of, links, problem_of, shape_of, signed_in, text_of
from tests.support.cloud import TestCloud, running_cloud

MOST_PAGES = 420


async def furnish(browser: Browser, user: str) -> None:
    """One of most things, by the forms that people use."""
    made = [
        ("/networks/new/create", {"name": "mine", "cidr": "10.44.0.0/24"}),
        ("/routers/new/create", {"name": "mine"}),
        ("/securitygroups/new/create", {"name": "mine"}),
        ("/volumes/new/create", {"name": "disk", "size": "1"}),
        ("/servergroups/new/create", {"name": "apart", "policy": "anti-affinity"}),
        ("/containers/new/create", {"name": "box"}),
        ("/zones/new/create", {"name": "example.org", "email": "a@example.org"}),
    ]
    for path, form in made:
        answer = await browser.post(path, form)
        assert answer.status == 303, (path, problem_of(answer))
    subnet = ids_of(await browser.get("/subnets?q=10.44.0.0/24"), "subnets")[0]
    network = ids_of(await browser.get(f"/subnets/{subnet}"), "networks")[0]
    form = {"name": "nets", "network": network, "subnet": subnet}
    assert (await browser.post("/sharenetworks/new/create", form)).status == 303
    place = ids_of(await browser.get("/sharenetworks"), "sharenetworks")[0]
    form = {"name": "share", "size": "1", "proto": "NFS", "network": place}
    answer = await browser.post("/shares/new/create", form)
    assert answer.status == 303, problem_of(answer)
    form = {"name": "web", "image": browser.cloud.image, "flavor": "1", "count": "1"}
    answer = await browser.post("/servers/new/create", {**form, "networks": network})
    assert answer.status == 303, problem_of(answer)
    thing = "11111111-1111-4111-8111-111111111111"
    own = {"id": thing, "metrics": {"load": {"archive_policy_name": "low"}}}
    answer = await browser.cloud.call("POST", "/metric/v1/resource/generic", as_=user, json_=own)
    assert answer.status == 201, answer.raw
    alarm = {"type": "generic", "metric": "load", "aggregation": "mean", "comparison": "gt"}
    alarm |= {"threshold": "5", "granularity": "300", "periods": "1", "resource": thing}
    answer = await browser.post("/alarms/new/create", {"name": "busy", **alarm})
    assert answer.status == 303, problem_of(answer)
    page = await browser.get("/stacks/new/create")
    template = "heat_template_version: 2021-04-16\nresources:\n  r: {type: OS::Heat::None}\n"
    answer = await browser.post(
        "/stacks/new/create", {"name": "s", "template": template, "timeout": "5"}
    )
    assert page.status == 200 and answer.status == 303, problem_of(answer)


async def crawl(browser: Browser) -> tuple[set[str], list[str]]:
    """(addresses that were looked at, what was wrong with any)"""
    todo, seen, wrong = ["/dashboard/"], set(), []
    while todo and len(seen) < MOST_PAGES:
        path = todo.pop()
        shape = shape_of(path)
        if shape in seen or "/assets/" in path:
            continue
        seen.add(shape)
        answer = await browser.get(path)
        page = "text/html" in answer.headers.get("content-type", "")
        if answer.status != 200:
            wrong.append(f"{path}: {answer.status} {text_of(answer)[:200]}")
        if page and 'role="alert"' in answer.raw.decode():
            wrong.append(f"{path}: {problem_of(answer)}")
        if page:
            todo += [each for each in links(answer, "/dashboard/") if each not in seen]
    return seen, wrong


@pytest.mark.parametrize(("user", "least"), [("demo", 120), ("admin", 180)])
def test_every_page_answers(tmp_path: Path, user: str, least: int) -> None:
    async def run() -> None:
        async with running_cloud(tmp_path) as cloud:
            browser = await signed_in(cloud, user)
            await furnish(browser, user)
            seen, wrong = await crawl(browser)
            assert wrong == []
            assert len(seen) >= least, sorted(seen)
            assert await without_operators_pages(cloud, user)

    asyncio.run(run())


async def without_operators_pages(cloud: TestCloud, user: str) -> bool:
    """A member has no pages of operators: not in the menu, not by their addresses."""
    browser = await signed_in(cloud, user)
    page = await browser.get("/")
    for panel in ("hosts", "users", "projects", "quotas", "machines", "unknown", "nodes"):
        answer = await browser.get(f"/{panel}")
        shown = f"/dashboard/{panel}" in links(page, "/dashboard/")
        if (answer.status == 200, shown) != (user == "admin",) * 2:
            return False
    return True
