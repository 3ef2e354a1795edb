"""Security services on the wire."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import page_of
from cumulo.core.wire.shapes import Body, Since, Unset
from cumulo.shared_file_system.api.lists import (
    Text255,
    asks_for_unknown,
    filters,
    mine,
    offset_of,
    whose,
)
from cumulo.shared_file_system.model.security import KINDS, SecurityServiceRow
from cumulo.shared_file_system.service.shared_file_system import SharedFileSystemService

_FIELDS = ("name", "description", "dns_ip", "user", "password", "domain", "server", "ou",
           "default_ad_site")  # fmt: skip
_FILTERS = ("name", "name~", "type", "user", "server", "dns_ip", "domain", "ou",
            "default_ad_site", "share_network_id")  # fmt: skip


class ServiceBody(Body):
    id: str
    name: str | None
    type: str
    status: str
    project_id: str
    description: str | None
    dns_ip: str | None
    user: str | None
    password: str | None
    domain: str | None
    server: str | None
    created_at: str
    updated_at: str | None
    share_networks: list[str] | Unset
    ou: Annotated[str | None, Since("2.44")]
    default_ad_site: Annotated[str | None, Since("2.76")]


class ServiceAnswer(Body):
    security_service: ServiceBody


class ServiceBrief(Body):
    id: str
    name: str | None
    type: str
    status: str


class ServiceList(Body):
    security_services: list[ServiceBrief]


class ServiceDetails(Body):
    security_services: list[ServiceBody]


class Wishes(Body):
    name: Text255 | Unset | None = UNSET
    description: Text255 | Unset | None = UNSET
    dns_ip: Annotated[str, msgspec.Meta(max_length=64)] | Unset | None = UNSET
    user: Text255 | Unset | None = UNSET
    password: Text255 | Unset | None = UNSET
    domain: Text255 | Unset | None = UNSET
    server: Text255 | Unset | None = UNSET
    ou: Annotated[Text255 | Unset | None, Since("2.44")] = UNSET
    default_ad_site: Annotated[Text255 | Unset | None, Since("2.76")] = UNSET
    type: str | Unset = UNSET

    def named(self) -> dict[str, Any]:
        found = ((name, getattr(self, name)) for name in _FIELDS)
        return {name: value for name, value in found if value is not UNSET}


class WishesBody(Body):
    security_service: Wishes


class SecurityApi:
    def __init__(self, service: SharedFileSystemService) -> None:
        self._security = service.security
        self._networks = service.networks

    def operations(self) -> list[Operation]:
        all_, one, rule = (
            "/security-services",
            "/security-services/{service_id}",
            "security_service:",
        )
        late: dict[str, Any] = {"early": False}
        answer: dict[str, Any] = {"response": ServiceAnswer}
        return [
            Operation("GET", all_, self.index, policy=f"{rule}index", response=ServiceList),
            Operation("GET", f"{all_}/detail", self.detail, policy=f"{rule}detail",
                      response=ServiceDetails),
            Operation("POST", all_, self.create, policy=f"{rule}create", body=WishesBody, **answer),
            Operation("GET", one, self.show, policy=f"{rule}show", **late, **answer),
            Operation("PUT", one, self.update, policy=f"{rule}update", body=WishesBody, **late,
                      **answer),
            Operation("DELETE", one, self.delete, policy=f"{rule}delete", status=202, **late),
        ]  # fmt: skip

    def _found(self, call: Call, tx: Tx) -> SecurityServiceRow:
        row = self._security.get(tx, call.path["service_id"], call.principal)
        mine(call, row.project_id)
        return row

    def _body(self, tx: Tx, row: SecurityServiceRow) -> ServiceBody:
        return self._bodies(tx, [row])[0]

    def _bodies(self, tx: Tx, rows: list[SecurityServiceRow]) -> list[ServiceBody]:
        networks = self._security.networks_of(tx, rows)
        return [_body(row, networks[row.id]) for row in rows]

    def _page(self, call: Call, tx: Tx) -> list[SecurityServiceRow]:
        if asks_for_unknown(call, _FILTERS):
            return []
        where = {**whose(call), **filters(call, _FILTERS)}
        if "share_network_id" in where:
            self._networks.get(tx, where["share_network_id"], call.principal)
        who = call.principal
        page = page_of(call, tx, self._security.listing, where, offset=offset_of(call),
                       find_marker=lambda id: self._security.get(tx, id, who))  # fmt: skip
        return page.rows

    def index(self, call: Call, tx: Tx) -> Any:
        found = [ServiceBrief(id=row.id, name=row.name, type=row.type, status="new")
                 for row in self._page(call, tx)]  # fmt: skip
        return ServiceList(security_services=found)

    def detail(self, call: Call, tx: Tx) -> Any:
        return ServiceDetails(security_services=self._bodies(tx, self._page(call, tx)))

    def create(self, call: Call, tx: Tx) -> Any:
        wish = call.body.security_service
        if wish.type is UNSET or wish.type not in KINDS:
            raise BadRequest(
                "Invalid type is specified for security service. Valid types are "
                f"{', '.join(KINDS)}"
            )
        values = dict.fromkeys(_FIELDS) | wish.named()
        if values["default_ad_site"] and values["server"]:
            raise BadRequest("Cannot create security service because both server and "
                             "'default_ad_site' were provided: give one of them.")  # fmt: skip
        row = self._security.create(tx, call.principal, call.project_id, type=wish.type, **values)
        return ServiceAnswer(security_service=self._body(tx, row))

    def show(self, call: Call, tx: Tx) -> Any:
        return ServiceAnswer(security_service=self._body(tx, self._found(call, tx)))

    def update(self, call: Call, tx: Tx) -> Any:
        row = self._found(call, tx)
        wish = call.body.security_service
        if wish.type is not UNSET and wish.type != row.type:
            raise BadRequest("The type of a security service cannot be changed.")
        row = self._security.update(tx, row, call.principal, **wish.named())
        return ServiceAnswer(security_service=self._body(tx, row))

    def delete(self, call: Call, tx: Tx) -> None:
        self._security.delete(tx, self._found(call, tx), call.principal)


def _body(row: SecurityServiceRow, networks: list[str]) -> ServiceBody:
    return ServiceBody(
        id=row.id,
        type=row.type,
        status="new",
        project_id=row.project_id,
        created_at=row.created_at,
        updated_at=row.updated_at,
        share_networks=networks,
        **{name: getattr(row, name) for name in _FIELDS},
    )
