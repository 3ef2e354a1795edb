"""Encryption at rest: a blob's bytes on the device are its content, XORed with AES-256 in counter
mode under a key of its own.

A blob's id says how it is kept: `…32 digits…` as it is, `….e01` under the cloud's key 01. So a
setting can be changed at any time, and what is there stays readable. A blob is written once: no two
contents ever meet the same stream. Whether it has rotted its MD5 tells, which its row has.
"""

from collections.abc import Callable, Mapping

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
_MARK = ".e"
_BLOCK = 16
Work = Callable[[bytes], bytes]
"""What is done to one piece after the other."""


class NoKey(OSError):
    """The key that a blob was written with is not here."""


class Ciphers:
    def __init__(
        self, keys: Mapping[int, bytes] | None = None, *, current: int | None = None
    ) -> None:
        """`current`: the key for what is written from now on; None: it is kept as it is."""
        self._keys = dict(keys or {})
        self._current = current

    @property
    def on(self) -> bool:
        return self._current is not None

    def named(self, id: str) -> str:
        """The id of a new blob."""
        return id if self._current is None else f"{id}{_MARK}{self._current:02d}"

    def of(self, blob: str, start: int = 0) -> Work:
        """Content to what is kept, and back, from this byte on. Raises NoKey."""
        if not is_encrypted(blob):
            return _same
        number = int(blob.rpartition(_MARK)[2])
        key = self._keys.get(number)
        if key is None:
            raise NoKey(2, f"the object store's key {number:02d} is not here")
        own = HKDF(hashes.SHA256(), KEY_BYTES, None, f"cumulo object {blob}".encode()).derive(key)
        counter = (start // _BLOCK).to_bytes(_BLOCK, "big")
        stream = Cipher(algorithms.AES(own), modes.CTR(counter)).encryptor()
        if start % _BLOCK:
            stream.update(bytes(start % _BLOCK))
        return stream.update


def _same(piece: bytes) -> bytes:
    return piece


def is_encrypted(blob: str | None) -> bool:
    return blob is not None and _MARK in blob
