"""Where pages are made: who is signed in, what is asked of the services, what all pages show."""

import functools
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from cumulo.core import panels as language
from cumulo.core.db.transaction import Database
from cumulo.core.faults import Fault, NotFound
from cumulo.core.http.caller import Caller, Content, Result
from cumulo.core.http.operations import Call, Reply
from cumulo.core.panels import Action, Ask, Brought, Column, Drawing, Item, Panel, Ref, at
from cumulo.core.resource_types import Request
from cumulo.core.work import pools
from cumulo.dashboard.api.forms import check_csrf, cookies_of, hosts_of
from cumulo.dashboard.api.html import page, redirect
from cumulo.dashboard.locale.languages import LANGUAGES, Words, best, words_in
from cumulo.dashboard.service.look import Look
from cumulo.dashboard.service.sessions import Sessions, SignedIn

log = logging.getLogger("cumulo.dashboard")

MOUNT = "/dashboard"
SESSION = "cumulo_session"
CSRF = "csrftoken"
LANGUAGE = "cumulo_language"
THEME = "cumulo_theme"
PAGE: dict[str, Any] = {"kind": "stream", "public": True}
"""How pages run: who asks is found by the session."""
MENU_SECONDS = 10.0
MENUS_KEPT = 500
MOST_NAMES = 60
"""Things that a page names by their ids and looks up, one by one."""


class Desk:
    """What all pages need."""

    def __init__(
        self,
        database: Database,
        caller: Caller,
        sessions: Sessions,
        services: Sequence[str],
        own: Look,
        region: str,
        base_url: str,
    ) -> None:
        self.database = database
        self.caller = caller
        self.sessions = sessions
        self.region = region
        self.base_url = base_url
        self.own = own
        self._services = services
        self._brought: Brought | None = None
        self._menus: dict[tuple[str, ...], tuple[float, list[Panel]]] = {}

    @property
    def brought(self) -> Brought:
        """What the services show; loaded when somebody looks first."""
        if self._brought is None:
            found, titles = language.load(self._services), self.own.titles
            found.panels[:] = [
                replace(panel, title=titles.get(panel.name, panel.title))
                for panel in found.panels
                if panel.name not in self.own.without
            ]
            self._brought = found
        return self._brought

    @functools.cached_property
    def panels(self) -> Mapping[str, Panel]:
        """By name."""
        return {panel.name: panel for panel in self.brought.panels}

    @functools.cached_property
    def _nouns(self) -> frozenset[str]:
        return frozenset(panel.detail_key for panel in self.panels.values() if panel.detail_key)

    def is_secure(self, call: Call) -> bool:
        """Whether cookies are for https alone: a front that ends TLS need not say so each time."""
        return call.base_url.startswith("https://") or self.base_url.startswith("https://")

    def prove(self, form: Mapping[str, str], wanted: str, call: Call) -> None:
        """Raises Forbidden for a form that is of no page of ours."""
        check_csrf(form, wanted, call, hosts_of(call, self.base_url))

    async def signed_in(self, call: Call, *, counts: bool = True) -> SignedIn | None:
        """`counts`: it is somebody's doing; what a page asks for by itself keeps no session."""
        given = cookies_of(call).get(SESSION, "")
        if not given:
            return None
        sessions = self.sessions
        found = await self.database.read(lambda tx: (sessions.find(tx, given), tx.now))
        signed, now = found
        if counts and signed is not None and sessions.stale(signed.session, now):
            id = signed.session.id
            await self.database.write(lambda tx: sessions.touch(tx, id), name="session used")
        return signed

    def page(self, handler: "Callable[[Visit], Awaitable[Reply]]") -> Callable[[Call], Any]:
        """A page for who is signed in; everybody else is led to the door."""

        async def run(call: Call) -> Reply:
            signed = await self.signed_in(call, counts=_is_doing(call))
            if self._brought is None:
                # The first page: what is imported for it holds up nobody else.
                await pools.DISK(lambda: self.brought)
            if signed is None:
                return redirect(f"{MOUNT}/auth/login/?{urlencode({'next': page_of(call)})}")
            return await handler(Visit(self, call, signed))

        return run

    def shown(self, signed: SignedIn) -> list[Panel]:
        """The panels whose lists the user may ask for, by the rules; remembered for seconds."""
        who = signed.principal
        key = (who.user_id, who.project_id or "", *who.roles)
        known = self._menus.get(key)
        now = time.monotonic()
        if known is None or known[0] < now:
            if len(self._menus) >= MENUS_KEPT:
                self._menus.clear()
            found = [each for each in self.panels.values() if self._shows(signed, each)]
            known = self._menus[key] = (now + MENU_SECONDS, found)
        return known[1]

    def _shows(self, signed: SignedIn, panel: Panel) -> bool:
        rules = [None, panel.rule] if panel.rule else [None]
        try:
            return all(self.may(signed, panel.items, rule=rule) for rule in rules)
        except Exception:
            # A panel that asks for what is no list takes no other with it.
            log.exception("panel %s is not shown", panel.name)
            return False

    def may(
        self,
        signed: SignedIn,
        request: Request,
        *,
        target: Mapping[str, Any] | None = None,
        rule: str | None = None,
    ) -> bool:
        path = filled_path(request.path, signed)
        own = _own(signed)
        for noun in self._nouns:
            # Rules about what hangs on something ask whose that is.
            own[f"{noun}:project_id"] = own[f"{noun}:tenant_id"] = signed.principal.project_id
        target = {**own, **(target or {})}
        return self.caller.may(
            signed.principal,
            request.method,
            path,
            request.body,
            version=request.version,
            target=target,
            rule=rule,
        )


