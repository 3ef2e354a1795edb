"""Roles and assignments: who may do what, where."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, Forbidden, NotFound
from cumulo.core.ids import new_hex
from cumulo.core.wire.shapes import Unset
from cumulo.identity.model.domain import DomainRow
from cumulo.identity.model.group import GroupRow
from cumulo.identity.model.project import ProjectRow
from cumulo.identity.model.role import (
    NO_DOMAIN,
    SYSTEM,
    ActorType,
    AssignmentRow,
    ImpliedRoleRow,
    RoleRow,
    TargetType,
)
from cumulo.identity.model.user import UserRow
from cumulo.identity.queries import project as projects
from cumulo.identity.queries import role as queries
from cumulo.identity.service.extras import given, split
from cumulo.identity.service.options import Options, changed, refuse_immutable
from cumulo.identity.service.tree import ancestors, subtree

NEVER_IMPLIED = "admin"
"""Who has another role must not become the administrator by it."""

RoleName = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class RoleWishes(msgspec.Struct):
    name: RoleName | Unset = UNSET
    domain_id: str | Unset | None = UNSET
    description: str | Unset | None = UNSET
    options: Options | Unset = UNSET


class Roles:
    listing = queries.ROLES
    assignments = queries.ASSIGNMENTS

    def __init__(self, forget_tokens: Callable[[], None]) -> None:
        self._forget_tokens = forget_tokens
        self.on_revoked: list[Callable[[Tx, AssignmentRow], None]] = []
        """Called in the transaction that takes a role from a user or a group."""

    def exists(self, tx: Tx, role_id: str) -> bool:
        return tx.get(RoleRow, role_id) is not None

    def get(self, tx: Tx, role_id: str) -> RoleRow:
        found = tx.get(RoleRow, role_id)
        if found is None:
            raise NotFound(f"Could not find role: {role_id}.")
        return found

    def find(self, tx: Tx, name: str) -> RoleRow | None:
        """The role of that name that belongs to no domain."""
        found = queries.ROLES.page(tx, where={"name": name, "domain_id": NO_DOMAIN})
        return found[0] if found else None

    def create(self, tx: Tx, wishes: Mapping[str, Any], who: Principal | None) -> RoleRow:
        wanted, extra = split(wishes, RoleWishes, "role")
        if wanted.name is UNSET:
            raise BadRequest("Invalid input for role: 'name' is a required property")
        domain_id = wanted.domain_id or NO_DOMAIN
        if domain_id and tx.get(DomainRow, domain_id) is None:
            raise NotFound(f"Could not find domain: {domain_id}.")
        self._refuse_duplicate(tx, domain_id, wanted.name)
        row = RoleRow(
            id=new_hex(),
            name=wanted.name,
            domain_id=domain_id,
            description=wanted.description or None,
            options=changed({}, wanted.options),
            extra=extra,
        )
        tx.insert(row)
        emit(tx, "identity.role.create", row.id, principal=who, name=row.name)
        return row

    def _refuse_duplicate(self, tx: Tx, domain_id: str, name: str) -> None:
        if queries.ROLES.page(tx, where={"name": name, "domain_id": domain_id}):
            raise Conflict(
                "Conflict occurred attempting to store role - Duplicate entry found with name "
                f"{name}{f' at domain ID {domain_id}' if domain_id else ''}."
            )

    def update(self, tx: Tx, role_id: str, wishes: Mapping[str, Any], who: Principal) -> RoleRow:
        row = self.get(tx, role_id)
        wanted, extra = split(wishes, RoleWishes, "role")
        refuse_immutable(row.options, "update", "role", row.id, wishes)
        if wanted.domain_id is not UNSET and (wanted.domain_id or NO_DOMAIN) != row.domain_id:
            raise BadRequest("Cannot change Domain ID.")
        if wanted.name is not UNSET and wanted.name != row.name:
            self._refuse_duplicate(tx, row.domain_id, wanted.name)
        changes = given(wanted, "name", "description")
        if wanted.options is not UNSET:
            changes["options"] = changed(row.options, wanted.options)
        if extra:
            changes["extra"] = {**row.extra, **extra}
        row = tx.update(row, **changes)
        emit(tx, "identity.role.update", row.id, principal=who)
        tx.after_commit(self._forget_tokens)
        return row

    def delete(self, tx: Tx, role_id: str, who: Principal) -> None:
        row = self.get(tx, role_id)
        refuse_immutable(row.options, "delete", "role", row.id)
        tx.delete(row)
        emit(tx, "identity.role.delete", row.id, principal=who)
        tx.after_commit(self._forget_tokens)

    # The roles that a role implies

    def imply(self, tx: Tx, prior: RoleRow, implied: RoleRow, who: Principal | None = None) -> None:
        """Nothing happens when it does. A role of a domain may be prior, not implied: what a
        token says never depends on a domain's own names."""
        if implied.name == NEVER_IMPLIED:
            raise Forbidden(f"{implied.id} cannot be an implied roles.")
        if not prior.domain_id and implied.domain_id:
            raise Forbidden("Global role cannot imply a domain-specific role")
        if tx.insert(ImpliedRoleRow(prior.id, implied.id), ignore_duplicate=True):
            emit(tx, "identity.role.imply", prior.id, principal=who, implied=implied.id)
            tx.after_commit(self._forget_tokens)

    def implied_by(self, tx: Tx, prior_id: str) -> list[RoleRow]:
        """What the role implies at first hand."""
        ids = [row.implied_id for row in tx.all(queries.ALL_IMPLIED) if row.prior_id == prior_id]
        return queries.ROLES.page(tx, where={"ids": ids}) if ids else []

    def check_implied(self, tx: Tx, prior_id: str, implied_id: str) -> tuple[RoleRow, RoleRow]:
        prior, implied = self.get(tx, prior_id), self.get(tx, implied_id)
        if tx.get(ImpliedRoleRow, prior_id, implied_id) is None:
            raise NotFound(f"{prior_id} does not imply {implied_id}.")
        return prior, implied

    def stop_implying(self, tx: Tx, prior_id: str, implied_id: str, who: Principal) -> None:
        self.check_implied(tx, prior_id, implied_id)
        tx.delete(ImpliedRoleRow(prior_id, implied_id))
        emit(tx, "identity.role.stop_implying", prior_id, principal=who, implied=implied_id)
        tx.after_commit(self._forget_tokens)

    def inferences(self, tx: Tx) -> list[tuple[RoleRow, list[RoleRow]]]:
        """Each role that implies others, with those."""
        rows = {row.id: row for row in tx.all(queries.ALL_ROLES)}
        rules: dict[str, list[RoleRow]] = {}
        for rule in tx.all(queries.ALL_IMPLIED):
            rules.setdefault(rule.prior_id, []).append(rows[rule.implied_id])
        return [(rows[prior], implied) for prior, implied in rules.items()]

    # What was given to whom

    def grant(
        self,
        tx: Tx,
        role_id: str,
        actor_id: str,
        target_type: TargetType,
        target_id: str,
        who: Principal | None,
        *,
        actor_type: ActorType = "user",
        inherited: bool = False,
    ) -> None:
        """Give a user or a group a role; nothing happens when it has it."""
        role = self.get(tx, role_id)
        self.check_ends(tx, actor_type, actor_id, target_type, target_id)
        if role.domain_id:
            self._refuse_foreign(tx, role, target_type, target_id)
        target_id = SYSTEM if target_type == "system" else target_id
        row = AssignmentRow(actor_id, role_id, target_type, target_id, inherited, actor_type)
        if tx.insert(row, ignore_duplicate=True):
            self._tell(tx, "create", row, who)

    def _refuse_foreign(
        self, tx: Tx, role: RoleRow, target_type: TargetType, target_id: str
    ) -> None:
        """A domain's own role is good for that domain's projects."""
        if target_type == "system":
            raise BadRequest(
                f"Role {role.id} is a domain-specific role. Unable to use a domain-specific role "
                "in a system assignment."
            )
        project = tx.get(ProjectRow, target_id) if target_type == "project" else None
        if project is not None and project.domain_id != role.domain_id:
            raise Forbidden(
                f"Project {target_id} must be in the same domain as the role {role.id} being "
                "assigned."
            )

    def has_grant(
        self,
        tx: Tx,
        role_id: str,
        actor_id: str,
        target_type: TargetType,
        target_id: str,
        *,
        inherited: bool = False,
    ) -> bool:
        self.get(tx, role_id)
        target_id = SYSTEM if target_type == "system" else target_id
        key = (actor_id, role_id, target_type, target_id, inherited)
        return tx.get(AssignmentRow, *key) is not None

    def check_grant(
        self,
        tx: Tx,
        role_id: str,
        actor_id: str,
        target_type: TargetType,
        target_id: str,
        *,
        inherited: bool = False,
    ) -> None:
        """404 for what was not given."""
        if not self.has_grant(tx, role_id, actor_id, target_type, target_id, inherited=inherited):
            raise NotFound(
                f"Could not find role assignment with role: {role_id}, user or group: {actor_id}, "
                f"project, domain, or system: {target_id}."
            )

    def revoke(
        self,
        tx: Tx,
        role_id: str,
        actor_id: str,
        target_type: TargetType,
        target_id: str,
        who: Principal,
        *,
        actor_type: ActorType = "user",
        inherited: bool = False,
    ) -> None:
        """Also from a user that is gone: its assignments may outlive it in a directory."""
        self.check_grant(tx, role_id, actor_id, target_type, target_id, inherited=inherited)
        target_id = SYSTEM if target_type == "system" else target_id
        row = AssignmentRow(actor_id, role_id, target_type, target_id, inherited, actor_type)
        tx.delete(row)
        for listener in self.on_revoked:
            listener(tx, row)
        self._tell(tx, "delete", row, who)

    def _tell(self, tx: Tx, verb: str, row: AssignmentRow, who: Principal | None) -> None:
        emit(
            tx,
            f"identity.assignment.{verb}",
            row.actor_id,
            principal=who,
            role=row.role_id,
            actor_type=row.actor_type,
            target_type=row.target_type,
            target=row.target_id,
            inherited=row.inherited,
        )
        tx.after_commit(self._forget_tokens)

    def granted(
        self,
        tx: Tx,
        actor_id: str,
        target_type: TargetType,
        target_id: str,
        *,
        inherited: bool = False,
    ) -> list[RoleRow]:
        """The roles that were given to the actor itself on the target itself."""
        target_id = SYSTEM if target_type == "system" else target_id
        where = {
            "actor_id": actor_id,
            "target_type": target_type,
            "target_id": target_id,
            "inherited": inherited,
        }
        ids = [row.role_id for row in queries.ASSIGNMENTS.page(tx, where=where)]
        return queries.ROLES.page(tx, where={"ids": ids}) if ids else []

    def forget_actor(self, tx: Tx, actor_id: str) -> None:
        """Take all roles from a user or group that is being removed."""
        tx.run(queries.DROP_ACTOR, actor=actor_id)
        tx.after_commit(self._forget_tokens)

    def check_ends(
        self,
        tx: Tx,
        actor_type: ActorType,
        actor_id: str,
        target_type: TargetType,
        target_id: str,
    ) -> None:
        """404 for an actor or a target that does not exist."""
        kind = UserRow if actor_type == "user" else GroupRow
        if tx.get(kind, actor_id) is None:
            raise NotFound(f"Could not find {actor_type}: {actor_id}.")
        if target_type == "project" and tx.get(ProjectRow, target_id) is None:
            raise NotFound(f"Could not find project: {target_id}.")
        if target_type == "domain" and tx.get(DomainRow, target_id) is None:
            raise NotFound(f"Could not find domain: {target_id}.")

    # What it comes to

    def targets(
        self, tx: Tx, user_id: str, target_type: TargetType, group_ids: Sequence[str] = ()
    ) -> set[str]:
        """The ids of the projects (domains …) on which the user has any role: by itself, by its
        groups and those of `group_ids`, or inherited from above."""
        found = tx.all(queries.OF_USER, user_id=user_id, actor_ids=[user_id, *group_ids])
        ids = {r.target_id for r in found if r.target_type == target_type and not r.inherited}
        if target_type == "project":
            heirs = [row for row in found if row.inherited]
            domains = [row.target_id for row in heirs if row.target_type == "domain"]
            if domains:
                wanted = tx.tuples(projects.IDS_OF_DOMAINS, domain_ids=domains)
                ids.update(project_id for (project_id,) in wanted)
            for row in heirs:
                if row.target_type == "project":
                    ids.update(below.id for below in subtree(tx, row.target_id))
        return ids

    def effective(
        self,
        tx: Tx,
        user_id: str,
        target_type: TargetType,
        target_id: str,
        group_ids: Sequence[str] = (),
    ) -> list[RoleRow]:
        """What a token of that scope says, by name: roles given to the user, to its groups and
        to those of `group_ids`, inherited from above, and implied. A domain's own roles are not
        said; what they imply is."""
        above: list[str] = []
        if target_type == "project":
            project = tx.get(ProjectRow, target_id)
            if project is None:
                return []
            above = [project.domain_id, *(row.id for row in ancestors(tx, project))]
        found = tx.all(
            queries.OF_USER_ON,
            user_id=user_id,
            actor_ids=[user_id, *group_ids],
            target_ids=[target_id, *above],
        )
        ids = [
            row.role_id
            for row in found
            if (row.inherited and row.target_id in above)
            or (not row.inherited and row.target_type == target_type and row.target_id == target_id)
        ]
        return [row for row in self.with_implied(tx, ids) if row.domain_id == NO_DOMAIN]

    def with_implied(self, tx: Tx, role_ids: Sequence[str]) -> list[RoleRow]:
        """The roles and all that they imply, near and far, by name."""
        if not role_ids:
            return []
        follows = self.rules(tx)
        known: set[str] = set()
        waiting = list(role_ids)
        while waiting:
            role_id = waiting.pop()
            if role_id not in known:
                known.add(role_id)
                waiting.extend(follows.get(role_id, ()))
        rows = {row.id: row for row in tx.all(queries.ALL_ROLES)}
        return sorted((rows[id] for id in known if id in rows), key=lambda row: row.name)

    def rules(self, tx: Tx) -> dict[str, list[str]]:
        """Role id → the ids of the roles that it implies at first hand."""
        follows: dict[str, list[str]] = {}
        for row in tx.all(queries.ALL_IMPLIED):
            follows.setdefault(row.prior_id, []).append(row.implied_id)
        return follows
