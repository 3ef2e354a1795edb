"""What is true of every service when all has come to rest, and how simulated hosts are broken."""

import random
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, Protocol

import sqlalchemy as sa

from cumulo.block_storage.drivers import fake as volumes
from cumulo.block_storage.meters import VOLUMES as PAID_VOLUMES
from cumulo.block_storage.queries.volume import EVERY
from cumulo.compute.drivers import fake as guests
from cumulo.compute.meters import SERVERS
from cumulo.compute.queries.server import EVERY_LIVING
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import query, statement
from cumulo.core.db.transaction import Tx
from cumulo.core.events.model import EventRow
from cumulo.core.hosts.model import ItemRow, PartRow
from cumulo.core.sim.player import AtRest, Invariant
from cumulo.core.work.model import JobRow
from cumulo.placement.model.provider import ConsumerRow
from cumulo.telemetry.model.interval import IntervalRow

_p, _i, _e, _j = (columns(each) for each in (PartRow, ItemRow, EventRow, JobRow))
CONSUMERS = statement(sa.select(columns(ConsumerRow).id))
FAULTY = statement(sa.select(_p.host_id, _p.kind, _p.fault).where(_p.fault.is_not(None)))
ITEMS = statement(sa.select(_i.host_id, _i.kind, _i.id, _i.version).where(_i.gone == sa.false()))
LEAVING = statement(sa.select(_i.host_id, _i.kind, _i.id).where(_i.gone == sa.true()))
_u = columns(IntervalRow)
INTERVALS = query(
    IntervalRow,
    sa.select(IntervalRow.sql_table)
    .where(_u.resource_type.in_(sa.bindparam("kinds", expanding=True)))
    .order_by(_u.resource_id, _u.id),
)
EVENTS = statement(sa.select(_e.sequence).order_by(_e.sequence))
JOBS = statement(sa.select(_j.kind, _j.subject, _j.step, _j.fault))


def hosts_are_as_told(tx: Tx, rest: AtRest) -> Iterable[str]:
    """Every host has got the newest order of each thing, and nothing is still to be removed."""
    for host, kind, fault in tx.tuples(FAULTY):
        yield f"{host} can do nothing of {kind}: {fault}"
    for host, kind, id in tx.tuples(LEAVING):
        yield f"{host} has not removed {kind} {id}"
    rows: dict[tuple[str, str], dict[str, int]] = {}
    for host, kind, id, version in tx.tuples(ITEMS):
        rows.setdefault((host, kind), {})[id] = version
    for host, kinds in rest.orders.items():
        for kind, orders in kinds.items():
            known = rows.get((host, kind), {})
            for id, version in orders.items():
                if known.get(id) != version:
                    yield f"{host} has {kind} {id} of {version}, here it is {known.get(id)}"
            wanted = rest.wanted(tx, kind, host, sorted(known.keys() - orders.keys()))
            for id in wanted:
                yield f"{host} was never told of {kind} {id}"


def nothing_is_at_work(tx: Tx, rest: AtRest) -> Iterable[str]:
    for kind, subject, step, fault in tx.tuples(JOBS):
        yield f"the job {kind} of {subject} is at {step}: {fault}"


def events_have_no_gap(tx: Tx, rest: AtRest) -> Iterable[str]:
    """Each number once; nobody forgets so soon."""
    numbers = [int(number) for (number,) in tx.tuples(EVENTS)]
    if numbers and numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        yield "events have gaps"


def allocations_are_of_servers(tx: Tx, rest: AtRest) -> Iterable[str]:
    """Each server on a host holds its resources, and what it was before a resize that nobody has
    confirmed; nobody else does."""
    holders = {str(id) for (id,) in tx.tuples(CONSUMERS)}
    placed = {row.id for row in tx.all(EVERY_LIVING) if row.host_id is not None}
    before = {row.before.holder for row in tx.all(EVERY_LIVING) if row.before is not None}
    for id in holders - placed - before:
        yield f"{id} holds resources and is no server on a host"
    for id in (placed | before) - holders:
        yield f"the server {id} holds no resources"


def bills_are_exact(tx: Tx, rest: AtRest) -> Iterable[str]:
    """Of what is paid for: one open interval, with today's facts, for each that there is, and none
    for others; and no second that is counted twice."""
    told: dict[str, Any] = {}
    for row in tx.all(EVERY_LIVING):
        told[row.id] = SERVERS.facts(row)
    for volume in tx.all(EVERY):
        told[volume.id] = PAID_VOLUMES.facts(volume)
    spans: dict[str, list[IntervalRow]] = {}
    for each in tx.all(INTERVALS, kinds=[SERVERS.resource_type, PAID_VOLUMES.resource_type]):
        spans.setdefault(each.resource_id, []).append(each)
    for id, found in spans.items():
        for one, other in pairwise(found):
            if one.ended is None or one.ended > other.began:
                yield f"{id} is counted twice from {other.began} on: {one}"
    for id in told.keys() | spans.keys():
        facts = [each.facts for each in spans.get(id, ()) if each.ended is None]
        if facts != ([told[id]] if id in told else []):
            yield f"{id} is {told.get(id)}, and counted as {facts}"


INVARIANTS: list[Invariant] = [
    bills_are_exact,
    hosts_are_as_told,
    nothing_is_at_work,
    events_have_no_gap,
    allocations_are_of_servers,
]


class Breakable(Protocol):
    """A simulated host's driver."""

    def any_effect(self, chance: random.Random) -> str:
        """Something that it does will fail for a while; what."""

    def clear(self) -> None:
        """Nothing fails any more."""


class _Faulty:
    """Drivers whose `faults` are by effect."""

    def __init__(
        self, host: str, kind: str, driver: Any, fault: Any, effects: tuple[str, ...]
    ) -> None:
        self._of = f"{host} {kind}"
        self._faults: dict[str, Any] = driver.faults
        self._fault = fault
        self._effects = effects

    def any_effect(self, chance: random.Random) -> str:
        effect = chance.choice(self._effects)
        delay = chance.choice((0.0, 0.0, 5.0))
        self._faults[effect] = self._fault("simulated", chance.randint(1, 3), delay=delay)
        return f"{self._of} {effect}"

    def clear(self) -> None:
        self._faults.clear()


class _FaultyNetwork:
    def __init__(self, host: str, driver: Any) -> None:
        self._host = host
        self._driver = driver

    def any_effect(self, chance: random.Random) -> str:
        self._driver.fail_next_apply("simulated")
        return f"{self._host} network apply"

    def clear(self) -> None:
        self._driver._fail_next.clear()


GUESTS = ("spawn", "attach_disk", "detach_disk", "attach_nic", "power_off", "reboot", "remove")
VOLUMES = ("make", "extend", "remove")


def breakable(hosts: Mapping[str, Mapping[str, Any]]) -> list[Breakable]:
    found: list[Breakable] = []
    for host, parts in hosts.items():
        if "compute" in parts:
            driver = parts["compute"].driver
            found.append(_Faulty(host, "compute", driver, guests.Fault, GUESTS))
        if "block_storage" in parts:
            driver = parts["block_storage"].driver
            found.append(_Faulty(host, "block_storage", driver, volumes.Fault, VOLUMES))
        if "network" in parts:
            found.append(_FaultyNetwork(host, parts["network"].driver))
    return found
