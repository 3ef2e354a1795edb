"""Transfers of volumes on the wire: `os-volume-transfer`, and `volume-transfers` from 3.55 on."""

from typing import Annotated, Any

import msgspec

from cumulo.block_storage.api.bodies import Text255
from cumulo.block_storage.api.lists import links, offset_of, own_or_all, page_links
from cumulo.block_storage.model.transfer import TransferRow
from cumulo.block_storage.service.block_storage import BlockStorageService
from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import page_of
from cumulo.core.wire.coercions import BoolLike, Uuid, as_bool
from cumulo.core.wire.shapes import Since, StrictBody, Version

WITH_SNAPSHOTS = "3.55"
WITH_PROJECTS = Version(3, 57)


class NewTransfer(StrictBody):
    volume_id: Uuid
    name: Text255 | None = None
    no_snapshots: Annotated[BoolLike, Since(WITH_SNAPSHOTS)] = False


class CreateTransfer(StrictBody):
    transfer: NewTransfer


class Key(StrictBody):
    auth_key: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class AcceptTransfer(StrictBody):
    accept: Key


class TransfersApi:
    def __init__(self, storage: BlockStorageService) -> None:
        self._transfers = storage.transfers
        self._volumes = storage.volumes

    def operations(self) -> list[Operation]:
        old = self._operations("/os-volume-transfer", None)
        return [*old, *self._operations("/volume-transfers", WITH_SNAPSHOTS)]

    def _operations(self, all_: str, since: str | None) -> list[Operation]:
        one = f"{all_}/{{transfer_id}}"
        at: dict[str, Any] = {} if since is None else {"since": since}
        late: dict[str, Any] = {"early": False, **at}
        made: dict[str, Any] = {"status": 202, **late}
        return [
            Operation("GET", all_, self.index, policy="volume:get_all_transfers", **at),
            Operation(
                "GET", f"{all_}/detail", self.detail, policy="volume:get_all_transfers", **at
            ),
            Operation(
                "POST",
                all_,
                self.create,
                policy="volume:create_transfer",
                body=CreateTransfer,
                **made,
            ),
            Operation("GET", one, self.show, policy="volume:get_transfer", **late),
            Operation("DELETE", one, self.delete, policy="volume:delete_transfer", **made),
            Operation(
                "POST",
                f"{one}/accept",
                self.accept,
                policy="volume:accept_transfer",
                body=AcceptTransfer,
                status=202,
                **at,
            ),
        ]

    def _body(self, call: Call, row: TransferRow, *, detail: bool) -> dict[str, Any]:
        body: dict[str, Any] = {
            "id": row.id,
            "volume_id": row.volume_id,
            "name": row.name,
            "links": links(call, "transfers", row.id),
        }
        if not detail:
            return body
        body["created_at"] = row.created_at
        if call.version is not None and call.version >= Version(3, 55):
            body["no_snapshots"] = row.no_snapshots
        if call.version is not None and call.version >= WITH_PROJECTS:
            body["source_project_id"] = row.project_id
            body["destination_project_id"] = None
            body["accepted"] = False
        return body

    def _found(self, call: Call, tx: Tx) -> TransferRow:
        row = self._transfers.get(tx, call.path["transfer_id"], call.principal)
        call.allow({"project_id": row.project_id})
        return row

    def _list(self, call: Call, tx: Tx, *, detail: bool) -> Any:
        where = own_or_all(call)
        for name in ("name", "volume_id", "id"):
            if call.query.get(name) is not None:
                where[name] = call.query.get(name)
        page = page_of(
            call,
            tx,
            self._transfers.listing,
            where,
            find_marker=lambda id: self._transfers.get(tx, id, call.principal),
            offset=offset_of(call),
        )
        found = [self._body(call, row, detail=detail) for row in page.rows]
        return {"transfers": found, **page_links(call, page, "transfers_links")}

    def index(self, call: Call, tx: Tx) -> Any:
        return self._list(call, tx, detail=False)

    def detail(self, call: Call, tx: Tx) -> Any:
        return self._list(call, tx, detail=True)

    def create(self, call: Call, tx: Tx) -> Any:
        wish = call.body.transfer
        volume = self._volumes.get(tx, wish.volume_id, call.principal)
        call.allow({"project_id": volume.project_id, "user_id": volume.user_id})
        row, key = self._transfers.create(
            tx,
            volume,
            wish.name,
            call.principal,
            no_snapshots=as_bool(wish.no_snapshots, "no_snapshots"),
        )
        body = self._body(call, row, detail=True)
        return {"transfer": {**body, "auth_key": key}}

    def show(self, call: Call, tx: Tx) -> Any:
        return {"transfer": self._body(call, self._found(call, tx), detail=True)}

    def delete(self, call: Call, tx: Tx) -> None:
        self._transfers.delete(tx, self._found(call, tx), call.principal)

    def accept(self, call: Call, tx: Tx) -> Any:
        transfer, key = call.path["transfer_id"], call.body.accept.auth_key
        row = self._transfers.accept(tx, transfer, key, call.principal)
        return {"transfer": self._body(call, row, detail=False)}
