"""Lifecycle rules of buckets: what is to go, and when. No database in here.

A time of so many days ends at the first midnight (UTC) behind it, as with S3.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

DAY = 86_400
RULES = 1000


class Rule(msgspec.Struct, omit_defaults=True):
    id: str
    enabled: bool
    prefix: str = ""
    tags: dict[str, str] = {}
    larger: int | None = None
    smaller: int | None = None
    days: int | None = None
    date: int | None = None
    """Seconds since the epoch."""
    markers: bool = False
    """A marker that is a name's only version goes."""
    older_days: int | None = None
    """After a version is not current any more."""
    older_kept: int = 0
    """So many of the newest older ones stay."""
    uploads_days: int | None = None
    filtered: bool = True
    """Whether its prefix stands in a Filter, as it is written today."""

    def covers(self, name: str, size: int, extra: Mapping[str, Any]) -> bool:
        if not self.enabled or not name.startswith(self.prefix):
            return False
        if self.larger is not None and size <= self.larger:
            return False
        if self.smaller is not None and size >= self.smaller:
            return False
        tags = extra.get("tags", {})
        return all(tags.get(key) == value for key, value in self.tags.items())


def due(since: str | float, days: int) -> float:
    """The midnight behind so many days from a timestamp."""
    end = float(since) + days * DAY
    return (int(end) // DAY + 1) * DAY


def expires(
    rules: Sequence[Rule], name: str, size: int, extra: Mapping[str, Any], since: str, now: float
) -> bool:
    """Whether a current object's time is over."""
    for rule in rules:
        if not rule.covers(name, size, extra):
            continue
        if rule.days is not None and due(since, rule.days) <= now:
            return True
        if rule.date is not None and rule.date <= now:
            return True
    return False


def older_goes(
    rules: Sequence[Rule],
    name: str,
    size: int,
    extra: Mapping[str, Any],
    since: str,
    newer: int,
    now: float,
) -> bool:
    """Whether an older version's time is over. `since`: when it was replaced; `newer`: how many
    older ones are newer than it."""
    return any(
        rule.older_days is not None
        and rule.covers(name, size, extra)
        and newer >= rule.older_kept
        and due(since, rule.older_days) <= now
        for rule in rules
    )


def marker_goes(rules: Sequence[Rule], name: str) -> bool:
    """Whether a marker that stands alone goes."""
    return any(
        rule.enabled and name.startswith(rule.prefix) and (rule.markers or rule.days is not None)
        for rule in rules
    )


def upload_goes(rules: Sequence[Rule], name: str, since: str, now: float) -> bool:
    return any(
        rule.enabled
        and name.startswith(rule.prefix)
        and rule.uploads_days is not None
        and due(since, rule.uploads_days) <= now
        for rule in rules
    )


def load(stored: Any) -> list[Rule]:
    """Of a container's options."""
    return msgspec.convert(stored or [], list[Rule])
