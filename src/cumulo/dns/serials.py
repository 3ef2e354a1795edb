"""Serial numbers of zones (RFC 1982): 32 bits that only grow, round and round."""

_HALF = 1 << 31
_ALL = 1 << 32


def is_newer(one: int, other: int) -> bool:
    """Whether a serial comes after another one, seen from it."""
    return one != other and (one - other) % _ALL < _HALF


def after(serial: int, seconds: float) -> int:
    """The next serial: the time in seconds where that is newer, so that a zone that was kept
    elsewhere meanwhile still goes on growing; else one more."""
    clock = int(seconds) % _ALL
    grown = clock if is_newer(clock, serial) else (serial + 1) % _ALL
    return grown or 1
