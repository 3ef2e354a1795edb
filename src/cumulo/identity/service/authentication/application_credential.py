"""The method `application_credential`."""

import msgspec

from cumulo.core.clock import seconds_of
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import BadRequest
from cumulo.identity.model.application_credential import ApplicationCredentialRow
from cumulo.identity.model.user import UserRow
from cumulo.identity.service.accounts import Accounts
from cumulo.identity.service.application_credentials import ApplicationCredentials, usable
from cumulo.identity.service.authentication.method import (
    Attempt,
    Binding,
    Directory,
    Identified,
    NamedUser,
    Scope,
    Text,
    refused,
)


class ApplicationCredentialShape(msgspec.Struct):
    """By its id, or by its name and its user's."""

    secret: Text
    id: Text | None = None
    name: Text | None = None
    user: NamedUser | None = None


class ApplicationCredentialMethod:
    name = "application_credential"
    shape = ApplicationCredentialShape

    def __init__(
        self,
        database: Database,
        directory: Directory,
        accounts: Accounts,
        credentials: ApplicationCredentials,
    ) -> None:
        self._database = database
        self._directory = directory
        self._accounts = accounts
        self._credentials = credentials

    async def identify(self, asked: ApplicationCredentialShape, attempt: Attempt) -> Identified:
        row, user = await self._database.read(lambda tx: self._find(tx, asked))
        known = row is not None and user is not None and usable(row, self._accounts.now())
        stored = row.secret_hash if known and row is not None else None
        key = row.id if row is not None else f"?{asked.id}/{asked.name}"
        await self._accounts.check_secret(stored, asked.secret, key, attempt.address)
        if row is None or user is None:
            raise refused()
        return Identified(
            user=user,
            methods=("application_credential",),
            scope=Scope("project", row.project_id),
            wish="none",
            expires=None if row.expires_at is None else seconds_of(row.expires_at),
            binding=Binding(application_credential_id=row.id),
        )

    def _find(
        self, tx: Tx, asked: ApplicationCredentialShape
    ) -> tuple[ApplicationCredentialRow | None, UserRow | None]:
        if asked.id is not None:
            row = tx.get(ApplicationCredentialRow, asked.id)
            return row, None if row is None else tx.get(UserRow, row.user_id)
        if asked.name is None or asked.user is None:
            raise BadRequest("Expecting to find id, or name and user, in application_credential.")
        user = self._directory.user(tx, asked.user)
        if user is None:
            return None, None
        return self._credentials.find(tx, user.id, asked.name), user
