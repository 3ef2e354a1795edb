"""Address groups: create, update, delete, and what is in them."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import UNSET

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.wire.shapes import Unset
from cumulo.network.model.address_group import AddressGroupRow
from cumulo.network.model.ipam import parse_network
from cumulo.network.model.standard import changed
from cumulo.network.queries import address_group as queries
from cumulo.network.service.refusals import not_found, unfit
from cumulo.network.service.tools import Tools, chosen, is_admin, standard, tell

Name = Annotated[str, msgspec.Meta(max_length=255)]
MOST_ADDRESSES = 1000


class AddressGroupWishes(msgspec.Struct, kw_only=True):
    name: Name | Unset = UNSET
    description: Name | Unset = UNSET
    addresses: list[str] | Unset | None = UNSET


CREATE_ONLY = frozenset({"addresses"})


class AddressGroups:
    listing = queries.ADDRESS_GROUPS

    def __init__(self, tools: Tools) -> None:
        self._tools = tools

    def get(self, tx: Tx, id: str, who: Principal | None) -> AddressGroupRow:
        found = tx.get(AddressGroupRow, id)
        own = found is not None and who is not None and found.project_id == who.project_id
        if found is None or not (own or is_admin(who) or self._tools.shares.reaches(tx, id, who)):
            raise not_found("address_group", id)
        return found

    def create(
        self, tx: Tx, wishes: AddressGroupWishes, who: Principal | None, project_id: str
    ) -> AddressGroupRow:
        given = [] if wishes.addresses is UNSET or wishes.addresses is None else wishes.addresses
        row = AddressGroupRow(**standard(tx, wishes, project_id), addresses=_few(_checked(given)))
        tx.insert(row)
        tell(tx, "address_group", "create", row, who, name=row.name)
        return row

    def update(
        self, tx: Tx, row: AddressGroupRow, wishes: AddressGroupWishes, who: Principal | None
    ) -> AddressGroupRow:
        after = changed(tx, row, **chosen(wishes, "name", "description"))
        if after is not row:
            tell(tx, "address_group", "update", after, who)
        return after

    def delete(self, tx: Tx, row: AddressGroupRow, who: Principal | None) -> None:
        used = tx.tuples(queries.GROUPS_NAMING, id=row.id)
        if used or tx.tuples(queries.TEMPLATES_NAMING, id=row.id):
            raise Conflict(
                f"Address group {row.id} is in use on one or more security group rules.",
                kind="AddressGroupInUse",
            )
        tx.delete(row)
        self._tools.shares.forget(tx, row.id)
        tell(tx, "address_group", "delete", row, who)

    def add(
        self, tx: Tx, row: AddressGroupRow, given: Sequence[str], who: Principal | None
    ) -> AddressGroupRow:
        wanted = _checked(given)
        already = [each for each in wanted if each in row.addresses]
        if already:
            raise BadRequest(
                f"Addresses {already} already exist in the address group {row.id}.",
                kind="AddressesAlreadyExist",
            )
        return self._set(tx, row, _few([*row.addresses, *wanted]), who)

    def remove(
        self, tx: Tx, row: AddressGroupRow, given: Sequence[str], who: Principal | None
    ) -> AddressGroupRow:
        gone = _checked(given, alone=True)
        absent = [each for each in gone if each not in row.addresses]
        if absent:
            raise NotFound(
                f"Addresses {absent} not found in the address group {row.id}.",
                kind="AddressesNotFound",
            )
        return self._set(tx, row, [each for each in row.addresses if each not in gone], who)

    def _set(
        self, tx: Tx, row: AddressGroupRow, addresses: list[str], who: Principal | None
    ) -> AddressGroupRow:
        """The rules that name the group mean something else from now on."""
        after = changed(tx, row, addresses=addresses)
        if after is not row:
            for (group,) in tx.tuples(queries.GROUPS_NAMING, id=row.id):
                self._tools.hosts.touch_group(tx, str(group))
            tell(tx, "address_group", "update", after, who)
        return after


def _checked(given: Sequence[str], *, alone: bool = False) -> list[str]:
    """CIDRs without host bits, each once. `alone`: addresses without a prefix are fine."""
    found: list[str] = []
    for each in given[: MOST_ADDRESSES + 1]:
        try:
            net = parse_network(each)
        except ValueError:
            raise unfit("addresses", f"'{each:.80}' is not a valid IP subnet") from None
        if "/" not in each and not alone:
            raise unfit("addresses", f"'{each:.80}' isn't a recognized IP subnet cidr, '{net}'")
        if str(net) not in found:
            found.append(str(net))
    return found


def _few(addresses: list[str]) -> list[str]:
    if len(addresses) > MOST_ADDRESSES:
        raise unfit("addresses", f"there are more than {MOST_ADDRESSES}")
    return addresses
