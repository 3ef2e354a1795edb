"""Swift's times: seconds since the epoch with five decimals, as text of ten and five digits.

They sort as text, and the newest one wins.
"""

import math
import time
from datetime import UTC, datetime
from email.utils import formatdate, parsedate_to_datetime

STEP = 0.00001


def now() -> str:
    return of(time.time())


def of(seconds: float) -> str:
    return f"{seconds:016.5f}"


def after(timestamp: str) -> str:
    """Now, or as little as possible after another time when the clock is behind it."""
    current = now()
    return current if current > timestamp else of(float(timestamp) + STEP)


def http_date(timestamp: str) -> str:
    """`Last-Modified`: whole seconds, rounded up, so that `If-Unmodified-Since` never lies."""
    return formatdate(math.ceil(float(timestamp)), usegmt=True)


def iso(timestamp: str) -> str:
    """`2026-11-29T12:37:28.012340`, as in Swift's listings."""
    whole, _, part = timestamp.partition(".")
    return datetime.fromtimestamp(int(whole), UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{part}0"


def s3_iso(timestamp: str) -> str:
    """`2026-11-29T12:37:29.000Z`, as in S3's listings."""
    whole = math.ceil(float(timestamp))
    return datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def parse_date(text: str) -> float | None:
    """Seconds since the epoch of an HTTP date; None for what is none."""
    try:
        parsed = parsedate_to_datetime(text)
        return (parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
