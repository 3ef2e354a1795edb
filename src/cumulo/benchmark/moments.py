"""Moments as reports write them."""

import datetime


def now() -> str:
    """The moment as reports write it."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S")
