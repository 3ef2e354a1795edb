"""Software configurations and their deployments to servers."""

from typing import Annotated, Any

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, IndexOn, Key, References, Row, table


@table("orchestration_configs", IndexOn("project_id", "created_at"))
class ConfigRow(Row, frozen=True):
    """What a server is to be told: never changed, only made anew."""

    id: Annotated[str, Key()]
    project_id: str
    name: str
    group: str
    """Who reads it on the server: `script`, `puppet` …"""
    config: str
    """Sealed: a configuration has passwords in it."""
    options: dict[str, Any]
    inputs: str
    """JSON, sealed."""
    outputs: list[Any]
    created_at: Moment


@table("orchestration_deployments", IndexOn("project_id", "server_id", "created_at"))
class DeploymentRow(Row, frozen=True):
    """A configuration that a server is to have, and what came of it."""

    id: Annotated[str, Key()]
    project_id: str
    server_id: str
    """As whoever made it named the server; it is looked for in the same project only."""
    config_id: Annotated[str, Index(), References("orchestration_configs.id")]
    action: str
    status: str
    status_reason: str
    input_values: str
    """JSON, sealed."""
    output_values: str
    """JSON, sealed."""
    created_at: Moment
    updated_at: Moment | None
    stack_user_project_id: str
