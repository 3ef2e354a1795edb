"""Messages on the wire: block storage API 3.3, in pages and filtered since 3.5."""

from typing import Any

from cumulo.block_storage.api.filters import FILTERS
from cumulo.block_storage.api.lists import filtered, links, offset_of, own_or_all, page_links
from cumulo.block_storage.model.message import MessageRow
from cumulo.block_storage.service.block_storage import BlockStorageService
from cumulo.core.db.transaction import Tx
from cumulo.core.http.operations import Call, Operation
from cumulo.core.http.paging import page_of


class MessagesApi:
    def __init__(self, storage: BlockStorageService) -> None:
        self._messages = storage.messages

    def operations(self) -> list[Operation]:
        one = "/messages/{message_id}"
        at: dict[str, Any] = {"since": "3.3"}
        late: dict[str, Any] = {"early": False, **at}
        return [
            Operation("GET", "/messages", self.index, policy="message:get_all", **at),
            Operation("GET", one, self.show, policy="message:get", **late),
            Operation("DELETE", one, self.delete, policy="message:delete", status=204, **late),
        ]

    def _body(self, call: Call, row: MessageRow) -> dict[str, Any]:
        return {
            "id": row.id,
            "event_id": row.event_id,
            "user_message": row.text,
            "message_level": row.level,
            "resource_type": row.resource_type,
            "resource_uuid": row.resource_id,
            "request_id": row.request_id,
            "created_at": row.created_at,
            "guaranteed_until": row.expires_at,
            "links": links(call, "messages", row.id),
        }

    def _found(self, call: Call, tx: Tx) -> MessageRow:
        row = self._messages.get(tx, call.path["message_id"], call.principal)
        call.allow({"project_id": row.project_id})
        return row

    def index(self, call: Call, tx: Tx) -> Any:
        page = page_of(
            call,
            tx,
            self._messages.listing,
            {**own_or_all(call), **filtered(call, FILTERS["message"])},
            find_marker=lambda id: self._messages.get(tx, id, call.principal),
            offset=offset_of(call),
        )
        found = [self._body(call, row) for row in page.rows]
        return {"messages": found, **page_links(call, page, "messages_links")}

    def show(self, call: Call, tx: Tx) -> Any:
        return {"message": self._body(call, self._found(call, tx))}

    def delete(self, call: Call, tx: Tx) -> None:
        self._messages.delete(tx, self._found(call, tx))
