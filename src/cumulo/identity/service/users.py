"""Users and their passwords. Hashing happens outside of transactions: `hash_of` first."""

from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.core import clock
from cumulo.core.auth.principal import Principal
from cumulo.core.clock import Moment, later, seconds_of
from cumulo.core.db.transaction import Tx
from cumulo.core.events.history import emit
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.ids import new_hex
from cumulo.core.wire.shapes import Unset
from cumulo.identity.model.domain import DEFAULT_DOMAIN_ID, DomainRow
from cumulo.identity.model.federation import FederatedUserRow, ProtocolRow
from cumulo.identity.model.user import OldPasswordRow, UserRow
from cumulo.identity.queries import federation
from cumulo.identity.queries import role as roles
from cumulo.identity.queries import user as queries
from cumulo.identity.service.extras import given, split
from cumulo.identity.service.read_only import refuse_foreign, refuse_in_directory
from cumulo.identity.service.security import SecurityRules

UserName = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
Password = Annotated[str, msgspec.Meta(max_length=4096)]
MethodName = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
MAX_RULES = 50
DAY = 86400.0


class UserOptions(msgspec.Struct, forbid_unknown_fields=True):
    """What can be excepted or demanded for one user; null takes an option away."""

    ignore_change_password_upon_first_use: bool | Unset | None = UNSET
    ignore_password_expiry: bool | Unset | None = UNSET
    ignore_lockout_failure_attempts: bool | Unset | None = UNSET
    ignore_user_inactivity: bool | Unset | None = UNSET
    lock_password: bool | Unset | None = UNSET
    multi_factor_auth_enabled: bool | Unset | None = UNSET
    multi_factor_auth_rules: (
        Annotated[
            list[Annotated[list[MethodName], msgspec.Meta(min_length=1, max_length=MAX_RULES)]],
            msgspec.Meta(max_length=MAX_RULES),
        ]
        | Unset
        | None
    ) = UNSET


class FederatedProtocol(msgspec.Struct):
    protocol_id: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    unique_id: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class FederatedIdentity(msgspec.Struct):
    idp_id: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    protocols: Annotated[list[FederatedProtocol], msgspec.Meta(max_length=MAX_RULES)]


class UserWishes(msgspec.Struct):
    name: UserName | Unset = UNSET
    domain_id: str | Unset | None = UNSET
    enabled: bool | Unset = UNSET
    password: Password | Unset | None = UNSET
    default_project_id: str | Unset | None = UNSET
    options: UserOptions | Unset = UNSET
    original_password: str | Unset | None = UNSET
    federated: Annotated[list[FederatedIdentity], msgspec.Meta(max_length=MAX_RULES)] | Unset = (
        UNSET
    )


