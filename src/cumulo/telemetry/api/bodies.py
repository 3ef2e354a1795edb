"""Gnocchi's objects as its API shows them, and how its clients name who has made them."""

from collections.abc import Mapping, Sequence
from typing import Any

from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call
from cumulo.telemetry.model.metric import (
    ArchivePolicyRow,
    ArchivePolicyRuleRow,
    MetricRow,
    ResourceRow,
    RevisionRow,
)
from cumulo.telemetry.model.times import moment_text, span_text


def keys(given: Any, needed: Sequence[str], others: Sequence[str] = ()) -> dict[str, Any]:
    """An object with these keys, in the words that clients look for. Raises BadRequest."""
    if not isinstance(given, dict):
        raise BadRequest("Invalid input: expected a dictionary")
    for name in given:
        if name not in needed and name not in others:
            raise BadRequest(f"Invalid input: extra keys not allowed @ data[{name[:80]!r}]")
    for name in needed:
        if name not in given:
            raise BadRequest(f"Invalid input: required key not provided @ data[{name!r}]")
    return given


def name_in(given: Mapping[str, Any], key: str, most: int = 255) -> str:
    value = given[key]
    if not isinstance(value, str) or not 0 < len(value) <= most or "\x00" in value:
        raise BadRequest(f"Invalid input: expected a text of 1 to {most} letters @ data[{key!r}]")
    return value


def creator_of(call: Call) -> str:
    who = call.principal
    return f"{who.user_id}:{who.project_id or ''}"


def target_of(row: MetricRow | ResourceRow, project_id: str | None) -> dict[str, str | None]:
    """What rules look at: whose it is, and whose user has made it (nobody's: the cloud has)."""
    return {
        "project_id": project_id,
        "created_by_project_id": row.creator.partition(":")[2] or None,
    }


def policy_body(row: ArchivePolicyRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "back_window": row.back_window,
        "definition": [
            {
                "granularity": span_text(each.granularity),
                "points": each.points or None,
                "timespan": span_text(each.granularity * each.points) if each.points else None,
            }
            for each in row.definition
        ],
        "aggregation_methods": row.aggregation_methods,
    }


def rule_body(row: ArchivePolicyRuleRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "metric_pattern": row.metric_pattern,
        "archive_policy_name": row.archive_policy,
    }


def metric_body(row: MetricRow, policy: ArchivePolicyRow) -> dict[str, Any]:
    user, _, project = row.creator.partition(":")
    return {
        "id": row.id,
        "name": row.name,
        "unit": row.unit,
        "archive_policy": policy_body(policy),
        "archive_policy_name": row.archive_policy,
        "resource_id": row.resource_id,
        "creator": row.creator,
        "created_by_user_id": user,
        "created_by_project_id": project,
    }


def resource_body(
    row: ResourceRow, metrics: Sequence[MetricRow], was: RevisionRow | None = None
) -> dict[str, Any]:
    """`was`: what it was before."""
    user, _, project = row.creator.partition(":")
    then = was or row
    return {
        **then.attributes,
        "id": row.id,
        "type": row.type,
        "original_resource_id": row.original_id,
        "project_id": then.project_id,
        "user_id": then.user_id,
        "creator": row.creator,
        "created_by_user_id": user,
        "created_by_project_id": project,
        "started_at": moment_text(then.started_at),
        "ended_at": moment_text(then.ended_at),
        "revision_start": moment_text(then.revision_start),
        "revision_end": None if was is None else moment_text(was.revision_end),
        "metrics": {str(each.name): each.id for each in metrics},
    }


def type_body(name: str, attributes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {"name": name, "attributes": attributes, "state": "active"}
