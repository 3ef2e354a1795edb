"""Passwords: bcrypt, kept off the event loop and off the common path.

A hash at cost 12 is over half a second of CPU, a thousand times a request's budget. Three things
keep that from being the speed of the cloud: a password that was right within the last minute is
known by an HMAC of it (the key is random for each process, so memory holds nothing to crack), many
clients that send the same password at once wait for one hash, and a few threads, fewer than there
are cores (but two), are all that hashing gets. A wrong password is never remembered and costs its
hash every time; back-off against guessing is the caller's.
"""

import asyncio
import base64
import hashlib
import hmac
import os
import time
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import bcrypt

BCRYPT_BYTES = 72  # what bcrypt reads; more is an error in bcrypt 5 and was ignored before
PASSWORD_LIMIT = 4096
VERIFIED_SECONDS = 60.0
VERIFIED_LIMIT = 10_000
THREADS = max(2, min(8, len(os.sched_getaffinity(0)) - 1))


class PasswordTooLong(ValueError):
    """A password of more than PASSWORD_LIMIT bytes."""


class Passwords:
    """Hashes and verifies passwords. One for each process; `close` ends its threads.

    `rounds`: log2 of bcrypt's iterations, 4 to 31. `clock`: monotonic seconds.
    """

    def __init__(self, rounds: int = 12, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._rounds = rounds
        self._clock = clock
        self._key = os.urandom(32)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="password")
        self._flights: dict[bytes, asyncio.Future[bool]] = {}
        # Oldest first, as all live equally long: (until, stored) by HMAC.
        self._verified: OrderedDict[bytes, tuple[float, str]] = OrderedDict()
        self._forgotten = 0
        self._dummy: str | None = None

    async def hash(self, password: str) -> str:
        """A new `$2b$` hash, with a random salt. Raises PasswordTooLong."""
        secret = _secret(password)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, _hash, secret, self._rounds)

    async def verify(self, password: str, stored: str) -> bool:
        """Whether `stored` is this password's hash. False, too, for what is not a bcrypt hash."""
        try:
            secret = _secret(password)
        except PasswordTooLong:
            return False
        key = self._name(secret, stored)
        known = self._verified.get(key)
        if known is not None:
            if known[0] > self._clock():
                return True
            del self._verified[key]
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.ensure_future(self._check(key, secret, stored, self._forgotten))
            self._flights[key] = flight
            flight.add_done_callback(lambda _: self._flights.pop(key, None))
        # Shielded: one client that hangs up must not fail the others that wait with it.
        return await asyncio.shield(flight)

    def is_known(self, password: str, stored: str) -> bool:
        """Was it verified within the last minute? Costs microseconds, and tells nothing else."""
        try:
            known = self._verified.get(self._name(_secret(password), stored))
        except PasswordTooLong:
            return False
        return known is not None and known[0] > self._clock()

    def _name(self, secret: bytes, stored: str) -> bytes:
        text = b"%d:%b%b" % (len(stored), _bytes(stored), secret)
        return hmac.digest(self._key, text, "sha256")

    async def verify_unknown_user(self, password: str) -> bool:
        """Take as long as a wrong password does, and say no: names must not be told by time."""
        try:
            secret = _secret(password)
        except PasswordTooLong:
            return False
        loop = asyncio.get_running_loop()
        if self._dummy is None:
            salt = bcrypt.gensalt(self._rounds)
            # A hash that nothing has: bcrypt's 31 characters, all the lowest one.
            self._dummy = salt.decode() + "." * 31
        await loop.run_in_executor(self._pool, _matches, secret, self._dummy)
        return False

    def forget(self, stored: str) -> None:
        """Drop what is known about a stored hash: its user was changed, disabled or deleted."""
        self._forgotten += 1
        for key in [key for key, (_, known) in self._verified.items() if known == stored]:
            del self._verified[key]

    def close(self) -> None:
        """End the threads; hashes in work are finished, waiting ones cancelled."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _check(self, key: bytes, secret: bytes, stored: str, forgotten: int) -> bool:
        loop = asyncio.get_running_loop()
        right = await loop.run_in_executor(self._pool, _matches, secret, stored)
        # What was forgotten meanwhile must not come back; which one it was does not matter.
        if right and forgotten == self._forgotten:
            self._verified[key] = (self._clock() + VERIFIED_SECONDS, stored)
            self._trim()
        return right

    def _trim(self) -> None:
        now = self._clock()
        while self._verified:
            key, (until, _) = next(iter(self._verified.items()))
            if until > now and len(self._verified) <= VERIFIED_LIMIT:
                return
            del self._verified[key]


def _bytes(text: str) -> bytes:
    # A client can send half a surrogate pair in JSON; it is a password like any other.
    return text.encode("utf-8", "surrogatepass")


def _secret(password: str) -> bytes:
    secret = _bytes(password)
    if len(secret) > PASSWORD_LIMIT:
        raise PasswordTooLong(f"longer than {PASSWORD_LIMIT} bytes")
    return secret


def _prehashed(secret: bytes) -> bytes:
    # base64, since bcrypt ends at a zero byte and a digest may hold one.
    if len(secret) <= BCRYPT_BYTES:
        return secret
    return base64.b64encode(hashlib.sha256(secret).digest())


def _hash(secret: bytes, rounds: int) -> str:
    return bcrypt.hashpw(_prehashed(secret), bcrypt.gensalt(rounds)).decode()


def _matches(secret: bytes, stored: str) -> bool:
    try:
        return bcrypt.checkpw(_prehashed(secret), _bytes(stored))
    except ValueError:
        return False
