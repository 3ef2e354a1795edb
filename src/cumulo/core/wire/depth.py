"""How deep a JSON text is nested, and how many things a list in it has: told before anything is
made of it.

Decoders recurse, and so does whatever walks over the result later: a text of a few kilobytes can be
deeper than the stack of any of them.
"""

import re
from typing import Any

import msgspec

MOST_DEPTH = 64
MOST_ITEMS = 1000
"""Of one list or object, whatever it is: attributes with a narrower limit have their own. Work is a
transaction on the loop, and no list is free."""

_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.S)
_OTHERS = bytes(set(range(256)) - set(b"[]{}"))
_ALIKE = bytes.maketrans(b"{}", b"[]")


def too_deep(text: bytes) -> bool:
    """Also for a text whose brackets do not match, if it has so many of them."""
    if text.count(b"[") + text.count(b"{") <= MOST_DEPTH:
        return False
    rest = _STRING.sub(b"", text).translate(_ALIKE, _OTHERS)
    # Each round takes off the innermost level, at the speed of a search.
    for _ in range(MOST_DEPTH):
        if not rest:
            return False
        rest = rest.replace(b"[]", b"")
    return bool(rest)


def too_many(value: Any, text: bytes) -> bool:
    """Whether a list or an object in what was decoded from the text has more than MOST_ITEMS."""
    if text.count(b",") < MOST_ITEMS:
        return False  # nearly all bodies: nothing else is looked at
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, list | tuple | dict):
            if len(one) > MOST_ITEMS:
                return True
            left.extend(one.values() if isinstance(one, dict) else one)
        elif isinstance(one, msgspec.Struct):
            left.extend(getattr(one, name) for name in one.__struct_fields__)
    return False
