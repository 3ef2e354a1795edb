"""Share networks on the wire, their subnets and security services."""

import functools
from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import UNSET

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import page_of
from cumulo.core.wire.shapes import Body, Since, Unset, Until
from cumulo.shared_file_system.api.actions import action_body, wished_status
from cumulo.shared_file_system.api.bodies import Reset
from cumulo.shared_file_system.api.lists import Text255, day, filters, mine, offset_of, whose
from cumulo.shared_file_system.model.network import ShareNetworkRow, SubnetRow
from cumulo.shared_file_system.service.pools import ZONE
from cumulo.shared_file_system.service.shared_file_system import SharedFileSystemService

_FILTERS = ("name", "name~", "description", "description~", "neutron_net_id", "neutron_subnet_id",
            "cidr", "security_service_id")  # fmt: skip
STATUSES = ("active", "error", "network_change")


class SubnetEntry(Body):
    id: str
    availability_zone: str | None
    created_at: str
    updated_at: str | None
    neutron_net_id: str | None
    neutron_subnet_id: str | None
    network_type: str | None
    segmentation_id: int | None
    cidr: str | None
    ip_version: int | None
    gateway: str | None
    mtu: int | None
    metadata: Annotated[dict[str, str], Since("2.78")]


class NetworkBody(Body):
    id: str
    name: str | None
    description: str | None
    project_id: str
    created_at: str
    updated_at: str | None
    neutron_net_id: Annotated[str | None, Until("2.50")]
    neutron_subnet_id: Annotated[str | None, Until("2.50")]
    network_type: Annotated[str | None, Until("2.50")]
    segmentation_id: Annotated[int | None, Until("2.50")]
    cidr: Annotated[str | None, Until("2.50")]
    ip_version: Annotated[int | None, Until("2.50")]
    nova_net_id: Annotated[str | None, Until("2.25")] = None
    gateway: Annotated[str | None, Since("2.18"), Until("2.50")] = None
    mtu: Annotated[int | None, Since("2.20"), Until("2.50")] = None
    share_network_subnets: Annotated[list[SubnetEntry] | Unset, Since("2.51")] = UNSET
    status: Annotated[str, Since("2.63")] = "active"
    security_service_update_support: Annotated[bool, Since("2.63")] = False
    network_allocation_update_support: Annotated[bool, Since("2.70")] = False


class NetworkAnswer(Body):
    share_network: NetworkBody


class NetworkBrief(Body):
    id: str
    name: str | None


class NetworkList(Body):
    share_networks: list[NetworkBrief]


class NetworkDetails(Body):
    share_networks: list[NetworkBody]


class NewNetwork(Body):
    neutron_net_id: Text255 | None = None
    neutron_subnet_id: Text255 | None = None
    nova_net_id: str | None = None
    name: Text255 | None = None
    description: Text255 | None = None
    availability_zone: Annotated[str | None, Since("2.51")] = None


class CreateNetwork(Body):
    share_network: NewNetwork


class NetworkChanges(Body):
    neutron_net_id: Text255 | Unset | None = UNSET
    neutron_subnet_id: Text255 | Unset | None = UNSET
    nova_net_id: str | None = None
    name: Text255 | Unset | None = UNSET
    description: Text255 | Unset | None = UNSET


class UpdateNetwork(Body):
    share_network: NetworkChanges


class ServiceId(Body):
    security_service_id: str


class Replacement(Body):
    current_service_id: str
    new_service_id: str
    reset_operation: bool | None = None


class OneService(Body):
    security_service_id: str
    reset_operation: bool | None = None


class SubnetWish(Body):
    neutron_net_id: Text255 | None = None
    neutron_subnet_id: Text255 | None = None
    availability_zone: str | None = None
    reset_operation: bool | None = None


class Compatible(Body):
    """Of a check: whether it can be, and of what host that is known."""

    compatible: bool | None
    hosts_check_result: dict[str, bool]


def entry(row: SubnetRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "availability_zone": row.availability_zone,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "neutron_net_id": row.network_id,
        "neutron_subnet_id": row.subnet_id,
        "network_type": None,
        "segmentation_id": None,
        "cidr": row.cidr,
        "ip_version": row.ip_version,
        "gateway": row.gateway,
        "mtu": row.mtu,
        "metadata": row.metadata,
    }


