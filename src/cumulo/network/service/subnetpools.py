"""Subnet pools: create, update, delete, and giving their prefixes to subnets."""

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict
from cumulo.core.wire.shapes import Unset
from cumulo.network.model.ipam import Network, overlap, parse_network
from cumulo.network.model.prefixes import (
    compact,
    covering,
    crossing,
    fitting,
    free,
    holds,
    units,
    without,
)
from cumulo.network.model.standard import changed
from cumulo.network.model.subnet import SubnetRow
from cumulo.network.model.subnetpool import SubnetPoolRow
from cumulo.network.queries import subnet as subnet_queries
from cumulo.network.queries import subnetpool as queries
from cumulo.network.service.address_scopes import AddressScopes
from cumulo.network.service.refusals import bad, invalid, not_found, required, unfit
from cumulo.network.service.tools import Tools, chosen, is_admin, standard, tell

Name = Annotated[str, msgspec.Meta(max_length=255)]
Length = Annotated[int, msgspec.Meta(ge=0, le=128)]
MOST_PREFIXES = 100
MOST_POOLS = 100
"""Of an address scope."""
_PREFIXES = msgspec.Meta(max_length=MOST_PREFIXES)
_UUID = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}")


class SubnetPoolWishes(msgspec.Struct, kw_only=True):
    name: Name | Unset = UNSET
    description: Name | Unset = UNSET
    prefixes: Annotated[list[str], _PREFIXES] | Unset = UNSET
    default_prefixlen: Length | Unset = UNSET
    min_prefixlen: Length | Unset = UNSET
    max_prefixlen: Length | Unset = UNSET
    default_quota: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)] | Unset | None = UNSET
    is_default: bool | Unset = UNSET
    shared: bool | Unset = UNSET
    address_scope_id: str | Unset | None = UNSET


CREATE_ONLY = frozenset({"shared"})


