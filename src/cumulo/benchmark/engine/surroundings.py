"""What a workload's iterations find: the cloud, its users, and what contexts have made for them."""

import asyncio
import contextlib
import random
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import urlsplit

from cumulo.benchmark import names
from cumulo.benchmark.client.clouds import credentials_of
from cumulo.benchmark.client.http import Http, HttpError
from cumulo.benchmark.client.session import ApiError, Session
from cumulo.benchmark.model.result import Note
from cumulo.benchmark.model.timeouts import DEFAULTS


@dataclass(frozen=True)
class Login:
    """How to get into a guest."""

    address: str
    port: int
    user: str
    key: str
    """The private key."""


class Guests(Protocol):
    """Commands in guests."""

    async def reach(self, login: Login, seconds: float) -> None:
        """Wait until one can log in. Raises TimeoutError."""

    async def run(self, login: Login, argv: Sequence[str], script: bytes) -> tuple[int, str, str]:
        """(status, output, errors) of a command that reads a script."""


@dataclass(frozen=True, slots=True)
class Noted:
    """A note of another task's."""

    before: Mapping[str, Any]
    alive: bool
    """Whether that task runs."""
    after: Mapping[str, Any] = field(default_factory=dict)


class Notes(Protocol):
    """What is kept of a run beside its results: see `Note`."""

    def add(self, note: Note) -> int: ...

    def forget(self, number: int) -> None:
        """What a note says was not done, or is undone."""

    def others(self, like: Note) -> list[Noted]:
        """What other tasks have noted of the same thing, oldest first."""

    def alone(self) -> AbstractAsyncContextManager[None]:
        """While no other task is in such a block."""


class Unnoted:
    """Where nothing is kept."""

    def add(self, note: Note) -> int:
        return 0

    def forget(self, number: int) -> None:
        del number

    def others(self, like: Note) -> list[Noted]:
        return []

    def alone(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()


@dataclass
class User:
    id: str
    name: str
    tenant_id: str
    cloud: Session
    data: dict[str, Any] = field(default_factory=dict)
    """What contexts made for this user: `keypair`, `secgroup`."""


@dataclass
class Surroundings:
    task_uuid: str
    http: Http
    platform: Mapping[str, Any]
    """How to reach the cloud; empty for scenarios that need none."""
    config: dict[str, Any] = field(default_factory=dict)
    """The configuration of all contexts, by their names."""
    admin: Session | None = None
    users: list[User] = field(default_factory=list)
    tenants: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By id: `id`, `name`, and what contexts made: `networks`, `servers`, `volumes` …"""
    user_choice: str = "random"
    existing_users: bool = False
    data: dict[str, Any] = field(default_factory=dict)
    """What contexts made for all: `flavors`, `volume_types` …"""
    kept: dict[str, Any] = field(default_factory=dict)
    """What contexts need to take away what they made; no iteration sees it."""
    guests: Guests | None = None
    notes: Notes = field(default_factory=Unnoted)
    left: bool = False
    """Whether something that was made could not be taken away."""
    timeouts: Mapping[str, float] = field(default_factory=dict)
    """What is not as `model.timeouts` has it."""
    router: bool = False
    """Whether networks get a router although their context does not ask for one."""

    async def log_in(self, times: int | None) -> None:
        """Tokens before the load, so that nobody's first action has a log-in in it; not where more
        users are than `times` iterations: most would do it for nothing. Who cannot says so in an
        iteration."""
        if times is not None and len(self.users) > times:
            return
        turns = iter([user.cloud for user in self.users])

        async def some() -> None:
            for cloud in turns:
                with contextlib.suppress(ApiError, HttpError):
                    await cloud.token()

        await asyncio.gather(*(some() for _ in range(10)))

    def client_for(self, url: str) -> Http:
        """Who asks for a URL that the file names: of other hosts than the cloud's own neither its
        certificates nor its being trusted without any say something."""
        own = ("https_cacert", "https_insecure", "https_cert")
        known = urlsplit(str(self.platform.get("auth_url") or "")).hostname
        try:
            if not any(self.platform.get(name) for name in own) or urlsplit(url).hostname == known:
                return self.http
        except ValueError:
            return self.http
        if "outside" not in self.kept:
            self.kept["outside"] = Http()
        found: Http = self.kept["outside"]
        return found

    def close(self) -> None:
        """All connections, and what was fetched."""
        clients = [*self.kept.pop("http", {}).values(), self.kept.pop("outside", None), self.http]
        for client in filter(None, clients):
            client.close()
        for fetched in self.kept.pop("fetched", {}).values():
            fetched.forget()

    def open_admin(self) -> None:
        """The administrator's session, if the platform has one."""
        admin = self.platform.get("admin")
        if admin and self.admin is None:
            self.admin = Session(self.http, credentials_of(self.platform, admin))

    def note(
        self,
        kind: str,
        name: str,
        project: str,
        before: dict[str, Any],
        after: dict[str, Any] | None = None,
    ) -> int:
        """Remember what is found by no name, before it is done. Returns the note's number."""
        return self.notes.add(Note(kind, name, project, before, after or {}))

    def timeout(self, name: str) -> float:
        return self.timeouts.get(name, DEFAULTS[name])

    def name(self, kind: str = "c") -> str:
        return names.generate(kind, self.task_uuid)

    def user_for(self, iteration: int) -> User | None:
        """Whose turn it is."""
        if not self.users:
            return None
        if self.user_choice == "round_robin":
            tenants = list(self.tenants)
            mine = [u for u in self.users if u.tenant_id == tenants[iteration % len(tenants)]]
            return mine[iteration // len(tenants) % len(mine)]
        return random.choice(self.users)

    def tenant_users(self) -> list[User]:
        """One user of each tenant."""
        first: dict[str, User] = {}
        for user in self.users:
            first.setdefault(user.tenant_id, user)
        return list(first.values())
