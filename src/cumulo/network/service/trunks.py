"""Trunks: create, update, delete, and their sub-ports."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.core.auth.principal import Principal
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, Conflict, NotFound
from cumulo.core.wire.shapes import Unset
from cumulo.network.model.network import NetworkRow
from cumulo.network.model.port import PortRow
from cumulo.network.model.standard import changed
from cumulo.network.model.trunk import SUBPORT, SubPortRow, TrunkRow
from cumulo.network.queries import trunk as queries
from cumulo.network.service.port_wishes import PortWishes
from cumulo.network.service.ports import Ports
from cumulo.network.service.refusals import (
    invalid,
    not_found,
    port_in_use,
    required,
    unfit,
)
from cumulo.network.service.tools import Tools, chosen, is_admin, standard, tell

Name = Annotated[str, msgspec.Meta(max_length=255)]
MOST_SUBPORTS = 512


class SubPortWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    port_id: str | None = None
    segmentation_type: str | None = None
    segmentation_id: int | None = None


_FEW = msgspec.Meta(max_length=MOST_SUBPORTS)


class TrunkWishes(msgspec.Struct, kw_only=True):
    name: Name | Unset = UNSET
    description: Name | Unset = UNSET
    admin_state_up: bool | Unset = UNSET
    port_id: str | Unset = UNSET
    sub_ports: Annotated[list[SubPortWish], _FEW] | Unset | None = UNSET


CREATE_ONLY = frozenset({"port_id", "sub_ports"})


class Trunks:
    listing = queries.TRUNKS

    def __init__(self, tools: Tools, ports: Ports) -> None:
        self._tools = tools
        self._ports = ports

    def get(self, tx: Tx, id: str, who: Principal | None) -> TrunkRow:
        found = tx.get(TrunkRow, id)
        own = found is not None and who is not None and found.project_id == who.project_id
        if found is None or not (own or is_admin(who)):
            raise not_found("trunk", id)
        return found

    def subports_of(self, tx: Tx, ids: Sequence[str]) -> dict[str, list[SubPortRow]]:
        found: dict[str, list[SubPortRow]] = {}
        for row in tx.all(queries.SUBPORTS_OF, ids=list(ids)):
            found.setdefault(row.trunk_id, []).append(row)
        return found

    def details(self, tx: Tx, port_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """What ports carry, as they show it. One statement."""
        found: dict[str, dict[str, Any]] = {}
        for port, trunk, sub, kind, number, mac in tx.tuples(queries.DETAILS, ids=list(port_ids)):
            carried = found.setdefault(str(port), {"trunk_id": trunk, "sub_ports": []})
            if sub is not None:
                carried["sub_ports"].append(
                    {
                        "port_id": sub,
                        "segmentation_type": kind,
                        "segmentation_id": number,
                        "mac_address": mac,
                    }
                )
        return found

    def create(
        self, tx: Tx, wishes: TrunkWishes, who: Principal | None, project_id: str
    ) -> TrunkRow:
        if wishes.port_id is UNSET:
            raise required("port_id")
        given = [] if wishes.sub_ports is UNSET else wishes.sub_ports or []
        _checked(given)
        port = self._ports.get(tx, wishes.port_id, who)
        self._refuse_use(tx, port)
        if port.holder is not None or port.host_id is not None:
            raise Conflict(
                f"Port {port.id} is currently in use and is not eligible for use as a parent port.",
                kind="ParentPortInUse",
            )
        self._tools.quotas.take(tx, project_id, trunk=1)
        row = TrunkRow(
            **standard(tx, wishes, project_id),
            port_id=port.id,
            **chosen(wishes, "admin_state_up"),
        )
        tx.insert(row)
        self._add(tx, row, given, who)
        tell(tx, "trunk", "create", row, who, name=row.name)
        return row

    def update(self, tx: Tx, row: TrunkRow, wishes: TrunkWishes, who: Principal | None) -> TrunkRow:
        after = changed(tx, row, **chosen(wishes, "name", "description", "admin_state_up"))
        if after is not row:
            tell(tx, "trunk", "update", after, who)
        return after

    def delete(self, tx: Tx, row: TrunkRow, who: Principal | None) -> None:
        _refuse_disabled(row)
        port = tx.get(PortRow, row.port_id)
        if port is not None and port.holder is not None:
            raise Conflict(f"Trunk {row.id} is currently in use.", kind="TrunkInUse")
        for subport in tx.all(queries.SUBPORTS_OF, ids=[row.id]):
            self._release(tx, subport)
        tx.delete(row)
        self._tools.quotas.give_back(tx, row.project_id, trunk=1)
        tell(tx, "trunk", "delete", row, who)

    def add(
        self, tx: Tx, row: TrunkRow, given: Sequence[SubPortWish], who: Principal | None
    ) -> TrunkRow:
        _refuse_disabled(row)
        _checked(given)
        self._add(tx, row, given, who)
        return self._revised(tx, row, who)

    def remove(
        self, tx: Tx, row: TrunkRow, given: Sequence[SubPortWish], who: Principal | None
    ) -> TrunkRow:
        _refuse_disabled(row)
        have = {each.port_id: each for each in tx.all(queries.SUBPORTS_OF, ids=[row.id])}
        for wish in given:
            if wish.port_id is None:
                raise required("port_id")
            found = have.pop(wish.port_id, None)
            if found is None:
                raise NotFound(
                    f"SubPort {wish.port_id} on trunk {row.id} could not be found.",
                    kind="SubPortNotFound",
                )
            self._release(tx, found)
        return self._revised(tx, row, who)

    def _revised(self, tx: Tx, row: TrunkRow, who: Principal | None) -> TrunkRow:
        row = tx.update(row, revision_number=row.revision_number + 1, updated_at=tx.now)
        tell(tx, "trunk", "update", row, who)
        return row

    def _add(
        self, tx: Tx, row: TrunkRow, given: Sequence[SubPortWish], who: Principal | None
    ) -> None:
        have = tx.all(queries.SUBPORTS_OF, ids=[row.id])
        if len(have) + len(given) > MOST_SUBPORTS:
            raise invalid(f"A trunk has at most {MOST_SUBPORTS} sub-ports")
        parent = tx.get(PortRow, row.port_id)
        assert parent is not None
        position = max((each.position for each in have), default=-1)
        for wish in given:
            position += 1
            port = self._ports.get(tx, str(wish.port_id), who)
            self._refuse_use(tx, port)
            network = tx.get(NetworkRow, port.network_id)
            outer = tx.get(NetworkRow, parent.network_id)
            assert network is not None and outer is not None
            if network.mtu > outer.mtu:
                raise Conflict(
                    f"MTU {network.mtu} of subport {port.id} cannot be greater than MTU "
                    f"{outer.mtu} of trunk {row.id}.",
                    kind="SubPortMtuGreaterThanTrunkPortMtu",
                )
            if port.holder is not None or port.device_id:
                raise Conflict(
                    f"Port {port.id} is in use by {port.device_id}.", kind="TrunkPortInUse"
                )
            made = SubPortRow(port.id, row.id, "vlan", _number(wish, network), position)
            if not tx.insert(made, ignore_duplicate=True):
                raise Conflict(
                    f"segmentation_type {made.segmentation_type} and segmentation_id "
                    f"{made.segmentation_id} already in use on trunk {row.id}.",
                    kind="DuplicateSubPort",
                )
            words = PortWishes(device_id=row.id, device_owner=SUBPORT)
            self._ports.update(tx, port, words, None, holder=row.id, role=SUBPORT)

    def _release(self, tx: Tx, row: SubPortRow) -> None:
        port = tx.get(PortRow, row.port_id)
        tx.delete(row)
        if port is not None:
            words = PortWishes(device_id="", device_owner="")
            self._ports.update(tx, port, words, None, holder=None, role="")

    def _refuse_use(self, tx: Tx, port: PortRow) -> None:
        for what, trunk in tx.tuples(queries.USING, port_id=port.id):
            raise port_in_use(port.id, str(what), str(trunk))


def _refuse_disabled(row: TrunkRow) -> None:
    if not row.admin_state_up:
        raise Conflict(f"Trunk {row.id} is currently disabled.", kind="TrunkDisabled")


def _checked(given: Sequence[SubPortWish]) -> None:
    seen: set[object] = set()
    for wish in given:
        if wish.port_id is None:
            raise unfit("sub_ports", "a sub-port needs a port_id")
        if wish.segmentation_type not in ("vlan", "inherit"):
            raise unfit("sub_ports", f"Invalid segmentation type '{wish.segmentation_type}'")
        number = wish.segmentation_id
        if wish.segmentation_type == "vlan" and not (number is not None and 1 <= number <= 4094):
            raise unfit("sub_ports", f"Invalid segmentation ID '{number}'")
        names: list[object] = [wish.port_id]
        if wish.segmentation_type == "vlan":
            names.append(number)
        if seen & set(names):
            raise unfit("sub_ports", f"Duplicate sub-port {wish.port_id} or ID {number}")
        seen |= set(names)


def _number(wish: SubPortWish, network: NetworkRow) -> int:
    if wish.segmentation_type == "vlan" and wish.segmentation_id is not None:
        return wish.segmentation_id
    if network.network_type != "vlan" or network.segmentation_id is None:
        raise BadRequest(
            f"Invalid input for operation: Can not inherit segmentation from network {network.id}, "
            "which is no VLAN.",
            kind="InvalidInput",
        )
    return network.segmentation_id
