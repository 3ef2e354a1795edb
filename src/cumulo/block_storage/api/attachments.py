"""Attachments on the wire: block storage API 3.27 and newer."""

from typing import Annotated, Any

from cumulo.block_storage.api.lists import offset_of, own_or_all, page_links
from cumulo.block_storage.model.attachment import AttachmentRow
from cumulo.block_storage.model.volume import VolumeRow
from cumulo.block_storage.service.block_storage import BlockStorageService
from cumulo.core.db.transaction import Tx
from cumulo.core.faults import BadRequest
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import page_of
from cumulo.core.wire.coercions import Uuid
from cumulo.core.wire.shapes import Since, StrictBody


class NewAttachment(StrictBody):
    volume_uuid: Uuid
    instance_uuid: Uuid | None = None
    connector: dict[str, Any] | None = None
    mode: Annotated[str, Since("3.54")] = "rw"


class CreateAttachment(StrictBody):
    attachment: NewAttachment


class Connector(StrictBody):
    connector: dict[str, Any]


class UpdateAttachment(StrictBody):
    attachment: Connector


def summary(row: AttachmentRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "status": row.state,
        "instance": row.server_id,
        "volume_id": row.volume_id,
    }


class AttachmentsApi:
    def __init__(self, storage: BlockStorageService) -> None:
        self._storage = storage

    def operations(self) -> list[Operation]:
        one = "/attachments/{attachment_id}"
        late: dict[str, Any] = {"early": False, "since": "3.27"}
        update = "volume:attachment_update"
        return [
            Operation("GET", "/attachments", self.index, since="3.27"),
            Operation("GET", "/attachments/detail", self.list_detail, since="3.27"),
            Operation(
                "POST",
                "/attachments",
                self.create,
                policy="volume:attachment_create",
                body=CreateAttachment,
                **late,
            ),
            Operation("GET", one, self.show, since="3.27"),
            Operation("PUT", one, self.update, policy=update, body=UpdateAttachment, **late),
            Operation("DELETE", one, self.delete, policy="volume:attachment_delete", **late),
            Operation(
                "POST",
                f"{one}/action",
                self.complete,
                policy="volume:attachment_complete",
                action="os-complete",
                early=False,
                since="3.44",
                status=204,
            ),
        ]

    def detail(self, row: AttachmentRow, volume: VolumeRow | None) -> dict[str, Any]:
        info: dict[str, Any] = {}
        if volume is not None and volume.connection is not None and row.connector is not None:
            info = {
                **volume.connection,
                "driver_volume_type": "local",
                "attachment_id": row.id,
                "volume_id": row.volume_id,
                "access_mode": row.mode,
            }
        return {
            **summary(row),
            "attached_at": row.attached_at or "",
            "detached_at": "",
            "attach_mode": row.mode,
            "connection_info": info,
        }

    def _page(self, call: Call, tx: Tx) -> Any:
        where = own_or_all(call)
        for name in ("volume_id", "instance_id", "status"):
            value = call.query.get(name)
            if value is not None:
                where[name] = value
        return page_of(
            call,
            tx,
            self._storage.listing,
            where,
            find_marker=lambda id: self._storage.get(tx, id, call.principal),
            offset=offset_of(call),
        )

    def index(self, call: Call, tx: Tx) -> Any:
        page = self._page(call, tx)
        items = [summary(row) for row in page.rows]
        return {"attachments": items, **page_links(call, page, "attachments_links")}

    def list_detail(self, call: Call, tx: Tx) -> Any:
        page = self._page(call, tx)
        ids = {"ids": sorted({row.volume_id for row in page.rows})}
        volumes = {}
        if page.rows:
            volumes = {v.id: v for v in self._storage.volumes.listing.page(tx, where=ids)}
        items = [self.detail(row, volumes.get(row.volume_id)) for row in page.rows]
        return {"attachments": items, **page_links(call, page, "attachments_links")}

    def create(self, call: Call, tx: Tx) -> Any:
        wish = call.body.attachment
        volume = self._storage.volumes.get(tx, wish.volume_uuid, call.principal)
        call.allow({"project_id": volume.project_id})
        if wish.mode not in ("rw", "ro"):
            raise BadRequest(f"Invalid mode: {wish.mode:.100}. It must be 'rw' or 'ro'.")
        row = self._storage.reserve(tx, volume, wish.instance_uuid, wish.connector, wish.mode)
        return {"attachment": self.detail(row, volume)}

    def _found(self, call: Call, tx: Tx, *, check: bool = True) -> AttachmentRow:
        row = self._storage.get(tx, call.path["attachment_id"], call.principal)
        if check:
            call.allow({"project_id": row.project_id})
        return row

    def show(self, call: Call, tx: Tx) -> Any:
        row = self._found(call, tx, check=False)
        return {"attachment": self.detail(row, tx.get(VolumeRow, row.volume_id))}

    def update(self, call: Call, tx: Tx) -> Any:
        row = self._found(call, tx)
        if row.by_compute:
            raise BadRequest("Invalid volume: compute itself connects this attachment.")
        row = self._storage.connect(tx, row, call.body.attachment.connector)
        return {"attachment": self.detail(row, tx.get(VolumeRow, row.volume_id))}

    def delete(self, call: Call, tx: Tx) -> Any:
        row = self._found(call, tx)
        self._storage.release(tx, row)
        left = self._storage.volumes.attachments_of(tx, [row.volume_id]).get(row.volume_id, [])
        return {"attachments": [summary(each) for each in left]}

    def complete(self, call: Call, tx: Tx) -> None:
        self._storage.complete(tx, self._found(call, tx))
