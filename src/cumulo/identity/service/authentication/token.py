"""The method `token`: one that is still good, for another scope."""

import msgspec

from cumulo.core.auth.principal import Principal
from cumulo.core.auth.vouched import Vouched
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import Forbidden
from cumulo.identity.model.user import UserRow
from cumulo.identity.service.authentication.method import (
    Attempt,
    Binding,
    Identified,
    Scope,
    Text,
    refused,
)
from cumulo.identity.service.tokens import Tokens

BOUND = ("application_credential", "ec2credential")
"""Methods whose tokens stay with the project that they were made for."""


class TokenShape(msgspec.Struct):
    id: Text


class TokenMethod:
    name = "token"
    shape = TokenShape

    def __init__(self, database: Database, tokens: Tokens) -> None:
        self._database = database
        self._tokens = tokens

    async def identify(self, asked: TokenShape, attempt: Attempt) -> Identified:
        return await self._database.read(lambda tx: self._identify(tx, asked.id, attempt.vouched))

    def _identify(self, tx: Tx, token: str, vouched: Vouched) -> Identified:
        parent = self._tokens.look_up(tx, token)
        _refuse_delegated(parent)
        if parent.certificate is not None and parent.certificate != vouched.thumbprint:
            raise refused()
        user = tx.get(UserRow, parent.user_id)
        if user is None:
            raise refused()
        credential = parent.application_credential
        binding = Binding(
            application_credential_id=None if credential is None else credential.id,
            federation=parent.federation,
            certificate=parent.certificate,
        )
        bound = any(name in BOUND for name in parent.methods)
        return Identified(
            user=user,
            methods=("token", *parent.methods),
            parent=parent,
            expires=parent.expires,
            binding=binding,
            scope=Scope("project", parent.project_id) if bound and parent.project_id else None,
            explicit_scope=parent.federation is not None,
        )


def _refuse_delegated(parent: Principal) -> None:
    """Lent rights must not get more, nor live longer, than they were lent for."""
    for mark, kind in ((parent.access_token, "OAuth"), (parent.trust, "trust")):
        if mark is not None:
            raise Forbidden(
                "You are not authorized to perform the requested action: Using "
                f"{kind}-scoped token to create another token. Create a new {kind}-scoped token "
                "instead."
            )


class FederatedTokenMethod(TokenMethod):
    """The older way to scope a foreign provider's token: its protocol's name for `token`."""

    def __init__(self, database: Database, tokens: Tokens, name: str) -> None:
        super().__init__(database, tokens)
        self.name = name

    def _identify(self, tx: Tx, token: str, vouched: Vouched) -> Identified:
        found = super()._identify(tx, token, vouched)
        if found.binding.federation is None:
            raise refused()
        return found
