"""Share networks on the wire, their subnets, and export servers (`share-servers`)."""

from typing import Annotated, Any

from msgspec import UNSET

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest, NotFound
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import page_of
from cumulo.core.wire.shapes import Body, Since, Unset, Until
from cumulo.shared_file_system.api.lists import Text255, filters, mine, offset_of, whose
from cumulo.shared_file_system.model.network import ServerRow, ShareNetworkRow, server_status
from cumulo.shared_file_system.service.pools import ZONE
from cumulo.shared_file_system.service.shared_file_system import SharedFileSystemService

_FILTERS = ("name", "name~", "description", "description~", "neutron_net_id", "neutron_subnet_id",
            "cidr", "created_since", "created_before")  # fmt: skip


class SubnetEntry(Body):
    id: str
    availability_zone: str | None
    created_at: str
    updated_at: str | None
    neutron_net_id: str
    neutron_subnet_id: str
    network_type: str | None
    segmentation_id: int | None
    cidr: str
    ip_version: int
    gateway: str | None
    mtu: int


class SubnetDetail(SubnetEntry):
    share_network_id: str
    share_network_name: str | None


class NetworkBody(Body):
    id: str
    name: str | None
    description: str | None
    project_id: str
    created_at: str
    updated_at: str | None
    neutron_net_id: Annotated[str, Until("2.50")]
    neutron_subnet_id: Annotated[str, Until("2.50")]
    network_type: Annotated[str | None, Until("2.50")]
    segmentation_id: Annotated[int | None, Until("2.50")]
    cidr: Annotated[str, Until("2.50")]
    ip_version: Annotated[int, Until("2.50")]
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


class SubnetList(Body):
    share_network_subnets: list[SubnetDetail]


class SubnetAnswer(Body):
    share_network_subnet: SubnetDetail


class NewNetwork(Body):
    neutron_net_id: str | None = None
    neutron_subnet_id: str | None = None
    nova_net_id: Annotated[str | None, Until("2.25")] = None
    name: Text255 | None = None
    description: Text255 | None = None
    availability_zone: Annotated[str | None, Since("2.51")] = None


class CreateNetwork(Body):
    share_network: NewNetwork


class NetworkChanges(Body):
    neutron_net_id: str | Unset | None = UNSET
    neutron_subnet_id: str | Unset | None = UNSET
    name: Text255 | Unset | None = UNSET
    description: Text255 | Unset | None = UNSET


class UpdateNetwork(Body):
    share_network: NetworkChanges


class ServerBody(Body):
    id: str
    status: str
    share_network_id: str
    share_network_name: str | None
    host: str
    project_id: str
    created_at: str | Unset = UNSET
    updated_at: str | Unset | None = UNSET
    backend_details: dict[str, str] | Unset = UNSET
    is_auto_deletable: Annotated[bool, Since("2.49")] = True
    identifier: Annotated[str | Unset, Since("2.49")] = UNSET
    share_network_subnet_id: Annotated[str | Unset | None, Since("2.51"), Until("2.69")] = UNSET
    security_service_update_support: Annotated[bool, Since("2.63")] = False
    share_network_subnet_ids: Annotated[list[str] | Unset, Since("2.70")] = UNSET
    network_allocation_update_support: Annotated[bool, Since("2.70")] = False


class ServerAnswer(Body):
    share_server: ServerBody


class ServerList(Body):
    share_servers: list[ServerBody]


def _entry(row: ShareNetworkRow) -> dict[str, Any]:
    return {
        "id": row.subnet_entry_id,
        "availability_zone": None,
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
    }


def _body(row: ShareNetworkRow) -> NetworkBody:
    return NetworkBody(
        id=row.id,
        name=row.name,
        description=row.description,
        project_id=row.project_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
        neutron_net_id=row.network_id,
        neutron_subnet_id=row.subnet_id,
        network_type=None,
        segmentation_id=None,
        cidr=row.cidr,
        ip_version=row.ip_version,
        gateway=row.gateway,
        mtu=row.mtu,
        share_network_subnets=[SubnetEntry(**_entry(row))],
    )


