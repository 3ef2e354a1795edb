"""Long lists as this process has read them (a group's members, a network's ports): once for all
hosts that ask, and the last few of each, so that a host that has one of them is told the change
only.

What a list's change number stands for is read when the first host asks for it, and may have a
little more by then than had to be told. So two processes may have different lists of one number:
a list's stamp names the process, too.
"""

import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

import msgspec

from cumulo.core.db.transaction import Tx
from cumulo.network.model.orders import (
    AddressPair,
    FixedIp,
    GroupChange,
    GroupMembers,
    Neighbour,
    NeighbourChange,
    Neighbours,
)
from cumulo.network.model.port import COMPUTE, PortRow, dhcp_options
from cumulo.network.model.subnet import AllocationRow
from cumulo.network.queries import host as host_queries
from cumulo.network.queries import port as port_queries
from cumulo.network.queries import security_group as group_queries
from cumulo.network.service import addresses

MOST = 10_000
LISTS = 8
"""That are remembered of one thing: a host that is further behind is told all of it."""
_AT_ONCE = 500
"""Ports whose rows one statement reads."""
_PAIRS = msgspec.json.Decoder(list[AddressPair])


class _Stamped(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def stamp(self) -> str: ...


L = TypeVar("L", bound=_Stamped)
C = TypeVar("C")


class Lists(Generic[L, C]):
    """`numbers`: of the newest change of each thing; `read`: today's lists, given their stamps;
    `differ`: the change from one list to the next; None: as long as all of it."""

    def __init__(
        self,
        numbers: Callable[[Tx, Sequence[str]], Mapping[str, int]],
        read: Callable[[Tx, Mapping[str, str]], Sequence[L]],
        differ: Callable[[L, L], C | None],
    ) -> None:
        self._process = secrets.token_hex(4)
        self._numbers = numbers
        self._read = read
        self._differ = differ
        self._last: tuple[Tx, dict[tuple[str, ...], list[L]]] | None = None
        self._lists: dict[str, OrderedDict[str, L]] = {}
        self._changes: dict[tuple[str, str], C | None] = {}

    def today(self, tx: Tx, ids: Sequence[str]) -> list[L]:
        """Today's lists of these things. Hosts that are answered together ask for the same ones,
        in one read transaction."""
        if tx.writable:
            return self._today(tx, ids)
        # Other threads read, too, on PostgreSQL: what is theirs is not taken for ours.
        last = self._last
        if last is None or last[0] is not tx:
            last = self._last = (tx, {})
        known, key = last[1], tuple(ids)
        if key not in known:
            known[key] = self._today(tx, ids)
        return known[key]

    def _today(self, tx: Tx, ids: Sequence[str]) -> list[L]:
        numbers = self._numbers(tx, ids)
        found = {id: self.find(id, numbers.get(id, 0)) for id in ids}
        lacking = {
            id: self.stamp(id, numbers.get(id, 0)) for id, known in found.items() if not known
        }
        for made in self._read(tx, lacking) if lacking else ():
            found[made.id] = self.note(made)
        return [known for known in found.values() if known is not None]

    def stamp(self, id: str, number: int) -> str:
        return f"{self._process}/{id}/{number}"

    def find(self, id: str, number: int) -> L | None:
        lists = self._lists.get(id)
        return None if lists is None else lists.get(self.stamp(id, number))

    def note(self, made: L) -> L:
        """A list that was read, with a stamp of ours."""
        if len(self._lists) > MOST:
            self._lists.clear()
        lists = self._lists.setdefault(made.id, OrderedDict())
        lists[made.stamp] = made
        while len(lists) > LISTS:
            lists.popitem(last=False)
        return made

    def change(self, base: str, now: L) -> C | None:
        """None where the list is not known any more, or is not much longer than the change."""
        lists = self._lists.get(now.id)
        before = None if lists is None else lists.get(base)
        if before is None:
            return None
        key = (base, now.stamp)
        if key not in self._changes:
            if len(self._changes) > MOST:
                self._changes.clear()
            self._changes[key] = self._differ(before, now)
        return self._changes[key]


def of_members() -> Lists[GroupMembers, GroupChange]:
    def differ(before: GroupMembers, now: GroupMembers) -> GroupChange | None:
        old, new = set(before.members), set(now.members)
        added, removed = tuple(sorted(new - old)), tuple(sorted(old - new))
        if 2 * (len(added) + len(removed)) >= len(now.members):
            return None
        return GroupChange(now.id, before.stamp, now.stamp, added, removed)

    return Lists(_member_numbers, _members, differ)


def of_neighbours() -> Lists[Neighbours, NeighbourChange]:
    def differ(before: Neighbours, now: Neighbours) -> NeighbourChange | None:
        old = {each.port_id: each for each in before.ports}
        new = {each.port_id for each in now.ports}
        added = tuple(each for each in now.ports if old.get(each.port_id) != each)
        removed = tuple(sorted(old.keys() - new))
        if 2 * (len(added) + len(removed)) >= len(now.ports):
            return None
        return NeighbourChange(now.id, before.stamp, now.stamp, added, removed)

    return Lists(_neighbour_numbers, _neighbours, differ)


def _member_numbers(tx: Tx, ids: Sequence[str]) -> dict[str, int]:
    return {row.group_id: row.number for row in tx.all(group_queries.NUMBERS, ids=ids)}


def _members(tx: Tx, stamps: Mapping[str, str]) -> list[GroupMembers]:
    """Addresses and CIDRs of all ports in these groups, wherever they are."""
    group_ids = list(stamps)
    found: dict[str, list[str]] = {}
    for group_id, address in tx.tuples(port_queries.MEMBER_ADDRESSES, ids=group_ids):
        found.setdefault(group_id, []).append(address)
    for group_id, pairs in tx.tuples(port_queries.MEMBER_PAIRS, ids=group_ids):
        found.setdefault(group_id, []).extend(pair.address for pair in _PAIRS.decode(pairs))
    return [
        GroupMembers(id, stamp, tuple(sorted(set(found.get(id, ())))))
        for id, stamp in stamps.items()
    ]


def _neighbour_numbers(tx: Tx, ids: Sequence[str]) -> dict[str, int]:
    return {row.network_id: row.number for row in tx.all(host_queries.NUMBERS, ids=ids)}


def _neighbours(tx: Tx, stamps: Mapping[str, str]) -> list[Neighbours]:
    """All ports of these networks that are on hosts, by their ids."""
    places = [
        (str(network), str(port), str(tunnel or ""))
        for network, port, tunnel in tx.tuples(host_queries.NEIGHBOURS, ids=list(stamps))
    ]
    rows: dict[str, PortRow] = {}
    fixed: dict[str, Sequence[AllocationRow]] = {}
    for start in range(0, len(places), _AT_ONCE):
        ids = [port for _, port, _ in places[start : start + _AT_ONCE]]
        rows |= {row.id: row for row in tx.all(port_queries.BY_IDS, ids=ids)}
        fixed |= addresses.addresses_of(tx, ids)
    found: dict[str, list[Neighbour]] = {}
    for network, port, tunnel in places:
        row = rows[port]
        found.setdefault(network, []).append(
            Neighbour(
                port,
                row.mac_address,
                tunnel,
                tuple(FixedIp(a.subnet_id, a.ip_address) for a in fixed.get(port, ())),
                row.dns_name,
                (row.holder or "") if row.role == COMPUTE else "",
                row.project_id,
                dhcp_options(row),
            )
        )
    return [Neighbours(id, stamp, tuple(found.get(id, ()))) for id, stamp in stamps.items()]
