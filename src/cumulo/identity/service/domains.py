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
from cumulo.identity.queries import domain as queries
from cumulo.identity.queries import group as groups
from cumulo.identity.queries import project as projects
from cumulo.identity.queries import role as roles
from cumulo.identity.queries import user as users
from cumulo.identity.service.extras import given, split
from cumulo.identity.service.options import Options, changed, refuse_immutable
from cumulo.identity.service.projects import remove_project
from cumulo.identity.service.tags import Tags, unique_tags

DomainName = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"\S")]


class DomainWishes(msgspec.Struct):
    name: DomainName | Unset = UNSET
    description: str | Unset | None = UNSET
    enabled: bool | Unset = UNSET
    tags: Tags | Unset = UNSET
    options: Options | Unset = UNSET
    explicit_domain_id: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")] | Unset = UNSET
    """The id, where the client must know it: 32 hexadecimal digits."""


class Domains:
    listing = queries.DOMAINS

    def __init__(self, forget_tokens: Any) -> None:
        self._forget_tokens = forget_tokens

    def get(self, tx: Tx, domain_id: str) -> DomainRow:
        found = tx.get(DomainRow, domain_id)
        if found is None:
            raise NotFound(f"Could not find domain: {domain_id}.")
        return found

    def find(self, tx: Tx, name: str) -> DomainRow | None:
        return tx.one(queries.BY_NAME, name=name)

    def create(
        self, tx: Tx, wishes: Mapping[str, Any], who: Principal | None, id: str | None = None
    ) -> DomainRow:
        wanted, extra = split(wishes, DomainWishes, "domain")
        if wanted.name is UNSET:
            raise BadRequest("Invalid input for domain: 'name' is a required property")
        name = wanted.name.strip()
        self._refuse_duplicate(tx, name)
        explicit = None if wanted.explicit_domain_id is UNSET else wanted.explicit_domain_id
        if explicit is not None and tx.get(DomainRow, explicit) is not None:
            raise Conflict(
                "Conflict occurred attempting to store domain - Duplicate entry found with ID "
                f"{explicit}."
            )
        row = DomainRow(
            id=id or explicit or new_hex(),
            name=name,
            description=wanted.description or "",
            enabled=wanted.enabled is not False,
            tags=[] if wanted.tags is UNSET else unique_tags(wanted.tags),
            options=changed({}, wanted.options),
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
        refuse_immutable(row.options, "update", "domain", row.id, wishes)
        changes = given(wanted, "enabled", "tags")
        if wanted.name is not UNSET and wanted.name.strip() != row.name:
            changes["name"] = wanted.name.strip()
            self._refuse_duplicate(tx, changes["name"])
        if wanted.tags is not UNSET:
            unique_tags(wanted.tags)
        if wanted.options is not UNSET:
            changes["options"] = changed(row.options, wanted.options)
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
        refuse_immutable(row.options, "delete", "domain", row.id)
        if row.enabled or row.id == DEFAULT_DOMAIN_ID:
            raise Forbidden("Cannot delete a domain that is enabled, please disable it first.")
        for user in users.USERS.page(tx, where={"domain_id": row.id}):
            tx.run(roles.DROP_ACTOR, actor=user.id)
            tx.delete(user)
        for group in groups.GROUPS.page(tx, where={"domain_id": row.id}):
            tx.run(roles.DROP_ACTOR, actor=group.id)
            tx.delete(group)
        for project in _deepest_first(tx, row.id):
            remove_project(tx, project)
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
