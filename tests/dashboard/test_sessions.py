"""Sessions: how they begin, what they may, how they end; in-process, without a screen."""

import asyncio
import hmac
import struct
import time
from base64 import b32encode
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest

from cumulo.core.panels import Panel, column
from cumulo.core.resource_types import Request
from cumulo.dashboard.api import face
from tests.dashboard.browser import DOOR, Browser, password_of, signed_in, text_of
from tests.support.cloud import running_cloud


def test_sessions_and_addresses(tmp_path: Path) -> None:
    async def run() -> None:
        async with running_cloud(tmp_path) as cloud:
            mine, password = await signed_in(cloud), password_of(cloud, "demo")
            for path in ("servers/detail", "volumes/detail", "volumes/summary", "images/schemas"):
                answer = await mine.get(f"/{path}")
                assert answer.status == 404, (path, answer.status)
                # Pages that refuse are pages, too.
                assert answer.headers["x-frame-options"] == "DENY"
                assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
            assert (await mine.get("/servers")).status == 200
            # Sessions are known by a cookie that scripts cannot read; no token is anywhere.
            door = await Browser(cloud).sign_in()
            lines = {x.partition("=")[0]: x for x in door.headers["set-cookie"].split("\n")}
            assert "HttpOnly" in lines["cumulo_session"] and "SameSite=Lax" in lines["csrftoken"]
            # What a session shows is kept by nobody on the way.
            assert (await mine.get("/")).headers["cache-control"] == "no-store"
            # Sign out everywhere: the other browser's session ends, too.
            other = await signed_in(cloud)
            await other.post("/auth/logout", {"everywhere": "yes"})
            assert (await mine.get("/servers")).status == 303
            # Who changes a password ends the sessions of whoever had the old one.
            mine = await signed_in(cloud)
            headers = {"x-subject-token": await cloud.token("demo")}
            who = await cloud.call("GET", "/identity/v3/auth/tokens", headers=headers)
            user = who.json["token"]["user"]["id"]
            form = {"old": password, "new": "Another-one-9"}
            answer = await mine.post(f"/me/{user}/do/password", form)
            assert answer.status == 303, text_of(answer)
            after = await mine.get("/servers?q=x")
            assert after.status == 303 and after.headers["location"].startswith(DOOR)
            # Back to where one was, and only inside.
            assert "next=%2Fdashboard%2Fservers%3Fq%3Dx" in after.headers["location"]
            password = "Another-one-9"
            fresh = Browser(cloud)
            answer = await fresh.sign_in("demo", password, next="//evil.example/dashboard/")
            assert answer.headers["location"] == "/dashboard/"

    asyncio.run(run())


def test_a_session_ends_with_the_right(tmp_path: Path) -> None:
    async def run() -> None:
        async with running_cloud(tmp_path) as cloud:
            mine = await signed_in(cloud)
            assert (await mine.get("/servers")).status == 200
            found = await cloud.call("GET", "/identity/v3/users?name=demo", as_="admin")
            url = f"/identity/v3/users/{found.json['users'][0]['id']}"
            disable = {"user": {"enabled": False}}
            assert (await cloud.call("PATCH", url, as_="admin", json_=disable)).status == 200
            assert (await mine.get("/servers")).status == 303
            form = {"name": "x", "cidr": ""}
            assert (await mine.post("/networks/new/create", form)).status == 303
            everybodys = await cloud.call("GET", "/network/v2.0/networks?name=x", as_="admin")
            assert everybodys.json["networks"] == []

    asyncio.run(run())


