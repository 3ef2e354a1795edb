"""Directories: domains whose users and groups live elsewhere, and what is known of them here.

A directory's users and groups are rows like any other, kept in step with it: a transaction cannot
wait for a directory. Such a row has an `Origin`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal, Protocol

import msgspec

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, Key, References, Row, table


class Origin(msgspec.Struct, frozen=True):
    """Where a user or group comes from."""

    local_id: str
    """What the directory calls it: the value of its id attribute."""
    dn: str
    looked_at: Moment | None = None
    """When a login changed the row: a list that was begun before is older and does not count."""
    missing_since: Moment | None = None
    """When the directory was first seen without it. It is disabled, and forgotten after a while."""


@table("identity_directories")
class DirectoryRow(Row, frozen=True):
    """A domain whose configuration names (or did name) a directory."""

    domain_id: Annotated[str, Key(), References("identity_domains.id", on_delete="CASCADE")]
    wanted: bool
    """False: its users and groups are to be forgotten, and then this row."""
    generation: int
    """Grows with each change of the configuration."""
    due_at: Annotated[Moment, Index()]
    synced_generation: int = 0
    """The configuration that the last whole look was made with; 0: there was none."""
    synced_at: Moment | None = None
    attempts: int = 0
    """Failures in a row."""
    fault: str | None = None
    """Why the last look failed."""
    notes: str = ""
    """What the last look could not take over."""


@dataclass(frozen=True, slots=True)
class Person:
    """A user, as the directory has it."""

    local_id: str
    dn: str
    name: str
    enabled: bool = True
    default_project_id: str | None = None
    extra: Mapping[str, str] = field(default_factory=dict)
    """email, description and what the configuration maps besides."""


@dataclass(frozen=True, slots=True)
class Team:
    """A group, as the directory has it; `members`: local ids of users."""

    local_id: str
    dn: str
    name: str
    description: str = ""
    members: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everybody, whole: who is not in it is not in the directory. `notes`: what was left out."""

    people: tuple[Person, ...]
    teams: tuple[Team, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Look:
    """One user, looked up: `right`: the password was. `teams` (without members): only then."""

    person: Person | None
    right: bool = False
    teams: tuple[Team, ...] = ()


@dataclass(frozen=True, slots=True)
class Capabilities:
    """`encrypted`: passwords travel to it encrypted. `simulated`: there is no such directory."""

    encrypted: bool
    simulated: bool = False


class DirectoryUnreachable(Exception):
    """The directory does not answer, or not in a way that could be relied on; the text says why."""


class Directory(Protocol):
    """A directory of one domain. Nothing is ever written to it.

    Each call connects anew and has an end: the configured timeouts.
    """

    @property
    def capabilities(self) -> Capabilities: ...

    async def snapshot(self) -> Snapshot:
        """Everybody. Raises DirectoryUnreachable, also where only a part could be read."""

    async def look(
        self, password: str, *, name: str | None = None, local_id: str | None = None
    ) -> Look:
        """One user by name or id, and whether this is the password. An unknown user costs the
        same steps as a known one. An empty password is wrong. Raises DirectoryUnreachable."""


def public_id(domain_id: str, kind: Literal["user", "group"], local_id: str) -> str:
    """The id by which the API knows it: always the same, and the one that keystone gives."""
    return hashlib.sha256(f"{domain_id}{kind}{local_id}".encode()).hexdigest()
