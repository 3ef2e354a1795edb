"""What a client wants its token for."""

from typing import Annotated, Any

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Forbidden
from cumulo.identity.model.project import ProjectRow
from cumulo.identity.service.authentication.method import (
    Directory,
    Identified,
    NamedDomain,
    NamedProject,
    Scope,
    Text,
    refused,
)
from cumulo.identity.service.roles import Roles
from cumulo.identity.service.tokens import WHOLE_SYSTEM
from cumulo.identity.service.trusts import Trusts


class WantedSystem(msgspec.Struct):
    all: bool = False


class WantedTrust(msgspec.Struct):
    id: Text


class WantedScope(msgspec.Struct):
    project: NamedProject | None = None
    domain: NamedDomain | None = None
    system: WantedSystem | None = None
    trust: Annotated[WantedTrust | None, ""] = msgspec.field(default=None, name="OS-TRUST:trust")
    unscoped: Any = msgspec.UNSET


class Scopes:
    """From a wish to a scope, by the rows as they are."""

    def __init__(self, directory: Directory, roles: Roles, trusts: Trusts) -> None:
        self._directory = directory
        self._roles = roles
        self._trusts = trusts

    def find(self, tx: Tx, wanted: WantedScope | str | None, found: Identified) -> Scope:
        """The scope of the token that `found` is to get. Raises BadRequest, Unauthorized and
        Forbidden. A trust is found, not yet used."""
        if found.scope is not None:
            return self._only(tx, wanted, found)
        if isinstance(wanted, str):
            if wanted != "unscoped":
                raise BadRequest(f"Invalid input for field scope: {wanted}")
            return Scope()
        if wanted is None:
            return Scope() if found.explicit_scope else self._default(tx, found)
        scope = self._wanted(tx, wanted)
        parent = found.parent
        if parent is not None and parent.system and scope.kind in ("project", "domain"):
            raise Forbidden(
                "You are not authorized to perform the requested action: Using a system-scoped "
                "token to create a project-scoped or domain-scoped token is not allowed."
            )
        return scope

    def _only(self, tx: Tx, wanted: WantedScope | str | None, found: Identified) -> Scope:
        """A token that is bound to a scope may be asked for by that one only."""
        assert found.scope is not None
        if wanted is None or found.wish == "ignored":
            return found.scope
        if found.wish == "none" or isinstance(wanted, str):
            raise refused()
        if self._wanted(tx, wanted) != found.scope:
            raise refused()
        return found.scope

    def _wanted(self, tx: Tx, wanted: WantedScope) -> Scope:
        parts = (wanted.project, wanted.domain, wanted.system, wanted.trust)
        named = sum(part is not None for part in parts) + (wanted.unscoped is not msgspec.UNSET)
        if named != 1:
            raise BadRequest(
                "Expecting to find exactly one of project, domain, system, OS-TRUST:trust or "
                "unscoped in scope."
            )
        if wanted.project is not None:
            project = self._directory.project(tx, wanted.project)
            if project is None:
                raise refused()
            return Scope("project", project.id)
        if wanted.domain is not None:
            domain = self._directory.domain(tx, wanted.domain)
            if domain is None:
                raise refused()
            return Scope("domain", domain.id)
        if wanted.trust is not None:
            return self._trusts.scope(tx, wanted.trust.id)
        if wanted.system is not None:
            return Scope("system", WHOLE_SYSTEM)
        return Scope()

    def _default(self, tx: Tx, found: Identified) -> Scope:
        """Without a wish: the user's default project, if the user can use it."""
        user = found.user
        project_id = user.default_project_id
        if project_id is None or (found.parent is not None and found.parent.system):
            return Scope()
        project = tx.get(ProjectRow, project_id)
        usable = project is not None and project.enabled
        if usable and self._roles.effective(tx, user.id, "project", project_id):
            return Scope("project", project_id)
        return Scope()
