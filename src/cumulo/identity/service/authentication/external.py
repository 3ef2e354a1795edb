"""The methods `external` and `kerberos`: the web server in front has authenticated the user.

It names the user, and may name a domain (`core.http.front`); without one it is the default domain.
"""

from typing import Literal

import msgspec

from cumulo.core.auth.vouched import Vouched
from cumulo.core.db.transaction import Database, Tx
from cumulo.identity.model.domain import DEFAULT_DOMAIN_ID
from cumulo.identity.service.authentication.method import (
    Attempt,
    Directory,
    Identified,
    NamedDomain,
    NamedUser,
    refused,
)


class ExternalShape(msgspec.Struct):
    """Nothing: the front has said it all."""


class ExternalMethod:
    shape = ExternalShape

    def __init__(
        self, database: Database, directory: Directory, name: Literal["external", "kerberos"]
    ) -> None:
        self._database = database
        self._directory = directory
        self.name = name

    async def identify(self, asked: ExternalShape, attempt: Attempt) -> Identified:
        return await self._database.read(lambda tx: self._identify(tx, attempt.vouched))

    def _identify(self, tx: Tx, vouched: Vouched) -> Identified:
        if not vouched.user:
            raise refused()
        home = NamedDomain(name=vouched.domain or None)
        if home.name is None:
            home.id = DEFAULT_DOMAIN_ID
        user = self._directory.user(tx, NamedUser(name=vouched.user, domain=home))
        if user is None:
            raise refused()
        return Identified(user=user, methods=(self.name,))
