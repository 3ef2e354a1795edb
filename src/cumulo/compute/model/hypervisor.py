"""A compute host as the API shows it: what its agent reported, and whether it may be scheduled."""

from typing import Annotated

import msgspec

from cumulo.core.blobs.content import Content
from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, IndexOn, Key, Row, Serial, Unique, table


class HostResources(msgspec.Struct, frozen=True, kw_only=True):
    """What a compute host has, as its agent sees it."""

    vcpus: int
    memory_mb: int
    disk_gb: int
    driver: str = "QEMU"
    version: int = 0
    """7002022 for 7.2.22"""
    address: str = "127.0.0.1"
    accelerator: str = "tcg"
    dedicated: list[int] = []
    """Processors that are set aside for guests that have theirs for themselves."""
    pages: dict[int, int] = {}
    """Sizes of huge pages in KiB → how many there are."""


@table(
    "hypervisors",
    Unique("host_id"),
    IndexOn("uuid"),
    IndexOn("service_uuid"),
    IndexOn("zone", "disabled"),
)
class HypervisorRow(Row, frozen=True):
    """`uuid` is also the provider's id in placement; it follows from the host's name."""

    id: Annotated[int, Serial()]
    host_id: str
    uuid: str
    service_uuid: str
    resources: HostResources
    created_at: Moment
    updated_at: Moment
    zone: str = "nova"
    """The stored zone: its aggregate's, or the default one."""
    disabled: bool = False
    disabled_reason: str | None = None
    forced_down: bool = False
    metal: bool = False
    """A node of bare metal: no agent runs there."""


@table("compute_cached_images")
class CachedImageRow(Row, frozen=True):
    """An image that a host has although no guest there needs it."""

    host_id: Annotated[str, Key()]
    image_id: Annotated[str, Key()]
    content: Content
    until: Annotated[Moment, Index()]


@table("compute_aggregates")
class AggregateRow(Row, frozen=True):
    """A group of hosts with metadata; `availability_zone` among it names their zone."""

    id: Annotated[int, Serial()]
    uuid: str
    name: str
    hosts: list[str]
    metadata: dict[str, str]
    created_at: Moment
    updated_at: Moment | None


@table("server_groups")
class ServerGroupRow(Row, frozen=True):
    """Servers that should be together or apart."""

    id: Annotated[str, Key()]
    project_id: str
    user_id: str
    name: str
    policy: str
    rules: dict[str, int]
    members: list[str]
    created_at: Moment
