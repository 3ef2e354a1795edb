"""A machine becomes a control node: with a token that an operator of the cloud made.

As with hosts, the token names the cloud's authority by its fingerprint; what comes back is all that
a control node is made of, over TLS that this authority vouches for.
"""

import asyncio
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from cumulo.core.hosts import authority
from cumulo.core.hosts.dial import OPEN_SECONDS
from cumulo.core.hosts.joining import CannotJoin, Token, dialled, fetched_authority
from cumulo.core.nodes.hellos import JOIN_PATH, JoinedNode, JoinNode
from cumulo.core.nodes.me import Me
from cumulo.core.nodes.shared import unpack

LARGEST = 16 << 20
_ANSWER: msgspec.msgpack.Decoder[JoinedNode | str] = msgspec.msgpack.Decoder(JoinedNode | str)


def join(url: str, token: Token, name: str) -> JoinedNode:
    """What the cloud gives. Blocks. Raises CannotJoin."""
    there = dialled(url)
    pem = fetched_authority(there, token)
    try:
        raw = asyncio.run(_asked(there, pem, JoinNode(token.secret, name)))
    except (OSError, WebSocketException, TimeoutError) as error:
        raise CannotJoin(f"{url}: {error}") from None
    try:
        answer = _ANSWER.decode(raw if isinstance(raw, bytes) else b"")
    except msgspec.MsgspecError:
        raise CannotJoin(f"{url} does not speak as a cloud does") from None
    if isinstance(answer, str):
        raise CannotJoin(answer)
    return answer


def settle(data_dir: Path, name: str, given: JoinedNode, database: str) -> None:
    """Write down what the cloud gave; the settings last: with them it is a control node."""
    unpack(data_dir, given.files)
    Me(given.id, name).keep(data_dir)
    options = data_dir / "options.json"
    options.write_bytes(msgspec.json.encode({"fake": given.fake}))
    settings = {**given.settings, "database": {"url": database}, "node": {"content": False}}
    temporary = data_dir / "cumulo.toml.new"
    temporary.touch(mode=0o600)
    temporary.write_text(as_toml(settings))
    temporary.replace(data_dir / "cumulo.toml")


def as_toml(settings: Mapping[str, Any]) -> str:
    """Of plain values, lists of them, and tables."""
    return "\n".join([*_lines(settings, ()), ""])


def _lines(table: Mapping[str, Any], name: tuple[str, ...]) -> list[str]:
    plain = {k: v for k, v in table.items() if not isinstance(v, Mapping)}
    lines = [f"[{'.'.join(map(json.dumps, name))}]"] if name and (plain or not table) else []
    lines += [f"{json.dumps(key)} = {_value(value)}" for key, value in plain.items()]
    for key, value in table.items():
        if isinstance(value, Mapping):
            lines += _lines(value, (*name, key))
    return lines


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(k)} = {_value(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


async def _asked(there: str, pem: bytes, wish: JoinNode) -> str | bytes:
    with tempfile.NamedTemporaryFile() as file:
        file.write(pem)
        file.flush()
        context = authority.client_context(Path(file.name))
    async with connect(
        there + JOIN_PATH,
        ssl=context,
        open_timeout=OPEN_SECONDS,
        proxy=None,
        user_agent_header=None,
        max_size=LARGEST,
    ) as wire:
        async with asyncio.timeout(OPEN_SECONDS):
            await wire.send(msgspec.msgpack.encode(wish))
            return await wire.recv()
