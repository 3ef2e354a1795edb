"""The door: sign in by password, one-time password, application credential or single sign-on."""

import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlencode

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Fault, Forbidden, NotFound
from cumulo.core.http.caller import Result
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.panels import Said
from cumulo.dashboard.api.desk import (
    CSRF,
    LANGUAGE,
    MOUNT,
    SESSION,
    THEME,
    Desk,
    theme_of,
    words_of,
)
from cumulo.dashboard.api.forms import cookie, cookies_of, form_of, hosts_of, origin_of
from cumulo.dashboard.api.html import page, redirect
from cumulo.dashboard.locale.languages import LANGUAGES

TOKENS = "/identity/v3/auth/tokens"
RECEIPT = "Openstack-Auth-Receipt"
DOMAIN_SECONDS = 60.0
YEAR = 365 * 24 * 3600
TITLE = "Login - OpenStack Dashboard"
WRONG = Said("The name, the password or the project is not right.")


class Door:
    """`operator`: in whose name it is asked whether there are several domains."""

    def __init__(self, desk: Desk, operator: Callable[[Tx], Principal]) -> None:
        self._desk = desk
        self._operator = operator
        self._several = (0.0, False)

    def operations(self) -> list[Operation]:
        stream: dict[str, Any] = {"kind": "stream", "public": True}
        return [
            Operation("GET", "/auth/login", self.page, **stream),
            Operation("POST", "/auth/login", self.login, **stream),
            Operation("POST", "/auth/websso", self.signed_on, **stream),
            Operation("POST", "/auth/logout", self.logout, **stream),
            Operation("POST", "/auth/project", self.switch, **stream),
            Operation("POST", "/auth/look", self.look, **stream),
        ]

    async def _several_domains(self) -> bool:
        until, several = self._several
        if until < time.monotonic():
            who = await self._desk.database.read(self._operator)
            asked = await self._desk.caller.call(
                who, "GET", "/identity/v3/domains", query={"enabled": "true"}
            )
            found = [] if asked.fault else asked.body["domains"]
            several = len(found) > 1
            self._several = (time.monotonic() + DOMAIN_SECONDS, several)
        return several

    async def page(
        self,
        call: Call,
        problem: str | Said = "",
        status: int = 200,
        form: Mapping[str, str] | None = None,
        receipt: str = "",
    ) -> Reply:
        cookies = cookies_of(call)
        token = cookies.get(CSRF) or ""
        if not 20 <= len(token) <= 100:
            token = secrets.token_urlsafe(24)
        made = [cookie(CSRF, token, "/", secure=self._desk.is_secure(call), script=True)]
        wished = call.query.get("language") or ""
        if wished in LANGUAGES:
            # A wish of this browser alone, and no more than that: a link will do.
            cookies[LANGUAGE] = wished
            made.append(
                cookie(LANGUAGE, wished, "/", secure=self._desk.is_secure(call), seconds=YEAR)
            )
        words, given = words_of(call, cookies), form or {}
        origin = f"{self._desk.base_url}{MOUNT}/auth/websso/"
        return page(
            "login.html",
            status,
            {"Set-Cookie": "\n".join(made)},
            _=words,
            title=TITLE,
            brand=self._desk.own.name,
            themed=bool(self._desk.own.theme),
            theme=theme_of(cookies),
            languages=LANGUAGES,
            csrf=token,
            mount=MOUNT,
            next=inside(call.query.get("next") or given.get("next") or ""),
            problem=words(problem) if problem else "",
            region=self._desk.region,
            several=await self._several_domains(),
            given=given,
            receipt=receipt,
            by_credential=call.query.get("with") == "credential" or bool(given.get("credential")),
            sign_on=[(_websso(way, origin), text) for way, text in self._desk.own.sign_on.items()],
        )

    async def login(self, call: Call) -> Reply:
        form = await form_of(call)
        self._desk.prove(form, cookies_of(call).get(CSRF, ""), call)
        headers = {RECEIPT: form["receipt"]} if form.get("receipt") else {}
        result = await self._desk.caller.call(
            None, "POST", TOKENS, {"auth": _proof(form)}, headers=headers, address=call.address
        )
        names = {name.lower(): value for name, value in result.headers.items()}
        receipt = names.get(RECEIPT.lower(), "")
        if receipt:
            problem = Said("The code is not right.") if headers else ""
            return await self.page(call, problem, 401, form, receipt)
        if result.fault is not None or result.status >= 400:
            return await self._refused(call, result, form)
        token = names["x-subject-token"]
        who = await self._desk.database.read(lambda tx: self._desk.sessions.proved(tx, token))
        return await self._enter(call, who, form)

    async def _refused(self, call: Call, result: Result, form: Mapping[str, str]) -> Reply:
        fault = result.fault
        text: str | Said = WRONG
        if fault is not None and result.status not in (400, 401, 404):
            text = fault.message
        # A passcode that is wrong can be tried again; the receipt is still good.
        return await self.page(call, text, 401, form, form.get("receipt", ""))

    async def _enter(self, call: Call, who: Principal, form: Mapping[str, str]) -> Reply:
        sessions, before = self._desk.sessions, cookies_of(call).get(SESSION, "")
        project = await self._project(who, form.get("project", "").strip())

        def begin(tx: Tx) -> tuple[str, str] | None:
            if project is None:
                return None
            begun = sessions.begin(tx, who, project, before)
            return None if begun is None else (begun[0], begun[1].csrf)

        made = await self._desk.database.write(begin, name="sign in")
        if made is None:
            return await self.page(call, "There is no role in that project.", 401, form)
        secure = self._desk.is_secure(call)
        cookies = (
            cookie(SESSION, made[0], "/", secure=secure),
            cookie(CSRF, made[1], "/", secure=secure, script=True),
        )
        where = inside(form.get("next") or "") or f"{MOUNT}/"
        return redirect(where, {"Set-Cookie": "\n".join(cookies)})

    async def _project(self, who: Principal, wanted: str) -> str | None:
        """The project to work in: as asked for, else the user's default, else the one that is
        named like the user, else any."""
        if who.lent:
            return who.project_id
        result = await self._desk.caller.call(who, "GET", "/identity/v3/auth/projects")
        found = [] if result.fault else result.body["projects"]
        if wanted:
            return next((p["id"] for p in found if wanted in (p["name"], p["id"])), None)
        if who.project_id:
            return who.project_id
        first = found[0]["id"] if found else None
        return next((p["id"] for p in found if p["name"] == who.user_name), first)

    async def signed_on(self, call: Call) -> Reply:
        """Identity's page of single sign-on sends its token here; only from this very address. Only
        what a foreign provider vouched for begins a session: any other token is somebody's who
        could have shown more, or was lent less."""
        if not self._desk.own.sign_on:
            raise NotFound("There is no such page.")
        form = await form_of(call)
        if origin_of(call) not in hosts_of(call, self._desk.base_url):
            raise Forbidden("This form is of another site.")
        sessions, token = self._desk.sessions, form.get("token", "")
        try:
            who = await self._desk.database.read(lambda tx: sessions.proved(tx, token))
            if who.federation is None or who.certificate is not None or who.is_lent:
                raise Forbidden("This token is of no sign-on.")
            return await self._enter(call, who, {})
        except Fault:
            return await self.page(call, "The sign-on has ended. Try again.", 401)

    async def logout(self, call: Call) -> Reply:
        signed = await self._desk.signed_in(call)
        if signed is None:
            # A form of another site comes without the cookie: it takes nothing from the browser.
            return redirect(f"{MOUNT}/auth/login/")
        form = await form_of(call)
        self._desk.prove(form, signed.session.csrf, call)
        row, everywhere = signed.session, form.get("everywhere") == "yes"
        await self._desk.database.write(
            lambda tx: self._desk.sessions.end(tx, row, everywhere=everywhere), name="sign out"
        )
        gone = cookie(SESSION, "", "/", secure=False, seconds=0)
        return redirect(f"{MOUNT}/auth/login/", {"Set-Cookie": gone})

    async def switch(self, call: Call) -> Reply:
        signed = await self._desk.signed_in(call)
        if signed is None:
            return redirect(f"{MOUNT}/auth/login/")
        form = await form_of(call)
        self._desk.prove(form, signed.session.csrf, call)
        row, project = signed.session, form.get("project", "")
        await self._desk.database.write(
            lambda tx: self._desk.sessions.switch(tx, row, project), name="other project"
        )
        return redirect(f"{MOUNT}/")

    async def look(self, call: Call) -> Reply:
        """Language and colours: the browser's own, kept in cookies."""
        form = await form_of(call)
        signed = await self._desk.signed_in(call)
        wanted = signed.session.csrf if signed else cookies_of(call).get(CSRF, "")
        self._desk.prove(form, wanted, call)
        secure, made = self._desk.is_secure(call), []
        if form.get("language") in LANGUAGES:
            made.append(cookie(LANGUAGE, form["language"], "/", secure=secure, seconds=YEAR))
        if form.get("theme") in ("light", "dark", "auto"):
            made.append(cookie(THEME, form["theme"], "/", secure=secure, seconds=YEAR))
        headers = {"Set-Cookie": "\n".join(made)} if made else {}
        return redirect(inside(form.get("next", "")) or f"{MOUNT}/", headers)


