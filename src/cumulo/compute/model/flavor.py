"""Flavors: sizes of servers. They have no state."""

from typing import Annotated

from cumulo.compute.model.server import FlavorSnapshot
from cumulo.core.clock import Moment
from cumulo.core.db.rows import Key, References, Row, Unique, table


@table("flavors", Unique("name"))
class FlavorRow(Row, frozen=True, kw_only=True):
    id: Annotated[str, Key()]
    """What clients call it: given, or a UUID."""
    name: str
    vcpus: int
    ram: int
    """MiB"""
    disk: int
    """GiB; 0: as large as the image"""
    ephemeral: int
    """GiB"""
    swap: int
    """MiB"""
    rxtx_factor: float
    is_public: bool
    disabled: bool
    description: str | None
    extra_specs: dict[str, str]
    created_at: Moment
    updated_at: Moment


@table("flavor_access")
class FlavorAccessRow(Row, frozen=True):
    """A project that may use a flavor which is not public."""

    flavor_id: Annotated[str, Key(), References("flavors.id", on_delete="CASCADE")]
    project_id: Annotated[str, Key()]


def snapshot(row: FlavorRow) -> FlavorSnapshot:
    return FlavorSnapshot(
        id=row.id,
        name=row.name,
        vcpus=row.vcpus,
        ram=row.ram,
        disk=row.disk,
        ephemeral=row.ephemeral,
        swap=row.swap,
        extra_specs=row.extra_specs,
    )
