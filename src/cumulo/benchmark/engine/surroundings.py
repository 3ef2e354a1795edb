"""What a workload's iterations find: the cloud, its users, and what contexts have made for them."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from cumulo.benchmark import names
from cumulo.benchmark.client.clouds import credentials_of
from cumulo.benchmark.client.http import Http
from cumulo.benchmark.client.session import Session


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
    note: Callable[[str, str, str, dict[str, Any]], int] = lambda *given: 0
    """Remember what is found by no name (kind, name, project, values before), before it is done.
    Returns the note's number."""
    forget: Callable[[int], None] = lambda number: None
    """Forget a note: what it says was not done."""
    left: bool = False
    """Whether something that was made could not be taken away."""
    router: bool = False
    """Whether networks get a router although their context does not ask for one."""

    def open_admin(self) -> None:
        """The administrator's session, if the platform has one."""
        admin = self.platform.get("admin")
        if admin and self.admin is None:
            self.admin = Session(self.http, credentials_of(self.platform, admin))

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