def _proof(form: Mapping[str, str]) -> dict[str, Any]:
    """The `auth` of a token request."""
    if form.get("credential"):
        secret = {"id": form["credential"].strip(), "secret": form.get("secret", "")}
        return {
            "identity": {"methods": ["application_credential"], "application_credential": secret}
        }
    domain = {"name": form.get("domain", "").strip() or "Default"}
    user: dict[str, Any] = {"name": form.get("username", ""), "domain": domain}
    if form.get("receipt"):
        user["passcode"] = form.get("passcode", "").strip()
        return {"identity": {"methods": ["totp"], "totp": {"user": user}}}
    user["password"] = form.get("password", "")
    return {"identity": {"methods": ["password"], "password": {"user": user}}}


def _websso(way: str, origin: str) -> str:
    provider, _, protocol = way.partition("/")
    at = f"identity_providers/{quote(provider, safe='')}/protocols/{quote(protocol, safe='')}"
    return f"/identity/v3/auth/OS-FEDERATION/{at}/websso?{urlencode({'origin': origin})}"


def inside(where: str) -> str:
    """A place to go on to, only in the dashboard itself."""
    # Browsers read `%2e%2e` as `..`, and so may whoever reads an address twice.
    # An escaped `?` is a part of the path to them.
    path = unquote(unquote(where.partition("?")[0]))
    fits = where.startswith(f"{MOUNT}/") and unquote(unquote(where)).isprintable()
    return where if fits and not any(part in path for part in ("\\", "//", "..")) else ""
