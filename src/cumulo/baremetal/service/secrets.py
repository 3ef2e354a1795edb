"""Passwords in what users write freely: masked where it is shown, sealed where it is kept."""

import re
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

MASK = "******"
_SECRET = re.compile(r"password|passphrase|secret|token|configdrive|private_key|credential", re.I)


class Seal(Protocol):
    """What secrets are sealed with: `core.auth.keyring.KeyRing`."""

    def encrypt(self, text: str) -> str: ...
    def decrypt(self, token: str) -> str: ...


def masked(value: Any) -> Any:
    """The same with `******` for each value whose name says that it is secret."""
    if isinstance(value, dict):
        return {
            key: MASK if _SECRET.search(key) and inner not in (None, "") else masked(inner)
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [masked(inner) for inner in value]
    return value


def kept(new: Any, old: Any) -> Any:
    """Where a client sends back the mask that it was shown, the secret stays."""
    if isinstance(new, dict) and isinstance(old, dict):
        return {
            key: old[key]
            if inner == MASK and _SECRET.search(key) and key in old
            else kept(inner, old.get(key))
            for key, inner in new.items()
        }
    return new


def sealed(seal: Seal, whole: dict[str, Any]) -> tuple[dict[str, Any], str | None]:
    """(what may be shown, the whole of it encrypted; None: nothing in it is secret)"""
    shown = masked(whole)
    if shown == whole:
        return whole, None
    return shown, seal.encrypt(msgspec.json.encode(whole).decode())


def opened(seal: Seal, shown: Mapping[str, Any], token: str | None) -> dict[str, Any]:
    if token is None:
        return dict(shown)
    return msgspec.json.decode(seal.decrypt(token), type=dict[str, Any])
