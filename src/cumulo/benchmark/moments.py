"""Moments as reports write them."""

import datetime

FORM = "%Y-%m-%dT%H:%M:%S"


def now() -> str:
    """The moment as reports write it."""
    return datetime.datetime.now(datetime.UTC).strftime(FORM)


def moment_of(seconds: float) -> str:
    """Seconds since 1970 as reports write them. Raises ValueError for no such moment."""
    try:
        return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime(FORM)
    except (OverflowError, OSError) as error:
        raise ValueError(f"{seconds} is no moment: {error}") from None
