"""Zstandard, by Debian's own libzstd: no Python package is needed for it.

The calls give the interpreter's lock back, so threads of `pools` do them side by side.
"""

import ctypes
import functools
from typing import Any

LEVEL = 3
NAME = "libzstd.so.1"


class BadFrame(ValueError):
    """These bytes are no frame, or not a whole one."""


def compress(data: bytes) -> bytes:
    library = _library()
    room = library.ZSTD_compressBound(len(data))
    buffer = ctypes.create_string_buffer(room)
    size = library.ZSTD_compress(buffer, room, data, len(data), LEVEL)
    if library.ZSTD_isError(size):
        raise MemoryError("zstd could not compress")
    return ctypes.string_at(buffer, size)


def decompress(data: bytes, most: int) -> bytes:
    """What is in the frame: `most` bytes at most, whatever it says of itself. Raises BadFrame."""
    library = _library()
    buffer = ctypes.create_string_buffer(most)
    size = library.ZSTD_decompress(buffer, most, data, len(data))
    if library.ZSTD_isError(size):
        raise BadFrame(f"not a zstd frame of {most} bytes at most")
    return ctypes.string_at(buffer, size)


@functools.cache
def _library() -> Any:
    library = ctypes.CDLL(NAME)
    size, pointer = ctypes.c_size_t, ctypes.c_void_p
    library.ZSTD_compressBound.argtypes, library.ZSTD_compressBound.restype = [size], size
    library.ZSTD_compress.argtypes = [pointer, size, ctypes.c_char_p, size, ctypes.c_int]
    library.ZSTD_compress.restype = size
    library.ZSTD_decompress.argtypes = [pointer, size, ctypes.c_char_p, size]
    library.ZSTD_decompress.restype = size
    library.ZSTD_isError.argtypes, library.ZSTD_isError.restype = [size], ctypes.c_uint
    return library
