"""A person walks through the dashboard in a real browser: Debian's Chromium, by Playwright.

axe finds nothing on any page, and no page breaks its own content security policy: the browser says
so on its console.
"""

import shutil
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

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
    assert page.title() == "Login - OpenStack Dashboard"
    page.fill("#username", user)
    page.fill("#password", cloud.password(user))
    page.click("text=Sign in")
    page.wait_for_url("**/dashboard/servers")


def fits(page: Page) -> None:
    """Nothing is wider than a phone."""
    page.set_viewport_size({"width": 320, "height": 640})
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    page.set_viewport_size({"width": 1200, "height": 800})


def test_a_server_from_its_launch_to_its_end(cloud: ServedCloud, page: Page) -> None:
    sign_in(page, cloud)
    assert page.locator("text=There is no server yet.").is_visible()
    fits(page)
    page.click("text=Launch server")
    page.fill("[name=name]", "from-the-browser")
    page.select_option("[name=image]", label="cumulo-guest")
    flavor = page.locator("[name=flavor] option", has_text="m1.nano").get_attribute("value")
    page.select_option("[name=flavor]", flavor)
    page.select_option("[name=network]", label="private")
    fits(page)
    page.click("main button")
    page.wait_for_url("**/dashboard/servers")
    # Nobody reloads: the row comes to ACTIVE by itself.
    page.wait_for_selector("td .status:has-text('ACTIVE')")
    page.click("text=from-the-browser")
    assert page.locator("dd:has-text('m1.nano')").is_visible()
    page.wait_for_selector("pre")
    fits(page)

    other = StockClient(cloud, "demo")
    other.openstack("server", "stop", "from-the-browser")
    page.wait_for_selector("dd .status:has-text('SHUTOFF')")
    page.click("text=Delete")
    assert page.locator("text=This cannot be undone").is_visible()
    page.click("main button")
    page.wait_for_selector("text=There is no server yet.")


def test_what_is_refused_is_said_in_words(cloud: ServedCloud, page: Page) -> None:
    sign_in(page, cloud)
    page.goto(f"{cloud.url}/dashboard/volumes/new/create")
    page.fill("[name=name]", "too-big")
    page.fill("[name=size]", "20000")
    page.click("main button")
    assert "quota" in page.locator("[role=alert]").inner_text().lower()
    assert page.input_value("[name=name]") == "too-big"


def test_networks_volumes_and_hosts(cloud: ServedCloud, page: Page) -> None:
    sign_in(page, cloud)
    page.goto(f"{cloud.url}/dashboard/networks/new/create")
    page.fill("[name=name]", "mine")
    page.click("main button")
    page.wait_for_url("**/dashboard/networks")
    page.click("text=mine")
    page.click("text=Add subnet")
    page.fill("[name=cidr]", "10.33.0.0/24")
    page.click("main button")
    page.wait_for_url("**/dashboard/networks/*")
    page.goto(f"{cloud.url}/dashboard/volumes/new/create")
    page.fill("[name=name]", "disk")
    page.click("main button")
    page.wait_for_selector("td .status:has-text('available')")
    assert page.locator("nav >> text=Hosts").count() == 0
    assert page.goto(f"{cloud.url}/dashboard/hosts").status == 404  # type: ignore[union-attr]
    page.goto(f"{cloud.url}/dashboard/")
    page.click("text=Sign out")
    assert page.title() == "Login - OpenStack Dashboard"
    sign_in(page, cloud, "admin")
    page.click("nav >> text=Hosts")
    assert page.locator("td:has-text('fake-host')").is_visible()


def test_wrong_doors(cloud: ServedCloud, page: Page) -> None:
    page.goto(f"{cloud.url}/")
    assert page.title() == "Login - OpenStack Dashboard"
    page.fill("#username", "demo")
    page.fill("#password", "not the password")
    page.click("text=Sign in")
    assert page.locator("[role=alert]").is_visible()
    # A form of another site has no token of ours.
    answer = page.request.post(
        f"{cloud.url}/dashboard/servers/new/create", form={"name": "x", "csrf": "guess"}
    )
    assert "Login - OpenStack Dashboard" in answer.text()
    sign_in(page, cloud)
    answer = page.request.post(
        f"{cloud.url}/dashboard/servers/new/create", form={"name": "x", "csrf": "guess"}
    )
    assert answer.status == 403
    headers = page.request.get(f"{cloud.url}/dashboard/").headers
    assert "script-src 'self';" in headers["content-security-policy"]


def test_axe_finds_nothing(cloud: ServedCloud, page: Page) -> None:
    sign_in(page, cloud)
    axe = Axe()
    for path in ("servers", "servers/new/create", "networks", "volumes", "images", "keypairs", ""):
        page.goto(f"{cloud.url}/dashboard/{path}")
        found = axe.run(page).response["violations"]
        assert [(each["id"], each["nodes"][0]["html"]) for each in found] == [], path
