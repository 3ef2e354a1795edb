"""Pools: sets of name servers that answer for the same zones, and what is asked of those that are
not the cloud's own."""

from collections.abc import Sequence
from typing import Annotated, Protocol

import msgspec

from cumulo.core.clock import Moment
from cumulo.core.db.rows import Key, Row, Unique, table


class NsRecord(msgspec.Struct, frozen=True):
    """The name of a server of a pool; those with the smaller number are named first."""

    hostname: str
    priority: int


@table("dns_pools", Unique("name"))
class PoolRow(Row, frozen=True):
    """A pool that was made by the API: other names, and the cloud's own name servers behind them.
    Those with servers of their own are in the settings."""

    id: Annotated[str, Key()]
    name: str
    description: str | None
    project_id: str | None
    """What whoever made it said; it means nothing to the cloud."""
    attributes: dict[str, str]
    ns_records: list[NsRecord]
    created_at: Moment
    updated_at: Moment | None


@table("dns_pool_names")
class PoolNamesRow(Row, frozen=True):
    """The names that the zones of a pool have as their NS, or are being given, and the servers that
    they are told to.

    `after`: the zones up to this id have the names; None: all do; `told`: the same of servers."""

    id: Annotated[str, Key()]
    nameservers: list[str]
    after: str | None
    targets: list[str]
    told: str | None


class PoolZone(msgspec.Struct, frozen=True, kw_only=True):
    """A zone as a server of a pool is to have it."""

    name: str
    serial: int
    sets: list[tuple[str, str, int, list[str]]]
    """(name, type, TTL, texts); for servers that fetch it themselves, the SOA alone."""
    owner: str = ""
    """What marks zones of this cloud, where a server has a place for it."""
    known: bool = False
    """The pool's servers had it before, maybe from when nothing was marked."""

    @property
    def soa(self) -> str:
        """Empty: there is none."""
        return next((texts[0] for _, kind, _, texts in self.sets if kind == "SOA"), "")

    @property
    def server(self) -> str:
        """The first one that its SOA names."""
        return self.soa.partition(" ")[0].lower()


class TargetRefused(Exception):
    """A server says no: trying again will not help before somebody does something."""


class TargetAway(Exception):
    """A server does not answer, or has not caught up yet."""


class TargetLacks(TargetAway):
    """A server answers, was told of a zone, and does not have it."""


class Target(Protocol):
    """One name server of a pool. Everything may be done twice."""

    identity: str
    """Which one it is: a pool that has another one tells it all."""
    whole: bool
    """It wants all that is in a zone."""

    async def ensure(self, zone: PoolZone) -> None:
        """Until it answers with this serial number, or a newer one. Raises TargetRefused,
        TargetAway."""

    async def remove(self, zone: PoolZone) -> None:
        """The zone is not served there any more; somebody else's of that name stays. Raises
        TargetRefused, TargetAway."""

    async def serial(self, name: str) -> int | None:
        """What it answers with; None: it does not have the zone. Raises TargetAway."""


class Pool(msgspec.Struct, frozen=True, kw_only=True):
    """`row`: of one that was made by the API."""

    id: str
    name: str
    description: str | None = None
    attributes: dict[str, str] = {}
    nameservers: list[str]
    targets: Sequence[Target] = ()
    catalog: str = ""
    """The name of its catalog zone."""
    row: PoolRow | None = None

    @property
    def alone(self) -> bool:
        """The cloud's own name servers are all of it."""
        return not self.targets

    @property
    def fetches(self) -> bool:
        """Some server of it asks the cloud's own name servers for zones."""
        return any(not each.whole for each in self.targets)

    @property
    def identities(self) -> list[str]:
        return [each.identity for each in self.targets]

    @property
    def ns_records(self) -> list[NsRecord]:
        if self.row is not None:
            return self.row.ns_records
        return [NsRecord(name, at + 1) for at, name in enumerate(self.nameservers)]


def pool_of(row: PoolRow) -> Pool:
    found = sorted(row.ns_records, key=lambda each: (each.priority, each.hostname))
    return Pool(
        id=row.id,
        name=row.name,
        description=row.description,
        attributes=row.attributes,
        nameservers=[each.hostname for each in found],
        row=row,
    )
