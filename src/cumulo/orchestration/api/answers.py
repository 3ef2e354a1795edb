"""What orchestration answers, operation by operation: see `core.http.responses`."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, UnsetType, field

from cumulo.core.http.responses import Empty
from cumulo.core.wire.shapes import Body


class Link(Body, kw_only=True):
    href: str
    rel: str


class StackSummary(Body, kw_only=True):
    creation_time: str
    deletion_time: str | None
    description: str
    id: str
    links: list[Link]
    parent: Any
    project: str
    stack_name: str
    stack_owner: Any
    stack_status: str
    stack_status_reason: str
    stack_user_project_id: str
    tags: list[str]
    updated_time: str | None


class StacksAnswer(Body, kw_only=True):
    count: int | UnsetType = UNSET
    links: list[Link] | UnsetType = UNSET
    stacks: list[StackSummary]


class DetailAnswer(Body, kw_only=True):
    stacks: list[Any]


class Output(Body, kw_only=True):
    description: str
    output_key: str
    output_value: Any


class StackIdentity(Body, kw_only=True):
    path: str
    stack_id: str
    stack_name: str
    tenant: str


class StackResource(Body, kw_only=True):
    attributes: dict[str, Any]
    creation_time: Any
    description: str
    metadata: dict[str, Any]
    parent_resource: str | UnsetType = UNSET
    physical_resource_id: str
    properties: dict[str, Any]
    required_by: list[str]
    resource_action: str
    resource_identity: StackIdentity
    resource_name: str
    resource_status: str
    resource_status_reason: str
    resource_type: str
    stack_identity: StackIdentity
    stack_name: str
    updated_time: Any


class Stack(Body, kw_only=True):
    capabilities: list[Any] | UnsetType = UNSET
    creation_time: str | UnsetType | None = UNSET
    deletion_time: str | UnsetType | None = UNSET
    description: str | UnsetType = UNSET
    disable_rollback: bool | UnsetType = UNSET
    id: str
    links: list[Link]
    notification_topics: list[Any] | UnsetType = UNSET
    outputs: list[Output] | UnsetType = UNSET
    parameters: dict[str, Any] | UnsetType = UNSET
    parent: Any = UNSET
    project: str | UnsetType = UNSET
    resources: list[Any] | UnsetType = UNSET
    stack_identity: StackIdentity | UnsetType = UNSET
    stack_name: str | UnsetType = UNSET
    stack_owner: str | UnsetType | None = UNSET
    stack_status: str | UnsetType = UNSET
    stack_status_reason: str | UnsetType = UNSET
    stack_user_project_id: str | UnsetType | None = UNSET
    tags: list[str] | UnsetType | None = UNSET
    template_description: str | UnsetType = UNSET
    timeout_mins: Any = UNSET
    updated_time: str | UnsetType | None = UNSET


class StackAnswer(Body, kw_only=True):
    stack: Stack


class EnvironmentAnswer(Body, kw_only=True):
    encrypted_param_names: list[Any]
    event_sinks: list[Any]
    parameter_defaults: dict[str, Any]
    parameters: dict[str, Any]
    resource_registry: dict[str, Any]


class ListedResource(Body, kw_only=True):
    creation_time: str
    links: list[Link]
    logical_resource_id: str
    parent_resource: str | UnsetType = UNSET
    physical_resource_id: str
    required_by: list[str]
    resource_name: str
    resource_status: str
    resource_status_reason: str
    resource_type: str
    updated_time: str


class ResourcesAnswer(Body, kw_only=True):
    resources: list[ListedResource]


class Resource(Body, kw_only=True):
    attributes: dict[str, Any]
    creation_time: str
    description: str
    links: list[Link]
    logical_resource_id: str
    metadata: dict[str, Any]
    physical_resource_id: str
    required_by: list[Any]
    resource_name: str
    resource_status: str
    resource_status_reason: str
    resource_type: str
    updated_time: str


class ResourceAnswer(Body, kw_only=True):
    resource: Resource


class MetadataAnswer(Body, kw_only=True):
    metadata: Any


class Event(Body, kw_only=True):
    event_time: str
    id: str
    links: list[Link]
    logical_resource_id: str
    physical_resource_id: str | None
    resource_name: str
    resource_status: str
    resource_status_reason: str


class EventsAnswer(Body, kw_only=True):
    events: list[Event]


class ResourceTypesAnswer(Body, kw_only=True):
    resource_types: list[str]


class SupportStatus(Body, kw_only=True):
    message: Any
    previous_status: Any
    status: str
    version: Any


class ResourceTypeAnswer(Body, kw_only=True):
    attributes: dict[str, Any]
    description: str
    properties: dict[str, Any]
    resource_type: str
    support_status: SupportStatus


class TemplateAnswer(Body, kw_only=True):
    Description: str
    HeatTemplateFormatVersion: str
    Outputs: dict[str, Any]
    Parameters: dict[str, Any]
    Resources: dict[str, Any]


class TemplateVersion(Body, kw_only=True):
    aliases: list[str]
    type: str
    version: str


class TemplateVersionsAnswer(Body, kw_only=True):
    template_versions: list[TemplateVersion]


class Api(Body, kw_only=True):
    revision: str


class BuildInfoAnswer(Body, kw_only=True):
    api: Api
    engine: Api


class Service(Body, kw_only=True):
    binary: str
    created_at: str
    deleted_at: Any
    engine_id: str
    host: str
    hostname: str
    id: str
    report_interval: int
    status: str
    topic: str
    updated_at: str


class ServicesAnswer(Body, kw_only=True):
    services: list[Service]


class ExportedResource(Body, kw_only=True):
    action: str
    metadata: dict[str, Any]
    name: str
    resource_data: dict[str, Any]
    resource_id: str
    status: str
    type: str
    resources: dict[str, ExportedResource] | UnsetType = UNSET
    template: dict[str, Any] | UnsetType = UNSET


class ExportAnswer(Body, kw_only=True):
    action: str
    environment: dict[str, Any]
    files: dict[str, Any]
    id: str
    name: str
    project_id: str
    resources: dict[str, ExportedResource]
    stack_user_project_id: str
    status: str
    tags: list[str]
    template: dict[str, Any]


class Snapshot(Body, kw_only=True):
    creation_time: str
    data: dict[str, Any] | None
    id: str
    name: str
    status: str
    status_reason: str


class SnapshotAnswer(Body, kw_only=True):
    snapshot: Snapshot


class SnapshotsAnswer(Body, kw_only=True):
    snapshots: list[Snapshot]


class SoftwareConfigsAnswer(Body, kw_only=True):
    software_configs: list[dict[str, Any]]


class SoftwareConfig(Body, kw_only=True):
    config: str
    creation_time: str
    group: str
    id: str
    inputs: list[Any]
    name: str
    options: dict[str, Any]
    outputs: list[Any]
    project: str


class SoftwareConfigAnswer(Body, kw_only=True):
    software_config: SoftwareConfig


class SoftwareDeploymentsAnswer(Body, kw_only=True):
    software_deployments: list[SoftwareDeployment]


class ChangedResource(Body, kw_only=True):
    resource_name: str
    resource_type: str


class PreviewAnswer(Body, kw_only=True):
    resource_changes: dict[str, list[ChangedResource]]


class OutputName(Body, kw_only=True):
    description: str
    output_key: str


class OutputsAnswer(Body, kw_only=True):
    outputs: list[OutputName]


class ShownOutput(Output, kw_only=True):
    output_error: str | UnsetType = UNSET


class OutputAnswer(Body, kw_only=True):
    output: ShownOutput


class ShownEvent(Event, kw_only=True):
    resource_properties: dict[str, Any]
    resource_type: str


class EventAnswer(Body, kw_only=True):
    event: ShownEvent


class TemplateFunction(Body, kw_only=True):
    description: str
    functions: str


class FunctionsAnswer(Body, kw_only=True):
    template_functions: list[TemplateFunction]


class ValidateAnswer(Body, kw_only=True):
    description: str = field(name="Description")
    environment: EnvironmentAnswer = field(name="Environment")
    nested_parameters: dict[str, Any] | UnsetType = field(name="NestedParameters", default=UNSET)
    parameter_groups: list[Any] | UnsetType = field(name="ParameterGroups", default=UNSET)
    parameters: dict[str, dict[str, Any]] = field(name="Parameters")


class SoftwareDeployment(Body, kw_only=True):
    action: str
    config_id: str
    creation_time: str
    id: str
    input_values: dict[str, Any]
    output_values: dict[str, Any] | None
    server_id: str
    status: str
    status_reason: str
    updated_time: str | None


class SoftwareDeploymentAnswer(Body, kw_only=True):
    software_deployment: SoftwareDeployment


ANSWERS: dict[str, Any] = {
    "DELETE /stacks/{name}/{stack_id}/abandon": ExportAnswer,
    "GET /build_info": BuildInfoAnswer,
    "GET /resource_types": ResourceTypesAnswer,
    "GET /resource_types/{type_name}": ResourceTypeAnswer,
    "GET /resource_types/{type_name}/template": TemplateAnswer,
    "GET /services": ServicesAnswer,
    "GET /software_configs": SoftwareConfigsAnswer,
    "GET /software_configs/{config_id}": SoftwareConfigAnswer,
    "GET /software_deployments": SoftwareDeploymentsAnswer,
    "GET /software_deployments/metadata/{server_id}": MetadataAnswer,
    "GET /stacks": StacksAnswer,
    "GET /stacks/detail": DetailAnswer,
    "GET /stacks/{name}": StackAnswer,
    "GET /stacks/{name}/{stack_id}": StackAnswer,
    "GET /stacks/{name}/{stack_id}/environment": EnvironmentAnswer,
    "GET /stacks/{name}/{stack_id}/events": EventsAnswer,
    "GET /stacks/{name}/{stack_id}/export": ExportAnswer,
    "GET /stacks/{name}/{stack_id}/resources": ResourcesAnswer,
    "GET /stacks/{name}/{stack_id}/resources/{resource}": ResourceAnswer,
    "GET /stacks/{name}/{stack_id}/resources/{resource}/events": EventsAnswer,
    "GET /stacks/{name}/{stack_id}/resources/{resource}/metadata": MetadataAnswer,
    "GET /stacks/{name}/{stack_id}/snapshots": SnapshotsAnswer,
    "GET /stacks/{name}/{stack_id}/snapshots/{snapshot_id}": SnapshotAnswer,
    "GET /template_versions": TemplateVersionsAnswer,
    "PATCH /stacks/{name}/{stack_id}": Empty,
    "POST /software_configs": SoftwareConfigAnswer,
    "POST /stacks": StackAnswer,
    "POST /stacks/preview": StackAnswer,
    "POST /stacks/{name}/{stack_id}/actions": Empty,
    "POST /stacks/{name}/{stack_id}/resources/{resource}/signal": Empty,
    "POST /stacks/{name}/{stack_id}/snapshots": Snapshot,
    "POST /stacks/{name}/{stack_id}/snapshots/{snapshot_id}/restore": Empty,
    "PUT /stacks/{name}/{stack_id}": Empty,
    "PUT /stacks/{name}": Empty,
    "PATCH /stacks/{name}": Empty,
    "DELETE /stacks/{name}": Empty,
    "GET /stacks/{name}/resources": Empty,
    "GET /stacks/{name}/events": Empty,
    "GET /stacks/{name}/template": Empty,
    "GET /stacks/{name}/environment": Empty,
    "GET /stacks/{name}/files": Empty,
    "GET /stacks/{name}/outputs": Empty,
    "POST /stacks/{name}/actions": Empty,
    "PUT /stacks/{name}/{stack_id}/preview": PreviewAnswer,
    "PATCH /stacks/{name}/{stack_id}/preview": PreviewAnswer,
    "GET /stacks/{name}/{stack_id}/template": dict[str, Any],
    "GET /stacks/{name}/{stack_id}/files": dict[str, str],
    "GET /stacks/{name}/{stack_id}/outputs": OutputsAnswer,
    "GET /stacks/{name}/{stack_id}/outputs/{key}": OutputAnswer,
    "PATCH /stacks/{name}/{stack_id}/resources/{resource}": Empty,
    "GET /stacks/{name}/{stack_id}/resources/{resource}/events/{event_id}": EventAnswer,
    "GET /template_versions/{version}/functions": FunctionsAnswer,
    "POST /validate": ValidateAnswer,
    "POST /software_deployments": SoftwareDeploymentAnswer,
    "GET /software_deployments/{deployment_id}": SoftwareDeploymentAnswer,
    "PUT /software_deployments/{deployment_id}": SoftwareDeploymentAnswer,
}
