"""Tokens on the wire: identity API v3, `auth/tokens` and its neighbours."""

from typing import Annotated, Any

import msgspec

from cumulo.core.auth.principal import Principal
from cumulo.core.clock import zulu_micro
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import BadRequest, Unauthorized
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.identity.api.domains import domain_body
from cumulo.identity.api.envelope import listed
from cumulo.identity.api.projects import project_body
from cumulo.identity.model.domain import DomainRow
from cumulo.identity.model.project import ProjectRow
from cumulo.identity.model.role import SYSTEM
from cumulo.identity.model.user import UserRow
from cumulo.identity.service.identity import IdentityService
from cumulo.identity.service.tokens import REFUSED, WHOLE_SYSTEM, Scope

Text = Annotated[str, msgspec.Meta(max_length=4096)]


class NamedDomain(msgspec.Struct):
    id: Text | None = None
    name: Text | None = None


class AuthUser(msgspec.Struct):
    id: Text | None = None
    name: Text | None = None
    domain: NamedDomain | None = None
    password: Text | None = None


class PasswordMethod(msgspec.Struct):
    user: AuthUser


class TokenMethod(msgspec.Struct):
    id: Text


class AuthIdentity(msgspec.Struct):
    methods: Annotated[list[Text], msgspec.Meta(max_length=10)]
    password: PasswordMethod | None = None
    token: TokenMethod | None = None


class ScopeProject(msgspec.Struct):
    id: Text | None = None
    name: Text | None = None
    domain: NamedDomain | None = None


class ScopeSystem(msgspec.Struct):
    all: bool = False


class AuthScope(msgspec.Struct):
    project: ScopeProject | None = None
    domain: NamedDomain | None = None
    system: ScopeSystem | None = None


class Auth(msgspec.Struct):
    identity: AuthIdentity
    scope: AuthScope | str | None = None


class AuthRequest(msgspec.Struct):
    auth: Auth


