"""Zones: a name below which a project decides, and what is said at its top."""

from typing import Annotated, Literal

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Index, IndexOn, Key, References, Row, Unique, table
from cumulo.dns.model.state import Action, Status, state_of

ZoneType = Literal["PRIMARY", "SECONDARY"]
ALONE = 2**62
DEFAULT_POOL = "794ccc2c-d751-44fe-b57f-8894c9f5c842"
"""The id that Designate gives to the pool of whoever names none."""


@table(
    "dns_zones",
    Unique("name"),
    IndexOn("project_id", "created_at"),
    IndexOn("pool_id", "id"),
    IndexOn("due", where="due > 0"),
    IndexOn("pool_id", "pool_due", where="pool_due > 0"),
    IndexOn("change", where="status <> 'ACTIVE'"),
)
class ZoneRow(Row, frozen=True):
    """`tree`: see `names.tree_key`. `change`: the number of the last change of it or of anything in
    it; `served`: up to which one the name servers have it. `recordsets` and `records` count what
    is in it, the records of the service's own not among them."""

    id: Annotated[str, Key()]
    name: str
    tree: Annotated[str, Index()]
    project_id: str
    pool_id: str
    type: ZoneType
    email: str
    ttl: int
    serial: int
    refresh: int
    retry: int
    expire: int
    minimum: int
    description: str | None
    attributes: dict[str, str]
    masters: list[str]
    wanted: bool
    change: int
    served: int
    mirrored: int
    """Up to which change the servers of its pool have it; ALONE: the cloud's own are all."""
    due: float
    """When masters are to be asked for it, in seconds since the epoch; 0: it has none."""
    attempts: int
    """How often that has failed."""
    pool_due: float
    """When the servers of its pool are to be told of it, 0: they have it; and how often that has
    failed."""
    pool_attempts: int
    fault: str | None
    """What its masters say."""
    pool_fault: str | None
    """What the servers of its pool say."""
    anew: bool
    """What its masters have is taken the next time whatever its serial number is."""
    action: Action
    status: Status
    version: int
    recordsets: int
    records: int
    transferred_at: Moment | None
    """When its masters were last heard to have nothing newer."""
    expired: bool
    """They have been away for longer than the SOA's expire: it is not answered for (RFC 1035,
    3.3.13)."""
    shown: str | None
    """The name with the case of letters as it was given; None: `name` is that."""
    created_at: Moment
    updated_at: Moment | None

    @property
    def display(self) -> str:
        return self.shown or self.name


@table("dns_shares", Unique("zone_id", "target_project_id"))
class ShareRow(Row, frozen=True):
    """Another project that may make records in a zone."""

    id: Annotated[str, Key()]
    zone_id: Annotated[str, References("dns_zones.id", "CASCADE")]
    project_id: str
    target_project_id: Annotated[str, Index()]
    created_at: Moment
    updated_at: Moment | None


def zone_state(row: ZoneRow) -> tuple[Action, Status]:
    served = min(row.served, row.mirrored)
    return state_of(
        wanted=row.wanted,
        change=row.change,
        served=served,
        version=row.version,
        fault=row.fault or row.pool_fault,
    )
