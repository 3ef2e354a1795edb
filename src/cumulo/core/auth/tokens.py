"""Fernet tokens: everything about a token is in the token, so that none is stored.

A token outlives a rotation of the keys (core.auth.keyring) by as many rotations as keys are kept.
"""

import base64
import os
import re
from typing import Literal

import msgspec
from cryptography.fernet import InvalidToken as FernetInvalid

from cumulo.core.auth.keyring import KeyRing

TOKEN_LIMIT = 4096  # characters; a client's header may not be longer in the real one either
VERSION = 1
RECEIPT = 2
"""The version of a receipt: some methods of authentication passed, more are needed."""

ScopeKind = Literal["unscoped", "project", "domain", "system"]

_HEX_ID = re.compile(r"[0-9a-f]{32}")


class InvalidToken(Exception):
    """Not one of ours, or damaged. Whether it has expired is for the caller to say."""


class TokenPayload(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says.

    `scope_id`: the project's or domain's id, "all" for system, empty for unscoped.
    `issued_at`, `expires_at`: Unix seconds. `audit_ids`: this token's own, then its parent's.
    """

    version: int = VERSION
    user_id: str
    methods: list[str]
    scope: ScopeKind = "unscoped"
    scope_id: str = ""
    issued_at: float
    expires_at: float
    audit_ids: list[str]
    trust_id: str | None = None
    app_cred_id: str | None = None
    access_token_id: str | None = None
    identity_provider_id: str | None = None
    protocol_id: str | None = None
    federated_group_ids: list[str] = []
    certificate: str | None = None


class _Packed(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """The payload on the wire: positions for names, 17 bytes for ids of 32 digits."""

    version: int
    user_id: bytes
    methods: list[str]
    scope: ScopeKind
    scope_id: bytes
    issued_at: float
    expires_at: float
    audit_ids: list[str]
    trust_id: bytes | None = None
    app_cred_id: bytes | None = None
    access_token_id: bytes | None = None
    identity_provider_id: bytes | None = None
    protocol_id: bytes | None = None
    federated_group_ids: list[bytes] = []
    certificate: str | None = None


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Packed)


def new_audit_id() -> str:
    """A random audit id as keystone makes them: 22 characters."""
    return base64.urlsafe_b64encode(os.urandom(16)).rstrip(b"=").decode()


class TokenKeys(KeyRing):
    """The keys of a directory, and tokens made and read with them."""

    def encode(self, payload: TokenPayload) -> str:
        """The payload as a token, without padding. Raises ValueError if it would be too long."""
        packed = _encoder.encode(_pack(payload))
        token = self.seal(packed).decode("ascii").rstrip("=")
        if len(token) > TOKEN_LIMIT:
            raise ValueError(f"the token would be longer than {TOKEN_LIMIT} characters")
        return token

    def decode(self, token: str, version: int = VERSION) -> TokenPayload:
        """What a token says. Raises InvalidToken for anything that `encode` has not made, and
        for a payload of another version: a receipt is no token."""
        if len(token) > TOKEN_LIMIT or not token.isascii():
            raise InvalidToken
        padded = token.encode("ascii") + b"=" * (-len(token) % 4)
        try:
            # base64 overlooks foreign characters and spare bits: one token, one spelling.
            if base64.urlsafe_b64encode(base64.urlsafe_b64decode(padded)) != padded:
                raise InvalidToken
            payload = _unpack(_decoder.decode(self.open(padded)))
        except (FernetInvalid, msgspec.DecodeError, ValueError) as error:
            raise InvalidToken from error
        if payload.version != version:
            raise InvalidToken
        return payload


def _shrink(text: str) -> bytes:
    # The first byte says which it is. msgspec has no "bytes or text".
    if _HEX_ID.fullmatch(text):
        return b"\1" + bytes.fromhex(text)
    return b"\0" + text.encode()


def _grow(packed: bytes) -> str:
    return packed[1:].hex() if packed[:1] == b"\1" else packed[1:].decode()


def _shrink_optional(text: str | None) -> bytes | None:
    return None if text is None else _shrink(text)


def _grow_optional(packed: bytes | None) -> str | None:
    return None if packed is None else _grow(packed)


def _pack(payload: TokenPayload) -> _Packed:
    return _Packed(
        payload.version,
        _shrink(payload.user_id),
        payload.methods,
        payload.scope,
        _shrink(payload.scope_id),
        payload.issued_at,
        payload.expires_at,
        payload.audit_ids,
        _shrink_optional(payload.trust_id),
        _shrink_optional(payload.app_cred_id),
        _shrink_optional(payload.access_token_id),
        _shrink_optional(payload.identity_provider_id),
        _shrink_optional(payload.protocol_id),
        [_shrink(group) for group in payload.federated_group_ids],
        payload.certificate,
    )


def _unpack(packed: _Packed) -> TokenPayload:
    return TokenPayload(
        version=packed.version,
        user_id=_grow(packed.user_id),
        methods=packed.methods,
        scope=packed.scope,
        scope_id=_grow(packed.scope_id),
        issued_at=packed.issued_at,
        expires_at=packed.expires_at,
        audit_ids=packed.audit_ids,
        trust_id=_grow_optional(packed.trust_id),
        app_cred_id=_grow_optional(packed.app_cred_id),
        access_token_id=_grow_optional(packed.access_token_id),
        identity_provider_id=_grow_optional(packed.identity_provider_id),
        protocol_id=_grow_optional(packed.protocol_id),
        federated_group_ids=[_grow(group) for group in packed.federated_group_ids],
        certificate=packed.certificate,
    )
