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
OPTION = "s3-object-lock"
"""Of a container: its rule; an empty one gives none by itself."""
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


def check_kept(options: Mapping[str, Any], extra: Mapping[str, Any]) -> None:
    """Raises BadInput for a lock in a bucket (its options) that keeps none."""
    if OPTION not in options and (LOCK in extra or HOLD in extra):
        raise BadInput("Bucket is missing Object Lock Configuration", kind="InvalidRequest")


def applied(options: Mapping[str, Any], extra: Mapping[str, Any]) -> dict[str, Any]:
    """What a new version in a bucket with these options has of its own: the bucket's rule, where
    the write says nothing. Raises BadInput."""
    check_kept(options, extra)
    rule = options.get(OPTION)
    if not rule or LOCK in extra:
        return dict(extra)
    until = int(time.time()) + int(rule["days"]) * DAY
    return {**extra, LOCK: {"mode": rule["mode"], "until": until}}


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


_CARRIED = frozenset(
    (
        *("blob_md5", "checksum", "checksums", "checksum_type", "manifest_etag", "manifest_size"),
        *("slo_etag", "sse", "symlink", "symlink_bytes", "symlink_etag", "tags"),
    )
)


def carried(extra: Mapping[str, Any]) -> dict[str, Any]:
    """What a copy takes along: what its bytes are. A lock is of its version alone, and who may read
    an object is said by whoever writes it."""
    return {name: value for name, value in extra.items() if name in _CARRIED}
