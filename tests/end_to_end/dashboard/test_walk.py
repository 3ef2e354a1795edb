"""A person walks through the dashboard in a real browser: Debian's Chromium, by Playwright.

axe finds nothing on any page, and no page breaks its own content security policy: the browser says
so on its console.
"""

import re
import shutil
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.support.served import ServedCloud, served_cloud
from tests.support.stock import StockClient

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CHROMIUM = shutil.which("chromium") or ""
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is missing")
DOOR = "Login - OpenStack Dashboard"
MOST_PAGES = 18
_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f-]{36}|\?.*")


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedCloud]:
    with served_cloud(tmp_path_factory.mktemp("dashboard") / "data") as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1200, "height": 800})
    opened = context.new_page()
    opened.set_default_timeout(20_000)
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on(
        "console",
        lambda said: problems.append(said.text) if "Content Security Policy" in said.text else None,
    )
    yield opened
    context.close()
    assert problems == []


def sign_in(page: Page, cloud: ServedCloud, user: str = "demo") -> None:
    page.goto(f"{cloud.url}/dashboard/servers")
    expect(page).to_have_title(DOOR)
    page.fill("#id_username", user)
    page.fill("#id_password", cloud.password(user))
    page.click("button:has-text('Sign in')")
    page.wait_for_url("**/dashboard/servers")


def fill(page: Page, cloud: ServedCloud, path: str, **fields: str) -> None:
    """Fill in a form and send it; it leads on."""
    page.goto(f"{cloud.url}/dashboard/{path}")
    for name, value in fields.items():
        page.fill(f"[name={name}]", value)
    here = page.url
    page.click("main form.sheet button")
    page.wait_for_url(lambda url: url != here)


def fits(page: Page) -> None:
    """Nothing is wider than a phone."""
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320, page.url
    page.set_viewport_size({"width": 1200, "height": 800})


def test_a_server_from_its_launch_to_its_end(cloud: ServedCloud, page: Page) -> None:
    sign_in(page, cloud)
    expect(page.locator("main")).to_contain_text("There is nothing here yet.")
    page.click("main .head >> text=Launch server")
    page.fill("[name=name]", "from-the-browser")
    page.select_option("[name=image]", label="cumulo-guest (raw)")
    flavor = page.locator("[name=flavor] option", has_text="m1.nano").get_attribute("value")
    page.select_option("[name=flavor]", flavor)
    page.check("text=private")
    # What it would be on the command line is said while one types.
    expect(page.locator("#advice")).to_contain_text("from-the-browser")
    page.fill("[name=count]", "99")
    expect(page.locator("#advice")).to_contain_text("left of your quota")
    page.fill("[name=count]", "1")
    page.click("main form.sheet button")
    page.wait_for_url("**/dashboard/servers")
    # Nobody reloads: the row comes to ACTIVE by itself.
    page.wait_for_selector("td .status:has-text('ACTIVE')")
    # Found by a key and a name, from anywhere.
    page.keyboard.press("Control+k")
    page.keyboard.type("from-the")
    expect(page.locator("#palette-found a").first).to_contain_text("from-the-browser")
    page.keyboard.press("Enter")
    page.wait_for_url("**/dashboard/servers/*")
    expect(page.locator("main dl")).to_contain_text("m1.nano")
    expect(page.locator("main pre")).to_contain_text("login:")

    # Bytes go to its serial line, and come back.
    page.click("text=Serial line")
    expect(page.locator("#state")).to_have_text("connected")
    page.keyboard.type("who is there")
    expect(page.locator("#terminal")).to_contain_text("who is there")

    page.goto(f"{cloud.url}/dashboard/map/topology")
    page.click("svg >> text=from-the-browser")
    expect(page.locator("#map-side")).to_contain_text("m1.nano")
    page.click("#map-side h1 >> text=from-the-browser", trial=True)
    page.goto(f"{cloud.url}/dashboard/servers")
    page.click("td a:has-text('from-the-browser')")

    other = StockClient(cloud, "demo")
    other.openstack("server", "stop", "from-the-browser")
    page.wait_for_selector("main .head .status:has-text('SHUTOFF')")
    page.click("text=More")
    page.click("text=Delete")
    page.wait_for_url("**/do/delete")
    expect(page.locator("main")).to_contain_text("This cannot be undone")
    expect(page.locator("main")).to_contain_text("Interfaces that go with it")
    page.click("main form.sheet button")
    page.wait_for_url("**/dashboard/servers")
    expect(page.locator("main")).to_contain_text("There is nothing here yet.")


def test_an_upload(cloud: ServedCloud, page: Page) -> None:
    sign_in(page, cloud)
    page.goto(f"{cloud.url}/dashboard/images/new/upload")
    page.fill("[name=name]", "uploaded")
    page.select_option("[name=disk_format]", "raw")
    content = {"name": "disk.raw", "mimeType": "text/plain", "buffer": b"0" * 100_000}
    page.set_input_files("[name=file]", content)  # type: ignore[arg-type]
    page.click("main form.sheet button")
    page.wait_for_url("**/dashboard/images")
    row = page.locator("tr", has_text="uploaded")
    expect(row).to_contain_text("active")
    expect(row).to_contain_text("97.7 KiB")


