"""Time constraints of an alarm: it looks only within so many seconds of the times of a cron line.

`0 22 * * mon-fri` with a duration of 28,800 seconds in Europe/Amsterdam: on the nights of working
days.
"""

import functools
import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cumulo.core.faults import BadRequest
from cumulo.core.wire.coercions import whole_or_none

MOST_DURATION = 40 * 86400
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_FIELDS: tuple[tuple[int, int, Sequence[str]], ...] = (
    (0, 59, ()),
    (0, 23, ()),
    (1, 31, ()),
    (1, 12, _MONTHS),
    (0, 7, _DAYS),
)
_KEYS = {"name", "start", "duration", "timezone", "description"}


def checked(given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """As they are kept. Raises BadRequest."""
    made: list[dict[str, Any]] = []
    for each in given:
        if set(each) - _KEYS:
            raise BadRequest(f"Unknown attribute {min(set(each) - _KEYS)[:60]} in time_constraints")
        name, start = each.get("name"), each.get("start")
        if not isinstance(name, str) or not 0 < len(name) <= 255 or not isinstance(start, str):
            raise BadRequest("Invalid input: a time constraint has a name and a start")
        if any(name == other["name"] for other in made):
            raise BadRequest(f"Time constraint names must be unique for a given alarm: {name}")
        duration = each.get("duration")
        if isinstance(duration, str):
            # The stock client sends what was typed, as text.
            duration = whole_or_none(duration)
        if isinstance(duration, bool) or not isinstance(duration, int):
            raise BadRequest("Invalid input for duration: a whole number of seconds")
        if not 0 <= duration <= MOST_DURATION:
            raise BadRequest(f"Invalid input for duration: from 0 to {MOST_DURATION} seconds")
        zone, said = each.get("timezone") or "", each.get("description")
        _fields(start)
        _zone(zone)
        made.append(
            {
                "name": name,
                "description": str(said or f"At {start} for {duration} seconds")[:255],
                "start": start,
                "duration": duration,
                "timezone": zone,
            }
        )
    return made


def within(constraints: Sequence[Mapping[str, Any]], now: float) -> bool:
    """Whether an alarm looks now: in any of its times, or always when it has none."""
    return not constraints or any(_within(each, now) for each in constraints)


def _within(one: Mapping[str, Any], now: float) -> bool:
    if one["duration"] <= 0:
        return False
    begun = last_start(one["start"], one["timezone"], now, one["duration"])
    return begun is not None and now < begun + one["duration"]


def last_start(line: str, zone: str, now: float, most: int) -> float | None:
    """The latest of the line's times that is not after `now`, and at most `most` seconds before
    it."""
    minutes, hours, days, months, weekdays, either = _fields(line)
    where = _zone(zone)
    local = datetime.fromtimestamp(now, where)
    day, earliest = local.date(), datetime.fromtimestamp(now - most, where).date()
    while day >= earliest:
        on_day = day.day in days
        on_weekday = day.isoweekday() % 7 in weekdays
        if day.month in months and ((on_day or on_weekday) if either else (on_day and on_weekday)):
            found = _last_of(day, hours, minutes, where, now)
            if found is not None:
                return found
        day -= timedelta(days=1)
    return None


def _last_of(
    day: date, hours: Sequence[int], minutes: Sequence[int], where: tzinfo, now: float
) -> float | None:
    def at(hour: int, minute: int) -> float:
        return datetime(day.year, day.month, day.day, hour, minute, tzinfo=where).timestamp()

    for hour in reversed(hours):
        if at(hour, minutes[0]) <= now:
            place = bisect_right(minutes, now, key=lambda minute: at(hour, minute))
            return at(hour, minutes[place - 1])
    return None


def _zone(name: str) -> tzinfo:
    if not name:
        return UTC
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_+/-]{0,63}", name):
        raise BadRequest(f"Timezone {name[:64]} is not valid")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadRequest(f"Timezone {name} is not valid") from None


@functools.lru_cache(maxsize=1024)
def _fields(
    line: str,
) -> tuple[Sequence[int], Sequence[int], Sequence[int], Sequence[int], Sequence[int], bool]:
    """Minutes, hours, days, months, days of the week (Sunday is 0), and whether either kind of day
    is enough: both are said."""
    parts = line.split() if len(line) <= 255 else []
    if len(parts) != len(_FIELDS):
        raise BadRequest(f"Invalid cron expression: {line[:80]}")
    minutes, hours, days, months, week = (
        _values(part, *kind, line) for part, kind in zip(parts, _FIELDS, strict=True)
    )
    weekdays = sorted({each % 7 for each in week})
    return minutes, hours, days, months, weekdays, parts[2][0] != "*" and parts[4][0] != "*"


def _values(part: str, low: int, high: int, names: Sequence[str], line: str) -> list[int]:
    wrong = BadRequest(f"Invalid cron expression: {line[:80]}")
    found: set[int] = set()

    def number(text: str) -> int:
        if text.lower() in names:
            return names.index(text.lower()) + (low if names is _MONTHS else 0)
        if not re.fullmatch(r"[0-9]{1,2}", text) or not low <= int(text) <= high:
            raise wrong
        return int(text)

    for item in part.split(","):
        span, slash, step = item.partition("/")
        by = 1
        if slash:
            if not re.fullmatch(r"[0-9]{1,2}", step) or int(step) == 0:
                raise wrong
            by = int(step)
        begin, dash, end = span.partition("-")
        if span == "*":
            first, last = low, high
        elif dash:
            first, last = number(begin), number(end)
        else:
            first = number(begin)
            last = high if slash else first
        if first > last:
            raise wrong
        found |= set(range(first, last + 1, by))
    return sorted(found)