def test_an_application_credential_signs_in_with_its_roles_alone(tmp_path: Path) -> None:
    async def run() -> None:
        async with running_cloud(tmp_path) as cloud:
            headers = {"x-subject-token": await cloud.token("demo")}
            who = await cloud.call("GET", "/identity/v3/auth/tokens", headers=headers)
            user = who.json["token"]["user"]["id"]
            wanted = {"application_credential": {"name": "robot", "roles": [{"name": "reader"}]}}
            url = f"/identity/v3/users/{user}/application_credentials"
            made = (await cloud.call("POST", url, json_=wanted)).json["application_credential"]
            robot = Browser(cloud)
            await robot.get(f"{DOOR}?with=credential")
            form = {"credential": made["id"], "secret": "wrong"}
            assert (await robot.post(DOOR, form)).status == 401
            form["secret"] = made["secret"]
            assert (await robot.post(DOOR, form)).status == 303
            page = await robot.get("/networks")
            # A reader is shown no button that would be refused, and is refused without it.
            assert page.status == 200 and "Create network" not in text_of(page)
            answer = await robot.post("/networks/new/create", {"name": "x"})
            assert answer.status == 400 and "policy" in text_of(answer).lower()
            # What was lent in one project does not move to another.
            await robot.post("/auth/project", {"project": "whatever"})
            assert (await cloud.call("DELETE", f"{url}/{made['id']}")).status == 204
            assert (await robot.get("/networks")).status == 303

    asyncio.run(run())


