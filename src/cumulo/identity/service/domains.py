"""Domains: create, update, delete."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, Forbidden, NotFound
from cumulo.core.ids import new_hex
from cumulo.core.wire.shapes import Unset
from cumulo.identity.model.domain import DEFAULT_DOMAIN_ID, DomainRow
from cumulo.identity.service.extras import given, split
from cumulo.identity.store import domain as store
from cumulo.identity.store import group as groups
from cumulo.identity.store import project as projects
from cumulo.identity.store import role as roles
from cumulo.identity.store import user as users

DomainName = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Tag = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class DomainWishes(msgspec.Struct):
    name: DomainName | Unset = UNSET
    description: str | Unset | None = UNSET
    enabled: bool | Unset = UNSET
    tags: list[Tag] | Unset = UNSET
    options: dict[str, Any] | Unset = UNSET


class Domains:
    listing = store.DOMAINS

    def __init__(self, forget_tokens: Any) -> None:
        self._forget_tokens = forget_tokens

    def get(self, tx: Tx, domain_id: str) -> DomainRow:
        found = tx.get(DomainRow, domain_id)
        if found is None:
            raise NotFound(f"Could not find domain: {domain_id}.")
        return found

    def find(self, tx: Tx, name: str) -> DomainRow | None:
        return tx.one(store.BY_NAME, name=name)

    def create(
        self, tx: Tx, wishes: Mapping[str, Any], who: Principal | None, id: str | None = None
    ) -> DomainRow:
        wanted, extra = split(wishes, DomainWishes, "domain")
        if wanted.name is UNSET:
            raise BadRequest("Invalid input for domain: 'name' is a required property")
        self._refuse_duplicate(tx, wanted.name)
        row = DomainRow(
            id=id or new_hex(),
            name=wanted.name,
            description=wanted.description or "",
            enabled=wanted.enabled is not False,
            tags=[] if wanted.tags is UNSET else wanted.tags,
            options={} if wanted.options is UNSET else wanted.options,
            extra=extra,
        )
        tx.insert(row)
        emit(tx, "identity.domain.create", row.id, principal=who, name=row.name)
        return row

    def _refuse_duplicate(self, tx: Tx, name: str) -> None:
        if self.find(tx, name) is not None:
            raise Conflict(
                "Conflict occurred attempting to store domain - Duplicate entry found with name "
                f"{name}."
            )

    def update(
        self, tx: Tx, domain_id: str, wishes: Mapping[str, Any], who: Principal
    ) -> DomainRow:
        row = self.get(tx, domain_id)
        wanted, extra = split(wishes, DomainWishes, "domain")
        if wanted.name is not UNSET and wanted.name != row.name:
            self._refuse_duplicate(tx, wanted.name)
        changes = given(wanted, "name", "enabled", "tags", "options")
        if wanted.description is not UNSET:
            changes["description"] = wanted.description or ""
        if extra:
            changes["extra"] = {**row.extra, **extra}
        row = tx.update(row, **changes)
        emit(tx, "identity.domain.update", row.id, principal=who)
        tx.after_commit(self._forget_tokens)
        return row

    def delete(self, tx: Tx, domain_id: str, who: Principal) -> None:
        """Only a disabled domain; what is in it goes with it."""
        row = self.get(tx, domain_id)
        if row.enabled or row.id == DEFAULT_DOMAIN_ID:
            raise Forbidden("Cannot delete a domain that is enabled, please disable it first.")
        for user in users.USERS.page(tx, where={"domain_id": row.id}):
            tx.run(roles.DROP_ACTOR, actor=user.id)
            tx.delete(user)
        for group in groups.GROUPS.page(tx, where={"domain_id": row.id}):
            tx.run(roles.DROP_ACTOR, actor=group.id)
            tx.delete(group)
        for project in _deepest_first(tx, row.id):
            tx.run(roles.DROP_TARGET, target_type_="project", target_id_=project.id)
            tx.delete(project)
        tx.run(roles.DROP_TARGET, target_type_="domain", target_id_=row.id)
        for role in roles.ROLES.page(tx, where={"domain_id": row.id}):
            tx.delete(role)
        tx.delete(row)
        emit(tx, "identity.domain.delete", row.id, principal=who)
        tx.after_commit(self._forget_tokens)


def _deepest_first(tx: Tx, domain_id: str) -> list[Any]:
    left = {row.id: row for row in projects.PROJECTS.page(tx, where={"domain_id": domain_id})}
    ordered = []
    while left:
        parents = {row.parent_id for row in left.values()}
        leaves = [row for row in left.values() if row.id not in parents]
        ordered.extend(leaves)
        for row in leaves:
            del left[row.id]
    return ordered