class TokensApi:
    def __init__(self, identity: IdentityService, database: Database) -> None:
        self._identity = identity
        self._database = database

    def operations(self) -> list[Operation]:
        tokens = "/v3/auth/tokens"
        return [
            Operation(
                "POST",
                tokens,
                self.issue,
                public=True,
                body=AuthRequest,
                status=201,
                streams=True,
                body_limit=64 * 1024,
                title="issue token",
            ),
            Operation("GET", tokens, self.show, policy="identity:validate_token", early=False),
            Operation("HEAD", tokens, self.show, policy="identity:validate_token", early=False),
            Operation(
                "DELETE",
                tokens,
                self.revoke,
                policy="identity:revoke_token",
                early=False,
                status=204,
            ),
            Operation("GET", "/v3/auth/catalog", self.catalog),
            Operation("GET", "/v3/auth/projects", self.projects),
            Operation("GET", "/v3/auth/domains", self.domains),
            Operation("GET", "/v3/auth/system", self.system),
        ]

    async def issue(self, call: Call) -> Reply:
        wanted: Auth = call.body.auth
        methods = wanted.identity.methods
        if not methods or not set(methods) <= {"password", "token"}:
            raise Unauthorized(f"Attempted to authenticate with an unsupported method: {methods}")
        user: UserRow | None = None
        parent: Principal | None = None
        if "password" in methods:
            user = await self._by_password(wanted.identity)
        if "token" in methods:
            user, parent = await self._by_token(wanted.identity, user)
        assert user is not None
        with_catalog = "nocatalog" not in call.query.names()
        found = user

        def read(tx: Tx) -> tuple[str, dict[str, Any]]:
            scope = self._scope(tx, wanted, found, parent)
            used = list(dict.fromkeys([*methods, *(parent.methods if parent else ())]))
            token, who = self._identity.tokens.issue(tx, found, scope, used, parent=parent)
            return token, self._body(tx, who, with_catalog)

        token, body = await self._database.read(read)
        return Reply(201, body, {"X-Subject-Token": token, "Vary": "X-Auth-Token"})

    async def _by_password(self, wanted: AuthIdentity) -> UserRow:
        """The user whose password this is. Unknown user and wrong password take equally long."""
        if wanted.password is None or wanted.password.user.password is None:
            raise BadRequest("Expecting to find password in auth.identity.")
        asked = wanted.password.user
        row = await self._database.read(lambda tx: self._find_user(tx, asked))
        passwords, secret = self._identity.passwords, asked.password or ""
        if row is None or row.password_hash is None:
            await passwords.verify_unknown_user(secret)
            raise Unauthorized(REFUSED)
        if not await passwords.verify(secret, row.password_hash) or not row.enabled:
            raise Unauthorized(REFUSED)
        return row

    def _find_user(self, tx: Tx, asked: AuthUser) -> UserRow | None:
        if asked.id is not None:
            return tx.get(UserRow, asked.id)
        if asked.name is None or asked.domain is None:
            raise BadRequest("Expecting to find domain in user. The user is named without one.")
        domain = self._find_domain(tx, asked.domain)
        return None if domain is None else self._identity.users.find(tx, asked.name, domain.id)

    def _find_domain(self, tx: Tx, asked: NamedDomain) -> DomainRow | None:
        if asked.id is not None:
            return tx.get(DomainRow, asked.id)
        if asked.name is None:
            raise BadRequest("Expecting to find id or name in domain.")
        return self._identity.domains.find(tx, asked.name)

    async def _by_token(
        self, wanted: AuthIdentity, user: UserRow | None
    ) -> tuple[UserRow, Principal]:
        if wanted.token is None:
            raise BadRequest("Expecting to find token in auth.identity.")
        token = wanted.token.id

        def read(tx: Tx) -> tuple[UserRow, Principal]:
            parent = self._identity.tokens.look_up(tx, token)
            return self._identity.users.get(tx, parent.user_id), parent

        found, parent = await self._database.read(read)
        if user is not None and user.id != found.id:
            raise Unauthorized(REFUSED)
        return found, parent

    def _scope(self, tx: Tx, wanted: Auth, user: UserRow, parent: Principal | None) -> Scope:
        asked = wanted.scope
        if isinstance(asked, str):
            if asked != "unscoped":
                raise BadRequest(f"Invalid input for field scope: {asked}")
            return Scope()
        if asked is None:
            return self._default_scope(tx, user, parent)
        named = [part for part in (asked.project, asked.domain, asked.system) if part is not None]
        if len(named) != 1:
            raise BadRequest("Exactly one of project, domain and system is the scope.")
        if asked.system is not None:
            return Scope("system", WHOLE_SYSTEM)
        if asked.domain is not None:
            domain = self._find_domain(tx, asked.domain)
            if domain is None:
                raise Unauthorized(REFUSED)
            return Scope("domain", domain.id)
        assert asked.project is not None
        project = self._find_project(tx, asked.project)
        if project is None:
            raise Unauthorized(REFUSED)
        return Scope("project", project.id)

    def _find_project(self, tx: Tx, asked: ScopeProject) -> ProjectRow | None:
        if asked.id is not None:
            return tx.get(ProjectRow, asked.id)
        if asked.name is None or asked.domain is None:
            raise BadRequest("Expecting to find domain in project. It is named without one.")
        domain = self._find_domain(tx, asked.domain)
        if domain is None:
            return None
        return self._identity.projects.find(tx, asked.name, domain.id)

    def _default_scope(self, tx: Tx, user: UserRow, parent: Principal | None) -> Scope:
        """Without a wish: the token's own project, or the user's default one if it works."""
        if parent is not None and parent.project_id is not None:
            return Scope("project", parent.project_id)
        default = user.default_project_id
        if parent is None and default is not None:
            project = tx.get(ProjectRow, default)
            usable = project is not None and project.enabled
            if usable and self._identity.roles.effective(tx, user.id, "project", default):
                return Scope("project", default)
        return Scope()

    def _body(self, tx: Tx, who: Principal, with_catalog: bool) -> dict[str, Any]:
        token: dict[str, Any] = {
            "methods": who.methods,
            "user": {
                "domain": {"id": who.user_domain_id, "name": who.user_domain_name},
                "id": who.user_id,
                "name": who.user_name,
                "password_expires_at": None,
            },
            "audit_ids": who.audit_ids,
            "expires_at": zulu_micro(who.expires_at),
            "issued_at": zulu_micro(who.issued_at),
        }
        if who.project_id is not None:
            token["project"] = {
                "domain": {"id": who.project_domain_id, "name": who.project_domain_name},
                "id": who.project_id,
                "name": who.project_name,
            }
            token["is_domain"] = False
        elif who.domain_id is not None:
            token["domain"] = {"id": who.domain_id, "name": who.domain_name}
        elif who.system:
            token["system"] = {"all": True}
        if who.roles:
            token["roles"] = [
                {"id": id, "name": name} for id, name in zip(who.role_ids, who.roles, strict=True)
            ]
            if with_catalog:
                token["catalog"] = self._identity.catalog.view(tx, who.project_id)
        return {"token": token}

    def _subject(self, call: Call, tx: Tx) -> Principal:
        token = call.header("X-Subject-Token")
        if not token:
            raise BadRequest("X-Subject-Token is required")
        return self._identity.tokens.look_up(tx, token)

    def show(self, call: Call, tx: Tx) -> Reply:
        subject = self._subject(call, tx)
        call.allow({"target.token.user_id": subject.user_id})
        body = self._body(tx, subject, "nocatalog" not in call.query.names())
        headers = {
            "X-Subject-Token": call.header("X-Subject-Token") or "",
            "Vary": "X-Auth-Token",
        }
        if call.operation.method == "HEAD":
            return Reply(200, None, headers)
        return Reply(200, body, headers)

    def revoke(self, call: Call, tx: Tx) -> None:
        subject = self._subject(call, tx)
        call.allow({"target.token.user_id": subject.user_id})
        self._identity.tokens.revoke(tx, subject, call.principal)

    def catalog(self, call: Call, tx: Tx) -> Any:
        view = self._identity.catalog.view(tx, call.principal.project_id)
        return {"catalog": view, "links": {"next": None, "self": call.url, "previous": None}}

    def projects(self, call: Call, tx: Tx) -> Any:
        """The projects that the caller could scope to."""
        ids = self._identity.roles.targets(tx, call.principal.user_id, "project")
        rows = self._identity.projects.listing.page(tx, where={"ids": ids, "enabled": True})
        return listed(call, "projects", [project_body(call, row) for row in rows])

    def domains(self, call: Call, tx: Tx) -> Any:
        ids = self._identity.roles.targets(tx, call.principal.user_id, "domain")
        rows = [row for row in (tx.get(DomainRow, id) for id in sorted(ids)) if row is not None]
        found = [domain_body(call, row) for row in rows if row.enabled]
        return listed(call, "domains", found)

    def system(self, call: Call, tx: Tx) -> Any:
        has = self._identity.roles.targets(tx, call.principal.user_id, SYSTEM)
        return listed(call, "system", [{"all": True}] if has else [])
