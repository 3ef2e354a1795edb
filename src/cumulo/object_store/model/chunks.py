"""Bodies in S3's own chunks (`aws-chunked`): data with lengths, signatures and trailers in between.

    5;chunk-signature=…\r\n hello \r\n 0;chunk-signature=…\r\n x-amz-checksum-crc32:…\r\n \r\n

A decoder is fed what comes and gives back data. What is wrong with it is raised at once: a length
that is none, a signature that does not hold, a body that is cut.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterator

from cumulo.object_store.model import signature as signatures
from cumulo.object_store.model.faults import BadInput, Denied
from cumulo.object_store.model.signature import Signature

LINE = 4096
"""Bytes of a chunk's head or of all trailers."""


def _incomplete() -> BadInput:
    return BadInput(
        "You did not provide the number of bytes specified by the Content-Length HTTP header",
        kind="IncompleteBody",
    )


class Chunks:
    """`key`: what signs the chunks; None for unsigned ones. `trailers` are there at the end."""

    def __init__(self, signature: Signature, key: bytes | None) -> None:
        self._signature = signature
        self._key = key
        self._before = signature.given
        self._buffer = bytearray()
        self._left = 0
        """Bytes of the current chunk that are still to come."""
        self._given = ""
        self._digest = hashlib.sha256()
        self._step: Callable[[], Iterator[bytes]] | None = self._head
        self.trailers: dict[str, str] = {}

    def feed(self, block: bytes) -> Iterator[bytes]:
        self._buffer += block
        while self._step is not None:
            size, step = len(self._buffer), self._step
            yield from step()
            if len(self._buffer) == size and self._step == step:
                return
        self._buffer.clear()

    def end(self) -> None:
        """Raises BadInput unless the last chunk came."""
        if self._step is not None:
            raise _incomplete()

    def _line(self) -> bytes | None:
        at = self._buffer.find(b"\r\n")
        if at < 0:
            if len(self._buffer) > LINE:
                raise _incomplete()
            return None
        line = bytes(self._buffer[:at])
        del self._buffer[: at + 2]
        return line

    def _head(self) -> Iterator[bytes]:
        line = self._line()
        if line is None:
            return
        size, _, extension = line.partition(b";")
        try:
            self._left = int(size, 16)
        except ValueError:
            raise _incomplete() from None
        if len(size) > 16 or self._left < 0:
            raise _incomplete()
        name, _, value = extension.strip().partition(b"=")
        self._given = value.decode("latin-1") if name == b"chunk-signature" else ""
        self._digest = hashlib.sha256()
        if self._left:
            self._step = self._data
        else:
            self._check()
            self._step = self._trailer
        yield from ()

    def _data(self) -> Iterator[bytes]:
        block = bytes(self._buffer[: self._left])
        del self._buffer[: len(block)]
        self._left -= len(block)
        if self._key is not None:
            self._digest.update(block)
        if block:
            yield block
        if not self._left:
            self._step = self._gap

    def _gap(self) -> Iterator[bytes]:
        if len(self._buffer) < 2:
            return
        if self._buffer[:2] != b"\r\n":
            raise _incomplete()
        del self._buffer[:2]
        self._check()
        self._step = self._head
        yield from ()

    def _check(self) -> None:
        if self._key is None:
            return
        wanted = signatures.chunk_signature(
            self._key, self._signature, self._before, self._digest.hexdigest()
        )
        self._hold(wanted, self._given)

    def _hold(self, wanted: str, given: str) -> None:
        if not hmac.compare_digest(wanted.encode(), given.encode("latin-1", "replace")):
            raise Denied(
                "The request signature we calculated does not match the signature you provided. "
                "Check your key and signing method.",
                kind="SignatureDoesNotMatch",
            )
        self._before = wanted

    def _trailer(self) -> Iterator[bytes]:
        line = self._line()
        if line is None:
            return
        if line:
            name, _, value = line.decode("latin-1").partition(":")
            if len(self.trailers) > 10:
                raise _incomplete()
            self.trailers[name.strip().lower()] = value.strip()
        else:
            self._check_trailers()
            self._step = None
        yield from ()

    def _check_trailers(self) -> None:
        given = self.trailers.pop("x-amz-trailer-signature", None)
        if self._key is None or self._signature.payload != signatures.STREAMING_TRAILER:
            return
        text = "".join(f"{name}:{value}\n" for name, value in sorted(self.trailers.items()))
        wanted = signatures.trailer_signature(
            self._key, self._signature, self._before, text.encode("latin-1")
        )
        self._hold(wanted, given or "")
