"""Export servers (`share-servers`) and subnets of share networks on the wire."""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import page_of
from cumulo.core.wire.shapes import Body, Since, Unset, Until
from cumulo.shared_file_system.api.actions import action_body, wished_status
from cumulo.shared_file_system.api.bodies import Reset
from cumulo.shared_file_system.api.lists import (
    Metadata,
    Text255,
    asks_for_unknown,
    filters,
    refuse_too_much,
)
from cumulo.shared_file_system.api.metadata import Owner, metadata_operations
from cumulo.shared_file_system.api.networks import NetworksApi, SubnetEntry, entry, place_of
from cumulo.shared_file_system.model.network import (
    ServerRow,
    ShareNetworkRow,
    SubnetRow,
    server_status,
)
from cumulo.shared_file_system.service.shared_file_system import SharedFileSystemService

STATUSES = ("active", "error", "deleting", "creating", "managing", "unmanaging", "unmanage_error",
            "manage_error", "inactive", "manage_starting",
            "unmanage_starting", "server_migrating", "server_migrating_to")  # fmt: skip
_FILTERS = ("host", "share_network", "share_network_id", "share_network_subnet_id", "identifier",
            "source_share_server_id")  # fmt: skip
_ANY = dict[str, Any] | None


class SubnetDetail(SubnetEntry):
    share_network_id: str
    share_network_name: str | None


class SubnetList(Body):
    share_network_subnets: list[SubnetDetail]


class SubnetAnswer(Body):
    share_network_subnet: SubnetDetail


class NewSubnet(Body):
    neutron_net_id: Text255 | None = None
    neutron_subnet_id: Text255 | None = None
    availability_zone: str | None = None
    metadata: Annotated[Metadata | None, Since("2.78")] = None


class CreateSubnet(Body):
    hyphenated: NewSubnet | Unset = msgspec.field(name="share-network-subnet", default=UNSET)
    """As clients write it: `share-network-subnet`."""
    share_network_subnet: NewSubnet | Unset = UNSET


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
    task_state: Annotated[str | None, Since("2.57")] = None
    source_share_server_id: Annotated[str | None, Since("2.57")] = None
    security_service_update_support: Annotated[bool, Since("2.63")] = False
    share_network_subnet_ids: Annotated[list[str] | Unset, Since("2.70")] = UNSET
    network_allocation_update_support: Annotated[bool, Since("2.70")] = False


class ServerAnswer(Body):
    share_server: ServerBody


class ServerList(Body):
    share_servers: list[ServerBody]


class Details(Body):
    details: dict[str, str]


