"""A method of authentication: from what a client sends to who it is.

Each method is one file beside this one with a class that fits `Method`; `methods` in
`service/identity.py` lists them. A method says who somebody is and what a token got by it is
bound to. Scope, multi-factor rules, receipts and the token are `authentication.py`'s.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol, TypeVar

import msgspec

from cumulo.core.auth.principal import FederationMark, Principal
from cumulo.core.auth.vouched import NOBODY, Vouched
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Unauthorized
from cumulo.identity.model.domain import DomainRow
from cumulo.identity.model.project import ProjectRow
from cumulo.identity.model.role import TargetType
from cumulo.identity.model.user import UserRow
from cumulo.identity.service.domains import Domains
from cumulo.identity.service.once import Once
from cumulo.identity.service.projects import Projects
from cumulo.identity.service.users import Users

Text = Annotated[str, msgspec.Meta(max_length=4096)]

NAMES_KEPT = 10_000

Found = TypeVar("Found", DomainRow, ProjectRow)

REFUSED = "The request you have made requires authentication."


def refused() -> Unauthorized:
    """The one 401: it does not say what was wrong, so that nothing is learned from it."""
    return Unauthorized(REFUSED)


class NamedDomain(msgspec.Struct):
    id: Text | None = None
    name: Text | None = None


class NamedUser(msgspec.Struct):
    """A user by id, or by name and domain."""

    id: Text | None = None
    name: Text | None = None
    domain: NamedDomain | None = None


class NamedProject(msgspec.Struct):
    id: Text | None = None
    name: Text | None = None
    domain: NamedDomain | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """What a token is for: nothing, a project, a domain or the system; `trust_id`: as lent."""

    kind: TargetType | None = None
    id: str = ""
    trust_id: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """The request that somebody authenticates with, as far as methods look at it."""

    address: str = ""
    url: str = ""
    authorization: str = ""
    """The header, for signatures of OAuth 1."""
    receipt: str = ""
    vouched: Vouched = NOBODY
    """What the web server in front says of the client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """What a token stays bound to, whatever becomes of it later."""

    application_credential_id: str | None = None
    access_token_id: str | None = None
    federation: FederationMark | None = None
    certificate: str | None = None
    """Its thumbprint; see `principal.Principal.certificate`."""


NOTHING = Binding()


@dataclass(frozen=True, slots=True, kw_only=True)
class Identified:
    """Who a method has found.

    `methods`: what the token will say it was got by. `parent`: the token that was shown; the new
    one joins its chain of audit ids and lives no longer. `scope`: the only one that is possible;
    `wish`: what a client may say about it then (the same, nothing, or it is ignored). `expires`:
    seconds since the epoch, the token's latest end. `explicit_scope`: without a wish the token is
    unscoped, whatever the user's default. `once`: what was shown and is not taken again.
    """

    user: UserRow
    methods: tuple[str, ...]
    parent: Principal | None = None
    scope: Scope | None = None
    wish: Literal["same", "none", "ignored"] = "same"
    expires: float | None = None
    binding: Binding = NOTHING
    explicit_scope: bool = False
    once: tuple[Once, ...] = ()


class Method(Protocol):
    """One method of authentication."""

    @property
    def name(self) -> str:
        """As clients write it in `auth.identity.methods`."""

    @property
    def shape(self) -> type[msgspec.Struct]:
        """What `auth.identity.NAME` is decoded as; 400 for anything else."""

    async def identify(self, asked: Any, attempt: Attempt) -> Identified:
        """`asked` is a `shape`. Raises Unauthorized (by `refused()`); opens its own transactions
        and hashes outside of them."""


class Directory:
    """Users, projects and domains as clients name them.

    Domains and projects are kept in memory once they have been found, until `forget`: whoever logs
    in names the same ones every time, and a change of one is rare. Users are always read.
    """

    def __init__(self, users: Users, domains: Domains, projects: Projects) -> None:
        self._users = users
        self._domains = domains
        self._projects = projects
        self._known_domains: dict[tuple[str, str], DomainRow] = {}
        self._known_projects: dict[tuple[str, str], ProjectRow] = {}

    def forget(self) -> None:
        """Some name may mean something else now."""
        self._known_domains.clear()
        self._known_projects.clear()

    def user(self, tx: Tx, asked: NamedUser) -> UserRow | None:
        if asked.id is not None:
            return tx.get(UserRow, asked.id)
        if asked.name is None or asked.domain is None:
            raise BadRequest("Expecting to find domain in user. The user is named without one.")
        domain = self.domain(tx, asked.domain)
        return None if domain is None else self._users.find(tx, asked.name, domain.id)

    def domain(self, tx: Tx, asked: NamedDomain) -> DomainRow | None:
        if asked.id is None and asked.name is None:
            raise BadRequest("Expecting to find id or name in domain.")
        key = ("id", asked.id) if asked.id is not None else ("name", asked.name or "")
        found = self._known_domains.get(key)
        if found is None:
            if asked.id is not None:
                found = tx.get(DomainRow, asked.id)
            else:
                found = self._domains.find(tx, asked.name or "")
            _keep(self._known_domains, key, found)
        return found

    def project(self, tx: Tx, asked: NamedProject) -> ProjectRow | None:
        if asked.id is not None:
            key = ("", asked.id)
        elif asked.name is None or asked.domain is None:
            raise BadRequest("Expecting to find domain in project. It is named without one.")
        else:
            domain = self.domain(tx, asked.domain)
            if domain is None:
                return None
            key = (domain.id, asked.name)
        found = self._known_projects.get(key)
        if found is None:
            if asked.id is not None:
                found = tx.get(ProjectRow, asked.id)
            else:
                found = self._projects.find(tx, key[1], key[0])
            _keep(self._known_projects, key, found)
        return found


def _keep(known: dict[tuple[str, str], Found], key: tuple[str, str], found: Found | None) -> None:
    if found is None:
        return
    if len(known) >= NAMES_KEPT:
        known.clear()
    known[key] = found
