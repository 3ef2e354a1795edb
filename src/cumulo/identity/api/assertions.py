"""Keystone to keystone on the wire: `auth/OS-FEDERATION/saml2` and `…/ecp`."""

from typing import Annotated

import msgspec

from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.identity.service.federation.assertions import Letter
from cumulo.identity.service.identity import IdentityService

Id = Annotated[str, msgspec.Meta(max_length=4096)]


class Named(msgspec.Struct, forbid_unknown_fields=True):
    id: Id


class AssertionIdentity(msgspec.Struct, forbid_unknown_fields=True):
    token: Named
    methods: list[str] = []


class AssertionScope(msgspec.Struct, forbid_unknown_fields=True):
    service_provider: Named


class AssertionAuth(msgspec.Struct, forbid_unknown_fields=True):
    identity: AssertionIdentity
    scope: AssertionScope


class AssertionRequest(msgspec.Struct, forbid_unknown_fields=True):
    auth: AssertionAuth


class AssertionsApi:
    def __init__(self, identity: IdentityService) -> None:
        self._assertions = identity.assertions_for_others

    def operations(self) -> list[Operation]:
        root = "/v3/auth/OS-FEDERATION/saml2"
        return [
            Operation(
                "POST", path, handler, public=True, body=AssertionRequest, status=200, kind="stream"
            )
            for path, handler in ((root, self.plain), (f"{root}/ecp", self.wrapped))
        ]

    async def _letter(self, call: Call) -> Letter:
        asked: AssertionAuth = call.body.auth
        return await self._assertions.write(
            asked.identity.token.id, asked.scope.service_provider.id
        )

    async def plain(self, call: Call) -> Reply:
        letter = await self._letter(call)
        return _xml(letter, letter.response)

    async def wrapped(self, call: Call) -> Reply:
        letter = await self._letter(call)
        return _xml(letter, self._assertions.envelope(letter))


def _xml(letter: Letter, text: str) -> Reply:
    headers = {"X-sp-url": letter.sp_url, "X-auth-url": letter.auth_url}
    return Reply(200, None, headers, raw=text.encode(), content_type="text/xml")
