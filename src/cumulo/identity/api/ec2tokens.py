"""Tokens for signed requests on the wire: identity API v3, `ec2tokens` and `s3tokens`.

Only services (and administrators) may ask: whoever has seen a signed request could else turn it
into a token.
"""

from collections.abc import Callable

import msgspec

from cumulo.core.db.transaction import Database, Tx
from cumulo.core.faults import BadRequest, NotFound, Unauthorized
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.identity.api.token_bodies import token_body
from cumulo.identity.service.authentication.authentication import Issued, failed_login
from cumulo.identity.service.authentication.ec2 import SignedRequest
from cumulo.identity.service.authentication.method import Identified
from cumulo.identity.service.identity import IdentityService

BODY_LIMIT = 128 * 1024


class SignedBody(msgspec.Struct):
    """Under any of three names: clients have used them all."""

    credentials: SignedRequest | None = None
    credential: SignedRequest | None = None
    ec2_credentials: SignedRequest | None = msgspec.field(default=None, name="ec2Credentials")


class Ec2TokensApi:
    def __init__(self, identity: IdentityService, database: Database) -> None:
        self._identity = identity
        self._database = database

    def operations(self) -> list[Operation]:
        return [
            Operation(
                "POST",
                "/v3/ec2tokens",
                self.ec2,
                policy="identity:ec2tokens_validate",
                body=SignedBody,
                kind="stream",
                body_limit=BODY_LIMIT,
            ),
            Operation(
                "POST",
                "/v3/s3tokens",
                self.s3,
                policy="identity:s3tokens_validate",
                body=SignedBody,
                kind="stream",
                body_limit=BODY_LIMIT,
            ),
        ]

    async def ec2(self, call: Call) -> Reply:
        issued = await self._issued(call, self._identity.ec2.identify_ec2)
        return Reply(200, issued.body, {"X-Subject-Token": issued.token})

    async def s3(self, call: Call) -> Reply:
        """Whose the keys are and what they open; no token that could be used elsewhere."""
        issued = await self._issued(call, self._identity.ec2.identify_s3)
        return Reply(200, issued.body)

    async def _issued(
        self, call: Call, identify: Callable[[Tx, SignedRequest], Identified]
    ) -> Issued:
        body: SignedBody = call.body
        asked = body.credentials or body.credential or body.ec2_credentials
        if asked is None:
            raise BadRequest("Expecting to find credentials in the request.")
        try:
            found = await self._database.read(lambda tx: identify(tx, asked))
        except (NotFound, Unauthorized) as error:
            failed_login(asked.access or "", call.address, "signature", str(error))
            raise
        return await self._identity.authentication.issue(
            found, None, lambda tx, who: token_body(self._identity, tx, who, True)
        )