class Users:
    listing = queries.USERS

    def __init__(
        self,
        forget_tokens: Callable[[], None],
        rules: SecurityRules,
        revoked: Callable[[Tx, str], None],
    ) -> None:
        """`revoked(tx, user_id)`: all tokens of the user end in this transaction."""
        self.forget_tokens = forget_tokens
        self._rules = rules
        self._revoked = revoked
        self.on_disabled: list[Callable[[Tx, str], None]] = []
        """Called in the transaction that disables a user."""

    def now(self) -> Moment:
        return clock.now()

    def get(self, tx: Tx, user_id: str) -> UserRow:
        found = tx.get(UserRow, user_id)
        if found is None:
            raise NotFound(f"Could not find user: {user_id}.")
        return found

    def find(self, tx: Tx, name: str, domain_id: str) -> UserRow | None:
        return tx.one(queries.BY_NAME, name=name, domain_id=domain_id)

    def names(self, tx: Tx, ids: Collection[str]) -> dict[str, str]:
        """Of those that there are."""
        found = ((id, tx.get(UserRow, id)) for id in ids)
        return {id: row.name for id, row in found if row is not None}

    def old_passwords(self, tx: Tx, user_id: str, count: int) -> list[str]:
        """The hashes of the last passwords, the newest first, `count` with the present one."""
        rows = tx.all(queries.OLD_PASSWORDS, user_id=user_id)
        return [row.password_hash for row in rows[: max(count - 1, 0)]]

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
        if who is not None:
            refuse_in_directory(tx, domain_id)
        self._refuse_duplicate(tx, domain_id, wanted.name)
        _check_default_project(tx, wanted.default_project_id)
        options = merged({}, wanted.options)
        row = UserRow(
            id=new_hex(),
            name=wanted.name,
            domain_id=domain_id,
            enabled=wanted.enabled is not False,
            password_hash=password_hash,
            password_set_at=tx.now if password_hash else None,
            default_project_id=wanted.default_project_id or None,
            options=options,
            extra=extra,
            revoked_before=0.0,
            created_at=tx.now,
            password_expires_at=(
                self._end_of_password(tx.now, options, first_use=who is not None)
                if password_hash
                else None
            ),
            federated=_federated(wanted.federated),
        )
        tx.insert(row)
        self._keep_links(tx, row)
        emit(tx, "identity.user.create", row.id, principal=who, name=row.name)
        return row

    def _keep_links(self, tx: Tx, row: UserRow) -> None:
        """What the user is called elsewhere, so that it is found when it comes from there."""
        tx.run(federation.DROP_LINKS, user_id_=row.id)
        for provider in row.federated:
            idp_id = provider["idp_id"]
            for each in provider["protocols"]:
                protocol_id, unique_id = each["protocol_id"], each["unique_id"]
                if tx.get(ProtocolRow, idp_id, protocol_id) is None:
                    raise BadRequest(
                        f"Could not find federated protocol {protocol_id} for Identity Provider: "
                        f"{idp_id}."
                    )
                known = {"idp_id": idp_id, "protocol_id": protocol_id, "unique_id": unique_id}
                if tx.one(federation.BY_UNIQUE_ID, **known) is not None:
                    raise Conflict(
                        "Conflict occurred attempting to store user - Duplicate federated object: "
                        f"{unique_id}."
                    )
                tx.insert(FederatedUserRow(row.id, idp_id, protocol_id, unique_id, row.name))

    def _end_of_password(
        self, now: Moment, options: Mapping[str, Any], *, first_use: bool
    ) -> Moment | None:
        """`first_use`: an administrator chose it, so that the user has to choose another."""
        asked = self._rules.change_password_upon_first_use
        if first_use and asked and not options.get("ignore_change_password_upon_first_use"):
            return now
        days = self._rules.password_expires_days
        if not days or options.get("ignore_password_expiry"):
            return None
        return later(now, days * DAY)

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
        refuse_foreign(row)
        if wishes.get("id", row.id) != row.id:
            raise BadRequest("Cannot change user ID")
        wanted, extra = split(wishes, UserWishes, "user")
        if wanted.domain_id is not UNSET and wanted.domain_id != row.domain_id:
            raise BadRequest("Cannot change Domain ID.")
        if wanted.name is not UNSET and wanted.name != row.name:
            self._refuse_duplicate(tx, row.domain_id, wanted.name)
        _check_default_project(tx, wanted.default_project_id)
        changes = given(wanted, "name", "enabled", "default_project_id")
        options = row.options
        if wanted.options is not UNSET:
            options = changes["options"] = merged(row.options, wanted.options)
        if wanted.federated is not UNSET:
            changes["federated"] = _federated(wanted.federated)
        if extra:
            changes["extra"] = {**row.extra, **extra}
        if wanted.password is not UNSET:
            ends = self._end_of_password(tx.now, options, first_use=True)
            changes |= self._new_password(tx, row, password_hash, ends, by_user=False)
        if wanted.enabled is True and not row.enabled:
            # Whoever enables an account again means today.
            changes["last_active_at"] = tx.now
        if wanted.password is not UNSET or wanted.enabled is False:
            changes["revoked_before"] = seconds_of(tx.now)
            self._revoked(tx, row.id)
        if wanted.enabled is False:
            for listener in self.on_disabled:
                listener(tx, row.id)
        row = tx.update(row, **changes)
        if "federated" in changes:
            self._keep_links(tx, row)
        emit(tx, "identity.user.update", row.id, principal=who)
        tx.after_commit(self.forget_tokens)
        return row

    def _new_password(
        self, tx: Tx, row: UserRow, password_hash: str | None, ends: Moment | None, *, by_user: bool
    ) -> dict[str, Any]:
        """The changes of the row; the old hash is kept as long as the rules look at it."""
        kept = self._rules.unique_last_password_count
        if kept and row.password_hash is not None:
            set_at = row.password_set_at or tx.now
            tx.insert(OldPasswordRow(0, row.id, row.password_hash, set_at))
            for old in tx.all(queries.OLD_PASSWORDS, user_id=row.id)[kept:]:
                tx.delete(old)
        return {
            "password_hash": password_hash,
            "password_set_at": tx.now if password_hash else None,
            "password_expires_at": ends if password_hash else None,
            "password_by_user": by_user,
            "failed_logins": 0,
            "failed_at": None,
        }

    def set_password(self, tx: Tx, row: UserRow, password_hash: str, who: Principal | None) -> None:
        """By the user. A new password ends all tokens that were given for the old one."""
        ends = self._end_of_password(tx.now, row.options, first_use=False)
        tx.update(
            row,
            **self._new_password(tx, row, password_hash, ends, by_user=True),
            revoked_before=seconds_of(tx.now),
        )
        self._revoked(tx, row.id)
        emit(tx, "identity.user.update", row.id, principal=who, what="password")
        tx.after_commit(self.forget_tokens)

    def reopen(self, tx: Tx, row: UserRow, password_hash: str) -> None:
        """By the operator at the machine: whatever else was asked of this user's logins, the new
        password alone is enough."""
        asked = ("lock_password", "multi_factor_auth_enabled", "multi_factor_auth_rules")
        options = {name: value for name, value in row.options.items() if name not in asked}
        row = tx.update(row, enabled=True, last_active_at=tx.now, options=options)
        self.set_password(tx, row, password_hash, None)

    def delete(self, tx: Tx, user_id: str, who: Principal) -> None:
        """With all that is the user's own: the rows' foreign keys."""
        row = self.get(tx, user_id)
        refuse_foreign(row)
        tx.run(roles.DROP_ACTOR, actor=row.id)
        tx.delete(row)
        self._revoked(tx, row.id)
        emit(tx, "identity.user.delete", row.id, principal=who)
        tx.after_commit(self.forget_tokens)


def merged(old: Mapping[str, Any], wanted: UserOptions | Unset) -> dict[str, Any]:
    """The options with the wanted ones changed. Raises BadRequest for a rule that is twice there:
    it would say nothing and is a slip."""
    if wanted is UNSET:
        return dict(old)
    rules = wanted.multi_factor_auth_rules
    if isinstance(rules, list):
        unordered = [frozenset(rule) for rule in rules]
        repeats = any(len(set(rule)) < len(rule) for rule in rules)
        if repeats or len(set(unordered)) < len(unordered):
            raise BadRequest("Invalid input for user: 'multi_factor_auth_rules' has duplicates")
    new = {**old, **msgspec.to_builtins(wanted)}
    return {name: value for name, value in new.items() if value is not None}


def _federated(wanted: list[FederatedIdentity] | Unset) -> list[dict[str, Any]]:
    return [] if wanted is UNSET else msgspec.to_builtins(wanted)


def _check_default_project(tx: Tx, project_id: str | Unset | None) -> None:
    if isinstance(project_id, str) and tx.get(DomainRow, project_id) is not None:
        raise BadRequest("User's default project ID cannot be a domain ID")
