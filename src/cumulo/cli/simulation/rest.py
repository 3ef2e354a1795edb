"""What is true of every service when all has come to rest, and how simulated hosts are broken."""

import random
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import sqlalchemy as sa

from cumulo.block_storage.drivers import fake as volumes
from cumulo.compute.drivers import fake as guests
from cumulo.compute.model.server import ServerRow
from cumulo.core.db.rows import columns
from cumulo.core.db.statements import statement
from cumulo.core.db.transaction import Tx
from cumulo.core.events.model import EventRow
from cumulo.core.hosts.model import ItemRow, PartRow
from cumulo.core.sim.player import AtRest, Invariant
from cumulo.core.work.model import JobRow
from cumulo.placement.model.provider import ConsumerRow

_p, _i, _e, _j = (columns(each) for each in (PartRow, ItemRow, EventRow, JobRow))
_s = columns(ServerRow)
CONSUMERS = statement(sa.select(columns(ConsumerRow).id))
PLACED = statement(sa.select(_s.id).where(_s.deleted_at.is_(None), _s.host_id.is_not(None)))
FAULTY = statement(sa.select(_p.host_id, _p.kind, _p.fault).where(_p.fault.is_not(None)))
ITEMS = statement(sa.select(_i.host_id, _i.kind, _i.id, _i.version).where(_i.gone == sa.false()))
LEAVING = statement(sa.select(_i.host_id, _i.kind, _i.id).where(_i.gone == sa.true()))
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
    """Each server on a host holds its resources, and nobody else does."""
    holders = {str(id) for (id,) in tx.tuples(CONSUMERS)}
    placed = {str(id) for (id,) in tx.tuples(PLACED)}
    for id in holders - placed:
        yield f"{id} holds resources and is no server on a host"
    for id in placed - holders:
        yield f"the server {id} holds no resources"


INVARIANTS: list[Invariant] = [
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
