"""Fernet tokens: everything about a token is in the token, so that none is stored.

The keys are files named by number, as keystone keeps them: the highest number makes new tokens,
all of them are accepted, so a token outlives a rotation by as many rotations as keys are kept.
"""

import base64
import os
import re
from pathlib import Path
from typing import Literal

import msgspec
from cryptography.fernet import Fernet, MultiFernet
from cryptography.fernet import InvalidToken as FernetInvalid

TOKEN_LIMIT = 4096  # characters; a client's header may not be longer in the real one either
KEYS_LIMIT = 64
VERSION = 1
RECEIPT = 2
"""The version of a receipt: some methods of authentication passed, more are needed."""

ScopeKind = Literal["unscoped", "project", "domain", "system"]

_HEX_ID = re.compile(r"[0-9a-f]{32}")
_KEY_NAME = re.compile(r"0|[1-9][0-9]{0,8}")


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


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(_Packed)


def new_audit_id() -> str:
    """A random audit id as keystone makes them: 22 characters."""
    return base64.urlsafe_b64encode(os.urandom(16)).rstrip(b"=").decode()


class TokenKeys:
    """The keys of a directory, and tokens made and read with them.

    The directory (0700) and its first key are made if absent. Raises ValueError when a key file
    holds no Fernet key.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._numbers():
            self._write(0)
        self._fernet = self._load()

    def encode(self, payload: TokenPayload) -> str:
        """The payload as a token, without padding. Raises ValueError if it would be too long."""
        packed = _encoder.encode(_pack(payload))
        token = self._fernet.encrypt(packed).decode("ascii").rstrip("=")
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
            payload = _unpack(_decoder.decode(self._fernet.decrypt(padded)))
        except (FernetInvalid, msgspec.DecodeError, ValueError) as error:
            raise InvalidToken from error
        if payload.version != version:
            raise InvalidToken
        return payload

    def rotate(self, keep: int = 3) -> None:
        """Make a new primary key and keep at most `keep` (at least 2) of the newest."""
        numbers = self._numbers()
        self._write(numbers[-1] + 1)
        for number in numbers[: -max(keep - 1, 1)]:
            (self._directory / str(number)).unlink()
        self.reload()

    def reload(self) -> None:
        """Read the directory again, after another process has rotated."""
        self._fernet = self._load()

    def _numbers(self) -> list[int]:
        names = (entry.name for entry in self._directory.iterdir())
        return sorted(int(name) for name in names if _KEY_NAME.fullmatch(name))

    def _load(self) -> MultiFernet:
        newest_first = self._numbers()[: -KEYS_LIMIT - 1 : -1]
        paths = [self._directory / str(number) for number in newest_first]
        return MultiFernet([Fernet(path.read_bytes().strip()) for path in paths])

    def _write(self, number: int) -> None:
        # Written beside and linked into place: a reader never sees half a key, and of two
        # processes that make the first key one wins and both use it.
        made = self._directory / f".new-{os.getpid()}-{number}"
        handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(Fernet.generate_key())
                file.flush()
                os.fsync(file.fileno())
            os.link(made, self._directory / str(number))
        except FileExistsError:
            pass
        finally:
            made.unlink()


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
    )
