"""What tenants can put into the cloud does no harm to whoever looks at it."""

import html
import re
from html.parser import HTMLParser
from urllib.parse import quote

from tests.dashboard.browser import (
    DOOR,
    Browser,
    ids_of,
    links,
    password_of,
    problem_of,
    shape_of,
    signed_in,
    text_of,
)
from tests.dashboard.conftest import House
from tests.support.cloud import TestCloud

EVIL = "<img src=x onerror=alert(1)>\"'&lt;"


class Marks(HTMLParser):
    """Collects what would run: scripts that are not ours, handlers, addresses of programs."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("img", "iframe", "object", "embed", "base", "style"):
            self.found.append(tag)
        for name, value in attrs:
            text = (value or "").strip().lower()
            if name.startswith("on") or name == "style":
                self.found.append(f"{tag} {name}")
            if name in ("href", "src", "action") and text.startswith(("javascript:", "data:")):
                self.found.append(f"{tag} {name}={text}")
            if tag == "script" and name == "src" and not text.startswith("/dashboard/assets/"):
                self.found.append(text)


def marks_in(text: str) -> list[str]:
    parser = Marks()
    parser.feed(text)
    return parser.found


def test_a_form_is_about_what_it_names(house: House) -> None:
    """Also where names look like an address: nothing is decoded twice."""

    async def run(cloud: TestCloud) -> None:
        mine = await signed_in(cloud)
        project = cloud.projects.get("demo") or (
            await cloud.token("demo") and cloud.projects["demo"]
        )
        store = f"/object-store/v1/AUTH_{project}"
        names = ["secre%74", "secret", "what?", "a#b", "a b&c"]
        for name in names:
            made = await cloud.call("PUT", f"{store}/{quote(name)}")
            assert made.status in (201, 202), made.raw
        for name in names:
            page = await mine.get(f"/containers/{quote(name)}/do/delete")
            action = re.search(
                r'<form method="post" action="([^"]*)" class="sheet"', page.raw.decode()
            )
            assert action, text_of(page)
            answer = await mine.post(html.unescape(action[1]), {})
            assert answer.status == 303, problem_of(answer)
            left = (await cloud.call("GET", store)).raw.decode().split("\n")
            names_left = names[names.index(name) + 1 :]
            assert all(each in left for each in names_left) and name not in left, (name, left)

    house.run(run)


def test_names_with_marks_are_texts(house: House) -> None:
    async def run(cloud: TestCloud) -> None:
        mine = await signed_in(cloud)
        form = {"name": EVIL, "cidr": "10.9.0.0/24"}
        answer = await mine.post("/networks/new/create", form)
        assert answer.status == 303, problem_of(answer)
        found = await cloud.call("GET", "/network/v2.0/networks?limit=10")
        network = next(n for n in found.json["networks"] if n["name"] == EVIL)
        url = f"/network/v2.0/networks/{network['id']}"
        hostile = {"network": {"description": "javascript:alert(1)"}}
        assert (await cloud.call("PUT", url, json_=hostile)).status == 200
        rule = "/securitygroups/new/create"
        assert (await mine.post(rule, {"name": EVIL, "description": EVIL})).status == 303
        group = ids_of(await mine.get("/securitygroups?q=onerror"), "securitygroups")[0]
        for path in (
            "/networks",
            f"/networks/{network['id']}",
            f"/networks/{network['id']}/do/edit",
            f"/networks/{network['id']}/do/delete",
            "/map/topology",
            "/search?q=onerror",
            "/search?part=1&q=%3Cimg",
            f"/networks?q={EVIL.replace('&', '%26').replace('#', '%23')}",
            "/servers/new/create",
            "/securitygroups",
            f"/securitygroups/{group}",
            "/",
        ):
            page = await mine.get(path)
            text = page.raw.decode()
            assert page.status == 200, (path, page.status)
            assert marks_in(text) == [], path
        assert EVIL in text_of(await mine.get("/networks"))
        # A form that is refused shows what was typed, as it was typed.
        answer = await mine.post("/networks/new/create", {"name": EVIL, "cidr": EVIL})
        text = answer.raw.decode()
        assert answer.status == 400 and marks_in(text) == []
        field = re.search(r'name="cidr" value="([^"]*)"', text)
        assert field is not None and html.unescape(field[1]) == EVIL

    house.run(run)


def test_every_form_wants_its_token(house: House) -> None:
    async def run(cloud: TestCloud) -> None:
        mine = await signed_in(cloud, "admin")
        await mine.post("/networks/new/create", {"name": "mine", "cidr": "10.9.0.0/24"})
        actions, todo, seen = set[str](), ["/dashboard/", "/dashboard/account"], set[str]()
        while todo:
            path = todo.pop()
            shape = shape_of(path)
            if shape in seen or len(seen) > 250:
                continue
            seen.add(shape)
            page = await mine.get(path)
            found = re.findall(r'<form method="post" action="([^"]*)"', page.raw.decode())
            actions |= {html.unescape(each) for each in found}
            todo += links(page, "/dashboard/")
        assert len(actions) > 80, sorted(actions)
        for action in actions:
            for proof in ("", "guess"):
                answer = await mine.post(action, {"name": "stolen"}, csrf=proof)
                assert answer.status == 403, (action, answer.status)
        # With the token, but from a page of another site.
        form = {"name": "stolen"}
        foreign = {"origin": "http://evil.example"}
        answer = await mine.post("/networks/new/create", form, **foreign)
        assert answer.status == 403
        answer = await mine.post("/networks/new/create", form, origin="http://cloud.test")
        assert answer.status == 303
        # The sessions are still there: signing out wanted its token, too.
        assert (await mine.get("/")).status == 200

    house.run(run)


def test_objects_are_saved_and_never_shown(house: House) -> None:
    async def run(cloud: TestCloud) -> None:
        mine = await signed_in(cloud)
        await mine.post("/containers/new/create", {"name": "box"})
        page = b"<script>fetch('/dashboard/')</script>"
        name = 'a\u202e"b\u00e4.html'
        to = "/containers/box/part/objects/new/upload"
        answer = await mine.upload(to, {"name": name}, "x.html", page)
        assert answer.status == 303, problem_of(answer)
        listed = await mine.get("/containers/box")
        link = next(x for x in links(listed, "/dashboard/") if "do/download" in x)
        saved = await mine.get(link)
        assert saved.raw == page and saved.headers["content-type"] == "application/octet-stream"
        disposition = saved.headers["content-disposition"]
        assert disposition.startswith("attachment; filename=\"a__b_.html\"; filename*=UTF-8''")
        assert saved.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in saved.headers["content-security-policy"]
        # By its public address it is a page, but none of this address.
        await mine.post("/containers/box/do/public", {})
        await cloud.token("demo")
        url = f"/object-store/v1/AUTH_{cloud.projects['demo']}/box"
        raw = await cloud.request("GET", f"{url}?format=json")
        assert raw.status == 200, raw.raw
        public = await cloud.request("GET", f"{url}/a%E2%80%AE%22b%C3%A4.html")
        assert public.status == 200 and public.headers["content-type"].startswith("text/html")
        policy = public.headers["content-security-policy"]
        assert "sandbox" in policy and "allow-same-origin" not in policy
        # Gone with its bytes.
        row = link.partition("row=")[2]
        path = f"/containers/box/part/objects/do/delete?row={row}"
        assert (await mine.post(path, {})).status == 303
        assert "There is nothing here yet." in text_of(await mine.get("/containers/box"))

    house.run(run)


def test_uploads_are_bounded_by_the_quota_alone(house: House) -> None:
    async def run(cloud: TestCloud) -> None:
        mine = await signed_in(cloud)
        await mine.post("/containers/new/create", {"name": "box"})
        to = "/containers/box/part/objects/new/upload"
        large = bytes(range(256)) * 20_000
        # The boundary's beginning in the content, at every place of a piece.
        large += b"\r\n--X" * 100 + b"\r\n--XY\r\n"
        assert (await mine.upload(to, {"name": "big"}, "x", large)).status == 303
        link = "/containers/box/part/objects/do/download?row=big"
        assert (await mine.get(link)).raw == large
        await cloud.token("demo")
        url = f"/object-store/v1/AUTH_{cloud.projects['demo']}/box"
        quota = {"X-Container-Meta-Quota-Bytes": "100"}
        assert (await cloud.call("POST", url, headers=quota)).status == 204
        answer = await mine.upload(to, {"name": "more"}, "x", large)
        assert answer.status == 400 and problem_of(answer)
        listed = await cloud.call("GET", f"{url}?format=json")
        assert [each["name"] for each in listed.json] == ["big"]
        # An image of which nothing comes is not left behind.
        form = {"name": "cut", "disk_format": "raw", "visibility": "private"}
        body = b'--XX\r\nContent-Disposition: form-data; name="csrf"\r\n\r\n' + mine.csrf.encode()
        for name, value in form.items():
            head = f'\r\n--XX\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}'
            body += head.encode()
        body += b'\r\n--XX\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\nabc'
        kind = {"content-type": "multipart/form-data; boundary=XX"}
        answer = await mine._ask("POST", "/images/new/upload", kind, body)
        assert answer.status == 400, answer.status
        images = await cloud.call("GET", "/image/v2/images?name=cut")
        assert images.json["images"] == []

    house.run(run)


def test_forms_that_are_none(house: House) -> None:
    async def run(cloud: TestCloud) -> None:
        mine = await signed_in(cloud)
        to = "/networks/new/create"
        many = [(f"f{i}", "x") for i in range(1500)]
        assert (await mine.post(to, many)).status == 400
        long = {"name": "x", "description": "y" * 1_000_000}
        assert (await mine.post("/securitygroups/new/create", long)).status == 413
        long["description"] = "y" * 300
        answer = await mine.post("/securitygroups/new/create", long)
        assert answer.status == 400 and "255" in problem_of(answer)
        for kind, body, wanted in (
            ("multipart/form-data", b"--X\r\n", 400),
            ("multipart/form-data; boundary=" + "b" * 200, b"", 400),
            ("multipart/form-data; boundary=XX", b"no boundary at all", 400),
            ("multipart/form-data; boundary=XX", b"--XX\r\n" + b"h" * 20_000, 413),
            ("application/x-www-form-urlencoded", b"\xff\xfe=1", 400),
        ):
            answer = await mine._ask("POST", to, {"content-type": kind}, body)
            assert answer.status == wanted, (kind, body[:40], answer.status)
        for path in ("/assets/../settings.py", "/assets/%2e%2e/settings.py", "/theme.css"):
            assert (await mine.get(path)).status == 404, path
        # Ports that are no numbers are refused in words; numbers arrive as numbers.
        group = ids_of(await mine.get("/securitygroups"), "securitygroups")[0]
        path = f"/securitygroups/{group}/part/rules/new/add"
        rule = {"what": "tcp", "direction": "ingress", "ethertype": "IPv4"}
        answer = await mine.post(path, {**rule, "first": "22x"})
        assert answer.status == 400 and "number" in problem_of(answer)
        assert (await mine.post(path, {**rule, "first": "8080"})).status == 303
        url = f"/network/v2.0/security-group-rules?security_group_id={group}"
        rules = (await cloud.call("GET", url)).json["security_group_rules"]
        assert (8080, 8080) in [(r["port_range_min"], r["port_range_max"]) for r in rules]
        words = text_of(await mine.get(f"/securitygroups/{group}"))
        assert "Servers take tcp to port 8080 from anybody (IPv4)." in words

    house.run(run)


def test_others_things_are_not_there(house: House) -> None:
    async def run(cloud: TestCloud) -> None:
        theirs = await signed_in(cloud, "admin")
        form = {"name": "theirs", "size": "1"}
        assert (await theirs.post("/volumes/new/create", form)).status == 303
        volume = ids_of(await theirs.get("/volumes"), "volumes")[0]
        mine = await signed_in(cloud)
        for path in (f"/volumes/{volume}", f"/volumes/{volume}/do/edit"):
            assert (await mine.get(path)).status == 404, path
        for path in (f"/volumes/{volume}/do/delete", f"/volumes/{volume}/do/edit"):
            assert (await mine.post(path, {"name": "stolen"})).status == 404, path
        bulk = [("action", "delete"), ("sure", "yes"), ("id", volume)]
        answer = await mine.post("/volumes/bulk", bulk)
        assert answer.status == 200 and "Done: 0" in text_of(answer)
        assert ids_of(await mine.get(f"/search?q={volume}"), "volumes") == []
        assert ids_of(await theirs.get(f"/search?q={volume}"), "volumes") == [volume]
        assert (await theirs.get(f"/volumes/{volume}")).status == 200
        # Another project is chosen only by who has a role there.
        await theirs.post("/auth/project", {"project": "x"})
        await cloud.token("admin")
        await mine.post("/auth/project", {"project": cloud.projects["admin"]})
        assert (await mine.get(f"/volumes/{volume}")).status == 404
        # A session that was there before one signs in is not the one that follows.
        fixed = Browser(cloud, {"cumulo_session": "f" * 43})
        assert (await fixed.sign_in("demo", password_of(cloud, "demo"))).status == 303
        assert fixed.cookies["cumulo_session"] != "f" * 43
        assert (await Browser(cloud, {"cumulo_session": "f" * 43}).get(DOOR)).status == 200

    house.run(run)