def _is_doing(call: Call) -> bool:
    """Whether somebody does something: looks for, opens or sends; pages that are open ask for their
    parts as things change, and for logs every few seconds."""
    typed = call.operation.path == "/search"
    return typed or not (call.query.get("part") or "tab" in call.path)


def _own(signed: SignedIn) -> dict[str, Any]:
    """What rules ask about a thing that is the user's own."""
    who = signed.principal
    return {
        "project_id": who.project_id,
        "tenant_id": who.project_id,
        "user_id": who.user_id,
        "owner": who.project_id,
        "target.user.id": who.user_id,
        "target.user.domain_id": who.user_domain_id,
        "target.credential.user_id": who.user_id,
        "target.project.id": who.project_id,
        "target.project.domain_id": who.project_domain_id,
    }


def filled_path(path: str, signed: SignedIn) -> str:
    who = signed.principal
    for name, value in (
        ("{project}", who.project_id),
        ("{user}", who.user_id),
        ("{domain}", who.user_domain_id),
    ):
        if name in path:
            path = path.replace(name, quote(value or "", safe=""))
    return path


def _value(column: Column, item: Item) -> Any:
    """A value that cannot be made of what a service says is none."""
    try:
        return column.value(item)
    except Exception:
        return None


def _named(value: Any, names: Mapping[tuple[str, str], str]) -> Any:
    if isinstance(value, list):
        return [_named(each, names) for each in value]
    key = (value.panel, value.id) if isinstance(value, Ref) and not value.label else None
    if key is None or key not in names:
        return value
    # What cannot be seen is no link.
    return replace(value, label=names[key]) if names[key] else value.id


@dataclass(frozen=True)
class Site:
    """What a cell of a table has to know."""

    words: Words
    panels: frozenset[str]
    """Those that may be linked to."""
    mount: str = MOUNT


def address_of(call: Call) -> str:
    """The page's own address as it was asked for, with its query: names of things keep their
    escapes, so that a form is sent to the thing it is about and to no other."""
    query = f"?{call.query_string}" if call.query_string else ""
    return f"{call.raw_path}{query}"


def page_of(call: Call) -> str:
    """The page that a request was sent from: where to go on after signing in again."""
    path, sign, query = address_of(call).partition("?")
    if call.operation.method == "POST":
        for end in ("/check", "/bulk"):
            path = path.removesuffix("/").removesuffix(end)
    return f"{path}{sign}{query}"