class SubnetPools:
    listing = queries.POOLS

    def __init__(self, tools: Tools, scopes: AddressScopes) -> None:
        self._tools = tools
        self._scopes = scopes

    def get(self, tx: Tx, id: str, who: Principal | None) -> SubnetPoolRow:
        found = tx.get(SubnetPoolRow, id)
        own = found is not None and who is not None and found.project_id == who.project_id
        if found is None or not (own or is_admin(who) or self._tools.shares.reaches(tx, id, who)):
            raise not_found("subnetpool", id)
        return found

    def create(
        self, tx: Tx, wishes: SubnetPoolWishes, who: Principal | None, project_id: str
    ) -> SubnetPoolRow:
        for name in ("name", "prefixes"):
            if getattr(wishes, name) is UNSET:
                raise required(name)
        assert wishes.prefixes is not UNSET
        version, prefixes = _prefixes(wishes.prefixes)
        row = SubnetPoolRow(
            **standard(tx, wishes, project_id),
            ip_version=version,
            prefixes=prefixes,
            **_bounds(wishes, version, None),
            **chosen(wishes, "default_quota", "is_default", "shared"),
            address_scope_id=wishes.address_scope_id or None,
        )
        self._check_scope(tx, row, who)
        self._refuse_second_default(tx, row)
        self._tools.quotas.take(tx, project_id, subnetpool=1)
        tx.insert(row)
        if row.shared:
            self._tools.shares.to_all(tx, "subnetpool", row.id, project_id, True)
        tell(tx, "subnetpool", "create", row, who, name=row.name)
        return row

    def update(
        self, tx: Tx, row: SubnetPoolRow, wishes: SubnetPoolWishes, who: Principal | None
    ) -> SubnetPoolRow:
        changes = {
            **chosen(wishes, "name", "description", "default_quota", "is_default"),
            **_bounds(wishes, row.ip_version, row),
        }
        if wishes.address_scope_id is not UNSET:
            changes["address_scope_id"] = wishes.address_scope_id or None
        if wishes.prefixes is not UNSET:
            self._refuse_foreign_scope(tx, row, who)
            changes["prefixes"] = _wider(row, wishes.prefixes)
        wanted = msgspec.structs.replace(row, **changes)
        if (wanted.address_scope_id, wanted.prefixes) != (row.address_scope_id, row.prefixes):
            self._check_scope(tx, wanted, who)
        self._refuse_second_default(tx, wanted)
        after = changed(tx, row, **changes)
        if after is not row:
            tell(tx, "subnetpool", "update", after, who)
        return after

    def delete(self, tx: Tx, row: SubnetPoolRow, who: Principal | None) -> None:
        if tx.tuples(queries.TAKEN, pool_id=row.id):
            raise BadRequest(
                "Unable to delete subnet pool: Subnet pool has existing allocations.",
                kind="SubnetPoolDeleteError",
            )
        tx.delete(row)
        self._tools.shares.forget(tx, row.id)
        self._tools.quotas.give_back(tx, row.project_id, subnetpool=1)
        tell(tx, "subnetpool", "delete", row, who)

    def add_prefixes(
        self, tx: Tx, row: SubnetPoolRow, prefixes: Sequence[str], who: Principal | None
    ) -> SubnetPoolRow:
        return self.update(tx, row, SubnetPoolWishes(prefixes=[*row.prefixes, *prefixes]), who)

    def remove_prefixes(
        self, tx: Tx, row: SubnetPoolRow, prefixes: Sequence[str], who: Principal | None
    ) -> SubnetPoolRow:
        """400 for what subnets have, or what would leave nothing."""
        self._refuse_foreign_scope(tx, row, who)
        version, gone = _prefixes(prefixes)
        left = without(row.prefixes, gone) if version == row.ip_version else row.prefixes
        if not left:
            raise BadRequest("Empty subnet pool prefix list.", kind="EmptySubnetPoolPrefixList")
        meeting = crossing(gone)
        for cidr, _ in tx.tuples(queries.TAKEN, pool_id=row.id):
            if meeting(str(cidr)):
                raise BadRequest(
                    f"Illegal update to prefixes: {cidr} is allocated from them.",
                    kind="IllegalSubnetPoolPrefixUpdate",
                )
        after = changed(tx, row, prefixes=compact(left))
        tell(tx, "subnetpool", "update", after, who)
        return after

    def onboard(
        self, tx: Tx, row: SubnetPoolRow, network_id: str, who: Principal | None
    ) -> list[SubnetRow]:
        """The network's subnets of the pool's IP version become the pool's, and its prefixes
        grow by theirs. Raises Conflict for what overlaps with its subnets."""
        self._refuse_foreign_scope(tx, row, who)
        tx.changed(queries.HOLD, pool=row.id)
        found = [
            each
            for each in tx.all(subnet_queries.OF_NETWORKS, ids=[network_id])
            if each.ip_version == row.ip_version
        ]
        have = [str(cidr) for cidr, _ in tx.tuples(queries.TAKEN, pool_id=row.id)]
        for subnet in found:
            if subnet.subnetpool_id is not None and subnet.subnetpool_id != row.id:
                raise invalid(f"subnet {subnet.id} is allocated from another subnet pool")
            if subnet.subnetpool_id is None and any(overlap(subnet.cidr, each) for each in have):
                raise Conflict(
                    f"Subnet {subnet.id} overlaps with a subnet of the pool {row.id}.",
                    kind="SubnetPoolInUse",
                )
        prefixes = compact([*row.prefixes, *(each.cidr for each in found)])
        wanted = msgspec.structs.replace(row, prefixes=prefixes)
        self._check_scope(tx, wanted, who)
        tx.run(queries.ONBOARD, network=network_id, version=row.ip_version, pool=row.id)
        after = changed(tx, row, prefixes=prefixes)
        tell(tx, "subnetpool", "update", after, who)
        return found

    # --- giving prefixes to subnets ---------------------------------------------------------------

    def default(self, tx: Tx, version: int, who: Principal | None) -> SubnetPoolRow:
        found = tx.one(queries.DEFAULT, version=version)
        if found is None:
            raise bad("subnets", f"No default subnetpool found for IPv{version}")
        return self.get(tx, found.id, who)

    def allocate(
        self, tx: Tx, row: SubnetPoolRow, project_id: str, wanted: Network | int | None
    ) -> Network:
        """`wanted`: this subnet, or one of this prefix length, or of the pool's own."""
        tx.changed(queries.HOLD, pool=row.id)
        length = row.default_prefixlen if wanted is None else wanted
        if not isinstance(length, int):
            length = length.prefixlen
        _refuse_length(row, length)
        taken = [
            (parse_network(str(cidr)), str(owner))
            for cidr, owner in tx.tuples(queries.TAKEN, pool_id=row.id)
        ]
        if row.default_quota:
            asked = 1 << max(0, {4: 32, 6: 64}[row.ip_version] - length)
            used = sum(units(net) for net, owner in taken if owner == project_id)
            if used + asked > row.default_quota:
                raise Conflict(
                    "Per-project subnet pool prefix quota exceeded.", kind="SubnetPoolQuotaExceeded"
                )
        gaps = free([parse_network(each) for each in row.prefixes], (net for net, _ in taken))
        if wanted is not None and not isinstance(wanted, int):
            if not holds((str(gap) for gap in gaps), wanted):
                raise _no_room(
                    "Cannot allocate requested subnet from the available set of prefixes"
                )
            return wanted
        found = fitting(gaps, length)
        if found is None:
            raise _no_room(f"Insufficient prefix space to allocate subnet size /{length}")
        return found

    # --- refusals ------------------------------------------------------------------------------

    def _check_scope(self, tx: Tx, row: SubnetPoolRow, who: Principal | None) -> None:
        """A scope's pools do not overlap, and are of its IP version."""
        if row.address_scope_id is None:
            return
        if _UUID.fullmatch(row.address_scope_id) is None:
            raise unfit("address_scope_id", f"'{row.address_scope_id:.80}' is not a valid UUID")
        scope = self._scopes.get(tx, row.address_scope_id, who)
        if scope.ip_version != row.ip_version:
            raise BadRequest(
                f"Illegal subnetpool association: subnetpool {row.id} cannot associate with "
                f"address scope {scope.id} because subnetpool ip_version is not "
                f"{scope.ip_version}.",
                kind="IllegalSubnetPoolIpVersionAssociationToAddressScope",
            )
        meeting = crossing(row.prefixes)
        others = [each for each in tx.all(queries.OF_SCOPE, scope_id=scope.id) if each.id != row.id]
        if len(others) >= MOST_POOLS:
            raise Conflict(
                f"An address scope has at most {MOST_POOLS} subnet pools.", kind="OverQuota"
            )
        for other in others:
            if any(meeting(each) for each in other.prefixes):
                raise Conflict(
                    "Failed to associate address scope: subnetpools within an address scope must "
                    "have unique prefixes.",
                    kind="AddressScopePrefixConflict",
                )

    def _refuse_foreign_scope(self, tx: Tx, row: SubnetPoolRow, who: Principal | None) -> None:
        """What is in a scope, the scope's owner decides."""
        if row.address_scope_id is None or who is None or is_admin(who):
            return
        scope = self._scopes.get(tx, row.address_scope_id, None)
        if scope.project_id != who.project_id:
            raise BadRequest(
                f"Illegal subnetpool update : subnetpool {row.id} cannot be updated when "
                f"associated with shared address scope {scope.id}.",
                kind="IllegalSubnetPoolUpdate",
            )

    def _refuse_second_default(self, tx: Tx, row: SubnetPoolRow) -> None:
        if not row.is_default:
            return
        found = tx.one(queries.DEFAULT, version=row.ip_version)
        if found is not None and found.id != row.id:
            raise invalid(
                "A default subnetpool for this IP family has already been set. Only one default "
                "may exist per IP family"
            )


