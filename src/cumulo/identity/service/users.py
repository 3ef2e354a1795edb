"""Users and their passwords. Hashing happens outside of transactions: `hash_of` first."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.core.auth.principal import Principal
from cumulo.core.clock import seconds_of
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.ids import new_hex
from cumulo.core.wire.shapes import Unset
from cumulo.identity.model.domain import DEFAULT_DOMAIN_ID, DomainRow
from cumulo.identity.model.user import UserRow
from cumulo.identity.service.extras import given, split
from cumulo.identity.store import role as roles
from cumulo.identity.store import user as store

UserName = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Password = Annotated[str, msgspec.Meta(max_length=4096)]


class UserWishes(msgspec.Struct):
    name: UserName | Unset = UNSET
    domain_id: str | Unset | None = UNSET
    enabled: bool | Unset = UNSET
    password: Password | Unset | None = UNSET
    default_project_id: str | Unset | None = UNSET
    options: dict[str, Any] | Unset = UNSET
    original_password: str | Unset | None = UNSET


class Users:
    listing = store.USERS

    def __init__(self, forget_tokens: Callable[[], None]) -> None:
        self._forget_tokens = forget_tokens

    def get(self, tx: Tx, user_id: str) -> UserRow:
        found = tx.get(UserRow, user_id)
        if found is None:
            raise NotFound(f"Could not find user: {user_id}.")
        return found

    def find(self, tx: Tx, name: str, domain_id: str) -> UserRow | None:
        return tx.one(store.BY_NAME, name=name, domain_id=domain_id)

    def create(
        self,
        tx: Tx,
        wishes: Mapping[str, Any],
        password_hash: str | None,
        who: Principal | None,
        default_domain: str = DEFAULT_DOMAIN_ID,
    ) -> UserRow:
        """`password_hash` is of `wishes["password"]`, made before the transaction."""
        wanted, extra = split(wishes, UserWishes, "user")
        if wanted.name is UNSET:
            raise BadRequest("Invalid input for user: 'name' is a required property")
        domain_id = wanted.domain_id or default_domain
        if tx.get(DomainRow, domain_id) is None:
            raise NotFound(f"Could not find domain: {domain_id}.")
        self._refuse_duplicate(tx, domain_id, wanted.name)
        row = UserRow(
            id=new_hex(),
            name=wanted.name,
            domain_id=domain_id,
            enabled=wanted.enabled is not False,
            password_hash=password_hash,
            password_set_at=tx.now if password_hash else None,
            default_project_id=wanted.default_project_id or None,
            options={} if wanted.options is UNSET else wanted.options,
            extra=extra,
            revoked_before=0.0,
        )
        tx.insert(row)
        emit(tx, "identity.user.create", row.id, principal=who, name=row.name)
        return row

    def _refuse_duplicate(self, tx: Tx, domain_id: str, name: str) -> None:
        if self.find(tx, name, domain_id) is not None:
            raise Conflict(
                "Conflict occurred attempting to store user - Duplicate entry found with name "
                f"{name} at domain ID {domain_id}."
            )

    def update(
        self,
        tx: Tx,
        user_id: str,
        wishes: Mapping[str, Any],
        password_hash: str | None,
        who: Principal,
    ) -> UserRow:
        row = self.get(tx, user_id)
        wanted, extra = split(wishes, UserWishes, "user")
        if wanted.domain_id is not UNSET and wanted.domain_id != row.domain_id:
            raise BadRequest("Cannot change Domain ID.")
        if wanted.name is not UNSET and wanted.name != row.name:
            self._refuse_duplicate(tx, row.domain_id, wanted.name)
        changes = given(wanted, "name", "enabled", "default_project_id", "options")
        if extra:
            changes["extra"] = {**row.extra, **extra}
        if wanted.password is not UNSET:
            changes["password_hash"] = password_hash
            changes["password_set_at"] = tx.now if password_hash else None
        if wanted.password is not UNSET or wanted.enabled is False:
            changes["revoked_before"] = seconds_of(tx.now)
        row = tx.update(row, **changes)
        emit(tx, "identity.user.update", row.id, principal=who)
        tx.after_commit(self._forget_tokens)
        return row

    def set_password(self, tx: Tx, row: UserRow, password_hash: str, who: Principal | None) -> None:
        """A new password ends all tokens that were given for the old one."""
        tx.update(
            row,
            password_hash=password_hash,
            password_set_at=tx.now,
            revoked_before=seconds_of(tx.now),
        )
        emit(tx, "identity.user.update", row.id, principal=who, what="password")
        tx.after_commit(self._forget_tokens)

    def delete(self, tx: Tx, user_id: str, who: Principal) -> None:
        row = self.get(tx, user_id)
        tx.run(roles.DROP_ACTOR, actor=row.id)
        tx.delete(row)
        emit(tx, "identity.user.delete", row.id, principal=who)
        tx.after_commit(self._forget_tokens)
