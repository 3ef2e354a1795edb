"""Access rules: who may mount a share, and how far each has come."""

from collections.abc import Iterable
from typing import Annotated, Literal

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, Key, References, Row, Unique, table

State = Literal["queued_to_apply", "applying", "active", "queued_to_deny", "denying", "error"]


@table("share_access_rules", Unique("share_id", "access_type", "access_to"))
class AccessRow(Row, frozen=True):
    id: Annotated[str, Key()]
    share_id: Annotated[str, Index(), References("share_shares.id", on_delete="CASCADE")]
    project_id: str
    access_type: str
    access_to: str
    access_level: str
    metadata: dict[str, str]
    state: State
    """The stored copy of `state_of`."""
    wanted: Literal["present", "absent"]
    applied: bool
    """The share's host has admitted it."""
    told: bool
    """The share's host is at work with it."""
    fault: str | None
    final: bool
    """No host is asked: no driver knows such a rule."""
    created_at: Annotated[Moment, Index()]
    updated_at: Moment | None


@table("share_snapshot_access_rules", Unique("snapshot_id", "access_type", "access_to"))
class SnapshotAccessRow(Row, frozen=True):
    """Who may mount a snapshot, to read."""

    id: Annotated[str, Key()]
    snapshot_id: Annotated[str, Index(), References("share_snapshots.id", on_delete="CASCADE")]
    project_id: str
    access_type: str
    access_to: str
    state: State
    wanted: Literal["present", "absent"]
    applied: bool
    told: bool
    fault: str | None
    final: bool
    created_at: Moment
    updated_at: Moment | None


def state_of(*, wanted: str, applied: bool, told: bool, fault: str | None) -> State:
    if fault is not None:
        return "error"
    if wanted == "absent":
        return "denying" if told else "queued_to_deny"
    if applied:
        return "active"
    return "applying" if told else "queued_to_apply"


def access_state(row: AccessRow | SnapshotAccessRow) -> State:
    return state_of(wanted=row.wanted, applied=row.applied, told=row.told, fault=row.fault)


def rules_status(states: Iterable[str]) -> str:
    """A share's `access_rules_status` (2.10), from its rules' states."""
    seen = set(states)
    if "error" in seen:
        return "error"
    return "active" if seen <= {"active"} else "syncing"


def older_state(states: Iterable[str]) -> str:
    """Before 2.28 a rule was shown with the state of all rules of its share."""
    status = rules_status(states)
    return "new" if status == "syncing" else status
