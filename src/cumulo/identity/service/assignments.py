"""The list of assignments: as they were given, or what they come to (`effective`).

Effective means: a group's assignment becomes one of each member, an inherited one becomes one on
each project below, and each role brings those that it implies. Every such line remembers where
it came from, since the API links to that.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from cumulo.core.db.listing import Listing
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.identity.model.project import ProjectRow
from cumulo.identity.model.role import (
    NO_DOMAIN,
    SYSTEM,
    ActorType,
    AssignmentRow,
    TargetType,
)
from cumulo.identity.queries import domain as domains
from cumulo.identity.queries import group as groups
from cumulo.identity.queries import project as projects
from cumulo.identity.queries import role as queries
from cumulo.identity.queries import user as users
from cumulo.identity.service.roles import Roles
from cumulo.identity.service.tree import ancestors, subtree


class Wanted(NamedTuple):
    """Which assignments somebody asks for; None: whichever."""

    user_id: str | None = None
    group_id: str | None = None
    role_id: str | None = None
    project_id: str | None = None
    domain_id: str | None = None
    system: bool = False
    inherited: bool | None = None
    effective: bool = False
    subtree: bool = False

    def check(self) -> None:
        """400 for what contradicts itself."""
        if self.domain_id and self.project_id:
            raise BadRequest("Specify a domain or project, not both")
        if self.domain_id and self.system:
            raise BadRequest("Specify system or domain, not both")
        if self.project_id and self.system:
            raise BadRequest("Specify system or project, not both")
        if self.user_id and self.group_id:
            raise BadRequest("Specify a user or group, not both")
        if self.effective and self.group_id:
            raise BadRequest(
                "Combining effective and group filter will always result in an empty list."
            )
        if self.effective and self.inherited and self.domain_id:
            raise BadRequest(
                "Combining effective, domain and inherited filters will always result in an empty "
                "list."
            )
        if self.subtree and not self.project_id:
            raise BadRequest(
                "scope.project.id must be specified if include_subtree is also specified"
            )


class Line(NamedTuple):
    """One assignment of the answer, with what it came from."""

    actor_type: ActorType
    actor_id: str
    role_id: str
    target_type: TargetType
    target_id: str
    inherited: bool = False
    by_group: str | None = None
    """The user has it as a member of this group."""
    from_type: TargetType | None = None
    from_id: str | None = None
    """It is inherited from this project or domain."""
    by_role: str | None = None
    """It is implied by this role."""


class Assignments:
    def __init__(self, roles: Roles) -> None:
        self._roles = roles

    def find(self, tx: Tx, wanted: Wanted) -> list[Line]:
        """Raises BadRequest for filters that contradict one another."""
        wanted.check()
        lines = self._effective(tx, wanted) if wanted.effective else self._direct(tx, wanted)
        return list(dict.fromkeys(lines))

    def _direct(self, tx: Tx, wanted: Wanted) -> list[Line]:
        where: dict[str, Any] = _target_filter(wanted)
        if wanted.subtree and wanted.project_id:
            where.pop("target_id")
            where["target_ids"] = self._scope(tx, wanted)
        if wanted.user_id or wanted.group_id:
            where["actor_id"] = wanted.user_id or wanted.group_id
        if wanted.role_id:
            where["role_id"] = wanted.role_id
        if wanted.inherited is not None:
            where["inherited"] = wanted.inherited
        return [_line(row) for row in queries.ASSIGNMENTS.page(tx, where=where)]

    def _scope(self, tx: Tx, wanted: Wanted) -> list[str]:
        """The asked project, and with `include_subtree` those below it."""
        assert wanted.project_id is not None
        below = subtree(tx, wanted.project_id) if wanted.subtree else []
        return [wanted.project_id, *(row.id for row in below)]

    def _effective(self, tx: Tx, wanted: Wanted) -> Iterator[Line]:
        scope = set(self._scope(tx, wanted)) if wanted.project_id else None
        lines: Iterable[Line] = [_line(row) for row in self._origins(tx, wanted, scope)]
        lines = self._to_members(tx, lines, wanted.user_id)
        lines = self._to_heirs(tx, lines)
        if scope is not None:
            lines = (line for line in lines if line.target_id in scope)
        if wanted.inherited is not None:
            lines = (line for line in lines if (line.from_id is not None) == wanted.inherited)
        for line in self._to_implied(tx, lines):
            if wanted.role_id in (None, line.role_id):
                yield line

    def _origins(self, tx: Tx, wanted: Wanted, scope: set[str] | None) -> list[AssignmentRow]:
        """The assignments that can have an effect on what is asked for."""
        where: dict[str, Any] = {}
        if wanted.user_id:
            mine = tx.tuples(groups.GROUP_IDS_OF, user_id=wanted.user_id)
            where["actor_ids"] = [wanted.user_id, *(group_id for (group_id,) in mine)]
        if scope is not None:
            project = tx.get(ProjectRow, wanted.project_id)
            if project is None:
                raise NotFound(f"Could not find project: {wanted.project_id}.")
            above = [project.domain_id, *(row.id for row in ancestors(tx, project))]
            where["target_ids"] = [*scope, *above]
        elif wanted.domain_id or wanted.system:
            where.update(_target_filter(wanted), inherited=False)
        return queries.ASSIGNMENTS.page(tx, where=where)

    def _to_members(self, tx: Tx, lines: Iterable[Line], user_id: str | None) -> Iterator[Line]:
        found = list(lines)
        ids = list({line.actor_id for line in found if line.actor_type == "group"})
        members: dict[str, list[str]] = {}
        if ids:
            for group, user in tx.tuples(groups.MEMBERS_OF_MANY, group_ids=ids):
                members.setdefault(group, []).append(user)
        for line in found:
            if line.actor_type == "user":
                yield line
                continue
            for user in members.get(line.actor_id, ()):
                if user_id in (None, user):
                    yield line._replace(actor_type="user", actor_id=user, by_group=line.actor_id)

    def _to_heirs(self, tx: Tx, lines: Iterable[Line]) -> Iterator[Line]:
        known: dict[tuple[str, str], list[str]] = {}
        for line in lines:
            if not line.inherited:
                yield line
                continue
            origin = (line.target_type, line.target_id)
            if origin not in known:
                known[origin] = self._heirs(tx, line)
            for project_id in known[origin]:
                yield line._replace(
                    target_type="project",
                    target_id=project_id,
                    from_type=line.target_type,
                    from_id=line.target_id,
                )

    def _heirs(self, tx: Tx, line: Line) -> list[str]:
        if line.target_type == "domain":
            found = tx.tuples(projects.IDS_OF_DOMAINS, domain_ids=[line.target_id])
            return [project_id for (project_id,) in found]
        return [row.id for row in subtree(tx, line.target_id)]

    def _to_implied(self, tx: Tx, lines: Iterable[Line]) -> Iterator[Line]:
        """A domain's own roles are left out: only what they imply has an effect."""
        follows = self._roles.rules(tx)
        own = {row.id for row in tx.all(queries.ALL_ROLES) if row.domain_id != NO_DOMAIN}
        for line in lines:
            seen: set[str] = set()
            waiting: list[tuple[str, str | None]] = [(line.role_id, None)]
            while waiting:
                role_id, prior = waiting.pop()
                if role_id in seen:
                    continue
                seen.add(role_id)
                waiting.extend((implied, role_id) for implied in follows.get(role_id, ()))
                if role_id not in own:
                    yield line._replace(role_id=role_id, by_role=prior)