def test_what_is_refused_is_said_in_words(cloud: ServedCloud, page: Page) -> None:
    sign_in(page, cloud)
    page.goto(f"{cloud.url}/dashboard/volumes/new/create")
    page.fill("[name=name]", "too-big")
    page.fill("[name=size]", "20000")
    page.click("main form.sheet button")
    expect(page.locator("[role=alert]")).to_contain_text("quota", ignore_case=True)
    assert page.input_value("[name=name]") == "too-big"


def test_networks_volumes_and_hosts(cloud: ServedCloud, page: Page) -> None:
    sign_in(page, cloud)
    fill(page, cloud, "networks/new/create", name="mine")
    page.click("td a:has-text('mine')")
    page.click("text=Add subnet")
    page.fill("[name=cidr]", "10.33.0.0/24")
    page.click("main form.sheet button")
    page.wait_for_url("**/dashboard/networks/*")
    fill(page, cloud, "volumes/new/create", name="disk")
    page.wait_for_selector("td .status:has-text('available')")
    expect(page.locator("nav >> text=Hosts")).to_have_count(0)
    assert page.goto(f"{cloud.url}/dashboard/hosts").status == 404  # type: ignore[union-attr]
    page.goto(f"{cloud.url}/dashboard/")
    page.click(".top .drop summary")
    page.click("text=Sign out")
    expect(page).to_have_title(DOOR)
    sign_in(page, cloud, "admin")
    page.goto(f"{cloud.url}/dashboard/hosts")
    expect(page.locator("main td").first).to_contain_text("fake-host")


def test_wrong_doors(cloud: ServedCloud, page: Page) -> None:
    page.goto(f"{cloud.url}/")
    expect(page).to_have_title(DOOR)
    page.fill("#id_username", "demo")
    page.fill("#id_password", "not the password")
    page.click("button:has-text('Sign in')")
    expect(page.locator("[role=alert]")).to_be_visible()
    # A form of another site has no token of ours.
    answer = page.request.post(
        f"{cloud.url}/dashboard/servers/new/create", form={"name": "x", "csrf": "guess"}
    )
    assert DOOR in answer.text()
    sign_in(page, cloud)
    answer = page.request.post(
        f"{cloud.url}/dashboard/servers/new/create", form={"name": "x", "csrf": "guess"}
    )
    assert answer.status == 403
    headers = page.request.get(f"{cloud.url}/dashboard/").headers
    assert "script-src 'self';" in headers["content-security-policy"]


def test_one_prompt_when_the_session_ends(cloud: ServedCloud, page: Page) -> None:
    sign_in(page, cloud)
    page.context.clear_cookies()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.keyboard.press("Control+k")
    for letter in "abc":
        page.keyboard.type(letter)
        page.wait_for_timeout(200)
    expect(page.locator("dialog#ended")).to_have_count(1)
    expect(page.locator("dialog#ended")).to_contain_text("Your session has ended.")
    # The first refusal was the last request.
    assert len([url for url in asked if "/search" in url]) == 1, asked


def test_two_browsers_see_the_same(cloud: ServedCloud, page: Page, browser: Browser) -> None:
    """What one does, the other sees without asking; and says so when it cannot."""
    sign_in(page, cloud)
    page.goto(f"{cloud.url}/dashboard/securitygroups")
    page.wait_for_timeout(1000)
    other = browser.new_context().new_page()
    try:
        sign_in(other, cloud)
        fill(other, cloud, "securitygroups/new/create", name="from-the-other")
        expect(page.locator("main td a:has-text('from-the-other')")).to_have_count(1)
    finally:
        other.context.close()
    page.click("td a:has-text('from-the-other')")
    page.click("text=Add rule")
    page.wait_for_selector("main form.sheet")
    expect(page.locator("#still")).to_have_text("")


def test_a_project_and_its_user_are_made(cloud: ServedCloud, page: Page) -> None:
    sign_in(page, cloud, "admin")
    fill(page, cloud, "projects/new/create", name="made-here")
    fill(page, cloud, "users/new/create", name="bea", password="bea-1234-bea")
    page.goto(f"{cloud.url}/dashboard/users?q=bea")
    expect(page.locator("main td a:has-text('bea')")).to_have_count(1)


def test_axe_finds_nothing(cloud: ServedCloud, page: Page) -> None:
    """One page of each kind, in light and dark, on a phone, too."""
    sign_in(page, cloud, "admin")
    axe, seen, todo = Axe(), set[str](), ["/dashboard/"]
    page.goto(f"{cloud.url}/dashboard/servers/new/create")
    links = "[...document.querySelectorAll('main a, nav a')].map((a) => a.getAttribute('href'))"
    kinds = set[str]()
    while todo and len(seen) < MOST_PAGES:
        path = todo.pop(0)
        shape = _ID.sub("*", path)
        if shape in seen or not path.startswith("/dashboard/"):
            continue
        seen.add(shape)
        page.goto(f"{cloud.url}{path}")
        scheme = "dark" if len(seen) % 2 else "light"
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found = axe.run(page).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == [], path
        fits(page)
        kinds.add(re.sub(r"[a-z]+", "x", shape))
        # What leads to other kinds of pages comes first, lists of the menu after it.
        fresh = [each for each in page.evaluate(links) if each and "/access/" not in each]
        todo = [each for each in fresh if each.count("/") > 2] + todo + fresh
    assert len(seen) == MOST_PAGES and len(kinds) >= 5, (seen, kinds)
