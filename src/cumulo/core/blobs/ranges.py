"""Ranges of bytes, as HTTP asks for them (RFC 9110, 14.1)."""

import re

_ONE = re.compile(r"\s*(\d{0,20})-(\d{0,20})\s*")
MOST = 50
"""Ranges in one request: what they overlap is sent again."""

Range = tuple[int, int]
"""The first byte, and the one after the last."""


def parse(header: str, size: int) -> list[Range] | None:
    """The ranges that a `Range` header asks of so many bytes, in its order and cut at the end;
    those beyond it are left out, so an empty list is a 416. None: the header makes no sense, or
    asks for too many."""
    unit, equals, rest = header.partition("=")
    asked = rest.split(",", MOST)
    if not equals or unit.strip().lower() != "bytes" or len(asked) > MOST:
        return None
    found = []
    for each in asked:
        match = _ONE.fullmatch(each)
        if match is None or match[1] == match[2] == "":
            return None
        if not match[1]:
            start, end = max(0, size - int(match[2])), size
        else:
            start, end = int(match[1]), size
            if match[2]:
                if int(match[2]) < start:
                    return None
                end = min(size, int(match[2]) + 1)
        if start < end:
            found.append((start, end))
    return found
