"""Sessions: how they begin, what they may, how they end; in-process, without a screen."""

import asyncio
import hmac
import struct
import time
from base64 import b32encode
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from cumulo.core.clock import later, seconds_of
from cumulo.core.db.statements import query
from cumulo.core.db.transaction import Tx
from cumulo.core.panels import Panel, column
from cumulo.core.resource_types import Request
from cumulo.dashboard.api import face
from cumulo.dashboard.model.session import SessionRow
from cumulo.dashboard.service import sessions
from cumulo.identity.model.token import RevocationRow
from tests.dashboard.browser import DOOR, Browser, password_of, signed_in, text_of
from tests.dashboard.conftest import House
from tests.identity.test_federated_rights import eve_of
from tests.support.cloud import TestCloud, running_cloud


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


WAYS = {"op/openid": "Sign in with Corp"}
WEBSSO = "/auth/websso/"


def test_single_sign_on_hands_over_a_token(tmp_path: Path) -> None:
    """Identity's page sends the token by a form, and only from this very address."""

    async def run() -> None:
        # As it comes: what it is called by others is not set.
        async with running_cloud(tmp_path, dashboard={"sign_on": WAYS}, public_url="") as cloud:
            eve, browser = await eve_of(cloud), Browser(cloud)
            page = (await browser.get(DOOR)).raw.decode()
            assert "Sign in with Corp" in page
            assert "/identity_providers/op/protocols/openid/websso?origin=http%3A%2F%2F" in page
            # A page of somebody else's signs nobody in, nor one that hides where it is.
            for where in ({"origin": "http://evil.example"}, {"origin": "null"}, {}):
                foreign = await browser.post(WEBSSO, {"token": eve.token}, **where)
                assert foreign.status == 403 and "cumulo_session" not in browser.cookies, where
            here = {"origin": "http://cloud.test"}
            wrong = await browser.post(WEBSSO, {"token": "gAAAA"}, **here)
            assert wrong.status == 401 and "has ended" in text_of(wrong)
            answer = await browser.post(WEBSSO, {"token": eve.token}, **here)
            assert answer.status == 303 and answer.headers["location"] == "/dashboard/"
            # The role is by a group of the assertion.
            assert "work" in text_of(await browser.get("/servers"))
            # It ends when the token that it began with is revoked, and for good.
            headers = {"x-subject-token": eve.token}
            url = "/identity/v3/auth/tokens"
            assert (await cloud.call("DELETE", url, as_="admin", headers=headers)).status == 204
            assert (await browser.get("/servers")).status == 303

            def kept(tx: Tx) -> bool:
                [row] = tx.all(query(SessionRow, sa.select(SessionRow.sql_table)))
                table = RevocationRow.sql_table
                wanted = sa.select(table).where(table.c.audit_id == row.signed_on["audit_id"])
                [revocation] = tx.all(query(RevocationRow, wanted))
                return revocation.expires >= seconds_of(row.ends_at)

            assert await cloud.cloud.database.read(kept)

    asyncio.run(run())


@pytest.mark.parametrize("window", [172_800.0, 600.0, 0.0])
def test_a_sign_on_ends_with_its_provider(tmp_path: Path, window: float) -> None:
    """And is not believed for longer than revocations of its token are known."""

    async def run() -> None:
        rules = {"allow_expired_window": window}
        async with running_cloud(tmp_path, dashboard={"sign_on": WAYS}, identity=rules) as cloud:
            eve, browser = await eve_of(cloud), Browser(cloud)
            form, here = {"token": eve.token}, {"origin": "http://cloud.test"}
            assert (await browser.post(WEBSSO, form, **here)).status == 303
            token = cloud.cloud.services.identity.cached(eve.token)
            assert token is not None

            def session(tx: Tx) -> SessionRow:
                return tx.all(query(SessionRow, sa.select(SessionRow.sql_table)))[0]

            row = await cloud.cloud.database.read(session)
            longest = later(row.made_at, 12 * 3600.0)
            assert row.ends_at == min(longest, later(token.expires_at, window))
            # Another way in for the same user does not keep it.
            me = {"user": {"password": "eve-1234-eve"}}
            answer = await cloud.call(
                "PATCH", f"/identity/v3/users/{eve.id}", as_="admin", json_=me
            )
            assert answer.status == 200, answer.raw
            await eve.sign_in()
            assert (await browser.post(WEBSSO, {"token": eve.token}, **here)).status == 303
            off = {"identity_provider": {"enabled": False}}
            url = "/identity/v3/OS-FEDERATION/identity_providers/op"
            assert (await browser.get("/servers")).status == 200
            assert (await cloud.call("PATCH", url, as_="admin", json_=off)).status == 200
            assert (await browser.get("/servers")).status == 303

    asyncio.run(run())


