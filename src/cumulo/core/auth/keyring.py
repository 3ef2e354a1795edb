"""Fernet keys in a directory, for tokens and for secrets at rest.

The keys are files named by number, as keystone keeps them: the highest number encrypts, all of
them decrypt, so what was encrypted stays readable for as many rotations as keys are kept.

Another process may rotate at any time. The directory's time says so: it is looked at before each
encryption (2 µs), and when something cannot be decrypted, which may be of a key not read yet.
"""

import itertools
import os
import re
import time
from collections.abc import Callable
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

KEYS_LIMIT = 64


def nowhere() -> None:
    """There is one control node."""


look_elsewhere: Callable[[], None] = nowhere
"""Called when nothing here opens what was shown: other control nodes may have newer keys, which are
files then."""
UNSURE = 1.0
"""Seconds after a change in which the directory's time may not tell another one from it."""

_KEY_NAME = re.compile(r"0|[1-9][0-9]{0,8}")


class KeyRing:
    """The keys of a directory.

    The directory (0700) and its first key are made if absent. Raises ValueError when a key file
    holds no Fernet key.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.publish: Callable[[str, bytes], None] | None = None
        """Told a new key, by its folder's name and number; blocks."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self._numbers():
            self._write(0)
        self._seen = (0, 0.0)
        self._fernet = self._load()

    def encrypt(self, text: str) -> str:
        """The text as a Fernet token of the newest key."""
        return self.seal(text.encode()).decode("ascii")

    def decrypt(self, token: str) -> str:
        """Raises cryptography.fernet.InvalidToken when no key fits."""
        return self.open(token.encode()).decode()

    def seal(self, content: bytes) -> bytes:
        self._reload_if_changed()
        return self._fernet.encrypt(content)

    def open(self, token: bytes) -> bytes:
        """Raises cryptography.fernet.InvalidToken when no key fits."""
        try:
            return self._fernet.decrypt(token)
        except InvalidToken:
            look_elsewhere()
            if not self._reload_if_changed():
                raise
            return self._fernet.decrypt(token)

    def _reload_if_changed(self) -> bool:
        """Whether the keys were read again."""
        changed = self._directory.stat().st_mtime_ns
        known, read_at = self._seen
        if changed == known and read_at - changed / 1e9 > UNSURE:
            return False
        if changed == known and time.time() - read_at < UNSURE / 10:
            # Just read: whoever sends nonsense must not make us read keys all the time.
            return False
        self.reload()
        return True

    def rotate(self, keep: int = 3, *, needed: float = 0.0) -> None:
        """Make a new primary key; keep at least `keep` (2 or more) of the newest, and whatever was
        the primary within the last `needed` seconds: what it made may still be in use."""
        self.add()
        self.prune(keep, needed=needed)

    def add(self) -> None:
        """Make a new primary key. Other control nodes have it before it is used."""
        number, key = self._numbers()[-1] + 1, Fernet.generate_key()
        if self.publish is not None:
            self.publish(f"{self._directory.name}/{number}", key)
        self._write(number, key)
        self.reload()

    def prune(self, keep: int = 3, *, needed: float = 0.0) -> int:
        """Remove old keys, see `rotate`; how many are left."""
        numbers = self._numbers()
        for number, successor in itertools.pairwise(numbers[: 1 - max(keep, 2)]):
            # It was the primary until its successor was made.
            if (self._directory / str(successor)).stat().st_mtime < time.time() - needed:
                (self._directory / str(number)).unlink()
        self.reload()
        return len(self._numbers())

    @property
    def count(self) -> int:
        return len(self._numbers())

    def reload(self) -> None:
        """Read the directory again, after another process has rotated."""
        self._fernet = self._load()

    def _numbers(self) -> list[int]:
        names = (entry.name for entry in self._directory.iterdir())
        return sorted(int(name) for name in names if _KEY_NAME.fullmatch(name))

    def _load(self) -> MultiFernet:
        self._seen = (self._directory.stat().st_mtime_ns, time.time())
        newest_first = self._numbers()[: -KEYS_LIMIT - 1 : -1]
        keys = []
        for number in newest_first:
            try:
                keys.append(Fernet((self._directory / str(number)).read_bytes().strip()))
            except FileNotFoundError:  # removed by a rotation just now
                continue
        return MultiFernet(keys)

    def _write(self, number: int, key: bytes = b"") -> None:
        # Written beside and linked into place: a reader never sees half a key, and of two
        # processes that make the first key one wins and both use it.
        made = self._directory / f".new-{os.getpid()}-{number}"
        handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(key or Fernet.generate_key())
                file.flush()
                os.fsync(file.fileno())
            os.link(made, self._directory / str(number))
        except FileExistsError:
            pass
        finally:
            made.unlink()
