"""Metrics, the resources that they are of, and their points."""

from typing import Annotated, Any

import msgspec

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, IndexOn, Key, References, Row, Serial, Unique, table


class Definition(msgspec.Struct, frozen=True):
    """One granularity of an archive policy: a point every so many seconds, so many points."""

    granularity: int
    points: int
    """0: any number."""


@table("telemetry_archive_policies")
class ArchivePolicyRow(Row, frozen=True):
    name: Annotated[str, Key()]
    definition: list[Definition]
    aggregation_methods: list[str]
    back_window: int


@table("telemetry_archive_policy_rules")
class ArchivePolicyRuleRow(Row, frozen=True):
    """Metrics whose names fit the pattern are kept by the policy, if none is named."""

    name: Annotated[str, Key()]
    metric_pattern: str
    archive_policy: Annotated[str, References("telemetry_archive_policies.name"), Index()]


@table("telemetry_resource_types")
class ResourceTypeRow(Row, frozen=True):
    """A type of a client's own."""

    name: Annotated[str, Key()]
    attributes: dict[str, dict[str, Any]]
    """Name → type (string, uuid, number, bool, datetime), whether it is required, bounds."""


@table(
    "telemetry_resources",
    IndexOn("project_id", "started_at"),
    IndexOn("type", "started_at"),
    IndexOn("server_group", "project_id"),
    IndexOn("original_id", "project_id"),
    IndexOn("parent"),
    IndexOn("ended_at"),
)
class ResourceRow(Row, frozen=True):
    """What metrics are of: a server, a disk of it, or whatever a client has named."""

    id: Annotated[str, Key()]
    original_id: str
    """As it was given: ids that are no UUIDs become one."""
    type: str
    project_id: str | None
    user_id: str | None
    creator: str
    attributes: dict[str, Any]
    started_at: Moment
    ended_at: Moment | None
    revision_start: Moment
    server_group: str | None
    """The attribute of that name: what scaling groups are found by."""
    parent: str | None = None
    """Of a server's disk or port: the server, with which it ends."""


@table("telemetry_resource_revisions", IndexOn("resource_id", "revision_start"))
class RevisionRow(Row, frozen=True):
    """What a resource was before it changed."""

    id: Annotated[int, Serial()]
    resource_id: Annotated[str, References("telemetry_resources.id", on_delete="CASCADE")]
    project_id: str | None
    user_id: str | None
    attributes: dict[str, Any]
    started_at: Moment
    ended_at: Moment | None
    revision_start: Moment
    revision_end: Moment


@table(
    "telemetry_metrics",
    Unique("resource_id", "name"),
    IndexOn("project_id", "created_at"),
)
class MetricRow(Row, frozen=True):
    id: Annotated[str, Key()]
    name: str | None
    unit: str | None
    archive_policy: Annotated[str, References("telemetry_archive_policies.name")]
    resource_id: Annotated[str | None, References("telemetry_resources.id", on_delete="CASCADE")]
    creator: str
    project_id: str | None
    """Of the creator: whose it is where it is of no resource."""
    created_at: Annotated[Moment, Index()]
