"""Roles and assignments: who may do what, where."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.ids import new_hex
from cumulo.core.wire.shapes import Unset
from cumulo.identity.model.domain import DomainRow
from cumulo.identity.model.project import ProjectRow
from cumulo.identity.model.role import (
    NO_DOMAIN,
    SYSTEM,
    AssignmentRow,
    ImpliedRoleRow,
    RoleRow,
    TargetType,
)
from cumulo.identity.model.user import UserRow
from cumulo.identity.service.extras import given, split
from cumulo.identity.store import role as store

RoleName = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class RoleWishes(msgspec.Struct):
    name: RoleName | Unset = UNSET
    domain_id: str | Unset | None = UNSET
    description: str | Unset | None = UNSET
    options: dict[str, Any] | Unset = UNSET


class Roles:
    listing = store.ROLES
    assignments = store.ASSIGNMENTS

    def __init__(self, forget_tokens: Callable[[], None]) -> None:
        self._forget_tokens = forget_tokens
        self.on_revoked: list[Callable[[Tx, str, TargetType, str], None]] = []
        """Called in the transaction that takes a role: (tx, user id, target type, target id)."""

    def exists(self, tx: Tx, role_id: str) -> bool:
        return tx.get(RoleRow, role_id) is not None

    def get(self, tx: Tx, role_id: str) -> RoleRow:
        found = tx.get(RoleRow, role_id)
        if found is None:
            raise NotFound(f"Could not find role: {role_id}.")
        return found

    def find(self, tx: Tx, name: str) -> RoleRow | None:
        """The role of that name that belongs to no domain."""
        found = store.ROLES.page(tx, where={"name": name, "domain_id": NO_DOMAIN})
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
            options={} if wanted.options is UNSET else wanted.options,
            extra=extra,
        )
        tx.insert(row)
        emit(tx, "identity.role.create", row.id, principal=who, name=row.name)
        return row

    def _refuse_duplicate(self, tx: Tx, domain_id: str, name: str) -> None:
        if store.ROLES.page(tx, where={"name": name, "domain_id": domain_id}):
            raise Conflict(
                "Conflict occurred attempting to store role - Duplicate entry found with name "
                f"{name}."
            )

    def update(self, tx: Tx, role_id: str, wishes: Mapping[str, Any], who: Principal) -> RoleRow:
        row = self.get(tx, role_id)
        wanted, extra = split(wishes, RoleWishes, "role")
        if wanted.name is not UNSET and wanted.name != row.name:
            self._refuse_duplicate(tx, row.domain_id, wanted.name)
        changes = given(wanted, "name", "description", "options")
        if extra:
            changes["extra"] = {**row.extra, **extra}
        row = tx.update(row, **changes)
        emit(tx, "identity.role.update", row.id, principal=who)
        tx.after_commit(self._forget_tokens)
        return row

    def delete(self, tx: Tx, role_id: str, who: Principal) -> None:
        row = self.get(tx, role_id)
        tx.delete(row)
        emit(tx, "identity.role.delete", row.id, principal=who)
        tx.after_commit(self._forget_tokens)

    def imply(self, tx: Tx, prior: RoleRow, implied: RoleRow) -> None:
        tx.insert(ImpliedRoleRow(prior.id, implied.id), ignore_duplicate=True)
        tx.after_commit(self._forget_tokens)

    def grant(
        self,
        tx: Tx,
        role_id: str,
        user_id: str,
        target_type: TargetType,
        target_id: str,
        who: Principal | None,
    ) -> None:
        """Give a user a role; nothing happens when it has it."""
        row = self._grant_row(tx, role_id, user_id, target_type, target_id)
        if tx.insert(row, ignore_duplicate=True):
            emit(
                tx,
                "identity.assignment.create",
                user_id,
                principal=who,
                role=role_id,
                target_type=target_type,
                target=target_id,
            )
            tx.after_commit(self._forget_tokens)

    def has_grant(
        self, tx: Tx, role_id: str, user_id: str, target_type: TargetType, target_id: str
    ) -> bool:
        row = self._grant_row(tx, role_id, user_id, target_type, target_id)
        return tx.get(AssignmentRow, user_id, role_id, target_type, row.target_id) is not None

    def revoke(
        self,
        tx: Tx,
        role_id: str,
        user_id: str,
        target_type: TargetType,
        target_id: str,
        who: Principal,
    ) -> None:
        row = self._grant_row(tx, role_id, user_id, target_type, target_id)
        if not tx.delete(row):
            raise NotFound(
                f"Could not find role assignment with role: {role_id}, user or group: {user_id}, "
                f"{target_type}: {target_id}."
            )
        for listener in self.on_revoked:
            listener(tx, user_id, target_type, target_id)
        emit(
            tx,
            "identity.assignment.delete",
            user_id,
            principal=who,
            role=role_id,
            target_type=target_type,
            target=target_id,
        )
        tx.after_commit(self._forget_tokens)

    def granted(
        self, tx: Tx, user_id: str, target_type: TargetType, target_id: str
    ) -> list[RoleRow]:
        """The roles that were given directly."""
        found = tx.all(
            store.OF_USER_ON, user_id=user_id, target_type=target_type, target_id=target_id
        )
        return [self.get(tx, row.role_id) for row in found]

    def targets(self, tx: Tx, user_id: str, target_type: TargetType) -> set[str]:
        """The ids of the projects (domains …) on which the user has any role."""
        found = tx.all(store.OF_USER, user_id=user_id)
        return {row.target_id for row in found if row.target_type == target_type}

    def effective(
        self, tx: Tx, user_id: str, target_type: TargetType, target_id: str
    ) -> list[RoleRow]:
        """Given and implied roles, by name; what a token of that scope says."""
        found = tx.all(
            store.OF_USER_ON, user_id=user_id, target_type=target_type, target_id=target_id
        )
        return self.with_implied(tx, [row.role_id for row in found])

    def with_implied(self, tx: Tx, role_ids: list[str]) -> list[RoleRow]:
        if not role_ids:
            return []
        follows: dict[str, list[str]] = {}
        for row in tx.all(store.ALL_IMPLIED):
            follows.setdefault(row.prior_id, []).append(row.implied_id)
        known: set[str] = set()
        waiting = list(role_ids)
        while waiting:
            role_id = waiting.pop()
            if role_id not in known:
                known.add(role_id)
                waiting.extend(follows.get(role_id, ()))
        rows = {row.id: row for row in tx.all(store.ALL_ROLES)}
        return sorted((rows[id] for id in known if id in rows), key=lambda row: row.name)

    def _grant_row(
        self, tx: Tx, role_id: str, user_id: str, target_type: TargetType, target_id: str
    ) -> AssignmentRow:
        """The row of an assignment between things that exist; 404 for what does not."""
        self.get(tx, role_id)
        if tx.get(UserRow, user_id) is None:
            raise NotFound(f"Could not find user: {user_id}.")
        if target_type == "project" and tx.get(ProjectRow, target_id) is None:
            raise NotFound(f"Could not find project: {target_id}.")
        if target_type == "domain" and tx.get(DomainRow, target_id) is None:
            raise NotFound(f"Could not find domain: {target_id}.")
        target = SYSTEM if target_type == "system" else target_id
        return AssignmentRow(user_id, role_id, target_type, target)
