"""A whole control plane with fake drivers, inside the test's process.

async with running_cloud(tmp_path) as cloud:
    answer = await cloud.call("GET", "/identity/v3/users", as_="admin")
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import sqlalchemy as sa

from cumulo import settings, wiring
from cumulo.core.db.statements import statement
from cumulo.core.ids import child_id
from cumulo.identity.first_run.accounts import accounts
from tests.support.responses import misfit

BASE = "http://cloud.test"


@dataclass
class Answer:
    """Status, headers (lower case) and body of one response."""

    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.raw)


@dataclass
class TestCloud:
    """Speaks ASGI with the application directly; tokens are got once for each user."""

    __test__ = False

    cloud: wiring.Cloud
    tokens: dict[str, str] = field(default_factory=dict)
    projects: dict[str, str] = field(default_factory=dict)
    strict: bool = True
    """Answers must be what their operations declare."""

    async def request(
        self,
        method: str,
        path: str,
        *,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
    ) -> Answer:
        """One HTTP request, without a network; its answer must be what the operation declares."""
        path, _, query = path.removeprefix(BASE).partition("?")
        named = {"host": "cloud.test", **{k.lower(): v for k, v in (headers or {}).items()}}
        if body and "content-length" not in named:
            named["content-length"] = str(len(body))
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path),
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in named.items()],
            "client": ("127.0.0.1", 40000),
            "server": ("cloud.test", 80),
        }
        inbox = [{"type": "http.request", "body": body, "more_body": False}]
        status, answered, chunks = 0, {}, []

        async def receive() -> dict[str, Any]:
            if inbox:
                return inbox.pop()
            await asyncio.sleep(3600)
            return {"type": "http.disconnect"}

        async def send(message: dict[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                for name, value in message["headers"]:
                    key = name.decode().lower()
                    # Several cookies are several lines.
                    before = f"{answered[key]}\n" if key == "set-cookie" and key in answered else ""
                    answered[key] = before + value.decode()
            elif message["type"] == "http.response.body":
                chunks.append(message.get("body", b""))

        application = self.cloud.application
        await application.asgi(scope, receive, send)
        raw = b"".join(chunks)
        sent = path + (f"?{query}" if query else "")
        checked = (application, method, sent, body, status, answered, raw)
        wrong = misfit(*checked) if self.strict else ""
        assert not wrong, f"{wrong}\n{raw[:2000]!r}"
        return Answer(status, answered, raw)

    async def call(
        self,
        method: str,
        path: str,
        *,
        as_: str | None = "demo",
        json_: Any = None,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
    ) -> Answer:
        """A request with the token of a first-run user (`admin`, `demo`; None: without)."""
        named = dict(headers or {})
        if as_ is not None:
            named.setdefault("x-auth-token", await self.token(as_))
        if json_ is not None:
            body = json.dumps(json_).encode()
            named.setdefault("content-type", "application/json")
        return await self.request(method, path, headers=named, body=body)

    async def token(self, user: str) -> str:
        """A token for the user's own project."""
        if user not in self.tokens:
            account = next(a for a in accounts(self.cloud.settings) if a.name == user)
            answer = await self.issue(user, account.password_file.read_text().strip(), user)
            assert answer.status == 201, answer.raw
            self.tokens[user] = answer.headers["x-subject-token"]
            self.projects[user] = answer.json["token"]["project"]["id"]
        return self.tokens[user]

    @property
    def image(self) -> str:
        """The id of the guest image."""
        return child_id("cumulo", "image", "cumulo-guest")

    async def private_network(self) -> str:
        """The id of the demo project's network."""
        answer = await self.call("GET", "/network/v2.0/networks?name=private")
        network_id: str = answer.json["networks"][0]["id"]
        return network_id

    async def issue(self, user: str, password: str, project: str | None) -> Answer:
        named = {"name": user, "domain": {"id": "default"}, "password": password}
        auth: dict[str, Any] = {"identity": {"methods": ["password"], "password": {"user": named}}}
        if project is not None:
            auth["scope"] = {"project": {"name": project, "domain": {"id": "default"}}}
        body = json.dumps({"auth": auth}).encode()
        return await self.request("POST", "/identity/v3/auth/tokens", body=body)

    async def until(
        self,
        path: str,
        accept: Any,
        *,
        as_: str | None = "demo",
        seconds: float = 10.0,
        **more: Any,
    ) -> Answer:
        """Ask until `accept(answer)` is true; fails with the last answer after `seconds`."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while True:
            answer = await self.call("GET", path, as_=as_, **more)
            if accept(answer):
                return answer
            assert loop.time() < end, (path, answer.status, answer.raw[:2000])
            await asyncio.sleep(0.01)


_BEHIND = statement(sa.text("SELECT host_id FROM host_parts WHERE applied < generation"))


async def _first_pass(cloud: Any) -> None:
    """What a new cloud has of its own (a network, a router) is made, or tried: no test meets it in
    the middle. Hosts that are slow on purpose are not waited for."""
    for _ in range(50):
        if not await cloud.database.read(lambda tx: tx.tuples(_BEHIND)):
            return
        await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def running_cloud(data_dir: Path, **overrides: Any) -> AsyncIterator[TestCloud]:
    """A cloud with its agents and reconcilers at work; everything ends with the block."""
    wanted = {
        "listen": "127.0.0.1:1",
        "public_url": BASE,
        "fake": True,
        "identity": {"password_rounds": 4},
        **overrides,
    }
    cloud = wiring.build(settings.load(data_dir, **wanted))
    work: asyncio.Task[None] | None = None
    try:
        await cloud.first_run()
        work = asyncio.create_task(cloud.work())
        await _first_pass(cloud)
        yield TestCloud(cloud)
    finally:
        if work is not None:
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work
        cloud.close()
