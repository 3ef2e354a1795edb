"""`Range` headers (RFC 9110, section 14): what is well formed, and what of it can be given.

Swift ignores what is not well formed (`bytes=5-3`, `bytes=-`, `bytes=1--1`), and answers 416 when
nothing of a well formed range is there.
"""

import itertools
import re
from collections.abc import Sequence

_SPEC = re.compile(r"(\d*)\s*-\s*(\d*)")
MAX_RANGES = 50
"""More of them, or many small ones that overlap, are an attack: the answer is 416."""
MAX_OVERLAPS = 2
MAX_UNORDERED = 8
DIGITS = 19


def parse(header: str | None) -> list[tuple[int | None, int | None]] | None:
    """(first, last) of each range, None for a number that is left out; None for no Range."""
    if not header:
        return None
    unit, mark, text = header.partition("=")
    if not mark or unit.strip().lower() != "bytes":
        return None
    found: list[tuple[int | None, int | None]] = []
    for part in text.split(","):
        spec = part.strip()
        if not spec:
            continue
        match = _SPEC.fullmatch(spec)
        if match is None or max(len(match[1]), len(match[2])) > DIGITS:
            return None
        first = int(match[1]) if match[1] else None
        last = int(match[2]) if match[2] else None
        if first is None and last is None:
            return None
        if first is not None and last is not None and first > last:
            return None
        found.append((first, last))
    return found or None


def satisfied(wanted: Sequence[tuple[int | None, int | None]], size: int) -> list[tuple[int, int]]:
    """(start, end) of what there is, ends excluded; empty for 416."""
    found = []
    for first, last in wanted:
        if first is None:
            assert last is not None
            if last == 0 or size == 0:
                continue
            found.append((max(0, size - last), size))
        elif first < size:
            found.append((first, size if last is None else min(size, last + 1)))
    if len(found) > 1 and _abusive(found):
        return []
    return found


def _abusive(ranges: list[tuple[int, int]]) -> bool:
    if len(ranges) > MAX_RANGES:
        return True
    overlaps = unordered = 0
    for (start, end), (after, after_end) in itertools.pairwise(ranges):
        overlaps += start < after_end and after < end
        unordered += after < start
    return overlaps > MAX_OVERLAPS or unordered > MAX_UNORDERED
