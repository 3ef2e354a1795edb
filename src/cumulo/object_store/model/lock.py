"""Object Lock: versions that nobody removes before a time (retention), or while they are held.

`GOVERNANCE` gives way to whoever owns the account and says so; `COMPLIANCE` to nobody. A lock is of
a version: the name can be written and deleted as ever, and leaves what is locked as an older one.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from cumulo.object_store.model.faults import BadInput, Denied

MODES = ("GOVERNANCE", "COMPLIANCE")
LOCK, HOLD = "lock", "hold"
"""In an object's `extra`: {"mode": …, "until": seconds}, and true."""
LONGEST_DAYS = 36_500
DAY = 86_400


def seconds(text: str) -> int:
    """Of an ISO 8601 date. Raises BadInput."""
    try:
        found = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
        return int(found.replace(tzinfo=found.tzinfo or UTC).timestamp())
    except (ValueError, OverflowError):
        raise BadInput("The retain until date is not valid.", kind="InvalidArgument") from None


def date(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def retention(mode: str, until: int) -> dict[str, Any]:
    """Checked. Raises BadInput."""
    if mode not in MODES:
        raise BadInput("Unknown wormMode directive.", kind="MalformedXML")
    if until <= time.time():
        raise BadInput("The retain until date must be in the future!", kind="InvalidArgument")
    if until > time.time() + (LONGEST_DAYS + 1) * DAY:
        raise BadInput("The retain until date is too far away.", kind="InvalidArgument")
    return {"mode": mode, "until": until}


def by_default(rule: Mapping[str, Any]) -> dict[str, Any]:
    """What a bucket's rule gives to an object of now."""
    return {"mode": rule["mode"], "until": int(time.time()) + int(rule["days"]) * DAY}


def is_locked(extra: Mapping[str, Any]) -> bool:
    return bool(extra.get(HOLD)) or _holds(extra) is not None


def _holds(extra: Mapping[str, Any]) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = extra.get(LOCK)
    return found if found is not None and found["until"] > time.time() else None


def check_removal(extra: Mapping[str, Any], *, bypass: bool = False) -> None:
    """Raises Denied."""
    found = _holds(extra)
    if extra.get(HOLD) or (found is not None and not (bypass and found["mode"] == MODES[0])):
        raise Denied("Access Denied because object protected by object lock.")


def check_change(
    extra: Mapping[str, Any], wanted: Mapping[str, Any] | None, *, bypass: bool
) -> None:
    """Of a retention: it can be made longer; shorter only as it could be taken away."""
    found = _holds(extra)
    if found is None:
        return
    longer = wanted is not None and wanted["until"] >= found["until"]
    if longer and wanted is not None and wanted["mode"] in (found["mode"], MODES[1]):
        return
    if not bypass or found["mode"] != MODES[0]:
        raise Denied("Access Denied because object protected by object lock.")


def carried(extra: Mapping[str, Any]) -> dict[str, Any]:
    """What a copy takes along: a lock is of its version alone."""
    return {name: value for name, value in extra.items() if name not in (LOCK, HOLD)}