def _code(secret: bytes) -> str:
    """RFC 6238, for this half minute."""
    digest = hmac.digest(secret, struct.pack(">Q", int(time.time()) // 30), "sha1")
    place = digest[-1] & 15
    number = struct.unpack(">I", digest[place : place + 4])[0] & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def test_a_second_step(tmp_path: Path) -> None:
    async def run() -> None:
        async with running_cloud(tmp_path) as cloud:
            found = await cloud.call("GET", "/identity/v3/users?name=demo", as_="admin")
            user, secret = found.json["users"][0]["id"], b"0123456789abcdefghij"
            blob = b32encode(secret).decode()
            credential = {"type": "totp", "blob": blob, "user_id": user}
            url = "/identity/v3/credentials"
            answer = await cloud.call("POST", url, as_="admin", json_={"credential": credential})
            assert answer.status == 201, answer.raw
            rules = {"multi_factor_auth_rules": [["password", "totp"]]}
            options = {"user": {"options": {**rules, "multi_factor_auth_enabled": True}}}
            url = f"/identity/v3/users/{user}"
            assert (await cloud.call("PATCH", url, as_="admin", json_=options)).status == 200
            browser = Browser(cloud)
            answer = await browser.sign_in()
            assert answer.status == 401 and b'name="passcode"' in answer.raw
            page = answer.raw.decode()
            receipt = page.partition('name="receipt" value="')[2].partition('"')[0]
            form = {"username": "demo", "receipt": receipt, "passcode": "000000"}
            wrong = await browser.post(DOOR, form)
            assert wrong.status == 401 and b'name="passcode"' in wrong.raw
            answer = await browser.post(DOOR, {**form, "passcode": _code(secret)})
            assert answer.status == 303, text_of(answer)
            assert (await browser.get("/servers")).status == 200

    asyncio.run(run())


def test_the_door_is_as_tools_expect_it(tmp_path: Path) -> None:
    """What Tempest's test_dashboard_basic_ops and scripts for Horizon do."""

    async def run() -> None:
        async with running_cloud(tmp_path) as cloud:
            tool = Browser(cloud)
            page = await tool.get(f"{DOOR}?next=/dashboard/")
            text = page.raw.decode()
            assert "<title>Login - OpenStack Dashboard</title>" in text and "id_username" in text
            # Tools take the page's last form for the door's.
            assert text.count("<form") == 1
            assert 'name="region"' in text and "csrfmiddlewaretoken" in text
            # One domain: nobody is asked for it, and whoever says it all the same is right.
            assert 'name="domain"' not in text
            password = password_of(cloud, "admin")
            form = {"username": "admin", "password": password, "domain": "Default", "region": "x"}
            proof = {"X-CSRFToken": tool.csrf, "Referer": f"http://cloud.test{DOOR}"}
            answer = await tool.post(DOOR, form, csrf="", **proof)
            assert answer.status == 303
            assert "Overview" in text_of(await tool.get("/"))
            # A name in a project of another name works in that one.
            made = {"project": {"name": "elsewhere"}}
            project = (
                await cloud.call("POST", "/identity/v3/projects", as_="admin", json_=made)
            ).json["project"]["id"]
            person = {"user": {"name": "ann", "password": "ann-1234"}}
            user = (await cloud.call("POST", "/identity/v3/users", as_="admin", json_=person)).json
            roles = await cloud.call("GET", "/identity/v3/roles?name=member", as_="admin")
            role, user_id = roles.json["roles"][0]["id"], user["user"]["id"]
            url = f"/identity/v3/projects/{project}/users/{user_id}/roles/{role}"
            assert (await cloud.call("PUT", url, as_="admin")).status == 204
            ann = Browser(cloud)
            assert (await ann.sign_in("ann", "ann-1234")).status == 303
            assert "elsewhere" in text_of(await ann.get("/"))

    asyncio.run(run())


def test_single_sign_on_hands_over_a_token(tmp_path: Path) -> None:
    """Identity's page sends the token by a form, and only from this very address."""

    async def run() -> None:
        ways = {"corp/openid": "Sign in with Corp"}
        async with running_cloud(tmp_path, dashboard={"sign_on": ways}) as cloud:
            browser = Browser(cloud)
            page = (await browser.get(DOOR)).raw.decode()
            assert "Sign in with Corp" in page
            assert "/identity_providers/corp/protocols/openid/websso?origin=http%3A%2F%2F" in page
            token = await cloud.token("demo")
            to = "/auth/websso/"
            foreign = await browser.post(to, {"token": token}, origin="http://evil.example")
            assert foreign.status == 403
            assert (await browser.post(to, {"token": token})).status == 403
            wrong = await browser.post(to, {"token": "gAAAA"}, origin="http://cloud.test")
            assert wrong.status == 401 and "has ended" in text_of(wrong)
            answer = await browser.post(to, {"token": token}, origin="http://cloud.test")
            assert answer.status == 303 and answer.headers["location"] == "/dashboard/"
            assert (await browser.get("/servers")).status == 200

    asyncio.run(run())


def test_the_look_of_the_house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operator names the cloud, its panels and its colours; packages bring panels."""
    name = column("Name", "name")
    items = Request("GET", "/network/v2.0/networks")
    own_panel = Panel("extra", "Of a package", "Network", items, "networks", (name,))
    entry = SimpleNamespace(load=lambda: (own_panel,))
    monkeypatch.setattr(metadata, "entry_points", lambda group: [entry])

    async def run() -> None:
        style = tmp_path / "own.css"
        style.write_text(":root { --accent: #060; }")
        own = {"name": "Our Cloud", "theme": str(style), "titles": {"servers": "Machines here"}}
        own["without"] = ["stacks"]
        async with running_cloud(tmp_path / "data", dashboard=own) as cloud:
            browser = await signed_in(cloud)
            page = await browser.get("/servers")
            assert "Our Cloud" in text_of(page) and "Machines here" in text_of(page)
            assert "/dashboard/theme.css" in page.raw.decode()
            assert "--accent: #060" in (await browser.get("/theme.css")).raw.decode()
            assert (await browser.get("/stacks")).status == 404
            assert "Of a package" in text_of(page)
            assert "private" in text_of(await browser.get("/extra"))

    asyncio.run(run())


def test_streams_are_the_users_and_end_with_the_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(face, "LOOK_SECONDS", 0.0)

    async def run() -> None:
        async with running_cloud(tmp_path) as cloud:
            nobody = await Browser(cloud).get("/events")
            assert nobody.status == 401
            mine = await signed_in(cloud)
            stream = asyncio.create_task(mine.get("/events"))
            await asyncio.sleep(0.2)
            assert not stream.done()
            # The session ends: with the next event the stream does, too.
            other = await signed_in(cloud)
            await other.post("/auth/logout", {"everywhere": "yes"})
            body = {"network": {"name": "bell"}}
            await cloud.call("POST", "/network/v2.0/networks", json_=body)
            answer = await asyncio.wait_for(stream, 10)
            assert answer.status == 200 and b"network" not in answer.raw

    asyncio.run(run())
