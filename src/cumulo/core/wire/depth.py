"""How deep a JSON text is nested, told before anything is built from it.

Decoders recurse, and so does whatever walks over the result later: a text of a few kilobytes can be
deeper than the stack of any of them.
"""

import re

MOST_DEPTH = 64

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
