"""Hash sums of a stream, several at once."""

import hashlib
from typing import Protocol, TypeVar

import msgspec

R_co = TypeVar("R_co", covariant=True)


class Sink(Protocol[R_co]):
    """What looks at every block of a stream, in a thread."""

    @property
    def size(self) -> int:
        """Bytes so far."""

    def add(self, block: bytes) -> None: ...

    def result(self) -> R_co: ...


class Digests(msgspec.Struct, frozen=True):
    """`hex`: the sum of each algorithm, in hexadecimal digits."""

    size: int
    hex: dict[str, str]


class Sums:
    """A sink: `Sums("md5", "sha256")`."""

    def __init__(self, *algorithms: str) -> None:
        self._hashes = [hashlib.new(name, usedforsecurity=False) for name in algorithms]
        self._size = 0

    @property
    def size(self) -> int:
        return self._size

    def add(self, block: bytes) -> None:
        self._size += len(block)
        for each in self._hashes:
            each.update(block)

    def result(self) -> Digests:
        return Digests(self._size, {each.name: each.hexdigest() for each in self._hashes})