class ServersApi:
    def __init__(self, service: SharedFileSystemService, networks: NetworksApi) -> None:
        self._networks = service.networks
        self._found = networks.found

    def operations(self) -> list[Operation]:
        subnets = "/share-networks/{share_network_id}/subnets"
        subnet, rule = f"{subnets}/{{subnet_id}}", "share_network_subnet:"
        newer: dict[str, Any] = {"since": "2.51", "early": False}
        servers, of = "/share-servers", "share_server:"
        one = f"{servers}/{{server_id}}"
        return [
            Operation("GET", subnets, self.subnets, policy=f"{rule}index", response=SubnetList,
                      **newer),
            # 2.70: several in one zone
            Operation("POST", subnets, self.add_only, policy=f"{rule}create", body=CreateSubnet,
                      response=SubnetAnswer, until="2.69", **newer),
            Operation("POST", subnets, self.add, policy=f"{rule}create", body=CreateSubnet,
                      response=SubnetAnswer, since="2.70", early=False),
            Operation("GET", subnet, self.subnet, policy=f"{rule}show", response=SubnetAnswer,
                      **newer),
            Operation("DELETE", subnet, self.remove, policy=f"{rule}delete", status=202, **newer),
            *metadata_operations(f"{subnet}/metadata", Owner(self.read, self.write),
                                 read=f"{rule}get_metadata", update=f"{rule}update_metadata",
                                 remove=f"{rule}delete_metadata", since="2.78"),
            Operation("GET", servers, self.servers, policy=f"{of}index", response=ServerList),
            Operation("GET", one, self.server, policy=f"{of}show", response=ServerAnswer),
            Operation("GET", f"{one}/details", self.details, policy=f"{of}details",
                      response=Details),
            Operation("DELETE", one, self.delete, policy=f"{of}delete", status=202),
            Operation("POST", f"{one}/action", self.reset, policy=f"{of}reset_status",
                      action="reset_status", status=202, since="2.49",
                      body=action_body("reset_status", Reset, "ShareServer")),
            Operation("POST", f"{one}/action", self.unmanage,
                      policy=f"{of}unmanage_share_server", action="unmanage", status=202,
                      since="2.49", body=action_body("unmanage", _ANY, "ShareServer")),
            Operation("POST", f"{servers}/manage", self.manage, status=202, since="2.49",
                      policy=f"{of}manage_share_server", body=dict[str, Any]),
        ]  # fmt: skip

    # --- subnets ----------------------------------------------------------------------------

    def _detail(self, row: ShareNetworkRow, subnet: SubnetRow) -> SubnetDetail:
        names: dict[str, Any] = {"share_network_id": row.id, "share_network_name": row.name}
        return SubnetDetail(**entry(subnet), **names)

    def subnets(self, call: Call, tx: Tx) -> Any:
        row = self._found(call, tx)
        found = self._networks.subnets(tx, [row.id])[row.id]
        return SubnetList(share_network_subnets=[self._detail(row, each) for each in found])

    def add(self, call: Call, tx: Tx) -> Any:
        return self._add(call, tx, only=False)

    def add_only(self, call: Call, tx: Tx) -> Any:
        return self._add(call, tx, only=True)

    def _add(self, call: Call, tx: Tx, *, only: bool) -> Any:
        row, body = self._found(call, tx), call.body
        wish = body.hyphenated if body.hyphenated is not UNSET else body.share_network_subnet
        if wish is UNSET:
            raise BadRequest("The body must have a 'share-network-subnet'.")
        metadata = wish.metadata or {}
        refuse_too_much(metadata)
        subnet = self._networks.add_subnet(
            tx, row, call.principal, metadata=metadata, only=only, **place_of(wish)
        )
        return SubnetAnswer(share_network_subnet=self._detail(row, subnet))

    def _subnet(self, call: Call, tx: Tx) -> tuple[ShareNetworkRow, SubnetRow]:
        row = self._found(call, tx)
        return row, self._networks.subnet(tx, row, call.path["subnet_id"])

    def subnet(self, call: Call, tx: Tx) -> Any:
        return SubnetAnswer(share_network_subnet=self._detail(*self._subnet(call, tx)))

    def remove(self, call: Call, tx: Tx) -> None:
        self._networks.remove_subnet(tx, *self._subnet(call, tx), call.principal)

    def read(self, call: Call, tx: Tx) -> dict[str, str]:
        return self._subnet(call, tx)[1].metadata

    def write(self, call: Call, tx: Tx, metadata: dict[str, str]) -> dict[str, str]:
        return self._networks.set_metadata(tx, self._subnet(call, tx)[1], metadata).metadata

    # --- servers ----------------------------------------------------------------------------

    def _servers(self, tx: Tx, rows: Sequence[ServerRow]) -> list[ServerBody]:
        networks = self._networks.some(tx, {row.share_network_id for row in rows})
        found = []
        for row in rows:
            network, ids = (
                networks.get(row.share_network_id),
                [p.subnet_entry_id for p in row.plugs],
            )
            found.append(
                ServerBody(
                    id=row.id,
                    status=server_status(row),
                    is_auto_deletable=not row.unmanaged,
                    share_network_id=row.share_network_id,
                    share_network_name=network.name if network else None,
                    host=f"{row.host_id}@local",
                    project_id=row.project_id,
                    identifier=row.id,
                    share_network_subnet_id=ids[0],
                    share_network_subnet_ids=ids,
                    updated_at=row.updated_at,
                )
            )
        return found

    def servers(self, call: Call, tx: Tx) -> Any:
        if asks_for_unknown(call, _FILTERS):
            return ServerList(share_servers=[])
        if call.query.get("source_share_server_id"):
            return ServerList(share_servers=[])  # none is migrated from another
        where = filters(call, ("project_id", "share_network_id", "identifier"))
        host, network = call.query.get("host"), call.query.get("share_network")
        if host is not None:
            where["host"] = host.partition("@")[0]
        if network is not None:
            where["share_network"] = network
        subnet = call.query.get("share_network_subnet_id")
        page = page_of(call, tx, self._networks.servers, where,
                       find_marker=lambda id: self._networks.server(tx, id))  # fmt: skip
        rows = [row for row in page.rows
                if subnet is None or subnet in [p.subnet_entry_id for p in row.plugs]]  # fmt: skip
        found, wanted = self._servers(tx, rows), call.query.get("status")
        return ServerList(share_servers=[b for b in found if wanted in (None, b.status)])

    def _server(self, call: Call, tx: Tx) -> ServerRow:
        return self._networks.server(tx, call.path["server_id"])

    def server(self, call: Call, tx: Tx) -> Any:
        row = self._server(call, tx)
        [body] = self._servers(tx, [row])
        body.created_at = row.created_at
        body.backend_details = _details(row)
        return ServerAnswer(share_server=body)

    def details(self, call: Call, tx: Tx) -> Any:
        return Details(details=_details(self._server(call, tx)))

    def delete(self, call: Call, tx: Tx) -> None:
        self._networks.delete_server(tx, self._server(call, tx))

    def reset(self, call: Call, tx: Tx) -> None:
        status = wished_status(call.body.value, STATUSES)
        self._networks.reset_server(tx, self._server(call, tx), status)

    def unmanage(self, call: Call, tx: Tx) -> None:
        self._server(call, tx)
        raise BadRequest(
            "An export server is a process with its own address here, which goes with its last "
            "share network: there is nothing that somebody else could manage."
        )

    def manage(self, call: Call, tx: Tx) -> None:
        raise BadRequest(
            "Export servers are made here for share networks that need them: there is none to "
            "take over."
        )


def _details(row: ServerRow) -> dict[str, str]:
    addresses = [plug.address for plug in row.plugs]
    return {"address": addresses[0], "addresses": ",".join(addresses), "fault": row.fault or ""}