def _no_room(reason: str) -> Conflict:
    return Conflict(f"Failed to allocate subnet: {reason}.", kind="SubnetAllocationError")


def _refuse_length(row: SubnetPoolRow, length: int) -> None:
    for name, bound, out in (
        ("minimum", row.min_prefixlen, length < row.min_prefixlen),
        ("maximum", row.max_prefixlen, length > row.max_prefixlen),
    ):
        if out:
            raise BadRequest(
                f"Unable to allocate subnet with prefix length {length}, {name} allowed prefix is "
                f"{bound}.",
                kind=f"{name.title()[:3]}PrefixSubnetAllocationError",
            )


def _prefixes(given: Iterable[str]) -> tuple[int, list[str]]:
    """(IP version, prefixes)"""
    nets: list[Network] = []
    for each in given:
        if len(nets) >= MOST_PREFIXES:
            raise unfit("prefixes", f"a pool has at most {MOST_PREFIXES} prefixes")
        try:
            nets.append(parse_network(each))
        except ValueError:
            raise unfit("prefixes", f"'{each:.80}' is not a valid IP subnet") from None
        if "/" not in each:
            raise unfit("prefixes", f"'{each:.80}' isn't a recognized IP subnet cidr")
    versions = {net.version for net in nets}
    if not nets:
        raise BadRequest("Empty subnet pool prefix list.", kind="EmptySubnetPoolPrefixList")
    if len(versions) > 1:
        raise BadRequest(
            "Cannot mix IPv4 and IPv6 prefixes in a subnet pool.", kind="PrefixVersionMismatch"
        )
    return versions.pop(), compact(str(net) for net in nets)


def _wider(row: SubnetPoolRow, given: Sequence[str]) -> list[str]:
    version, prefixes = _prefixes(given)
    if version != row.ip_version:
        raise BadRequest(
            "Cannot mix IPv4 and IPv6 prefixes in a subnet pool.", kind="PrefixVersionMismatch"
        )
    covered = covering(prefixes)
    if any(not covered(each) for each in row.prefixes):
        raise BadRequest(
            "Illegal update to prefixes: Existing prefixes must be a subset of the new prefixes.",
            kind="IllegalSubnetPoolPrefixUpdate",
        )
    return prefixes


def _bounds(wishes: SubnetPoolWishes, version: int, row: SubnetPoolRow | None) -> dict[str, Any]:
    """The three prefix lengths, which must fit together."""

    def value(name: str, default: int) -> int:
        given = getattr(wishes, name)
        return int(default if given is UNSET else given)

    bits = 32 if version == 4 else 128
    low = value("min_prefixlen", (8 if version == 4 else 64) if row is None else row.min_prefixlen)
    high = value("max_prefixlen", bits if row is None else row.max_prefixlen)
    default = value("default_prefixlen", low if row is None else row.default_prefixlen)
    if high > bits:
        raise _illegal("max_prefixlen", high, f"ipv{version}_max_prefixlen", bits)
    if low > high:
        raise _illegal("min_prefixlen", low, "max_prefixlen", high)
    if default < low:
        raise _illegal("default_prefixlen", default, "min_prefixlen", low)
    if default > high:
        raise _illegal("default_prefixlen", default, "max_prefixlen", high)
    return {"min_prefixlen": low, "max_prefixlen": high, "default_prefixlen": default}


def _illegal(name: str, value: int, base: str, bound: int) -> BadRequest:
    return BadRequest(
        f"Illegal prefix bounds: {name}={value}, {base}={bound}.",
        kind="IllegalSubnetPoolPrefixBounds",
    )
