"""Share types: what kinds of shares a project may ask for."""

from typing import Annotated

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, Key, References, Row, Unique, table

DEFAULT_TYPE = "default"
HANDLES_SERVERS = "driver_handles_share_servers"
SNAPSHOTS = "snapshot_support"
FROM_SNAPSHOTS = "create_share_from_snapshot_support"
REVERTS, MOUNTS = "revert_to_snapshot_support", "mount_snapshot_support"
SERVED_IN = "cumulo:share_network"
"""Of a type whose shares have no share network of their project: the one, an administrator's, that
they are all reached in."""
INHERITS = "snapshot_inherit_share_access_support"
BOOLEANS = (HANDLES_SERVERS, SNAPSHOTS, FROM_SNAPSHOTS, REVERTS, MOUNTS, INHERITS)
"""Extra specs that are true or false, whatever word somebody uses for it."""
ZONES = "availability_zones"
TENANTS_SEE = (*BOOLEANS, ZONES)

DEFAULT_SPECS = {HANDLES_SERVERS: "True", SNAPSHOTS: "True", FROM_SNAPSHOTS: "True"}


@table("share_types", Unique("name"))
class TypeRow(Row, frozen=True):
    id: Annotated[str, Key()]
    name: str
    description: str | None
    is_public: bool
    extra_specs: dict[str, str]
    created_at: Moment
    updated_at: Moment | None

    def says(self, spec: str) -> bool:
        return self.extra_specs.get(spec, "").lower().removeprefix("<is> ") in ("true", "1", "yes")


@table("share_type_projects")
class TypeProjectRow(Row, frozen=True):
    """A project that may use a private type."""

    type_id: Annotated[str, Key(), References("share_types.id", on_delete="CASCADE")]
    project_id: Annotated[str, Key(), Index()]
