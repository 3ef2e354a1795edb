"""A machine becomes a host: with a token that an operator of the cloud made.

The token names the cloud's authority by its fingerprint, so that the secret in it is told to nobody
but that cloud. Nothing is kept before the control plane has agreed.
"""

import asyncio
import re
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import NamedTuple

import msgspec
from websockets.asyncio.client import connect
from websockets.exceptions import WebSocketException

from cumulo.core.hosts import authority
from cumulo.core.hosts.dial import OPEN_SECONDS, Identity
from cumulo.core.hosts.hello import AUTHORITY_PATH, JOIN_PATH, Join, Joined

_URL = re.compile(r"(?:https|wss)://([0-9A-Za-z.-]{1,255}|\[[0-9a-fA-F:.]+\]):(\d{1,5})/?")
_TOKEN = re.compile(r"([0-9a-f]{32})-([0-9a-f]{64})")
_ANSWER: msgspec.msgpack.Decoder[Joined | str] = msgspec.msgpack.Decoder(Joined | str)
_LARGEST = 64 * 1024
OPENS_SECONDS = 3.0
MEMBERSHIP = "joined.json"


class Membership(msgspec.Struct, frozen=True):
    """What a machine that joined remembers: `joined.json` in its data directory."""

    url: str
    """`https://ADDRESS:PORT`, where it dials."""
    name: str
    cloud: str
    nodes: list[str] = []
    """Where its other control nodes are dialled, `wss://ADDRESS:PORT`, as it was told last."""

    @classmethod
    def of(cls, data_dir: Path) -> "Membership | None":
        """None: this is no such machine."""
        try:
            return msgspec.json.decode((data_dir / MEMBERSHIP).read_bytes(), type=cls)
        except FileNotFoundError:
            return None

    def keep(self, data_dir: Path) -> None:
        temporary = data_dir / f"{MEMBERSHIP}.new"
        temporary.write_bytes(msgspec.json.encode(self))
        temporary.replace(data_dir / MEMBERSHIP)


class CannotJoin(Exception):
    """The text is for whoever typed the command."""


class Token(NamedTuple):
    secret: str
    fingerprint: str

    def __str__(self) -> str:
        return f"{self.secret}-{self.fingerprint}"


def token_of(text: str) -> Token:
    """Raises CannotJoin."""
    found = _TOKEN.fullmatch(text.strip())
    if found is None:
        raise CannotJoin("this is no token: copy the whole line that `host token create` printed")
    return Token(found[1], found[2])


def dialled(url: str) -> str:
    """`wss://ADDRESS:PORT` of what was typed. Raises CannotJoin."""
    found = re.fullmatch(
        r"(?:https|wss)://([0-9A-Za-z.-]{1,255}|\[[0-9a-fA-F:.]+\]):(\d{1,5})/?", url
    )
    if found is None or not 0 < int(found[2]) < 65536:
        raise CannotJoin(f"{url!r} is no URL of a cloud: https://ADDRESS:PORT")
    return f"wss://{found[1]}:{found[2]}"


def join(url: str, token: Token, name: str, secrets: Path) -> str:
    """Make this machine the host of that name; the cloud's id. Blocks. Raises CannotJoin."""
    there = dialled(url)
    identity = Identity(secrets)
    secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
    pem = fetched_authority(there, token)
    authority.write_private(identity.authority, pem)
    request = authority.new_request(identity.key)
    try:
        raw = asyncio.run(_asked(there, identity, Join(token.secret, name, request)))
    except (OSError, WebSocketException, TimeoutError) as error:
        raise CannotJoin(f"{url}: {error}") from None
    try:
        answer = _ANSWER.decode(_bytes(raw))
    except (msgspec.MsgspecError, TypeError):
        raise CannotJoin(f"{url} does not speak as a cloud does") from None
    if isinstance(answer, str):
        raise CannotJoin(answer)
    identity.keep(answer.certificate)
    return answer.cloud


async def _asked(there: str, identity: Identity, wish: Join) -> str | bytes:
    async with connect(
        there + JOIN_PATH,
        ssl=authority.client_context(identity.authority),
        open_timeout=OPEN_SECONDS,
        proxy=None,
        user_agent_header=None,
        max_size=_LARGEST,
    ) as wire:
        async with asyncio.timeout(OPEN_SECONDS):
            await wire.send(msgspec.msgpack.encode(wish))
            return await wire.recv()


def _bytes(raw: str | bytes) -> bytes:
    return raw if isinstance(raw, bytes) else b""


def _read_soon(opener: urllib.request.OpenerDirector, url: str) -> bytes:
    """The first token opens the gate; a script is quicker than that."""
    end = time.monotonic() + OPENS_SECONDS
    while True:
        try:
            with opener.open(url, timeout=OPEN_SECONDS) as answer:
                return bytes(answer.read(_LARGEST))
        except urllib.error.URLError as error:
            refused = isinstance(error.reason, ConnectionRefusedError)
            if not refused or time.monotonic() > end:
                raise
        time.sleep(0.1)


def fetched_authority(there: str, token: Token) -> bytes:
    """The authority's certificate, which is the token's. Raises CannotJoin."""
    # Whoever answers: what it says is believed for its fingerprint alone.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    url = there.replace("wss://", "https://", 1) + AUTHORITY_PATH
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
    )
    try:
        pem = _read_soon(opener, url)
        found = authority.fingerprint_of_pem(pem)
    except (OSError, urllib.error.URLError) as error:
        raise CannotJoin(f"{url}: {error}") from None
    except ValueError:
        raise CannotJoin(f"{url} is not where a cloud's hosts dial in") from None
    if found != token.fingerprint:
        raise CannotJoin(f"{url} is not the cloud that this token is of: its authority is another")
    return pem
