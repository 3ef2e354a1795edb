"""Deploy templates and runbooks: steps that are asked for by a name."""

from typing import Annotated, Any

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, Key, Row, Unique, table


@table("baremetal_deploy_templates", Unique("name"))
class TemplateRow(Row, frozen=True):
    """Its name is a trait: who deploys with that trait gets these steps."""

    id: Annotated[str, Key()]
    name: str
    steps: list[dict[str, Any]]
    extra: dict[str, Any]
    created_at: Moment
    updated_at: Moment | None


@table("baremetal_runbooks", Unique("name"))
class RunbookRow(Row, frozen=True):
    """Steps of cleaning or service, allowed on nodes that have one of its traits."""

    id: Annotated[str, Key()]
    name: str
    steps: list[dict[str, Any]]
    public: bool
    owner: Annotated[str | None, Index()]
    disable_ramdisk: bool
    description: str | None
    traits: list[str]
    extra: dict[str, Any]
    created_at: Moment
    updated_at: Moment | None
