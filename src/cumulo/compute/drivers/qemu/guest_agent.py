"""Questions to the agent inside a guest, over its virtio serial line: one JSON object a line.

What it answers is a guest's word: it is bounded, and nothing is built on it but success.
"""

import asyncio
import base64
import json
import socket
from pathlib import Path
from typing import Any

from cumulo.compute.drivers.driver import NotPossible
from cumulo.compute.drivers.qemu.monitor import connect_socket
from cumulo.core.work import pools

_MOST = 64 * 1024
_SECONDS = 5.0


async def ask(folder: Path, command: str, seconds: float = _SECONDS, **arguments: Any) -> Any:
    """Raises NotPossible: there is no agent, it does not answer, or it refuses."""
    try:
        line = await pools.TOOLS(connect_socket, folder, "qga")
    except OSError as error:
        raise NotPossible(f"its agent cannot be reached: {error}") from error
    with line:
        try:
            async with asyncio.timeout(seconds):
                await _synchronise(line)
                answer = await _exchange(line, command, arguments)
        except TimeoutError as late:
            raise NotPossible("no agent answers in the guest") from late
        except (OSError, ValueError) as error:
            raise NotPossible(f"its agent does not make sense: {error}") from error
    if "error" in answer:
        described = answer["error"].get("desc", "") if isinstance(answer["error"], dict) else ""
        raise NotPossible(f"its agent refused: {str(described)[:200]}")
    return answer.get("return")


async def _synchronise(line: socket.socket) -> None:
    """What an earlier question left unanswered is read past."""
    number = int.from_bytes(id(line).to_bytes(8, "big")[-4:], "big") & 0x7FFFFFFF
    await _send(line, {"execute": "guest-sync", "arguments": {"id": number}})
    while True:
        answer = await _receive(line)
        if answer.get("return") == number:
            return


async def _exchange(line: socket.socket, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
    asked: dict[str, Any] = {"execute": command}
    if arguments:
        asked["arguments"] = arguments
    await _send(line, asked)
    return await _receive(line)


async def _send(line: socket.socket, message: dict[str, Any]) -> None:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(line, b"\n" + json.dumps(message).encode() + b"\n")


async def _receive(line: socket.socket) -> dict[str, Any]:
    loop = asyncio.get_running_loop()
    buffer = bytearray()
    while True:
        while b"\n" not in buffer:
            block = await loop.sock_recv(line, 4096)
            if not block or len(buffer) > _MOST:
                raise ValueError("its answer has no end")
            buffer += block
        text, _, rest = bytes(buffer).partition(b"\n")
        buffer = bytearray(rest)
        text = text.strip(b"\xff \r")
        if text:
            found = json.loads(text)
            if not isinstance(found, dict):
                raise ValueError("its answer is no object")
            return found


async def set_password(folder: Path, user: str, password: str) -> None:
    secret = base64.b64encode(password.encode()).decode()
    await ask(folder, "guest-set-user-password", username=user, password=secret, crypted=False)


async def freeze(folder: Path, wanted: bool) -> None:
    await ask(folder, f"guest-fsfreeze-{'freeze' if wanted else 'thaw'}", 20.0)