class Visit:
    """One request of somebody who is signed in."""

    def __init__(self, desk: Desk, call: Call, signed: SignedIn) -> None:
        self.desk = desk
        self.call = call
        self.signed = signed
        self.cookies = cookies_of(call)
        self.words = words_of(call, self.cookies)
        self._may: dict[tuple[int, str | None], bool] = {}

    @property
    def query(self) -> dict[str, str]:
        return dict(self.call.query.pairs)

    def prove(self, form: Mapping[str, str]) -> None:
        """Raises Forbidden for a form that is of no page of this session."""
        self.desk.prove(form, self.signed.session.csrf, self.call)

    # --- asking --------------------------------------------------------------------------------

    async def result(self, request: Request, content: AsyncIterator[bytes] | None = None) -> Result:
        """The answer, or the refusal."""
        headers: Mapping[str, str] = {}
        body: Content | None = None
        if isinstance(request, Ask):
            body = content if request.file else request.content
            # What a client says of its body's length, and services look at.
            length = "0" if request.content is None else str(len(request.content))
            said = ("Transfer-Encoding", "chunked") if request.file else ("Content-Length", length)
            headers = dict([said, *request.headers.items()])
        return await self.desk.caller.call(
            self.signed.principal,
            request.method,
            filled_path(request.path, self.signed),
            request.body,
            query=request.query,
            version=request.version,
            headers=headers,
            content=body,
        )

    async def ask(self, request: Request, most: int = 4 * 1024 * 1024) -> Any:
        """The decoded answer. Raises the fault of a refusal."""
        result = (await self.result(request)).checked()
        if result.stream is not None:
            raw = await result.read(most)
            return replace(result, raw=raw, stream=None).body
        return result.body

    async def all_of(self, request: Request) -> Any:
        """The answer with its headers, for panels that need them."""
        result = (await self.result(request)).checked()
        raw = await result.read(4 * 1024 * 1024)
        return {
            "body": replace(result, raw=raw, stream=None).body,
            "headers": {name.lower(): value for name, value in result.headers.items()},
            "project": self.signed.principal.project_id,
        }

    async def maybe(self, request: Request) -> Any:
        """The decoded answer; None for a refusal: that part is not shown."""
        try:
            return await self.ask(request)
        except Fault:
            return None
        except LookupError:
            return None

    def problem(self, error: Exception) -> str:
        """Why a part cannot be shown, for who sees its place: a refusal, a service that is not
        there, or a mistake in a panel, which takes nothing else with it."""
        if isinstance(error, Fault):
            return why(error)
        if type(error) is LookupError:
            return self.words("This part of the cloud is not there.")
        log.error("a part of %s cannot be shown", self.call.url, exc_info=error)
        return self.words("This part cannot be shown: there is a mistake in it.")

    def makes_sense(self, allowed: Callable[[Item], bool], item: Item) -> bool:
        """What cannot say so does not."""
        try:
            return bool(allowed(item))
        except Exception as error:
            self.problem(error)
            return False

    def may(self, request: Request, target: Mapping[str, Any] | None = None) -> bool:
        return self.desk.may(self.signed, request, target=target)

    def can(self, action: Action, item: Item) -> bool:
        """Whether an action makes sense, and the rules let this user do it."""
        if item and not self.makes_sense(action.allowed, item):
            return False
        return self.lets(action, item)

    def lets(self, action: Action, item: Item) -> bool:
        """Whether the rules do, whatever state the thing is in."""
        # The overview offers what can be made of many panels, and is of none.
        panel = self.desk.panels.get(self.call.path.get("panel", ""))
        target = _target(item, panel.detail_key if panel is not None and "of" in item else "")
        if panel is not None and target is not None:
            target = {**self._more(panel, item), **target}
        key = (id(action), None if target is None else str(sorted(target.items())))
        if key not in self._may:
            # Of many rows the rules are asked once for each project.
            self._may[key] = self._lets(action, item, target)
        return self._may[key]

    def _more(self, panel: Panel, item: Item) -> Mapping[str, Any]:
        """What a panel's rules ask about a thing beyond whose it is."""
        try:
            return dict(panel.target(item.get("of", item)))
        except Exception as error:
            self.problem(error)
            return {}

    def _lets(self, action: Action, item: Item, target: Mapping[str, Any] | None) -> bool:
        try:
            asked = action.request(item, _example(action))
        except Exception:
            # What was made up is no form that it understands.
            return True
        first = asked if isinstance(asked, Request) else next(iter(asked), None)
        return first is None or self.may(first, target)

    # --- panels --------------------------------------------------------------------------------

    def panel(self) -> Panel:
        """The one that the address names. Raises NotFound."""
        found = self.desk.panels.get(self.call.path["panel"])
        if found is None or found not in self.desk.shown(self.signed):
            raise NotFound("There is no such page.")
        return found

    async def item(self, panel: Panel, id: str) -> Item:
        """Raises NotFound."""
        if panel.detail is not None:
            request = panel.detail(quote(id, safe=""))
            body = await (self.all_of(request) if panel.whole else self.ask(request))
            if panel.pick is not None:
                found = panel.pick(body, id)
            else:
                found = body.get(panel.detail_key) if panel.detail_key else body
            # An "id" like `detail` is an address of something else.
            if not isinstance(found, Mapping):
                raise NotFound("There is no such thing.")
            return found
        for item in rows_of(panel, await self.ask(panel.items)):
            if str(at(item, panel.id)) == id:
                return item
        raise NotFound("There is no such thing.")

    # --- showing -------------------------------------------------------------------------------

    async def values(
        self, columns: Sequence[Column], items: Sequence[Item]
    ) -> list[list[tuple[Column, Any]]]:
        """What a table shows of each item; things that it names by their ids get their names."""
        rows = [[(each, _value(each, item)) for each in columns] for item in items]
        wanted: dict[tuple[str, str], str] = {}
        for row in rows:
            for _, value in row:
                for one in value if isinstance(value, list) else [value]:
                    if isinstance(one, Ref) and not one.label and len(wanted) < MOST_NAMES:
                        wanted[one.panel, one.id] = ""
        if wanted:
            for panel, id in wanted:
                wanted[panel, id] = await self._name(panel, id)
            rows = [[(each, _named(value, wanted)) for each, value in row] for row in rows]
        return rows

    async def _name(self, name: str, id: str) -> str:
        """Empty where it cannot be seen."""
        panel = self.desk.panels.get(name)
        if panel is None or panel.detail is None or panel not in self.desk.shown(self.signed):
            return ""
        try:
            return panel.label(await self.item(panel, id))
        except Exception as error:
            self.problem(error)
            return ""

    @property
    def site(self) -> "Site":
        return Site(self.words, frozenset(p.name for p in self.desk.shown(self.signed)))

    def frame(self, title: Any) -> dict[str, Any]:
        """What all pages show."""
        menu: dict[str, list[Panel | Drawing]] = {}
        for panel in self.desk.shown(self.signed):
            menu.setdefault(panel.group, []).append(panel)
        for drawing in self.desk.brought.drawings:
            if drawing.group in menu:
                menu[drawing.group].insert(0, drawing)
        who = self.signed.principal
        return {
            "_": self.words,
            "site": self.site,
            "title": self.words(title),
            "brand": self.desk.own.name,
            "themed": bool(self.desk.own.theme),
            "theme": theme_of(self.cookies),
            "menu": menu,
            "here": self.call.path.get("panel", ""),
            "user": who.user_name,
            "project": who.project_name or "",
            "project_id": who.project_id or "",
            "region": self.desk.region,
            "csrf": self.signed.session.csrf,
            "mount": MOUNT,
            "languages": LANGUAGES,
            "operator": who.is_admin,
        }

    def page(
        self,
        name: str,
        title: Any,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> Reply:
        return page(name, status, headers, **{**self.frame(title), **values})


def why(fault: Fault) -> str:
    """What a refusal says; some services say no more than its name."""
    return fault.message or fault.title


def theme_of(cookies: Mapping[str, str]) -> str:
    found = cookies.get(THEME, "")
    return found if found in ("light", "dark") else ""


def words_of(call: Call, cookies: Mapping[str, str]) -> Words:
    return words_in(best(call.header("Accept-Language") or "", cookies.get(LANGUAGE, "")))


def rows_of(panel: Panel, body: Any) -> list[Item]:
    if panel.rows is not None:
        return list(panel.rows(body))
    return list(body[panel.key] if panel.key else body or [])


def limit_of(request: Request) -> int:
    """How many rows a list is asked for, in its query or in its path; 0: as many as there are."""
    given = dict(parse_qsl(urlsplit(request.path).query)) | dict(request.query)
    return int(given.get("limit", "0"))


def _target(item: Item, noun: str = "") -> Mapping[str, Any] | None:
    """What rules ask about a thing, or what hangs on one (a `noun`); None: the caller's own."""
    found = item.get("of", item) if item else {}
    project = found.get("project_id") or found.get("tenant_id") or found.get("owner")
    if not project:
        return None
    made = {"project_id": project, "tenant_id": project, "user_id": found.get("user_id")}
    if noun:
        made |= {f"{noun}:project_id": project, f"{noun}:tenant_id": project}
    return made


def _example(action: Action) -> dict[str, str]:
    """A form that is filled in somehow: enough to see which operation it would be."""
    made = {}
    for each in action.fields:
        default = each.default if isinstance(each.default, str) else ""
        made[each.name] = default or ("1" if each.kind == "number" else "x")
        if each.kind in ("check", "pairs", "many"):
            made[each.name] = ""
    return made
