"""The pages: sign in, overview, lists, details, forms, actions, consoles."""

import contextlib
import secrets
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import BadRequest, Fault, NotFound
from cumulo.core.http.caller import Caller
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.panels import Action, Field, Item, Panel
from cumulo.core.resource_types import Request
from cumulo.dashboard.api.forms import check_csrf, cookie, cookies_of, form_of
from cumulo.dashboard.api.html import page, redirect
from cumulo.dashboard.service.sessions import Sessions, SignedIn

MOUNT = "/dashboard"
SESSION = "cumulo_session"
CSRF = "csrftoken"
WHY = "/cumulo/why/"


class Pages:
    def __init__(
        self,
        database: Database,
        caller: Caller,
        sessions: Sessions,
        panels: Sequence[Panel],
        region: str,
    ) -> None:
        self._database = database
        self._caller = caller
        self._sessions = sessions
        self._panels = {panel.name: panel for panel in sorted(panels, key=lambda p: p.order)}
        self._region = region

    def operations(self) -> list[Operation]:
        # Who asks is found by the session: a page without one leads to the sign-in.
        one = "/{panel}/{id}"
        stream: dict[str, Any] = {"kind": "stream", "public": True}
        return [
            Operation("GET", "/", self.overview, **stream),
            Operation("GET", "/auth/login", self.login_page, **stream),
            Operation("POST", "/auth/login", self.login, **stream),
            Operation("POST", "/auth/logout", self.logout, **stream),
            Operation("POST", "/auth/project", self.switch, **stream),
            Operation("GET", "/{panel}", self.index, **stream),
            Operation("GET", "/{panel}/new/{action}", self.new, **stream),
            Operation("POST", "/{panel}/new/{action}", self.create, **stream),
            Operation("GET", one, self.detail, **stream),
            Operation("GET", f"{one}/console", self.console, **stream),
            Operation("GET", f"{one}/tab/{{tab}}", self.tab, **stream),
            Operation("GET", f"{one}/do/{{action}}", self.ask, **stream),
            Operation("POST", f"{one}/do/{{action}}", self.act, **stream),
        ]

    # --- who -----------------------------------------------------------------------------------

    async def signed_in(self, call: Call) -> SignedIn | None:
        given = cookies_of(call).get(SESSION, "")
        found = await self._database.read(lambda tx: (self._sessions.find(tx, given), tx.now))
        signed, now = found
        if signed is not None and self._sessions.stale(signed.session, now):
            id = signed.session.id
            await self._database.write(lambda tx: self._sessions.touch(tx, id), name="session used")
        return signed

    def _to_login(self, call: Call) -> Reply:
        wanted = call.url.removeprefix(call.base_url)
        return redirect(f"{MOUNT}/auth/login/?{urlencode({'next': MOUNT + wanted})}")

    async def login_page(self, call: Call, problem: str = "", status: int = 200) -> Reply:
        token = cookies_of(call).get(CSRF) or secrets.token_urlsafe(24)
        if len(token) > 100:
            token = secrets.token_urlsafe(24)
        secure = call.base_url.startswith("https://")
        return page(
            "login.html",
            status,
            {"Set-Cookie": cookie(CSRF, token, "/", secure=secure)},
            title="Login - OpenStack Dashboard",
            csrf=token,
            next=_inside(call.query.get("next") or ""),
            problem=problem,
            region=self._region,
        )

    async def login(self, call: Call) -> Reply:
        form = await form_of(call)
        check_csrf(form, cookies_of(call).get(CSRF, ""), call)
        project = form.get("project") or form.get("username", "")
        domain = {"name": form.get("domain") or "Default"}
        user = {
            "name": form.get("username", ""),
            "domain": domain,
            "password": form.get("password", ""),
        }
        body = {
            "auth": {
                "identity": {"methods": ["password"], "password": {"user": user}},
                "scope": {"project": {"name": project, "domain": domain}},
            }
        }
        answer = await self._caller.call(None, "POST", "/identity/v3/auth/tokens", body)
        if answer.fault is not None:
            return await self.login_page(
                call, "The name, the password or the project is not right.", 401
            )
        token = answer.body["token"]

        def begin(tx: Tx) -> str | None:
            who = self._sessions.principal(tx, token["user"]["id"], token["project"]["id"])
            return None if who is None else self._sessions.begin(tx, who)[0]

        made = await self._database.write(begin, name="sign in")
        if made is None:
            return await self.login_page(call, "There is no role in that project.", 401)
        secure = call.base_url.startswith("https://")
        where = _inside(form.get("next") or "") or f"{MOUNT}/"
        return redirect(where, {"Set-Cookie": cookie(SESSION, made, "/", secure=secure)})

    async def logout(self, call: Call) -> Reply:
        signed = await self.signed_in(call)
        if signed is not None:
            form = await form_of(call)
            check_csrf(form, signed.session.csrf, call)
            row, everywhere = signed.session, form.get("everywhere") == "yes"
            await self._database.write(
                lambda tx: self._sessions.end(tx, row, everywhere=everywhere), name="sign out"
            )
        gone = cookie(SESSION, "", "/", secure=False, seconds=0)
        return redirect(f"{MOUNT}/auth/login/", {"Set-Cookie": gone})

    async def switch(self, call: Call) -> Reply:
        signed = await self.signed_in(call)
        if signed is None:
            return self._to_login(call)
        form = await form_of(call)
        check_csrf(form, signed.session.csrf, call)
        row, project = signed.session, form.get("project", "")
        await self._database.write(
            lambda tx: self._sessions.switch(tx, row, project), name="other project"
        )
        return redirect(f"{MOUNT}/")

    # --- what ----------------------------------------------------------------------------------

    async def _ask(self, signed: SignedIn, request: Request) -> Any:
        """The decoded answer. Raises the fault of a refusal."""
        result = await self._caller.call(
            signed.principal,
            request.method,
            request.path,
            request.body,
            query=request.query,
            version=request.version,
        )
        return result.checked().body

    def _frame(self, signed: SignedIn, call: Call, title: str) -> dict[str, Any]:
        """What all pages show."""
        menu: dict[str, list[Panel]] = {}
        for panel in self._panels.values():
            if not panel.admin or signed.principal.is_admin:
                menu.setdefault(panel.group, []).append(panel)
        return {
            "title": title,
            "menu": menu,
            "here": call.path.get("panel", ""),
            "user": signed.principal.user_name,
            "project": signed.principal.project_name or "",
            "csrf": signed.session.csrf,
            "mount": MOUNT,
        }

    def _panel(self, call: Call, signed: SignedIn) -> Panel:
        found = self._panels.get(call.path["panel"])
        if found is None or (found.admin and not signed.principal.is_admin):
            raise NotFound("There is no such page.")
        return found

    async def overview(self, call: Call) -> Reply:
        signed = await self.signed_in(call)
        if signed is None:
            return self._to_login(call)
        limits: dict[str, Any] = {}
        with contextlib.suppress(Fault):
            found = await self._ask(signed, Request("GET", "/compute/v2.1/limits", None, "2.57"))
            limits = found["limits"]["absolute"]
        rings = [
            ("Servers", limits.get("totalInstancesUsed", 0), limits.get("maxTotalInstances", -1)),
            ("Processors", limits.get("totalCoresUsed", 0), limits.get("maxTotalCores", -1)),
            ("Memory, MiB", limits.get("totalRAMUsed", 0), limits.get("maxTotalRAMSize", -1)),
        ]
        projects: list[Item] = []
        with contextlib.suppress(Fault):
            answer = await self._ask(signed, Request("GET", "/identity/v3/auth/projects"))
            projects = answer["projects"]
        return page(
            "overview.html",
            rings=rings,
            projects=projects,
            project_id=signed.principal.project_id,
            **self._frame(signed, call, "Overview"),
        )

    async def index(self, call: Call) -> Reply:
        signed = await self.signed_in(call)
        if signed is None:
            return self._to_login(call)
        panel = self._panel(call, signed)
        items, problem = await self._items(signed, panel)
        name = "list_rows.html" if call.query.get("part") else "list.html"
        return page(
            name,
            panel=panel,
            items=items,
            problem=problem,
            id_of=lambda item: _at(item, panel.id),
            **self._frame(signed, call, panel.title),
        )

    async def _items(self, signed: SignedIn, panel: Panel) -> tuple[list[Item], str]:
        """A list that fails shows why, and takes nothing else with it."""
        try:
            body = await self._ask(signed, panel.items)
        except Fault as fault:
            return [], fault.message
        return list(body[panel.key]), ""

    async def _item(self, signed: SignedIn, panel: Panel, id: str) -> Item:
        """Raises NotFound."""
        if panel.detail is not None:
            body = await self._ask(signed, panel.detail(quote(id, safe="")))
            found = body.get(panel.detail_key) if panel.detail_key else body
            # An "id" like `detail` is an address of something else.
            if not isinstance(found, Mapping):
                raise NotFound(f"There is no {panel.one} {id}.")
            return found
        for item in (await self._items(signed, panel))[0]:
            if _at(item, panel.id) == id:
                return item
        raise NotFound(f"There is no {panel.one} {id}.")

    async def detail(self, call: Call) -> Reply:
        signed = await self.signed_in(call)
        if signed is None:
            return self._to_login(call)
        panel, id = self._panel(call, signed), call.path["id"]
        item = await self._item(signed, panel, id)
        name = "detail_lines.html" if call.query.get("part") else "detail.html"
        return page(
            name,
            panel=panel,
            item=item,
            id=id,
            actions=[each for each in panel.actions if each.allowed(item)],
            story=await self._story(signed, id),
            **self._frame(signed, call, panel.label(item)),
        )

    async def _story(self, signed: SignedIn, id: str) -> list[Item]:
        """What happened to it; who may not read it all sees what the service tells."""
        if not signed.principal.is_admin:
            return []
        with contextlib.suppress(Fault):
            body = await self._ask(signed, Request("GET", f"{WHY}{quote(id, safe='')}"))
            events: list[Item] = body["events"]
            return events
        return []

    async def tab(self, call: Call) -> Reply:
        signed = await self.signed_in(call)
        if signed is None:
            return self._to_login(call)
        panel = self._panel(call, signed)
        found = next((each for each in panel.tabs if each.name == call.path["tab"]), None)
        if found is None:
            raise NotFound("There is no such page.")
        item = await self._item(signed, panel, call.path["id"])
        try:
            text = found.text(await self._ask(signed, found.request(item)))
        except Fault as fault:
            text = fault.message
        return page("text.html", text=text[-200_000:])

    async def console(self, call: Call) -> Reply:
        signed = await self.signed_in(call)
        if signed is None:
            return self._to_login(call)
        panel, id = self._panel(call, signed), call.path["id"]
        if panel.console is None:
            raise NotFound("There is no such page.")
        item = await self._item(signed, panel, id)
        body = await self._ask(signed, panel.console(quote(id, safe="")))
        url = str(body["remote_console"]["url"])
        return page(
            "console.html",
            socket=_socket_of(url),
            panel=panel,
            id=id,
            **self._frame(signed, call, f"Console of {panel.label(item)}"),
        )

    # --- doing ---------------------------------------------------------------------------------

    async def new(self, call: Call) -> Reply:
        signed = await self.signed_in(call)
        if signed is None:
            return self._to_login(call)
        panel = self._panel(call, signed)
        return await self._form(call, signed, panel, _create_of(panel), {}, {})

    async def create(self, call: Call) -> Reply:
        signed = await self.signed_in(call)
        if signed is None:
            return self._to_login(call)
        panel = self._panel(call, signed)
        return await self._do(call, signed, panel, _create_of(panel), {})

    async def ask(self, call: Call) -> Reply:
        signed = await self.signed_in(call)
        if signed is None:
            return self._to_login(call)
        panel = self._panel(call, signed)
        item = await self._item(signed, panel, call.path["id"])
        return await self._form(call, signed, panel, _action_of(panel, call), item, {})

    async def act(self, call: Call) -> Reply:
        signed = await self.signed_in(call)
        if signed is None:
            return self._to_login(call)
        panel = self._panel(call, signed)
        item = await self._item(signed, panel, call.path["id"])
        return await self._do(call, signed, panel, _action_of(panel, call), item)

    async def _do(
        self, call: Call, signed: SignedIn, panel: Panel, action: Action, item: Item
    ) -> Reply:
        form = await form_of(call)
        check_csrf(form, signed.session.csrf, call)
        try:
            values = _checked(action.fields, form)
            await self._ask(signed, action.request(item, values))
        except Fault as fault:
            return await self._form(call, signed, panel, action, item, form, fault.message)
        gone = action.danger or not item
        where = f"{MOUNT}/{panel.name}"
        return redirect(where if gone else f"{where}/{quote(call.path['id'], safe='')}")

    async def _form(
        self,
        call: Call,
        signed: SignedIn,
        panel: Panel,
        action: Action,
        item: Item,
        given: Mapping[str, str],
        problem: str = "",
    ) -> Reply:
        choices: dict[str, list[tuple[str, str]]] = {}
        for each in action.fields:
            if each.options is not None:
                with contextlib.suppress(Fault):
                    body = await self._ask(signed, each.options.request)
                    choices[each.name] = [
                        (str(_at(one, each.options.value)), each.options.label(one))
                        for one in body[each.options.key]
                    ]
        return page(
            "form.html",
            400 if problem else 200,
            panel=panel,
            action=action,
            item=item,
            id=call.path.get("id", ""),
            given=given,
            choices=choices,
            problem=problem,
            **self._frame(signed, call, action.label),
        )


