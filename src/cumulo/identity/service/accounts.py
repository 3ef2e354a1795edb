"""Accounts: is a password right, may it still be used, may it be that one.

The rules of payment-card standards (lockout, expiry, history, minimum age, inactivity) are pure
functions of a user's row and the settings; each user's `options` can except it from them.
"""

from datetime import date

from cumulo.core.auth.passwords import Passwords, PasswordTooLong
from cumulo.core.clock import Moment, later, seconds_of
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import BadRequest, Unauthorized
from cumulo.core.wire.patterns import OperatorsPattern
from cumulo.identity.model.user import UserRow
from cumulo.identity.service.guessing import Guessing
from cumulo.identity.service.read_only import refuse_foreign
from cumulo.identity.service.security import SecurityRules
from cumulo.identity.service.users import Users

REFUSED = "The request you have made requires authentication."
DAY = 86400.0


class Accounts:
    def __init__(
        self, database: Database, passwords: Passwords, users: Users, rules: SecurityRules
    ) -> None:
        self._database = database
        self._passwords = passwords
        self._users = users
        self._rules = rules
        self.guessing = Guessing(database)

    async def check(self, user: UserRow | None, secret: str, name: str, address: str) -> UserRow:
        """The user, if this is the password and the account is open. `name`: what the client
        called the user, for the count of guesses.

        Unknown, disabled and locked users take as long as a wrong password and sound the same.
        """
        key = user.id if user is not None else f"?{name}"
        stored = user.password_hash if user is not None and self._is_open(user) else None
        if user is not None and self._is_known(stored, secret, key, address):
            await self._note_success(user)
            return user
        await self.guessing.admit(key, address)
        right = await self._is_right(user, secret)
        if user is None or not right:
            await self.guessing.failed(key, address)
            if user is not None and self._rules.lockout_failure_attempts:
                user_id = user.id
                await self._database.write(
                    lambda tx: self._note_failure(tx, user_id), name="note failed login"
                )
            raise Unauthorized(REFUSED)
        await self.guessing.succeeded(key, address)
        await self._note_success(user)
        return user

    def _is_known(self, stored: str | None, secret: str, key: str, address: str) -> bool:
        """Was it right a moment ago, and comes from where its owner is known? Then guesses of
        others, behind the same address say, do not make it wait."""
        if stored is None or not self.guessing.may_peek(key, address):
            return False
        if self._passwords.is_known(secret, stored):
            return True
        self.guessing.peeked_in_vain(key, address)
        return False

    def _is_open(self, user: UserRow) -> bool:
        now = self._users.now()
        return is_enabled(user, self._rules, now) and not is_locked(user, self._rules, now)

    def now(self) -> Moment:
        return self._users.now()

    def is_enabled(self, user: UserRow) -> bool:
        return is_enabled(user, self._rules, self.now())

    async def check_secret(self, stored: str | None, secret: str, key: str, address: str) -> None:
        """401 unless `stored` is the hash of the secret; None takes as long as a wrong one."""
        if self._is_known(stored, secret, key, address):
            return
        await self.guessing.admit(key, address)
        if stored is None:
            right = await self._passwords.verify_unknown_user(secret)
        else:
            right = await self._passwords.verify(secret, stored)
        if not right:
            await self.guessing.failed(key, address)
            raise Unauthorized(REFUSED)
        await self.guessing.succeeded(key, address)

    async def _is_right(self, user: UserRow | None, secret: str) -> bool:
        if user is None or user.password_hash is None or not self._is_open(user):
            return await self._passwords.verify_unknown_user(secret)
        return await self._passwords.verify(secret, user.password_hash)

    def refuse_expired(self, user: UserRow) -> None:
        """401 that says so: whoever knows an expired password may be told to change it."""
        ends = user.password_expires_at
        if ends is None or user.options.get("ignore_password_expiry"):
            return
        if ends <= self._users.now():
            raise Unauthorized(
                f"The password is expired and needs to be changed for user: {user.id}."
            )

    def _note_failure(self, tx: Tx, user_id: str) -> None:
        row = tx.get(UserRow, user_id)
        if row is None:
            return
        over = row.failed_logins >= self._rules.lockout_failure_attempts and not is_locked(
            row, self._rules, tx.now
        )
        count = 1 if over else row.failed_logins + 1
        tx.update(row, failed_logins=count, failed_at=tx.now)

    async def _note_success(self, user: UserRow) -> None:
        """Written only where a setting asks for it, and once a day."""
        watched = self._rules.disable_user_account_days_inactive > 0
        stale = watched and (user.last_active_at or "")[:10] != self._users.now()[:10]
        if not stale and not user.failed_logins:
            return

        def write(tx: Tx) -> None:
            row = tx.get(UserRow, user.id)
            if row is not None:
                active = tx.now if watched else row.last_active_at
                tx.update(row, failed_logins=0, failed_at=None, last_active_at=active)

        await self._database.write(write, name="note login")

    async def hash_of(self, password: object) -> str | None:
        """The hash of a new password that fits the rules; None for None. Raises BadRequest."""
        if password is None:
            return None
        if not isinstance(password, str):
            raise BadRequest("Invalid input for user: 'password' must be a text")
        pattern = self._rules.password_regex
        if pattern and not OperatorsPattern(pattern).fits(password):
            what = self._rules.password_regex_description or "a pattern that the operator has set"
            raise BadRequest(f"The password does not match the requirements: {what}.")
        try:
            return await self._passwords.hash(password)
        except PasswordTooLong as error:
            raise BadRequest(f"Invalid input for user: 'password' is {error}") from None

    async def change_password(
        self, user_id: str, original: str, password: str, address: str
    ) -> None:
        """By the user, who proves the old one; it may have expired."""
        found = await self._database.read(lambda tx: tx.get(UserRow, user_id))
        if found is not None:
            refuse_foreign(found)
        user = await self.check(found, original, user_id, address)
        self._refuse_self_service(user)
        hashed = await self.hash_of(password)
        assert hashed is not None
        await self._refuse_repeated(user, password)

        def write(tx: Tx) -> None:
            row = self._users.get(tx, user_id)
            if row.password_hash != user.password_hash:
                raise Unauthorized(REFUSED)
            self._users.set_password(tx, row, hashed, None)

        await self._database.write(write, name="change password")

    def _refuse_self_service(self, user: UserRow) -> None:
        if user.options.get("lock_password"):
            raise BadRequest(
                "You cannot change your password at this time due to password policy disallowing "
                "password changes. Please contact your administrator to reset your password."
            )
        days = self._rules.minimum_password_age
        if not days or not user.password_by_user or user.password_set_at is None:
            return
        allowed_at = later(user.password_set_at, days * DAY)
        if allowed_at > self._users.now():
            left = seconds_of(allowed_at) - seconds_of(self._users.now())
            raise BadRequest(
                "You cannot change your password at this time due to the minimum password age. "
                f"Once you change your password, it must be used for {days} day(s) before it can "
                f"be changed. Please try again in {int(left // DAY) + 1} day(s) or contact your "
                "administrator to reset your password."
            )

    async def _refuse_repeated(self, user: UserRow, password: str) -> None:
        count = self._rules.unique_last_password_count
        if count <= 0:
            return
        old = await self._database.read(lambda tx: self._users.old_passwords(tx, user.id, count))
        for stored in dict.fromkeys([user.password_hash, *old]):
            if stored is not None and await self._passwords.verify(password, stored):
                raise BadRequest(
                    "The new password cannot be identical to a previous password. The total "
                    f"number which includes the new password must be unique is {count}."
                )


def is_locked(user: UserRow, rules: SecurityRules, now: Moment) -> bool:
    most = rules.lockout_failure_attempts
    if not most or user.options.get("ignore_lockout_failure_attempts"):
        return False
    if user.failed_logins < most or user.failed_at is None:
        return False
    return later(user.failed_at, rules.lockout_duration) > now


def is_enabled(user: UserRow, rules: SecurityRules, now: Moment) -> bool:
    """Not disabled by an administrator, nor by not having been here for too long."""
    days = rules.disable_user_account_days_inactive
    if user.origin is not None:  # its directory has rules of its own
        return user.enabled
    if not user.enabled or not days or user.options.get("ignore_user_inactivity"):
        return user.enabled
    last = (user.last_active_at or user.created_at or now)[:10]
    return (date.fromisoformat(now[:10]) - date.fromisoformat(last)).days < days
