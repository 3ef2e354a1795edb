"""The method `oauth1`: a request for a token, signed by a consumer with its access token."""

import msgspec

from cumulo.core.clock import seconds_of
from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import BadRequest
from cumulo.identity.model.oauth1 import AccessTokenRow, ConsumerRow
from cumulo.identity.model.user import UserRow
from cumulo.identity.service import signed_requests
from cumulo.identity.service.authentication.method import (
    Attempt,
    Binding,
    Identified,
    Scope,
    refused,
)
from cumulo.identity.service.oauth1 import OAuth1


class OAuth1Shape(msgspec.Struct):
    """Nothing: all is in the header."""


class OAuth1Method:
    name = "oauth1"
    shape = OAuth1Shape

    def __init__(self, database: Database, oauth1: OAuth1) -> None:
        self._database = database
        self._oauth1 = oauth1

    async def identify(self, asked: OAuth1Shape, attempt: Attempt) -> Identified:
        return await self._database.read(lambda tx: self._identify(tx, attempt))

    def _identify(self, tx: Tx, attempt: Attempt) -> Identified:
        signed = signed_requests.read(attempt.authorization)
        if not signed.token_id:
            raise BadRequest("Expecting to find oauth_token in request.")
        token = tx.get(AccessTokenRow, signed.token_id)
        consumer = tx.get(ConsumerRow, signed.consumer_id)
        if token is None or consumer is None or token.consumer_id != consumer.id:
            raise refused()
        signed_requests.check(
            signed,
            attempt.url,
            attempt.authorization,
            self._oauth1.secret(consumer),
            self._oauth1.secret(token),
        )
        user = tx.get(UserRow, token.user_id)
        if user is None or token.expires_at <= tx.now:
            raise refused()
        return Identified(
            user=user,
            methods=("oauth1",),
            scope=Scope("project", token.project_id),
            wish="ignored",
            expires=seconds_of(token.expires_at),
            binding=Binding(access_token_id=token.id),
            once=(signed.once,),
        )