def place_of(wish: Any) -> dict[str, Any]:
    """Both of a neutron network and a subnet, or none; and a zone that there is."""
    if bool(wish.neutron_net_id) != bool(wish.neutron_subnet_id):
        raise BadRequest(
            "Both 'neutron_net_id' and 'neutron_subnet_id' should be specified, or neither."
        )
    if wish.availability_zone not in (None, "", ZONE):
        raise BadRequest(f"Availability zone {wish.availability_zone:.255} does not exist.")
    return {
        "network_id": wish.neutron_net_id or None,
        "subnet_id": wish.neutron_subnet_id or None,
        "zone": wish.availability_zone or None,
    }


class NetworksApi:
    def __init__(self, service: SharedFileSystemService) -> None:
        self._networks = service.networks
        self._security = service.security

    def operations(self) -> list[Operation]:
        all_, one = "/share-networks", "/share-networks/{share_network_id}"
        late: dict[str, Any] = {"early": False}
        answer: dict[str, Any] = {"response": NetworkAnswer}
        rule = "share_network:"
        return [
            Operation("GET", all_, self.index, policy=f"{rule}index", response=NetworkList),
            Operation("GET", f"{all_}/detail", self.detail, policy=f"{rule}detail",
                      response=NetworkDetails),
            Operation("POST", all_, self.create, policy=f"{rule}create",
                      body=CreateNetwork, **answer),
            Operation("GET", one, self.show, policy=f"{rule}show", **late, **answer),
            Operation("PUT", one, self.update, policy=f"{rule}update", body=UpdateNetwork,
                      **late, **answer),
            Operation("DELETE", one, self.delete, policy=f"{rule}delete", status=202, **late),
            *self._actions(f"{one}/action", rule),
        ]  # fmt: skip

    def _actions(self, path: str, rule: str) -> list[Operation]:
        act = functools.partial(self._action, path, rule)
        answer: dict[str, Any] = {"response": NetworkAnswer}
        check: dict[str, Any] = {"response": Compatible, "status": 202}
        newer: dict[str, Any] = {"since": "2.63"}
        return [
            act("add_security_service", ServiceId, self.attach, **answer),
            act("remove_security_service", ServiceId, self.detach, **answer),
            act("update_security_service", Replacement, self.replace, **newer, **answer),
            act("update_security_service_check", Replacement, self.check_replacement, **newer,
                **check),
            act("add_security_service_check", OneService, self.check_attach, **newer, **check),
            act("share_network_subnet_create_check", SubnetWish, self.check_subnet,
                policy="subnet_create_check", since="2.70", **check),
            act("reset_status", Reset, self.reset, status=202, **newer),
        ]  # fmt: skip

    def _action(
        self,
        path: str,
        rule: str,
        name: str,
        kind: Any,
        handler: Any,
        policy: str = "",
        **more: Any,
    ) -> Operation:
        body, rule = action_body(name, kind, "ShareNetwork"), f"{rule}{policy or name}"
        return Operation("POST", path, handler, policy=rule, action=name, body=body, early=False,
                         **more)  # fmt: skip

    def _bodies(self, tx: Tx, rows: Sequence[ShareNetworkRow]) -> list[NetworkBody]:
        subnets = self._networks.subnets(tx, [row.id for row in rows])
        return [_body(row, subnets[row.id]) for row in rows]

    def _answer(self, tx: Tx, row: ShareNetworkRow) -> NetworkAnswer:
        return NetworkAnswer(share_network=self._bodies(tx, [row])[0])

    def found(self, call: Call, tx: Tx) -> ShareNetworkRow:
        row = self._networks.get(tx, call.path["share_network_id"], call.principal)
        mine(call, row.project_id, row.user_id)
        return row

    def _page(self, call: Call, tx: Tx) -> list[ShareNetworkRow]:
        where = {**whose(call), **filters(call, _FILTERS, ("ip_version",))}
        for name in ("created_since", "created_before"):
            if call.query.get(name) is not None:
                where[name] = day(call, name)
        page = page_of(
            call,
            tx,
            self._networks.listing,
            where,
            find_marker=lambda id: self._networks.get(tx, id, call.principal),
            offset=offset_of(call),
        )
        return page.rows

    def index(self, call: Call, tx: Tx) -> Any:
        rows = self._page(call, tx)
        return NetworkList(share_networks=[NetworkBrief(id=row.id, name=row.name) for row in rows])

    def detail(self, call: Call, tx: Tx) -> Any:
        return NetworkDetails(share_networks=self._bodies(tx, self._page(call, tx)))

    def create(self, call: Call, tx: Tx) -> Any:
        wish = call.body.share_network
        if wish.nova_net_id:
            raise BadRequest("nova networking is not supported starting in Ocata.")
        row = self._networks.create(
            tx,
            call.principal,
            call.project_id,
            name=wish.name,
            description=wish.description,
            **place_of(wish),
        )
        return self._answer(tx, row)

    def show(self, call: Call, tx: Tx) -> Any:
        return self._answer(tx, self.found(call, tx))

    def update(self, call: Call, tx: Tx) -> Any:
        row, wish = self.found(call, tx), call.body.share_network
        if wish.nova_net_id:
            raise BadRequest("nova networking is not supported starting in Ocata.")
        names = {"name": "name", "description": "description", "neutron_net_id": "network_id",
                 "neutron_subnet_id": "subnet_id"}  # fmt: skip
        changes = {
            ours: getattr(wish, theirs)
            for theirs, ours in names.items()
            if getattr(wish, theirs) is not UNSET
        }
        if any(changes.get(name, "x") is None for name in ("network_id", "subnet_id")):
            raise BadRequest("A share network keeps a network and a subnet.")
        row = self._networks.update(tx, row, call.principal, **changes)
        return self._answer(tx, row)

    def delete(self, call: Call, tx: Tx) -> None:
        self._networks.delete(tx, self.found(call, tx), call.principal)

    def reset(self, call: Call, tx: Tx) -> None:
        row = self.found(call, tx)
        self._networks.reset(tx, row, wished_status(call.body.value, STATUSES))

    # --- security services ------------------------------------------------------------------

    def attach(self, call: Call, tx: Tx) -> Any:
        row, id = self.found(call, tx), call.body.value.security_service_id
        self._security.attach(tx, row, self._security.get(tx, id, call.principal), call.principal)
        return self._answer(tx, row)

    def detach(self, call: Call, tx: Tx) -> Any:
        row, id = self.found(call, tx), call.body.value.security_service_id
        self._security.detach(tx, row, self._security.get(tx, id, call.principal), call.principal)
        return self._answer(tx, row)

    def check_attach(self, call: Call, tx: Tx) -> Any:
        row, id = self.found(call, tx), call.body.value.security_service_id
        self._security.check(tx, row, self._security.get(tx, id, call.principal))
        return Compatible(compatible=True, hosts_check_result={})

    def _pair(self, call: Call, tx: Tx) -> Any:
        wish = call.body.value
        ids = (wish.current_service_id, wish.new_service_id)
        return [self._security.get(tx, id, call.principal) for id in ids]

    def replace(self, call: Call, tx: Tx) -> Any:
        row = self.found(call, tx)
        old, new = self._pair(call, tx)
        self._security.replace(tx, row, old, new, call.principal)
        return self._answer(tx, row)

    def check_replacement(self, call: Call, tx: Tx) -> Any:
        row = self.found(call, tx)
        self._security.check_replacement(tx, row, *self._pair(call, tx))
        return Compatible(compatible=True, hosts_check_result={})

    def check_subnet(self, call: Call, tx: Tx) -> Any:
        row = self.found(call, tx)
        self._networks.check_subnet(tx, row, call.principal, **place_of(call.body.value))
        return Compatible(compatible=True, hosts_check_result={})


def _body(row: ShareNetworkRow, subnets: Sequence[SubnetRow]) -> NetworkBody:
    """Before 2.51 a share network had one subnet, which is its default one."""
    default = [each for each in subnets if each.availability_zone is None] or list(subnets)
    first = default[0] if default else None
    names = {"neutron_net_id": "network_id", "neutron_subnet_id": "subnet_id"}
    names |= {name: name for name in ("cidr", "ip_version", "gateway", "mtu")}
    older: dict[str, Any] = {
        name: None if first is None else getattr(first, ours) for name, ours in names.items()
    }
    return NetworkBody(
        id=row.id,
        name=row.name,
        description=row.description,
        project_id=row.project_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
        network_type=None,
        segmentation_id=None,
        share_network_subnets=[SubnetEntry(**entry(each)) for each in subnets],
        status=row.declared or "active",
        **older,
    )
