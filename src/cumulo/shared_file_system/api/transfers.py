"""Transfers of shares on the wire (2.77)."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET

from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import page_of
from cumulo.core.wire.coercions import BoolLike, as_bool
from cumulo.core.wire.shapes import Body, Unset
from cumulo.shared_file_system.api.bodies import Links
from cumulo.shared_file_system.api.lists import (
    Text255,
    filters,
    links,
    mine,
    offset_of,
    page_links,
    whose,
)
from cumulo.shared_file_system.model.transfer import TransferRow
from cumulo.shared_file_system.service.shared_file_system import SharedFileSystemService


class TransferBrief(Body):
    id: str
    name: str | None
    resource_type: str
    resource_id: str
    links: Links


class TransferBody(TransferBrief):
    created_at: str
    source_project_id: str
    destination_project_id: str | None
    accepted: bool
    expires_at: str
    auth_key: str | Unset = UNSET


class TransferAnswer(Body):
    transfer: TransferBody


class TransferList(Body):
    transfers: list[TransferBrief]
    transfers_links: Links | Unset = UNSET


class TransferDetails(Body):
    transfers: list[TransferBody]
    transfers_links: Links | Unset = UNSET


class NewTransfer(Body):
    share_id: str
    name: Text255 | None = None


class CreateTransfer(Body):
    transfer: NewTransfer


class Accept(Body):
    auth_key: Annotated[str, msgspec.Meta(max_length=255)]
    clear_access_rules: BoolLike = False


class AcceptTransfer(Body):
    accept: Accept


class TransfersApi:
    def __init__(self, service: SharedFileSystemService) -> None:
        self._shares = service.shares
        self._transfers = service.transfers

    def operations(self) -> list[Operation]:
        all_, one, rule = "/share-transfers", "/share-transfers/{transfer_id}", "share_transfer:"
        late: dict[str, Any] = {"early": False, "since": "2.77"}
        return [
            Operation("GET", all_, self.index, policy=f"{rule}get_all", response=TransferList,
                      since="2.77"),
            Operation("GET", f"{all_}/detail", self.detail, policy=f"{rule}get_all",
                      response=TransferDetails, since="2.77"),
            Operation("POST", all_, self.create, policy=f"{rule}create", status=202,
                      body=CreateTransfer, response=TransferAnswer, **late),
            Operation("GET", one, self.show, policy=f"{rule}get", response=TransferAnswer, **late),
            Operation("DELETE", one, self.delete, policy=f"{rule}delete", **late),
            Operation("POST", f"{one}/accept", self.accept, policy=f"{rule}accept", status=202,
                      body=AcceptTransfer, since="2.77"),
        ]  # fmt: skip

    def _found(self, call: Call, tx: Tx) -> TransferRow:
        row = self._transfers.get(tx, call.path["transfer_id"], call.principal)
        mine(call, row.project_id)
        return row

    def _rows(self, call: Call, tx: Tx) -> Any:
        where = {**whose(call), **filters(call, ("id", "name", "name~", "resource_id"))}
        return page_of(call, tx, self._transfers.listing, where, offset=offset_of(call),
                       find_marker=lambda id: self._transfers.get(tx, id, call.principal),
                       sort_names={"display_name": "name"})  # fmt: skip

    def index(self, call: Call, tx: Tx) -> Any:
        page = self._rows(call, tx)
        found = [TransferBrief(**_brief(call, row)) for row in page.rows]
        return TransferList(transfers=found, transfers_links=page_links(call, page))

    def detail(self, call: Call, tx: Tx) -> Any:
        page = self._rows(call, tx)
        found = [_body(call, row) for row in page.rows]
        return TransferDetails(transfers=found, transfers_links=page_links(call, page))

    def create(self, call: Call, tx: Tx) -> Any:
        wish = call.body.transfer
        share = self._shares.get(tx, wish.share_id, call.principal)
        mine(call, share.project_id, share.user_id)
        row, key = self._transfers.create(tx, share, call.principal, wish.name)
        body = _body(call, row)
        body.auth_key = key
        return TransferAnswer(transfer=body)

    def show(self, call: Call, tx: Tx) -> Any:
        return TransferAnswer(transfer=_body(call, self._found(call, tx)))

    def delete(self, call: Call, tx: Tx) -> None:
        self._transfers.delete(tx, self._found(call, tx), call.principal)

    def accept(self, call: Call, tx: Tx) -> None:
        wish = call.body.accept
        clear = as_bool(wish.clear_access_rules, "clear_access_rules")
        who, id = call.principal, call.path["transfer_id"]
        self._transfers.accept(tx, id, who, wish.auth_key, clear_rules=clear)


def _brief(call: Call, row: TransferRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "resource_type": "share",
        "resource_id": row.share_id,
        "links": links(call, "share-transfers", row.id),
    }


def _body(call: Call, row: TransferRow) -> TransferBody:
    return TransferBody(
        **_brief(call, row),
        created_at=row.created_at,
        source_project_id=row.project_id,
        destination_project_id=None,
        accepted=False,
        expires_at=row.expires_at,
    )