def test_only_a_sign_on_becomes_a_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a password's token, nor a lent one, nor one that belongs to a certificate; and none of
    them where nobody signs on."""

    async def run() -> None:
        here = {"origin": "http://cloud.test"}
        async with running_cloud(tmp_path / "a", dashboard={"sign_on": WAYS}) as cloud:
            eve = await eve_of(cloud)
            trusted = await eve.use("plain trust")
            credential = await eve.use("application credential")
            lent = [each.headers["x-subject-token"] for each in (trusted, credential)]
            for token in (await cloud.token("demo"), *lent):
                answer = await Browser(cloud).post(WEBSSO, {"token": token}, **here)
                assert answer.status == 401, text_of(answer)
            identity = cloud.cloud.services.identity
            verify = identity.verify
            bound = lambda tx, token: replace(verify(tx, token), certificate="of-a-key")  # noqa: E731
            monkeypatch.setattr(identity, "verify", bound)
            answer = await Browser(cloud).post(WEBSSO, {"token": eve.token}, **here)
            assert answer.status == 401, text_of(answer)
        async with running_cloud(tmp_path / "b") as cloud:
            form = {"token": await cloud.token("demo")}
            assert (await Browser(cloud).post(WEBSSO, form, **here)).status == 404

    asyncio.run(run())


def test_sessions_do_not_pile_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "MOST_OF_A_USER", 3)

    async def run() -> None:
        async with running_cloud(tmp_path) as cloud:
            count = lambda tx: cloud.cloud.services.dashboard.count(tx)  # noqa: E731
            mine = await signed_in(cloud)
            # Who signs in again in the same browser has one session.
            assert (await mine.sign_in()).status == 303
            assert await cloud.cloud.database.read(count) == 1
            for _ in range(5):
                last = await signed_in(cloud)
            assert await cloud.cloud.database.read(count) == 3
            assert (await last.get("/servers")).status == 200
            # A form of another site comes without the session's cookie: it signs nobody out.
            gone = await Browser(cloud).post("/auth/logout", {}, origin="http://evil.example")
            assert gone.status == 303 and "set-cookie" not in gone.headers

    asyncio.run(run())


@pytest.mark.parametrize(
    "where",
    [
        "/dashboard/%2e%2e/object-store/v1/AUTH_x/box/login.html",
        "/dashboard/%252E./x",
        "/dashboard/%3F/../../object-store/v1/AUTH_x/box/login.html",
        "/dashboard/%253F/%252e%252e/x",
        "/dashboard/%23/../../x",
        "//x.example",
    ],
)
def test_nobody_is_led_outside(house: House, where: str) -> None:
    async def run(cloud: TestCloud) -> None:
        browser = Browser(cloud)
        answer = await browser.sign_in(next=where)
        assert answer.status == 303 and answer.headers["location"] == "/dashboard/"

    house.run(run)


def test_cookies_are_for_https_where_the_cloud_is(tmp_path: Path) -> None:
    """A web server in front ends TLS, and may not pass on what it was called."""

    async def run() -> None:
        async with running_cloud(tmp_path, public_url="https://cloud.example") as cloud:
            browser = Browser(cloud)
            await browser.get(DOOR)
            form = {"username": "demo", "password": password_of(cloud, "demo")}
            answer = await browser.post(DOOR, form, origin="https://cloud.example")
            assert answer.status == 303, text_of(answer)
            lines = answer.headers["set-cookie"].split("\n")
            assert len(lines) == 2 and all("Secure" in each for each in lines)

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


def test_a_stream_ends_with_the_right_to_what_it_tells(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is administrator no more, and still somebody; who works in another project by now."""
    monkeypatch.setattr(face, "LOOK_SECONDS", 0.0)

    async def run() -> None:
        async with running_cloud(tmp_path) as cloud:
            member = "/identity/v3/roles?name="
            roles = {}
            for name in ("admin", "member"):
                found = await cloud.call("GET", f"{member}{name}", as_="admin")
                roles[name] = found.json["roles"][0]["id"]
            person = {"user": {"name": "ann", "password": "ann-1234"}}
            made = await cloud.call("POST", "/identity/v3/users", as_="admin", json_=person)
            ann, own = made.json["user"]["id"], {}
            for name in ("first", "second"):
                body = {"project": {"name": name}}
                made = await cloud.call("POST", "/identity/v3/projects", as_="admin", json_=body)
                own[name] = made.json["project"]["id"]
            rights = f"/identity/v3/projects/{{}}/users/{ann}/roles/{{}}"
            for project, role in (("first", "admin"), ("first", "member"), ("second", "member")):
                url = rights.format(own[project], roles[role])
                assert (await cloud.call("PUT", url, as_="admin")).status == 204
            body = {"network": {"name": "bell"}}

            async def heard(change: Any) -> bytes:
                """What a stream still tells of others after a change."""
                browser = Browser(cloud)
                assert (await browser.sign_in("ann", "ann-1234", project="first")).status == 303
                stream = asyncio.create_task(browser.get("/events"))
                await asyncio.sleep(0.2)
                await change(browser)
                await cloud.call("POST", "/network/v2.0/networks", json_=body)
                mine = {"network": {"name": "mine", "tenant_id": own["first"]}}
                await cloud.call("POST", "/network/v2.0/networks", as_="admin", json_=mine)
                raw: bytes = (await asyncio.wait_for(stream, 10)).raw
                return raw

            async def moved(browser: Browser) -> None:
                await browser.post("/auth/project", {"project": own["second"]})

            async def fallen(browser: Browser) -> None:
                url = rights.format(own["first"], roles["admin"])
                assert (await cloud.call("DELETE", url, as_="admin")).status == 204

            assert b"network" not in await heard(moved)
            assert b"network" not in await heard(fallen)

    asyncio.run(run())


def test_what_a_page_does_by_itself_keeps_no_session(house: House) -> None:
    async def run(cloud: TestCloud) -> None:
        mine = await signed_in(cloud)

        def age(tx: Tx) -> None:
            for row in tx.all(query(SessionRow, sa.select(SessionRow.sql_table))):
                tx.update(row, seen_at=later(tx.now, -600.0))

        def seen(tx: Tx) -> bool:
            rows = tx.all(query(SessionRow, sa.select(SessionRow.sql_table)))
            return any(row.seen_at > later(tx.now, -60.0) for row in rows)

        network = await cloud.private_network()
        for path in ("/networks?part=1", f"/networks/{network}/tab/metrics", "/?part=all"):
            await cloud.cloud.database.write(age, name="test")
            assert (await mine.get(path)).status == 200
            assert not await cloud.cloud.database.read(seen), path
        stream = asyncio.create_task(mine.get("/events"))
        await asyncio.sleep(0.1)
        stream.cancel()
        assert not await cloud.cloud.database.read(seen)
        for path in ("/networks", "/search?part=1&q=x"):
            await cloud.cloud.database.write(age, name="test")
            await mine.get(path)
            assert await cloud.cloud.database.read(seen), path

    house.run(run)
