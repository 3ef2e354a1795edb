"""Turns msgspec's one-line complaints into the wording that OpenStack's services use."""

import re
from typing import Any

import msgspec

from cumulo.core.faults import BadRequest

_PLACE = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>[^`]*)`)?$", re.S)
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<name>.*)`")
_SECRET = re.compile("pass(word|code)|secret", re.IGNORECASE)
_MISSING = re.compile(r"Object missing required field `(?P<name>.*)`")


def refuse(error: Exception, raw: bytes) -> BadRequest:
    """The 400 for a body that does not have the form of the operation."""
    if not isinstance(error, msgspec.ValidationError):
        return BadRequest("Malformed request body: not valid JSON.")
    match = _PLACE.match(str(error))
    assert match is not None
    what, path = match["what"], (match["path"] or "$").removeprefix("$").lstrip(".")
    unknown, missing = _UNKNOWN.match(what), _MISSING.match(what)
    where = path or "body"
    if unknown:
        text = f"Additional properties are not allowed ('{unknown['name']}' was unexpected)"
        return BadRequest(f"Invalid input for field/attribute {where}. {text}")
    if missing:
        return BadRequest(
            f"Invalid input for field/attribute {where}. '{missing['name']}' is a required property"
        )
    value = _value_at(raw, path)
    return BadRequest(f"Invalid input for field/attribute {where}. Value: {value}. {what}")


def _value_at(raw: bytes, path: str) -> str:
    """The offending value, shortened; secrets are not repeated, nor what may hold one."""
    if _SECRET.search(path):
        return "***"
    try:
        found: Any = msgspec.json.decode(raw)
        for part in re.findall(r"[^.\[\]]+", path):
            found = found[int(part)] if isinstance(found, list) else found[part]
    except (msgspec.DecodeError, LookupError, ValueError, TypeError, RecursionError):
        return "?"
    text = repr(found)
    if _SECRET.search(text):
        return "***"
    return text if len(text) <= 200 else text[:200] + "…"
