"""Ports on the wire."""

from typing import Annotated, Any

from msgspec import UNSET

from cumulo.baremetal.api import common
from cumulo.baremetal.api.nodes import PAGING, node_of
from cumulo.baremetal.model.port import PortRow
from cumulo.baremetal.service.bare_metal import BareMetalService
from cumulo.baremetal.service.ports import mac_of
from cumulo.core.clock import zulu
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import Forbidden, NotFound
from cumulo.core.http.operations import Call, Operation, Reply
from cumulo.core.http.paging import page_of
from cumulo.core.wire.coercions import Uuid
from cumulo.core.wire.shapes import Body, Since, StrictBody, Unset

RULE = "baremetal:port"


class NewPort(StrictBody):
    address: str
    node_uuid: str
    uuid: Uuid | None = None
    extra: dict[str, Any] | None = None
    pxe_enabled: Annotated[bool | None, Since("1.19")] = None
    local_link_connection: Annotated[dict[str, Any] | None, Since("1.19")] = None
    physical_network: Annotated[str | None, Since("1.34")] = None


class PortBody(Body, kw_only=True):
    uuid: str | Unset = UNSET
    address: str | Unset = UNSET
    node_uuid: str | Unset = UNSET
    extra: dict[str, Any] | Unset = UNSET
    internal_info: Annotated[dict[str, Any] | Unset, Since("1.18")] = UNSET
    pxe_enabled: Annotated[bool | Unset, Since("1.19")] = UNSET
    local_link_connection: Annotated[dict[str, Any] | Unset, Since("1.19")] = UNSET
    physical_network: Annotated[str | Unset | None, Since("1.34")] = UNSET
    created_at: str | Unset | None = UNSET
    updated_at: str | Unset | None = UNSET
    links: list[dict[str, str]] | Unset = UNSET


class PortsBody(Body, kw_only=True):
    ports: list[PortBody]
    next: str | Any = UNSET


def _time(moment: str | None) -> str | None:
    return None if moment is None else f"{zulu(moment)[:-1]}+00:00"


class PortsApi:
    def __init__(self, service: BareMetalService) -> None:
        self._ports = service.ports
        self._nodes = service.nodes

    def operations(self) -> list[Operation]:
        many, one = "/v1/ports", "/v1/ports/{port}"
        of = "/v1/nodes/{node}/ports"
        lists: dict[str, Any] = {"policy": f"{RULE}:list", "response": PortsBody}
        return [
            Operation("POST", many, self.create, policy=f"{RULE}:create", body=NewPort,
                      response=PortBody, status=201),
            Operation("GET", many, self.index, **lists),
            Operation("GET", f"{many}/detail", self.detail, **lists),
            Operation("GET", of, self.of_node, **lists),
            Operation("GET", f"{of}/detail", self.of_node_detail, **lists),
            Operation("GET", one, self.show, policy=f"{RULE}:get", response=PortBody,
                      early=False),
            Operation("PATCH", one, self.update, policy=f"{RULE}:update", body=common.Patch,
                      response=PortBody, early=False),
            Operation("DELETE", one, self.delete, policy=f"{RULE}:delete", status=204,
                      early=False),
        ]  # fmt: skip

    def _body(self, call: Call, row: PortRow) -> PortBody:
        return PortBody(
            uuid=row.id,
            address=row.address,
            node_uuid=row.node_id,
            extra=row.extra,
            internal_info={},
            pxe_enabled=row.pxe_enabled,
            local_link_connection=row.local_link_connection,
            physical_network=row.physical_network,
            created_at=_time(row.created_at),
            updated_at=_time(row.updated_at),
            links=common.link(call, "ports", row.id),
        )

    def create(self, call: Call, tx: Tx) -> Reply:
        wish: NewPort = call.body
        given = {
            name: value
            for name in wish.__struct_fields__
            if name != "uuid" and (value := getattr(wish, name)) is not None
        }
        row, _ = self._ports.create(tx, given, wish.uuid, call.principal)
        place = f"{call.base_url}/v1/ports/{row.id}"
        return Reply(201, self._body(call, row), {"Location": place})

    def index(self, call: Call, tx: Tx) -> Any:
        detail = call.query.get("detail") is not None and common.flag(call, "detail")
        return self._list(call, tx, {}, detail)

    def detail(self, call: Call, tx: Tx) -> Any:
        return self._list(call, tx, {}, True)

    def of_node(self, call: Call, tx: Tx) -> Any:
        return self._of(call, tx, False)

    def of_node_detail(self, call: Call, tx: Tx) -> Any:
        return self._of(call, tx, True)

    def _of(self, call: Call, tx: Tx, detail: bool) -> Any:
        row = node_of(self._nodes.get(tx, call.path["node"]), call)
        return self._list(call, tx, {"node_id": row.id}, detail)

    def _list(self, call: Call, tx: Tx, where: dict[str, Any], detail: bool) -> Any:
        common.refuse_query(call, PAGING | {"address", "node", "node_uuid"}, {})
        if (address := call.query.get("address")) is not None:
            where["address"] = mac_of(address)
        if (node := call.query.get("node") or call.query.get("node_uuid")) is not None:
            try:
                where["node_id"] = node_of(self._nodes.get(tx, node), call).id
            except NotFound:
                return {"ports": []}
        if not call.allowed(f"{RULE}:list_all", {}):
            if call.principal.project_id is None:
                return {"ports": []}
            where["owner"] = call.principal.project_id
        page = page_of(
            call, tx, self._ports.listing, where,
            find_marker=lambda id: self._marker(call, tx, id), sort_names={"uuid": "id"},
        )  # fmt: skip
        bodies = [self._body(call, row) for row in page.rows]
        fields = common.asked_fields(call)
        if not detail:
            for body in bodies:
                common.only(call, body, ("uuid", "address") if fields is None else fields)
        return common.with_next(call, "ports", bodies, page)

    def _marker(self, call: Call, tx: Tx, id: str) -> PortRow | None:
        try:
            return self._one(call, tx, id, f"{RULE}:get")
        except (NotFound, Forbidden):
            return None

    def _one(self, call: Call, tx: Tx, id: str, action: str) -> PortRow:
        row = self._ports.get(tx, id)
        target = {"node.owner": self._nodes.get(tx, row.node_id).owner}
        if not call.allowed(f"{RULE}:get", target):
            raise NotFound(f"Port {id[:255]} could not be found.")
        call.allow(target, action)
        return row

    def _mine(self, call: Call, tx: Tx) -> PortRow:
        assert call.operation.policy is not None
        return self._one(call, tx, call.path["port"], call.operation.policy)

    def show(self, call: Call, tx: Tx) -> PortBody:
        body = self._body(call, self._mine(call, tx))
        fields = common.asked_fields(call)
        return body if fields is None else common.only(call, body, fields)

    def update(self, call: Call, tx: Tx) -> PortBody:
        row = self._mine(call, tx)
        changes = common.changes_of(call)
        return self._body(call, self._ports.update(tx, row, changes, call.principal))

    def delete(self, call: Call, tx: Tx) -> None:
        self._ports.delete(tx, self._mine(call, tx), call.principal)
