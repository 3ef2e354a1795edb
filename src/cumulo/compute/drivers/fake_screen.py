"""The screen of a simulated guest: enough of RFB 3.8 (RFC 6143) for any VNC client to show it.

It is one colour, which follows from the guest's id, and takes keys and pointers without a word.
"""

import asyncio
import hashlib
import socket
import struct

WIDTH, HEIGHT = 64, 48
_FORMAT = struct.pack(">BBBBHHHBBB3x", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)
_LENGTHS = {0: 19, 3: 9, 4: 7, 5: 5}
"""Of the messages of a fixed length that clients send, after their type."""
_MOST = 1 << 20


async def show(line: socket.socket, guest_id: str) -> None:
    """Until the client is gone."""
    with line:
        try:
            await _handshake(line, guest_id)
            while True:
                await _message(line, guest_id)
        except (EOFError, OSError):
            return


async def _handshake(line: socket.socket, guest_id: str) -> None:
    await _send(line, b"RFB 003.008\n")
    await _read(line, 12)
    await _send(line, b"\x01\x01")  # one security type: none
    await _read(line, 1)
    await _send(line, struct.pack(">I", 0))
    await _read(line, 1)
    name = f"QEMU (simulated {guest_id[:8]})".encode()
    size = struct.pack(">HH", WIDTH, HEIGHT)
    await _send(line, size + _FORMAT + struct.pack(">I", len(name)) + name)


async def _message(line: socket.socket, guest_id: str) -> None:
    kind = (await _read(line, 1))[0]
    if kind == 2:  # the encodings that it understands
        count = struct.unpack(">xH", await _read(line, 3))[0]
        await _read(line, 4 * count)
    elif kind == 6:  # its clipboard
        await _read(line, struct.unpack(">3xI", await _read(line, 7))[0])
    elif kind == 3:
        incremental = (await _read(line, _LENGTHS[3]))[0]
        if not incremental:
            await _send(line, _picture(guest_id))
    elif kind in _LENGTHS:
        await _read(line, _LENGTHS[kind])
    else:
        raise EOFError


def _picture(guest_id: str) -> bytes:
    red, green, blue = hashlib.sha256(guest_id.encode()).digest()[:3]
    head = struct.pack(">BxHHHHHi", 0, 1, 0, 0, WIDTH, HEIGHT, 0)
    return head + bytes((blue, green, red, 0)) * (WIDTH * HEIGHT)


async def _send(line: socket.socket, data: bytes) -> None:
    await asyncio.get_running_loop().sock_sendall(line, data)


async def _read(line: socket.socket, count: int) -> bytes:
    if count > _MOST:
        raise EOFError
    data = b""
    while len(data) < count:
        block = await asyncio.get_running_loop().sock_recv(line, count - len(data))
        if not block:
            raise EOFError
        data += block
    return data
