"""Patterns of lists of tests. They are Tempest's: Python's own, of whoever runs the command."""

import re


def checked(pattern: str) -> str:
    """Raises ValueError."""
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"'{pattern}' is no pattern: {error}") from None
    return pattern