def _at(item: Item, path: str) -> Any:
    found: Any = item
    for part in path.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _create_of(panel: Panel) -> Action:
    if panel.create is None:
        raise NotFound("There is no such page.")
    return panel.create


def _action_of(panel: Panel, call: Call) -> Action:
    found = next((each for each in panel.actions if each.name == call.path["action"]), None)
    if found is None:
        raise NotFound("There is no such page.")
    return found


def _checked(fields: Sequence[Field], form: Mapping[str, str]) -> dict[str, str]:
    """The form's own fields. Raises BadRequest in words for whoever filled it."""
    made = {}
    for each in fields:
        value = form.get(each.name, "").strip()
        if each.required and not value:
            raise BadRequest(f"{each.label} is missing.")
        if len(value) > each.longest:
            raise BadRequest(f"{each.label} is longer than {each.longest} letters.")
        if each.kind == "number" and not (
            value.isascii() and value.isdecimal() and len(value) < 10
        ):
            raise BadRequest(f"{each.label} must be a number.")
        made[each.name] = value
    return made


def _inside(where: str) -> str:
    """A place to go on to, only in the dashboard itself."""
    fits = where.startswith(f"{MOUNT}/") and not any(part in where for part in ("\\", "//", ".."))
    return where if fits and where.isprintable() else ""


def _socket_of(url: str) -> str:
    """Where the socket of a console is: what the page's own `path` says, or the URL itself."""
    parts = urlsplit(url)
    path = parse_qs(parts.query).get("path")
    if path:
        return f"/{path[0]}"
    return parts.path + (f"?{parts.query}" if parts.query else "")
