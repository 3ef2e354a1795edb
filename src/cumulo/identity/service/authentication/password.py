"""The method `password`."""

import msgspec

from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import BadRequest
from cumulo.identity.model.user import UserRow
from cumulo.identity.service.accounts import Accounts
from cumulo.identity.service.authentication.method import (
    Attempt,
    Directory,
    Identified,
    NamedUser,
    Text,
)
from cumulo.identity.service.directories import Directories


class UserWithPassword(NamedUser):
    password: Text | None = None


class PasswordShape(msgspec.Struct):
    user: UserWithPassword


class PasswordMethod:
    name = "password"
    shape = PasswordShape

    def __init__(
        self,
        database: Database,
        directory: Directory,
        accounts: Accounts,
        directories: Directories,
    ) -> None:
        self._database = database
        self._directory = directory
        self._accounts = accounts
        self._directories = directories

    async def identify(self, asked: PasswordShape, attempt: Attempt) -> Identified:
        named = asked.user
        if named.password is None:
            raise BadRequest("Expecting to find password in user.")
        domain_id = None
        row = self._directory.known_user(named)
        if row is None:
            row, domain_id = await self._database.read(lambda tx: self._find(tx, named))
        if domain_id is not None:
            user = await self._directories.login(
                domain_id, row, named.name or "", named.password, attempt.address
            )
            return Identified(user=user, methods=("password",))
        called = named.id or f"{named.domain}/{named.name}"
        user = await self._accounts.check(row, named.password, called, attempt.address)
        self._accounts.refuse_expired(user)
        return Identified(user=user, methods=("password",))

    def _find(self, tx: Tx, named: NamedUser) -> tuple[UserRow | None, str | None]:
        """The user, and the domain whose directory is to be asked about it."""
        row = self._directory.user(tx, named)
        if row is not None:
            return row, row.domain_id if row.origin is not None else None
        if named.id is not None or named.domain is None:
            return None, None
        domain = self._directory.domain(tx, named.domain)
        known = domain is not None and self._directories.has(tx, domain.id)
        return None, domain.id if domain is not None and known else None
