"""The method `totp`: time-based one-time passwords (RFC 6238), six digits every 30 seconds."""

import base64
import binascii
import hashlib
import hmac
import struct
import time
from collections.abc import Callable
from typing import Annotated

import msgspec

from cumulo.core.db.transaction import Database, Tx
from cumulo.identity.model.user import UserRow
from cumulo.identity.service.authentication.method import (
    Attempt,
    Directory,
    Identified,
    NamedUser,
    refused,
)
from cumulo.identity.service.guessing import Guessing
from cumulo.identity.service.once import Once

STEP = 30
DIGITS = 6
PREVIOUS_WINDOWS = 1
"""Codes of this many steps ago are taken too: clocks differ and fingers are slow."""

Secrets = Callable[[Tx, str], list[str]]
"""(tx, user id): the secrets of the user's credentials of the type `totp`, base32."""


class UserWithPasscode(NamedUser, kw_only=True):
    passcode: Annotated[str, msgspec.Meta(max_length=255)]


class TotpShape(msgspec.Struct):
    user: UserWithPasscode


class TotpMethod:
    name = "totp"
    shape = TotpShape

    def __init__(
        self,
        database: Database,
        directory: Directory,
        guessing: Guessing,
        secrets: Secrets,
        *,
        good_once: bool = False,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._directory = directory
        self._guessing = guessing
        self._secrets = secrets
        self._clock = clock
        self._good_once = good_once

    async def identify(self, asked: TotpShape, attempt: Attempt) -> Identified:
        named = asked.user

        def read(tx: Tx) -> tuple[UserRow | None, list[str]]:
            user = self._directory.user(tx, named)
            return user, [] if user is None else self._secrets(tx, user.id)

        user, secrets = await self._database.read(read)
        key = f"totp {user.id if user is not None else f'?{named.id}/{named.name}'}"
        # A code has a million values only: without back-off it could be guessed.
        await self._guessing.admit(key, attempt.address)
        now = self._clock()
        # All secrets are tried, whichever fits: the time must not tell.
        fits = [(secret, counter_of(secret, named.passcode, now)) for secret in secrets]
        right = [(secret, counter) for secret, counter in fits if counter is not None]
        if user is None or not right:
            await self._guessing.failed(key, attempt.address)
            raise refused()
        await self._guessing.succeeded(key, attempt.address)
        if not self._good_once:
            return Identified(user=user, methods=("totp",))
        once = [
            Once(f"totp {user.id} {secret} {counter}", (counter + PREVIOUS_WINDOWS + 1.0) * STEP)
            for secret, counter in right
        ]
        return Identified(user=user, methods=("totp",), once=tuple(once))


def counter_of(secret: str, code: str, now: float) -> int | None:
    """The step, now or before, whose code of the secret this is."""
    key = decoded(secret)
    if key is None:
        return None
    latest = int(now // STEP)
    steps = [latest - ago for ago in range(PREVIOUS_WINDOWS + 1) if latest >= ago]
    wanted = code.encode(errors="surrogatepass")
    found = [hmac.compare_digest(hotp(key, step).encode(), wanted) for step in steps]
    return next((step for step, same in zip(steps, found, strict=True) if same), None)


def decoded(secret: str) -> bytes | None:
    """The bytes of a base32 secret with or without padding; None for what is none."""
    text = secret.strip().replace(" ", "").rstrip("=")
    try:
        return base64.b32decode(text + "=" * (-len(text) % 8), casefold=True) or None
    except (binascii.Error, ValueError):
        return None


def hotp(key: bytes, counter: int, digits: int = DIGITS) -> str:
    """RFC 4226."""
    digest = hmac.digest(key, struct.pack(">Q", counter), hashlib.sha1)
    place = digest[-1] & 0xF
    number = struct.unpack(">I", digest[place : place + 4])[0] & 0x7FFFFFFF
    return str(number % 10**digits).zfill(digits)