class Names:
    """The names of what a list of assignments refers to, read at once for all of it."""

    def __init__(self, tx: Tx, lines: Iterable[Line]) -> None:
        found = list(lines)
        self._domains = {row.id: row.name for row in domains.DOMAINS.page(tx, where={})}
        self._users = self._read(tx, users.USERS, _actors(found, "user"))
        self._groups = self._read(tx, groups.GROUPS, _actors(found, "group"))
        self._roles = self._read(tx, queries.ROLES, {line.role_id for line in found})
        on = {line.target_id for line in found if line.target_type == "project"}
        self._projects = self._read(tx, projects.PROJECTS, on)

    def _read(self, tx: Tx, listing: Listing[Any], ids: set[str]) -> dict[str, dict[str, Any]]:
        """Id → `{"id", "name"}`, and the domain where there is one."""
        rows = listing.page(tx, where={"ids": sorted(ids)}) if ids else []
        return {row.id: self._named(row) for row in rows}

    def _named(self, row: Any) -> dict[str, Any]:
        body = {"id": row.id, "name": row.name}
        if row.domain_id != NO_DOMAIN:
            body["domain"] = self._domain(row.domain_id)
        return body

    def _domain(self, id: str) -> dict[str, Any]:
        return {"id": id, "name": self._domains[id]} if id in self._domains else {"id": id}

    def actor(self, line: Line) -> dict[str, Any]:
        known = self._users if line.actor_type == "user" else self._groups
        return known.get(line.actor_id, {"id": line.actor_id})

    def target(self, line: Line) -> dict[str, Any]:
        if line.target_type == "domain":
            return self._domain(line.target_id)
        return self._projects.get(line.target_id, {"id": line.target_id})

    def role(self, line: Line) -> dict[str, Any]:
        return self._roles.get(line.role_id, {"id": line.role_id})


def _actors(lines: Iterable[Line], actor_type: ActorType) -> set[str]:
    return {line.actor_id for line in lines if line.actor_type == actor_type}


def _target_filter(wanted: Wanted) -> dict[str, Any]:
    if wanted.project_id:
        return {"target_type": "project", "target_id": wanted.project_id}
    if wanted.domain_id:
        return {"target_type": "domain", "target_id": wanted.domain_id}
    if wanted.system:
        return {"target_type": "system", "target_id": SYSTEM}
    return {}


def _line(row: AssignmentRow) -> Line:
    return Line(
        row.actor_type, row.actor_id, row.role_id, row.target_type, row.target_id, row.inherited
    )
