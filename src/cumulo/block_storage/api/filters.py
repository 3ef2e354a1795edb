"""What the lists can be filtered by: `GET /resource_filters` says so, and the lists do it.

`name~` finds a part of a name. Times are compared by `created_at` and `updated_at`
(`gt:2026-01-01T00:00:00,lt:…`, block storage API 3.60).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from cumulo.core import clock
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call
from cumulo.core.wire.shapes import Version

TIMES = ("created_at", "updated_at")
OPERATORS = ("gt", "gte", "eq", "neq", "lt", "lte")
WITH_TIMES = Version(3, 60)
FILTERS: Mapping[str, Sequence[str]] = {
    "volume": (
        *("name", "name~", "status", "metadata", "bootable", "multiattach", "availability_zone"),
        *("group_id", "size", "user_id", "id", *TIMES),
    ),
    "snapshot": ("name", "name~", "status", "volume_id", "user_id", "size", "id"),
    "backup": ("name", "name~", "status", "volume_id", "snapshot_id", "user_id", "id"),
    "group": (
        *("name", "name~", "status", "availability_zone", "group_type"),
        *("group_snapshot_id", "source_group_id", "id"),
    ),
    "group_snapshot": ("name", "name~", "status", "group_id", "group_type_id", "id"),
    "attachment": ("volume_id", "status", "instance_id"),
    "message": ("resource_uuid", "resource_type", "event_id", "request_id", "message_level"),
    "pool": ("name",),
    "volume_type": ("is_public",),
}


def by_time(call: Call) -> dict[str, Any]:
    """Filters of a listing: `created_at_gt` and the like."""
    where: dict[str, Any] = {}
    if call.version is None or call.version < WITH_TIMES:
        return where
    for name in TIMES:
        for text in (call.query.get(name) or "").split(","):
            if not text.strip():
                continue
            word, _, moment = text.strip().partition(":")
            if word not in OPERATORS:
                word, moment = "eq", text.strip()
            try:
                where[f"{name}_{word}"] = clock.of_text(moment)
            except ValueError:
                raise BadRequest(
                    f"Invalid input received: Invalid {name} value: {text:.64}"
                ) from None
    return where