class NetworksApi:
    def __init__(self, service: SharedFileSystemService) -> None:
        self._networks = service.networks

    def operations(self) -> list[Operation]:
        all_, one = "/share-networks", "/share-networks/{share_network_id}"
        late: dict[str, Any] = {"early": False}
        answer: dict[str, Any] = {"response": NetworkAnswer}
        subnets = f"{one}/subnets"
        newer: dict[str, Any] = {"since": "2.51", "early": False}
        servers, rule = "/share-servers", "share_server:"
        return [
            Operation("GET", all_, self.index, policy="share_network:index", response=NetworkList),
            Operation("GET", f"{all_}/detail", self.detail, policy="share_network:detail",
                      response=NetworkDetails),
            Operation("POST", all_, self.create, policy="share_network:create",
                      body=CreateNetwork, **answer),
            Operation("GET", one, self.show, policy="share_network:show", **late, **answer),
            Operation("PUT", one, self.update, policy="share_network:update", body=UpdateNetwork,
                      **late, **answer),
            Operation("DELETE", one, self.delete, policy="share_network:delete", status=202,
                      **late),
            Operation("GET", subnets, self.subnets, policy="share_network_subnet:index",
                      response=SubnetList, **newer),
            Operation("GET", f"{subnets}/{{subnet_id}}", self.subnet,
                      policy="share_network_subnet:show", response=SubnetAnswer, **newer),
            Operation("GET", servers, self.servers, policy=f"{rule}index", response=ServerList),
            Operation("GET", f"{servers}/{{server_id}}", self.server, policy=f"{rule}show",
                      response=ServerAnswer),
        ]  # fmt: skip

    def _found(self, call: Call, tx: Tx) -> ShareNetworkRow:
        row = self._networks.get(tx, call.path["share_network_id"], call.principal)
        mine(call, row.project_id, row.user_id)
        return row

    def _page(self, call: Call, tx: Tx) -> list[ShareNetworkRow]:
        where = {**whose(call), **filters(call, _FILTERS, ("ip_version",))}
        if call.query.get("security_service_id"):
            return []  # there are none
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
        return NetworkDetails(share_networks=[_body(row) for row in self._page(call, tx)])

    def create(self, call: Call, tx: Tx) -> Any:
        wish = call.body.share_network
        if wish.nova_net_id:
            raise BadRequest("nova networking is not supported.")
        if bool(wish.neutron_net_id) != bool(wish.neutron_subnet_id):
            raise BadRequest(
                "Both 'neutron_net_id' and 'neutron_subnet_id' should be specified, or neither."
            )
        if not wish.neutron_net_id or not wish.neutron_subnet_id:
            raise BadRequest(
                "A share network is of a project's network here: 'neutron_net_id' and "
                "'neutron_subnet_id' must be given."
            )
        if wish.availability_zone not in (None, "", ZONE):
            raise BadRequest(f"Availability zone {wish.availability_zone:.255} does not exist.")
        row = self._networks.create(
            tx,
            call.principal,
            call.project_id,
            network_id=wish.neutron_net_id,
            subnet_id=wish.neutron_subnet_id,
            name=wish.name,
            description=wish.description,
        )
        return NetworkAnswer(share_network=_body(row))

    def show(self, call: Call, tx: Tx) -> Any:
        return NetworkAnswer(share_network=_body(self._found(call, tx)))

    def update(self, call: Call, tx: Tx) -> Any:
        row, wish = self._found(call, tx), call.body.share_network
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
        return NetworkAnswer(share_network=_body(row))

    def delete(self, call: Call, tx: Tx) -> None:
        self._networks.delete(tx, self._found(call, tx), call.principal)

    # --- subnets ----------------------------------------------------------------------------

    def _detail(self, row: ShareNetworkRow) -> SubnetDetail:
        names: dict[str, Any] = {"share_network_id": row.id, "share_network_name": row.name}
        return SubnetDetail(**_entry(row), **names)

    def subnets(self, call: Call, tx: Tx) -> Any:
        return SubnetList(share_network_subnets=[self._detail(self._found(call, tx))])

    def subnet(self, call: Call, tx: Tx) -> Any:
        row, id = self._found(call, tx), call.path["subnet_id"]
        if id != row.subnet_entry_id:
            raise NotFound(f"Share network subnet {id} could not be found.")
        return SubnetAnswer(share_network_subnet=self._detail(row))

    # --- servers ----------------------------------------------------------------------------

    def _server(self, tx: Tx, row: ServerRow) -> ServerBody:
        network = self._networks.of_server(tx, row)
        return ServerBody(
            id=row.id,
            status=server_status(row),
            share_network_id=row.share_network_id,
            share_network_name=network.name if network else None,
            host=f"{row.host_id}@local",
            project_id=row.project_id,
            identifier=row.id,
            share_network_subnet_id=network.subnet_entry_id if network else None,
            share_network_subnet_ids=[network.subnet_entry_id] if network else [],
            updated_at=row.updated_at,
        )

    def servers(self, call: Call, tx: Tx) -> Any:
        where = filters(call, ("project_id", "share_network_id"))
        host = call.query.get("host")
        if host is not None:
            where["host"] = host.partition("@")[0]
        page = page_of(call, tx, self._networks.servers, where,
                       find_marker=lambda id: self._networks.server(tx, id))  # fmt: skip
        found = [self._server(tx, row) for row in page.rows]
        wanted = call.query.get("status")
        return ServerList(share_servers=[b for b in found if wanted in (None, b.status)])

    def server(self, call: Call, tx: Tx) -> Any:
        row = self._networks.server(tx, call.path["server_id"])
        body = self._server(tx, row)
        body.created_at = row.created_at
        body.backend_details = {"address": row.address, "fault": row.fault or ""}
        return ServerAnswer(share_server=body)
