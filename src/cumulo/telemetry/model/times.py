"""Times, spans and numbers as these APIs write and read them."""

import functools
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from cumulo.core.clock import Moment, to_moment
from cumulo.core.faults import BadRequest

_SPAN = re.compile(
    r"(-?[0-9]{1,12}(?:\.[0-9]{1,9})?) ?(s|sec|seconds?|m|min|minutes?|h|hours?|d|days?)"
)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LAST = 253_402_300_000.0
"""The end of the calendar."""


def seconds_of(text: str, what: str) -> float:
    """Since the epoch: a number, ISO 8601, `now`, or relative to it (`-1 hour`). Raises
    BadRequest."""
    if text.strip() == "now":
        return datetime.now(UTC).timestamp()
    try:
        if re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,9})?", text):
            found = float(text)
        else:
            span = _SPAN.fullmatch(text.strip())
            if span is not None:
                found = datetime.now(UTC).timestamp() + float(span[1]) * _UNITS[span[2][0]]
            else:
                time = datetime.fromisoformat(text[:40])
                found = (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise BadRequest(f"Invalid value for {what}") from None
    if not -LAST < found < LAST:
        raise BadRequest(f"Invalid value for {what}")
    return found


def fast_seconds(given: str | float) -> float:
    """Of a measure: many come at once, and nearly all of them are numbers or ISO 8601. Raises
    BadRequest."""
    if isinstance(given, str):
        if given[4:5] != "-":
            return seconds_of(given, "timestamp")
        try:
            time = datetime.fromisoformat(given[:40])
            if time.tzinfo is None:
                time = time.replace(tzinfo=UTC)
            given = time.timestamp()
        except (ValueError, OverflowError):
            raise BadRequest("Invalid value for timestamp") from None
    if not -LAST < given < LAST:
        raise BadRequest("Invalid value for timestamp")
    return given


def span_of(given: Any, what: str) -> float:
    """Seconds of `300`, `0:05:00`, `5 minutes`. Raises BadRequest."""
    text = str(given)[:40].strip()
    clock = re.fullmatch(
        r"(?:([0-9]{1,6}) days?, )?([0-9]{1,6}):([0-9]{1,2}):([0-9]{1,2}(?:\.[0-9]+)?)", text
    )
    if clock is not None:
        found = (
            int(clock[1] or 0) * 86400 + int(clock[2]) * 3600 + int(clock[3]) * 60 + float(clock[4])
        )
    else:
        span = _SPAN.fullmatch(text)
        try:
            found = float(span[1]) * _UNITS[span[2][0]] if span else float(text)
        except ValueError:
            raise BadRequest(f"Invalid value for {what}: {text!r}") from None
    if not 0 < found < 10**10:
        raise BadRequest(f"Invalid value for {what}: {text!r}")
    return found


CALENDAR = {"Y": 12, "H": 6, "Q": 3, "M": 1, "W": 0}
"""Spans of the calendar, by Gnocchi's letters: months, or none: weeks, from Sunday on."""


def span_or_letter(given: Any, what: str) -> float | str:
    """Seconds, or a letter of CALENDAR. Raises BadRequest."""
    return given if isinstance(given, str) and given in CALENDAR else span_of(given, what)


def begin_of(at: float, span: float | str) -> int:
    """Of the span that a time falls into."""
    if not isinstance(span, str):
        return int(at // span * span)
    return _begin_in_calendar(int(at // 86400), span)


@functools.lru_cache(maxsize=4096)
def _begin_in_calendar(day: int, span: str) -> int:
    months = CALENDAR[span]
    if not months:
        # The first day of all was a Thursday.
        return (day - (day + 4) % 7) * 86400
    then = date(1970, 1, 1) + timedelta(days=day)
    first = date(then.year, (then.month - 1) // months * months + 1, 1)
    return (first - date(1970, 1, 1)).days * 86400


def span_text(seconds: float) -> str:
    return str(timedelta(seconds=seconds))


def stamp(seconds: float) -> str:
    """`2026-11-29T10:40:00+00:00`"""
    if seconds != int(seconds):
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    # By hand, for the thousands of a plot.
    day, rest = divmod(int(seconds), 86400)
    minutes, second = divmod(rest, 60)
    return f"{_day(day)}T{_CLOCK[minutes]}:{second:02}+00:00"


@functools.lru_cache(maxsize=4096)
def _day(number: int) -> str:
    return (date(1970, 1, 1) + timedelta(days=number)).isoformat()


_CLOCK = tuple(f"{minutes // 60:02}:{minutes % 60:02}" for minutes in range(1440))


def moment_text(moment: Moment | None) -> str | None:
    return None if moment is None else f"{moment}+00:00"


def moment_of(text: str, what: str) -> Moment:
    found = seconds_of(text, what)
    try:
        return to_moment(found)
    except (ValueError, OverflowError, OSError):
        raise BadRequest(f"Invalid value for {what}") from None
