"""The method `password`."""

import msgspec

from cumulo.core.db.transaction import Database
from cumulo.core.faults import BadRequest
from cumulo.identity.service.accounts import Accounts
from cumulo.identity.service.authentication.method import (
    Attempt,
    Directory,
    Identified,
    NamedUser,
    Text,
)


class UserWithPassword(NamedUser):
    password: Text | None = None


class PasswordShape(msgspec.Struct):
    user: UserWithPassword


class PasswordMethod:
    name = "password"
    shape = PasswordShape

    def __init__(self, database: Database, directory: Directory, accounts: Accounts) -> None:
        self._database = database
        self._directory = directory
        self._accounts = accounts

    async def identify(self, asked: PasswordShape, attempt: Attempt) -> Identified:
        named = asked.user
        if named.password is None:
            raise BadRequest("Expecting to find password in user.")
        row = await self._database.read(lambda tx: self._directory.user(tx, named))
        called = named.id or f"{named.domain}/{named.name}"
        user = await self._accounts.check(row, named.password, called, attempt.address)
        self._accounts.refuse_expired(user)
        return Identified(user=user, methods=("password",))
